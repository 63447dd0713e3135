//! `.env` files, in the syntax of python-dotenv.

use std::collections::BTreeMap;

use super::Vars;

/// The variables of a `.env` file. `${NAME}` and `${NAME:-default}` are looked up in `os`, then in the lines above.
pub(crate) fn parse(text: &str, os: &Vars) -> Vars {
    let mut vars = BTreeMap::new();
    let mut rest = text.trim_start_matches('\u{feff}');
    while !rest.is_empty() {
        let (binding, after) = binding(rest);
        rest = after;
        if let Some((key, value, literal)) = binding {
            let value = if literal {
                value
            } else {
                interpolate(&value, os, &vars)
            };
            vars.insert(key, value);
        }
    }
    vars
}

/// One `KEY=value`, and whether the value is literal because it is in single quotes. A key without `=` is ignored.
fn binding(text: &str) -> (Option<(String, String, bool)>, &str) {
    let (line, after_line) = text.split_once('\n').unwrap_or((text, ""));
    let trimmed = line.trim_start();
    let trimmed = trimmed
        .strip_prefix("export")
        .filter(|rest| rest.starts_with([' ', '\t']))
        .unwrap_or(trimmed);
    let Some((key, _)) = trimmed.split_once('=').filter(|_| !trimmed.starts_with('#')) else {
        return (None, after_line);
    };
    let key = key.trim().trim_matches('\'').to_owned();
    let value_at = line.find('=').map_or(line.len(), |at| at + 1);
    let value = text[value_at..].trim_start_matches([' ', '\t']);
    if let Some(quote @ ('"' | '\'')) = value.chars().next() {
        return match quoted(&value[1..], quote) {
            Some((inner, rest)) => {
                let rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
                (Some((key, inner, quote == '\'')), rest)
            }
            None => (None, after_line),
        };
    }
    let plain = value.split('\n').next().unwrap_or_default();
    let plain = match plain.find(" #").or_else(|| plain.find("\t#")) {
        Some(comment) => &plain[..comment],
        None if plain.starts_with('#') => "",
        None => plain,
    };
    (Some((key, plain.trim_end().to_owned(), false)), after_line)
}

/// The inside of a quoted value with its escapes resolved, and the text after the closing quote.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut inner = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => return Some((inner, &text[at + 1..])),
            '\\' => match chars.next()?.1 {
                'n' if quote == '"' => inner.push('\n'),
                't' if quote == '"' => inner.push('\t'),
                'r' if quote == '"' => inner.push('\r'),
                c @ ('\\' | '\'' | '"') if c == quote || c == '\\' || quote == '"' => inner.push(c),
                c => inner.extend(['\\', c]),
            },
            c => inner.push(c),
        }
    }
    None
}

fn interpolate(value: &str, os: &Vars, file: &Vars) -> String {
    let mut out = String::new();
    let mut rest = value;
    while let Some(at) = rest.find("${") {
        let Some(end) = rest[at..].find('}').map(|end| at + end) else {
            break;
        };
        out.push_str(&rest[..at]);
        let (name, default) = rest[at + 2..end]
            .split_once(":-")
            .unwrap_or((&rest[at + 2..end], ""));
        out.push_str(
            os.get(name)
                .or_else(|| file.get(name))
                .map_or(default, String::as_str),
        );
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_python_dotenv_reads() {
        let os = Vars::from([("X".to_owned(), "0".to_owned())]);
        let text = "# comment\nexport A=1\nB = two words  # comment\nC='single $A ${A}'\nD=\"a\\nb\nsecond\"\nE=${X}1\n\
                    F=${NO:-d}\nG=$A\nNOVALUE\nH=\nI=a#b\n";
        let vars = parse(text, &os);
        let get = |key: &str| vars.get(key).map(String::as_str);
        assert_eq!(get("A"), Some("1"));
        assert_eq!(get("B"), Some("two words"));
        assert_eq!(get("C"), Some("single $A ${A}"));
        assert_eq!(get("D"), Some("a\nb\nsecond"));
        assert_eq!(
            (get("E"), get("F"), get("G")),
            (Some("01"), Some("d"), Some("$A"))
        );
        assert_eq!(
            (get("NOVALUE"), get("H"), get("I")),
            (None, Some(""), Some("a#b"))
        );
    }
}
