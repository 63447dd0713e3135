//! Quotes SQL identifiers and literals.

/// A name as an SQL identifier, always in quotes: `ord"ers` is `"ord""ers"`.
///
/// The caller has checked that the name has no NUL, which no identifier can have.
pub fn identifier(name: &str) -> String {
    quoted('"', name)
}

/// A text as an SQL literal: `it's` is `'it''s'`. Backslashes stand for themselves
/// (`standard_conforming_strings` is on since PostgreSQL 9.1, and every session of ours sets it).
pub fn literal(text: &str) -> String {
    quoted('\'', text)
}

fn quoted(quote: char, text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push(quote);
    for c in text.chars() {
        if c == quote {
            quoted.push(quote);
        }
        quoted.push(c);
    }
    quoted.push(quote);
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_doubled_and_nothing_else_is_touched() {
        assert_eq!(identifier("Order"), "\"Order\"");
        assert_eq!(identifier("a\"; drop table t; --"), "\"a\"\"; drop table t; --\"");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("\\'"), "'\\'''");
    }
}
