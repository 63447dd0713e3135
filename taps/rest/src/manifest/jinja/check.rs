//! Looks at a template before it is compiled: for filters, tests and methods that there are not, and for `moment - duration(...)`,
//! which becomes a filter, since Jinja's minus is for numbers only.

use super::{filters, functions};

/// The template as it is compiled.
pub(super) fn rewrite(source: &str) -> Result<String, String> {
    let mut made = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = ["{{", "{%", "{#"].iter().filter_map(|open| rest.find(open)).min() {
        made.push_str(&rest[..at]);
        let open = &rest[at..at + 2];
        let close = match open {
            "{{" => "}}",
            "{%" => "%}",
            _ => "#}",
        };
        let inner = &rest[at + 2..];
        let end = if open == "{#" {
            inner.find(close)
        } else {
            end_of(inner, close)
        };
        let end = end.ok_or_else(|| format!("{}: not closed", melisma_sdk::show(source)))?;
        if open != "{#" {
            made.push_str(open);
            made.push_str(&expression(&inner[..end])?);
            made.push_str(close);
        }
        rest = &inner[end + 2..];
    }
    made.push_str(rest);
    Ok(made)
}

/// Where an expression ends: not within quotes, nor within an object's own braces.
fn end_of(inner: &str, close: &str) -> Option<usize> {
    let mut quote = None;
    let mut depth = 0_usize;
    let mut letters = inner.char_indices();
    while let Some((at, letter)) = letters.next() {
        match (quote, letter) {
            (Some(_), '\\') => {
                letters.next();
            }
            (Some(open), letter) if open == letter => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(letter),
            _ if depth == 0 && inner[at..].starts_with(close) => return Some(at),
            (None, '{') => depth += 1,
            (None, '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// One expression or statement.
fn expression(inner: &str) -> Result<String, String> {
    let mut made = String::with_capacity(inner.len());
    let mut tokens = Tokens { rest: inner };
    let mut before = Token::Other("");
    let mut earlier = Token::Other("");
    while let Some(token) = tokens.next() {
        let followed_by_call = tokens.rest.trim_start().starts_with('(');
        match (&before, &token) {
            (Token::Other("|"), Token::Name(name)) if !filters::is_one(name) => {
                return Err(format!("there is no filter {name}"));
            }
            (Token::Other("."), Token::Name(name)) if followed_by_call && !functions::is_method(name) => {
                return Err(format!("there is no method {name}"));
            }
            (Token::Name("is"), Token::Name(name)) if *name != "not" && !functions::is_test(name) => {
                return Err(format!("there is no test {name}"));
            }
            (Token::Name("not"), Token::Name(name))
                if earlier == Token::Name("is") && !functions::is_test(name) =>
            {
                return Err(format!("there is no test {name}"));
            }
            (Token::Other(sign @ ("-" | "+")), Token::Name("duration")) if followed_by_call => {
                // The sign is the last letter that is no space.
                let kept = made.trim_end().len() - 1;
                made.truncate(kept);
                made.push_str(if *sign == "-" { "|__minus" } else { "|__plus" });
                (earlier, before) = (before, token);
                continue;
            }
            _ => {}
        }
        made.push_str(token.text());
        if !matches!(token, Token::Space(_)) {
            (earlier, before) = (before, token);
        }
    }
    Ok(made)
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Token<'t> {
    Name(&'t str),
    Space(&'t str),
    /// One letter, or a text in quotes.
    Other(&'t str),
}

impl<'t> Token<'t> {
    fn text(&self) -> &'t str {
        match self {
            Self::Name(text) | Self::Space(text) | Self::Other(text) => text,
        }
    }
}

struct Tokens<'t> {
    rest: &'t str,
}

impl<'t> Tokens<'t> {
    fn next(&mut self) -> Option<Token<'t>> {
        let first = self.rest.chars().next()?;
        let length =
            |fits: fn(char) -> bool| self.rest.find(|letter| !fits(letter)).unwrap_or(self.rest.len());
        let is_name = |letter: char| letter.is_alphanumeric() || letter == '_';
        let (length, make): (usize, fn(&'t str) -> Token<'t>) = match first {
            '\'' | '"' => (self.quoted(first), Token::Other),
            letter if letter.is_whitespace() => (length(char::is_whitespace), Token::Space),
            letter if letter.is_alphabetic() || letter == '_' => (length(is_name), Token::Name),
            // A number, with the names of its exponent.
            letter if letter.is_ascii_digit() => (length(is_name), Token::Other),
            letter => (letter.len_utf8(), Token::Other),
        };
        let (token, rest) = self.rest.split_at(length);
        self.rest = rest;
        Some(make(token))
    }

    fn quoted(&self, quote: char) -> usize {
        let mut letters = self.rest.char_indices().skip(1);
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' => {
                    letters.next();
                }
                letter if letter == quote => return at + 1,
                _ => {}
            }
        }
        self.rest.len()
    }
}

#[cfg(test)]
mod tests {
    use super::rewrite;

    #[test]
    fn durations_are_taken_off_by_a_filter() {
        let made = rewrite("{{ (now_utc() - duration('P1D')).strftime('%Y - duration(') }}").expect("valid");
        assert_eq!(
            made,
            "{{ (now_utc() |__minus('P1D')).strftime('%Y - duration(') }}"
        );
        let made =
            rewrite("a {{ x +duration(config['y']) }} b {# {{ #} {% if a %}-{% endif %}").expect("valid");
        assert_eq!(made, "a {{ x |__plus(config['y']) }} b  {% if a %}-{% endif %}");
    }

    #[test]
    fn what_there_is_not_is_refused() {
        for (source, why) in [
            ("{{ a | frobnicate }}", "filter frobnicate"),
            ("{{ a.frobnicate(1) }}", "method frobnicate"),
            ("{{ a is frobnicated }}", "test frobnicated"),
            ("{{ a is not frobnicated }}", "test frobnicated"),
            ("{{ a", "not closed"),
        ] {
            let error = rewrite(source).expect_err(source);
            assert!(error.contains(why), "{source}: {error}");
        }
        for source in [
            "{{ {'a': {'b': 1}}['a'] }}",
            "{{ '| frob' | lower }}",
            "{{ a.frobnicate }}",
            "{{ 1.5 }}",
        ] {
            assert!(rewrite(source).is_ok(), "{source}");
        }
    }
}
