//! The fields of a row.

use crate::json::scan;

/// Bytes that [`scan::string_ends`] looks at.
const BLOCK: usize = 64;

/// Takes a row apart.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    row: &'a str,
    /// Where the next one starts; after the last one, behind the end.
    at: usize,
    /// Tabs, and all else that makes a field more than its text.
    ends: Ends<'a>,
}

/// The places of quotes, backslashes and control characters, in order.
///
/// Of 64 bytes all are found at once: fields are short, and a search for each would cost more than the bytes do.
#[derive(Debug)]
struct Ends<'a> {
    bytes: &'a [u8],
    /// Where the bytes start that were not looked at.
    next: usize,
    /// One bit for each of the 64 bytes before that is still to come.
    found: u64,
}

impl Iterator for Ends<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.found == 0 {
            if self.next >= self.bytes.len() {
                return None;
            }
            self.found = scan::string_ends(self.bytes, self.next);
            self.next += BLOCK;
        }
        let at = self.next - BLOCK + self.found.trailing_zeros() as usize;
        self.found &= self.found - 1;
        Some(at)
    }
}

/// A field, as it stands in the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field<'a> {
    Null,
    /// A value that is its text, in a JSON string as well.
    Plain(&'a str),
    /// A value whose text has escapes, or characters that JSON escapes.
    Special(&'a str),
}

impl<'a> Fields<'a> {
    #[inline]
    pub(crate) fn of(row: &'a str) -> Self {
        Self {
            row,
            at: 0,
            ends: Ends {
                bytes: row.as_bytes(),
                next: 0,
                found: 0,
            },
        }
    }

    /// The next field; `None` after the last one.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<Field<'a>> {
        let bytes = self.row.as_bytes();
        let mut plain = true;
        let end = loop {
            match self.ends.next() {
                Some(at) if bytes.get(at) == Some(&b'\t') => break at,
                Some(_) => plain = false,
                None => break bytes.len(),
            }
        };
        let text = self.row.get(self.at..end)?;
        self.at = end + 1;
        Some(match text {
            text if plain => Field::Plain(text),
            "\\N" => Field::Null,
            text => Field::Special(text),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn fields_are_what_stands_between_tabs(fields in prop::collection::vec(r#"(\\N|[a-zé"\\\\\x01]{0,40})"#, 1..9)) {
            let row = fields.join("\t");
            let mut found = Fields::of(&row);
            for field in &fields {
                let expected = match field.as_str() {
                    "\\N" => Field::Null,
                    text if text.contains(['"', '\\', '\u{1}']) => Field::Special(text),
                    text => Field::Plain(text),
                };
                prop_assert_eq!(found.next(), Some(expected));
            }
            prop_assert_eq!(found.next(), None);
        }
    }
}
