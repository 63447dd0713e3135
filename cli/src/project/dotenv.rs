//! `.env` files, as python-dotenv reads them.

use super::Vars;

/// The variables of a `.env` file. `${NAME}` and `${NAME:-default}` are looked up in the lines above, then in `os`, whatever
/// quotes the value is in. A key without `=` is ignored, and so is a line that is no binding.
pub(crate) fn parse(text: &str, os: &Vars) -> Vars {
    let mut vars = Vars::new();
    let mut rest = text.trim_start_matches('\u{feff}');
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return vars;
        }
        if let Some((key, value, after)) = binding(rest) {
            if let Some((key, value)) = key.zip(value) {
                let value = interpolate(&value, os, &vars);
                vars.insert(key, value);
            }
            rest = after;
        } else {
            rest = &rest[line_end(rest)..];
        }
    }
}

/// The text in pieces, one for each binding and one for each other line, and the variable that a piece sets.
pub(crate) fn pieces(text: &str) -> Vec<(Option<String>, &str)> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.trim_start().is_empty() {
        let start = rest.trim_start().trim_start_matches('\u{feff}');
        let (key, after) = match binding(start) {
            Some((key, _, after)) => (key, after),
            None => (None, &start[line_end(start)..]),
        };
        let line_break = after.len()
            - after
                .strip_prefix("\r\n")
                .or(after.strip_prefix(['\n', '\r']))
                .unwrap_or(after)
                .len();
        let length = rest.len() - after.len() + line_break;
        pieces.push((key, &rest[..length]));
        rest = &rest[length..];
    }
    if !rest.is_empty() {
        pieces.push((None, rest));
    }
    pieces
}

type Binding<'a> = (Option<String>, Option<String>, &'a str);

/// A line of a comment, a key, or `KEY=value`, and the text after it; `None` for something else.
fn binding(text: &str) -> Option<Binding<'_>> {
    let mut rest = text;
    if let Some(after) = rest
        .strip_prefix("export")
        .filter(|after| after.starts_with(blank))
    {
        rest = after.trim_start_matches(blank);
    }
    let mut key = None;
    if let Some(quoted) = rest.strip_prefix('\'') {
        let (name, after) = quoted.split_once('\'').filter(|(name, _)| !name.is_empty())?;
        (key, rest) = (Some(name.to_owned()), after);
    } else if !rest.starts_with('#') {
        let end = rest
            .find(|c: char| c == '=' || c == '#' || c.is_whitespace())
            .unwrap_or(rest.len());
        (key, rest) = (
            Some(rest[..end].to_owned()).filter(|key| !key.is_empty()),
            &rest[end..],
        );
        key.as_ref()?;
    }
    rest = rest.trim_start_matches(blank);
    let mut value = None;
    if let Some(after) = rest.strip_prefix('=') {
        let start = after.trim_start_matches(blank);
        // After a blank, a `#` begins a comment.
        let (text, after) = if start.starts_with('#') && start.len() < after.len() {
            (String::new(), start)
        } else {
            self::value(start)?
        };
        (value, rest) = (Some(text), after);
    }
    rest = rest.trim_start_matches(blank);
    if rest.starts_with('#') {
        rest = &rest[line_end(rest)..];
    }
    (rest.is_empty() || rest.starts_with(['\n', '\r'])).then_some((key, value, rest))
}

fn blank(c: char) -> bool {
    c.is_whitespace() && c != '\n' && c != '\r'
}

fn line_end(text: &str) -> usize {
    text.find(['\n', '\r']).unwrap_or(text.len())
}

/// A value with its escapes resolved, and the text after it.
fn value(text: &str) -> Option<(String, &str)> {
    if let Some(quote @ ('"' | '\'')) = text.chars().next() {
        return quoted(&text[1..], quote);
    }
    let (plain, rest) = text.split_at(line_end(text));
    let comment = plain
        .match_indices('#')
        .find(|(at, _)| plain[..*at].ends_with(char::is_whitespace))
        .map_or(plain.len(), |(at, _)| at);
    Some((plain[..comment].trim_end().to_owned(), rest))
}

/// The inside of a quoted value, and the text after the closing quote.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut inner = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => return Some((inner, &text[at + 1..])),
            '\\' => {
                let (_, escaped) = chars.next()?;
                match (quote, escaped) {
                    (_, '\\' | '\'') | ('"', '"') => inner.push(escaped),
                    ('"', 'a') => inner.push('\u{7}'),
                    ('"', 'b') => inner.push('\u{8}'),
                    ('"', 'f') => inner.push('\u{c}'),
                    ('"', 'n') => inner.push('\n'),
                    ('"', 'r') => inner.push('\r'),
                    ('"', 't') => inner.push('\t'),
                    ('"', 'v') => inner.push('\u{b}'),
                    _ => inner.extend(['\\', escaped]),
                }
            }
            c => inner.push(c),
        }
    }
    None
}

fn interpolate(value: &str, os: &Vars, file: &Vars) -> String {
    let mut out = String::new();
    let mut rest = value;
    while let Some(at) = rest.find("${") {
        out.push_str(&rest[..at]);
        let inside = &rest[at + 2..];
        let reference = inside.split_once('}').and_then(|(reference, after)| {
            let (name, default) = reference.split_once(":-").unwrap_or((reference, ""));
            (!name.contains(':')).then_some((name, default, after))
        });
        let Some((name, default, after)) = reference else {
            out.push_str("${");
            rest = inside;
            continue;
        };
        out.push_str(
            file.get(name)
                .or_else(|| os.get(name))
                .map_or(default, String::as_str),
        );
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_python_dotenv_reads() {
        let os = Vars::from([("X", "0"), ("A", "os")].map(|(key, value)| (key.to_owned(), value.to_owned())));
        let text = "# comment\nexport A=1\nB = two words  # comment\nC='single $A ${A}'\nD=\"a\\nb\nsecond\" # c\nE=${X}1\n\
                    F=${NO:-d}\nG=$A\nNOVALUE\nH=\nI=a#b\n'J'=${X:y}\nK='a' b\nL='it\\'s \\n'\nM=${A}\r\nN=${\nO= # only\nQ=#x # c\n=x\nP=\"open";
        let vars = parse(text, &os);
        let expected = [
            ("A", "1"),
            ("B", "two words"),
            ("C", "single $A 1"),
            ("D", "a\nb\nsecond"),
            ("E", "01"),
            ("F", "d"),
            ("G", "$A"),
            ("H", ""),
            ("I", "a#b"),
            ("J", "${X:y}"),
            ("L", "it's \\n"),
            ("M", "1"),
            ("N", "${"),
            ("O", ""),
            ("Q", "#x"),
        ];
        let expected: Vars = expected
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        assert_eq!(vars, expected);
    }
}
