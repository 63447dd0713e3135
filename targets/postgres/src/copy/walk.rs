//! Through JSON text whose syntax has been checked, value by value.

use melisma_sdk::{Cell, Text};

/// A place in JSON text.
pub(super) struct Walk<'a> {
    json: &'a str,
    at: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn new(json: &'a str) -> Self {
        Self { json, at: 0 }
    }

    /// Moves behind the byte that [`next`](Walk::next) gave.
    pub(super) fn skip(&mut self) {
        self.at += 1;
    }

    /// The next byte that is no white space, which `at` then is the place of.
    pub(super) fn next(&mut self) -> Option<u8> {
        let bytes = self.json.as_bytes();
        while matches!(bytes.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    /// The value that begins here, of whatever type; moves behind it.
    pub(super) fn value(&mut self) -> &'a str {
        let bytes = self.json.as_bytes();
        let start = self.at;
        let mut depth = 0_usize;
        while let Some(&byte) = bytes.get(self.at) {
            match byte {
                b'"' => {
                    self.at += 1;
                    while let Some(&byte) = bytes.get(self.at) {
                        match byte {
                            b'"' => break,
                            b'\\' => self.at += 2,
                            _ => self.at += 1,
                        }
                    }
                }
                b'[' | b'{' => depth += 1,
                b']' | b'}' if depth > 0 => depth -= 1,
                b',' | b':' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t' if depth == 0 => break,
                _ => {}
            }
            self.at += 1;
        }
        self.json.get(start..self.at).unwrap_or_default()
    }
}

/// The text of a JSON string, quotes included.
pub(super) fn text_of(json: &str) -> Option<Text<'_>> {
    let raw = json.strip_prefix('"')?.strip_suffix('"')?;
    Some(Text::new(raw, raw.contains('\\')))
}

/// The cell of a JSON value.
pub(super) fn cell_of(json: &str) -> Cell<'_> {
    match json.as_bytes().first() {
        Some(b'"') => text_of(json).map_or(Cell::Null, Cell::Text),
        Some(b'{' | b'[') => Cell::Json(json),
        Some(b'n') => Cell::Null,
        Some(b't') => Cell::Bool(true),
        Some(b'f') => Cell::Bool(false),
        _ if json == "-0" => Cell::Number(json),
        _ => json.parse().map_or(Cell::Number(json), Cell::Int),
    }
}
