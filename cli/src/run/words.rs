//! A command line as words, split as a shell does it; no shell runs, so nothing in it is expanded.

use melisma_sdk::{Error, Kind, Result};

/// The words of `line`: quotes and backslashes work, `$`, `*`, `|` and the like are plain text.
pub(crate) fn split(line: &str) -> Result<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next().ok_or_else(|| unclosed(line))? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '"' => double_quoted(&mut chars, word.get_or_insert_default()).ok_or_else(|| unclosed(line))?,
            '\\' => word.get_or_insert_default().extend(chars.next()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

fn double_quoted(chars: &mut std::str::Chars<'_>, word: &mut String) -> Option<()> {
    loop {
        match chars.next()? {
            '"' => return Some(()),
            '\\' => match chars.next()? {
                c @ ('"' | '\\' | '$' | '`') => word.push(c),
                c => word.extend(['\\', c]),
            },
            c => word.push(c),
        }
    }
}

fn unclosed(line: &str) -> Error {
    Error::new(
        Kind::Usage,
        format!("a quote is not closed in: {}", melisma_sdk::show(line)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_as_a_shell_does() {
        for (line, words) in [
            ("tap-csv --config  a.json", &["tap-csv", "--config", "a.json"][..]),
            (
                r#"a 'b c' "d \"e\" \x" f\ g"#,
                &["a", "b c", r#"d "e" \x"#, "f g"],
            ),
            ("a'b'\"c\" ''", &["abc", ""]),
            ("echo $HOME *", &["echo", "$HOME", "*"]),
            ("  ", &[]),
        ] {
            assert_eq!(split(line).expect("closed"), words, "{line}");
        }
        assert!(split("a 'b").is_err() && split("a \"b").is_err());
    }
}
