//! The JSON decoder: from the bytes of a record to a row of borrowed cells, in one pass.
//!
//! Records of a stream look alike. The decoder remembers the order in which the keys came, with their quotes, colon
//! and spacing, and compares the next bytes with the key that followed last time: a hit tells the column without
//! parsing or hashing. A miss is looked up by a hash of its bytes, then by its name, so any order, white space and
//! escape is right, only slower.
//!
//! A member whose key and value are short is read from one window of 64 bytes, so one check of bounds does for all of
//! it. Everything else (the last members of a line, long values, a new key) takes the slow path.
//!
//! Where a row ends in Arrow columns, most records need none; see [`Decoder::decode_into`].

mod checks;
mod fast_path;
mod key;
mod keys;
mod short;
mod step;
mod undeclared;
mod value;
mod window;
mod write_value;

use std::sync::Arc;

use crate::cell::{Cell, Row, Taken, Text};
use crate::error::{Result, show};
use crate::json::{Syntax, skip};
use crate::schema::{Metadata, StreamSchema};
use crate::validate::Violation;
use checks::Checks;
use fast_path::FastPath;
pub(crate) use key::Key;
use keys::{KEPT, Keys};
pub(crate) use short::{Digits, long_string_end};
pub use undeclared::Undeclared;
pub(crate) use window::Window;
use window::window;
pub(crate) use write_value::WriteValue;

/// How a [`Decoder`] reads.
#[derive(Clone, Copy, Debug, Default)]
pub struct DecodeOptions {
    /// Check every record against its schema (`validate_records`). Key properties are asked for in any case.
    pub validate: bool,
    /// Unescape strings in the pass that checks them, for [`Row::text`]. For whoever does not want every text it is work
    /// for nothing.
    pub unescape: bool,
    /// Of a record that can be passed on as it came ([`Row::untouched`]) only that is wanted: such rows may have no cells.
    /// Rows with `_sdc_` columns have theirs in any case.
    pub record_only: bool,
    /// What becomes of properties that the schema does not declare.
    pub undeclared: Undeclared,
}

/// Decodes the records of one stream under one schema.
/// ```
/// use std::sync::Arc;
///
/// use melisma_engine::cell::{Cell, Row, Text};
/// use melisma_engine::decode::{DecodeOptions, Decoder};
/// use melisma_engine::schema::StreamSchema;
///
/// let schema = r#"{"properties": {"id": {"type": "integer"}, "price": {"type": "number"}, "name": {"type": "string"}}}"#;
/// let schema = Arc::new(StreamSchema::compile("orders", schema, &["id"], &[])?);
/// let options = DecodeOptions { validate: true, ..DecodeOptions::default() };
/// let mut decoder = Decoder::new(&schema, options)?;
///
/// // Cells borrow from the text, in the order of the schema; numbers keep their digits.
/// let text = r#"{"name": "tea", "id": 7, "price": 1.70}"#;
/// let mut row = Row::default();
/// let end = decoder.decode(text, 0, &mut row).expect("JSON");
/// assert_eq!(end, text.len());
/// assert_eq!(row.cells, [Cell::Int(7), Cell::Number("1.70"), Cell::Text(Text::plain("tea"))]);
///
/// // A record that breaks its schema is decoded, too; the violations say how.
/// let mut row = row.recycle();
/// decoder.decode(r#"{"id": 8, "price": "cheap"}"#, 0, &mut row).expect("JSON");
/// assert_eq!(row.cells[2], Cell::Absent);
/// assert_eq!(decoder.violations().len(), 1);
/// # Ok::<(), melisma_engine::Error>(())
/// ```
#[derive(Debug)]
pub struct Decoder {
    schema: Arc<StreamSchema>,
    /// How many there are.
    columns: usize,
    checks: Checks,
    keys: Keys,
    /// How many spaces stand between a comma and the next key, 0 or 1, and the last byte before that key.
    gap: usize,
    before_key: u8,
    unescape: bool,
    record_only: bool,
    undeclared: Undeclared,
    unknown: Vec<String>,
    fast_path: FastPath,
}

/// The values of the `_sdc_` columns that do not come from the record; see [`Metadata`].
#[derive(Clone, Copy, Debug)]
pub struct MetadataValues<'a> {
    /// When the record was read, RFC 3339.
    pub received_at: &'a str,
    /// When its batch was begun, RFC 3339.
    pub batched_at: &'a str,
    /// When the record was read, epoch milliseconds.
    pub sequence: i64,
    /// When the target started, epoch milliseconds.
    pub sync_started_at: i64,
}

