//! From a record's bytes to a row of borrowed cells, in one pass.
//!
//! Records of a stream look alike. The decoder remembers the order in which the keys came, with their quotes, colon
//! and spacing, and compares the next bytes with the key that followed last time: a hit tells the column without
//! parsing or hashing. A miss looks a few keys ahead (a key left out), then asks a hash table, so any order, white
//! space and escape is right, only slower.

mod keys;
mod value;

use std::sync::Arc;

use crate::cell::{Cell, Row};
use crate::decimal::Decimal;
use crate::error::{Result, show};
use crate::json::{Syntax, skip};
use crate::schema::types::Types;
use crate::schema::{DataType, Metadata, StreamSchema};
use crate::validate::rest::Rest;
use crate::validate::{Node, Violation, Violations};
use keys::Keys;
use value::value;

/// How a [`Decoder`] reads.
#[derive(Clone, Copy, Debug)]
pub struct DecodeOptions {
    /// Check every record against its schema (`validate_records`). Key properties are asked for in any case.
    pub validate: bool,
}

/// Decodes the records of one stream under one schema.
#[derive(Debug)]
pub struct Decoder {
    schema: Arc<StreamSchema>,
    /// By column: the types that need no look at the value.
    unchecked: Vec<Types>,
    /// By column: what the others are checked for.
    checks: Vec<Check>,
    keys: Keys,
    /// Columns that a record must have.
    required: Vec<usize>,
    /// Checks on the record as a whole.
    rest: Option<Rest>,
    validate: bool,
    violations: Violations,
    unknown: Vec<String>,
}

/// What a column asks of its values.
#[derive(Debug)]
struct Check {
    /// An integer spelled `1.0` becomes 1.
    integer: bool,
    node: Option<Node>,
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
    /// A schema that can not be compiled into checks ([`Kind::Input`](crate::Kind::Input)).
    pub fn new(schema: &Arc<StreamSchema>, options: DecodeOptions) -> Result<Self> {
        let mut unchecked = Vec::with_capacity(schema.columns.len());
        let mut checks = Vec::with_capacity(schema.columns.len());
        for column in &schema.columns {
            let integer = matches!(column.data_type, DataType::Integer { .. });
            if options.validate && column.metadata.is_none() {
                let node = Node::compile(&column.schema).map_err(|error| error.in_stream(&schema.stream))?;
                unchecked.push(node.unchecked);
                checks.push(Check {
                    integer,
                    node: Some(node),
                });
            } else {
                unchecked.push(if integer {
                    Types::ANY.without(Types::FRACTION)
                } else {
                    Types::ANY
                });
                checks.push(Check { integer, node: None });
            }
        }
        let is_required =
            |at: &usize| schema.key.contains(at) || options.validate && schema.columns[*at].required;
        Ok(Self {
            keys: Keys::new(schema),
            required: (0..schema.columns.len()).filter(is_required).collect(),
            rest: if options.validate {
                Rest::of_record(&schema.schema)?
            } else {
                None
            },
            validate: options.validate,
            violations: Violations::default(),
            unknown: Vec::new(),
            unchecked,
            checks,
            schema: Arc::clone(schema),
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
        let bytes = text.as_bytes();
        self.violations.clear();
        row.cells.clear();
        row.cells.resize(self.unchecked.len(), Cell::Absent);
        row.untouched = true;
        let start = at;
        if bytes.get(at) != Some(&b'{') {
            return Err(Syntax::new(at, "a record, an object"));
        }
        let mut at = skip::space(bytes, at + 1);
        let mut found = 0;
        let mut closed = bytes.get(at) == Some(&b'}');
        self.keys.rewind();
        while !closed {
            let (column, start_of_value) = self.keys.next(text, at)?;
            let mut outside = Cell::Absent;
            let slot = row.cells.get_mut(column).unwrap_or(&mut outside);
            let first = matches!(slot, Cell::Absent);
            let (kind, end) = value(text, start_of_value, slot)?;
            match self.unchecked.get(column) {
                Some(unchecked) => {
                    found += usize::from(first);
                    // The last of two wins.
                    row.untouched &= first;
                    if !unchecked.meets(kind) {
                        let cell = *slot;
                        row.cells[column] = self.check(column, cell, (text, start_of_value, end));
                    }
                }
                None => self.outside(text, at, row),
            }
            at = end;
            closed = match bytes.get(at) {
                Some(b',') => false,
                Some(b'}') => true,
                _ => {
                    at = skip::space(bytes, at);
                    match bytes.get(at) {
                        Some(b',') => false,
                        Some(b'}') => true,
                        _ => return Err(Syntax::new(at, "',' or '}'")),
                    }
                }
            };
            if !closed {
                at += 1;
                if bytes.get(at) == Some(&b' ') {
                    at += 1;
                }
            }
        }
        row.record = text.get(start..=at).unwrap_or_default();
        if found < self.unchecked.len() {
            self.check_required(start, row);
        }
        if let Some(rest) = &self.rest {
            rest.check(row.record, start, &mut self.violations);
        }
        Ok(at + 1)
    }

    /// The checks of a value, and integers in another spelling.
    #[inline(never)]
    fn check<'a>(
        &mut self,
        column: usize,
        cell: Cell<'a>,
        (text, at, end): (&'a str, usize, usize),
    ) -> Cell<'a> {
        let check = &self.checks[column];
        if let Some(node) = &check.node {
            let at = skip::space(text.as_bytes(), at);
            let json = text.get(at..end).unwrap_or_default();
            let name = &self.schema.columns[column].name;
            self.violations
                .within(name, |violations| node.check(&cell, json, at, violations));
        }
        match cell {
            Cell::Number(digits) if check.integer => Decimal::parse(digits)
                .and_then(Decimal::to_i64)
                .map_or(cell, Cell::Int),
            _ => cell,
        }
    }

    #[inline(never)]
    fn check_required(&mut self, start: usize, row: &Row<'_>) {
        for &column in &self.required {
            if matches!(row.cells[column], Cell::Absent) {
                let name = &self.schema.columns[column].name;
                let what = if self.schema.key.contains(&column) {
                    "key"
                } else {
                    "required"
                };
                self.violations.within(name, |violations| {
                    violations.add(start, format!("expected the {what} property, found none"));
                });
            }
        }
    }

    /// A property that the schema does not have.
    #[inline(never)]
    fn outside(&mut self, text: &str, key_at: usize, row: &mut Row<'_>) {
        row.untouched = false;
        if let Some(name) = self.keys.take_unknown() {
            self.unknown.push(name);
        }
        if self.schema.closed && self.validate {
            let name = keys::name_at(text, key_at);
            self.violations.add(
                key_at,
                format!(
                    "expected no property outside the schema, found \"{}\"",
                    show(&name)
                ),
            );
        }
    }

    /// How the last record breaks its schema; empty when it does not.
    pub fn violations(&self) -> &[Violation] {
        self.violations.found()
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
            text.map_or(Cell::Null, |raw| {
                Cell::Text(crate::cell::Text {
                    raw,
                    escaped: raw.contains('\\'),
                })
            })
        };
        let mut untouched = row.untouched;
        for (cell, column) in row.cells.iter_mut().zip(&self.schema.columns) {
            let Some(metadata) = column.metadata else { continue };
            // What the record itself brought under such a name would stand twice beside ours.
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
            };
        }
        row.untouched = untouched;
    }
}

#[cfg(test)]
mod tests;
