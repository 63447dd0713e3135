//! The fields of a row.

use crate::json::scan;

/// Takes a row apart.
///
/// Of 64 bytes all tabs are found at once: fields are short, and a search for each would cost more than its bytes do.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    row: &'a str,
    /// Where the next field starts; after the last one, behind the end.
    at: usize,
    tabs: Tabs<'a>,
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
            tabs: Tabs::of(row.as_bytes()),
        }
    }

    /// The next field; `None` after the last one.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a call would take as long")]
    pub(crate) fn next(&mut self) -> Option<Field<'a>> {
        let (end, plain) = self.tabs.next_with(self.row.len());
        let text = self.row.get(self.at..end)?;
        self.at = end + 1;
        Some(match text {
            text if plain => Field::Plain(text),
            "\\N" => Field::Null,
            text => Field::Special(text),
        })
    }
}

/// The places of the tabs of a row, in order.
#[derive(Clone, Debug)]
pub struct Tabs<'a> {
    bytes: &'a [u8],
    /// Where the bytes start that were not looked at.
    next: usize,
    /// One bit for each of the 64 bytes before that is a tab, or something else that JSON escapes, and still to come.
    tabs: u64,
    others: u64,
}

impl<'a> Tabs<'a> {
    /// Those of this row.
    #[inline]
    pub fn of(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            next: 0,
            tabs: 0,
            others: 0,
        }
    }

    /// The next one, or `end` after the last; and whether nothing before it is escaped in JSON.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as above")]
    fn next_with(&mut self, end: usize) -> (usize, bool) {
        let mut plain = true;
        if self.tabs == 0 {
            plain = self.look_on();
            if self.tabs == 0 {
                return (end, plain);
            }
        }
        let tab = self.tabs & self.tabs.wrapping_neg();
        plain &= self.others & (tab - 1) == 0;
        self.others &= !(tab - 1);
        self.tabs ^= tab;
        (self.next - scan::BLOCK + tab.trailing_zeros() as usize, plain)
    }
}

impl Tabs<'_> {
    /// Looks for the next 64 bytes with a tab. Returns whether nothing before them is escaped in JSON.
    #[inline(never)]
    fn look_on(&mut self) -> bool {
        let mut plain = true;
        while self.tabs == 0 {
            plain &= self.others == 0;
            self.others = 0;
            if self.next >= self.bytes.len() {
                break;
            }
            (self.tabs, self.others) = scan::tabs_and_others(self.bytes, self.next);
            self.next += scan::BLOCK;
        }
        plain
    }
}

impl Iterator for Tabs<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        let (at, _) = self.next_with(usize::MAX);
        (at != usize::MAX).then_some(at)
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