impl Decoder {
    /// A decoder for records of this schema.
    ///
    /// # Errors
    /// A schema that cannot be compiled into checks ([`Kind::Input`](crate::Kind::Input)).
    pub fn new(schema: &Arc<StreamSchema>, options: DecodeOptions) -> Result<Self> {
        let (mut checks, unchecked) = Checks::new(schema, options.validate)?;
        checks.closed |= options.undeclared == Undeclared::Refuse;
        let undeclared = if checks.closed {
            Undeclared::Refuse
        } else {
            options.undeclared
        };
        let whole = schema.columns.iter().all(|column| column.metadata.is_none());
        Ok(Self {
            schema: Arc::clone(schema),
            columns: schema.columns.len(),
            checks,
            keys: Keys::new(schema, &unchecked, undeclared),
            gap: 0,
            before_key: b',',
            unescape: options.unescape,
            record_only: options.record_only && whole && undeclared != Undeclared::Collect,
            undeclared,
            unknown: Vec::new(),
            fast_path: FastPath::default(),
        })
    }

    /// The schema that is decoded.
    pub fn schema(&self) -> &Arc<StreamSchema> {
        &self.schema
    }

    /// Decodes the record whose object starts at `at` in `text` into `row`; returns where the object ends.
    ///
    /// A record that breaks its schema is decoded all the same; [`violations`](Self::violations) then says how.
    ///
    /// # Errors
    /// What is not JSON.
    #[inline]
    pub fn decode<'a>(&mut self, text: &'a str, at: usize, row: &mut Row<'a>) -> Result<usize, Syntax> {
        if self.record_only
            && let Some(end) = self.check_fast(text, at, row)
        {
            return Ok(end);
        }
        self.decode_row(text, at, row)
    }

    /// Decodes a record, whatever it looks like, into cells.
    fn decode_row<'a>(&mut self, text: &'a str, at: usize, row: &mut Row<'a>) -> Result<usize, Syntax> {
        self.checks.violations.clear();
        self.keys.rewind();
        row.cells.resize(self.columns, Cell::Absent);
        row.cells.fill(Cell::Absent);
        row.untouched = true;
        row.taken = Taken(false);
        row.undeclared.clear();
        row.unescaped.clear();
        let start = at;
        let mut found = 0;
        if text.as_bytes().get(at) != Some(&b'{') {
            return Err(Syntax::new(at, "a record, an object"));
        }
        let mut next = first_key(text, at + 1);
        let end = loop {
            let rest = match next {
                Next::Key(rest) => rest,
                Next::End(end) => break end,
            };
            let at = text.len() - rest.len();
            let Some(window) = window(rest) else {
                next = self.member(text, at, row, &mut found)?;
                continue;
            };
            let Some((key, length)) = self.keys.known_key(window) else {
                next = self.member(text, at, row, &mut found)?;
                continue;
            };
            let Some(slot) = row.cells.get_mut(key.column) else {
                next = self.value_outside(text, (at, at + length), key, row)?;
                continue;
            };
            let first = self.keys.are_ordered() || matches!(slot, Cell::Absent);
            found += usize::from(first);
            if !first {
                // The last of two wins.
                row.untouched = false;
                self.checks.violations.forget(key.column);
            }
            let Some((kind, value_end)) = value::short_value(window, length, rest, slot) else {
                let unescaped = self.unescape.then_some(&mut row.unescaped);
                let (kind, value_end) = value::value(text, at + length, slot, unescaped)?;
                if !key.unchecked.meets(kind) {
                    self.checks.value(key.column, row, (text, at + length, value_end));
                }
                next = self.next_key(text, value_end)?;
                continue;
            };
            if !key.unchecked.meets(kind) {
                self.checks
                    .value(key.column, row, (text, at + length, at + value_end));
            }
            // What is between members is compared, not measured: so the processor need not wait for its length.
            // The masks cut nothing off: they tell the compiler that all is inside of the window.
            let gap = self.gap & 3;
            next = if window[value_end & 63] == b',' && window[(value_end + gap) & 63] == self.before_key {
                Next::Key(&rest[value_end + gap + 1..])
            } else {
                self.next_key(text, at + value_end)?
            };
        };
        row.record = text.get(start..end).unwrap_or_default();
        if found < self.columns {
            self.checks.missing(start, row);
        }
        if row.undeclared.len() > 1 && !self.keys.are_ordered() && undeclared::keep_last(&mut row.undeclared)
        {
            row.untouched = false;
        }
        self.checks.record(row.record, start);
        Ok(end)
    }

    /// Reads the member whose key is at `at`, or white space before it, however it is spelled; returns what follows it.
    #[inline(never)]
    fn member<'a>(
        &mut self,
        text: &'a str,
        at: usize,
        row: &mut Row<'a>,
        found: &mut usize,
    ) -> Result<Next<'a>, Syntax> {
        let at = skip::space(text.as_bytes(), at);
        let (key, value_at) = self.keys.parse_key(text, at)?;
        let Some(slot) = row.cells.get_mut(key.column) else {
            return self.value_outside(text, (at, value_at), key, row);
        };
        let first = matches!(slot, Cell::Absent);
        row.untouched &= first;
        *found += usize::from(first);
        if !first {
            self.checks.violations.forget(key.column);
        }
        let unescaped = self.unescape.then_some(&mut row.unescaped);
        let (kind, end) = value::value(text, value_at, slot, unescaped)?;
        if !key.unchecked.meets(kind) {
            self.checks.value(key.column, row, (text, value_at, end));
        }
        self.next_key(text, end)
    }

    /// Skips the value at `at` of a property that the schema does not have; returns what follows it.
    #[inline(never)]
    fn value_outside<'a>(
        &mut self,
        text: &'a str,
        (key_at, at): (usize, usize),
        key: Key,
        row: &mut Row<'a>,
    ) -> Result<Next<'a>, Syntax> {
        let (_, end) = value::value(text, at, &mut Cell::Absent, None)?;
        if key.column == KEPT {
            row.undeclared.push(text.get(key_at..end).unwrap_or_default());
            row.untouched &= self.undeclared == Undeclared::Keep;
        } else {
            row.untouched = false;
        }
        if let Some(name) = self.keys.take_unknown() {
            self.unknown.push(name);
        }
        if self.checks.closed
            && let name = keys::name_at(text, key_at)
            // What was declared, and is left out of the schema since the target has such columns of its own.
            && !Metadata::is_name(&name)
        {
            self.checks.violations.add(
                key_at,
                format!(
                    "expected no property outside the schema, found \"{}\"",
                    show(&name)
                ),
            );
        }
        self.next_key(text, end)
    }

    /// What follows the value that has ended at `at`.
    #[inline]
    fn next_key<'a>(&mut self, text: &'a str, mut at: usize) -> Result<Next<'a>, Syntax> {
        let bytes = text.as_bytes();
        loop {
            match bytes.get(at) {
                Some(b',') => {
                    self.gap = usize::from(bytes.get(at + 1) == Some(&b' '));
                    self.before_key = if self.gap == 0 { b',' } else { b' ' };
                    let rest = text.get(at + self.gap + 1..).unwrap_or_default();
                    return Ok(Next::Key(rest));
                }
                Some(b'}') => return Ok(Next::End(at + 1)),
                Some(b' ' | b'\t' | b'\r' | b'\n') => at += 1,
                _ => return Err(Syntax::new(at, "',' or '}'")),
            }
        }
    }

    /// How the last record breaks its schema; empty when it does not.
    pub fn violations(&self) -> &[Violation] {
        self.checks.violations.found()
    }

    /// The properties outside the schema that came for the first time since this was last asked: for one warning
    /// each. At most a thousand names are remembered.
    pub fn take_unknown(&mut self) -> Vec<String> {
        std::mem::take(&mut self.unknown)
    }

    /// Fills in the `_sdc_` columns; a row whose record has one of them is no longer
    /// [`untouched`](Row::untouched). `row.version` and `row.time_extracted` must be set before.
    pub fn fill_metadata<'a>(&self, values: &MetadataValues<'a>, row: &mut Row<'a>) {
        let text = |text: Option<&'a str>| {
            text.map_or(Cell::Null, |raw| Cell::Text(Text::new(raw, raw.contains('\\'))))
        };
        let mut untouched = row.untouched;
        for (cell, column) in row.cells.iter_mut().zip(&self.schema.columns) {
            let Some(metadata) = column.metadata else { continue };
            // A property of the record with such a name would duplicate ours.
            let absent = matches!(cell, Cell::Absent);
            untouched &= absent;
            *cell = match metadata {
                Metadata::ExtractedAt => text(row.time_extracted),
                Metadata::ReceivedAt => text(Some(values.received_at)),
                Metadata::BatchedAt => text(Some(values.batched_at)),
                Metadata::DeletedAt if absent => Cell::Null,
                Metadata::DeletedAt => continue,
                Metadata::Sequence => Cell::Int(values.sequence),
                Metadata::TableVersion => row.version.map_or(Cell::Null, Cell::Int),
                Metadata::SyncStartedAt => Cell::Int(values.sync_started_at),
                Metadata::Undeclared => continue,
            };
        }
        row.untouched = untouched;
    }
}

/// What follows in a record.
enum Next<'a> {
    /// Another member: the text from its key on, or from white space before it.
    Key(&'a str),
    /// Nothing: the record ends here.
    End(usize),
}

/// What follows the opening brace of a record, which stands before `at`.
#[inline]
fn first_key(text: &str, at: usize) -> Next<'_> {
    let at = skip::space(text.as_bytes(), at);
    let rest = text.get(at..).unwrap_or_default();
    if rest.starts_with('}') {
        Next::End(at + 1)
    } else {
        Next::Key(rest)
    }
}

#[cfg(test)]
mod tests;
