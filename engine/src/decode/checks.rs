//! The checks that a decoded record must pass: required properties, types and validation keywords.

use std::collections::HashSet;
use std::sync::Arc;

use crate::cell::{Cell, Row};
use crate::decimal::Decimal;
use crate::error::{Error, Result, show};
use crate::json::skip;
use crate::schema::types::Types;
use crate::schema::{DataType, StreamSchema};
use crate::validate::rest::Rest;
use crate::validate::{Node, Violations};

/// The checks of a stream's records, and what they found in the last one.
#[derive(Debug)]
pub(super) struct Checks {
    schema: Arc<StreamSchema>,
    /// By column: what values of other types than the unchecked ones are checked for.
    columns: Vec<Check>,
    /// Columns that a record must have.
    required: Vec<usize>,
    /// Checks on the record as a whole.
    rest: Option<Rest>,
    /// Whether a property outside the schema is a violation.
    pub(super) closed: bool,
    pub(super) violations: Violations,
}

/// What a column asks of its values.
#[derive(Debug)]
struct Check {
    /// An integer spelled `1.0` becomes 1.
    integer: bool,
    node: Option<Node>,
}

impl Checks {
    /// Those of a schema, and the types of each column that need no look at the value.
    pub(super) fn new(schema: &Arc<StreamSchema>, validate: bool) -> Result<(Self, Vec<Types>)> {
        let mut unchecked = Vec::with_capacity(schema.columns.len());
        let mut columns = Vec::with_capacity(schema.columns.len());
        for column in &schema.columns {
            let integer = matches!(column.data_type, DataType::Integer { .. });
            let node = if validate && column.metadata.is_none() {
                let node = Node::compile(&column.schema).map_err(|error| {
                    Error::input(format!("{}: {error}", show(&column.name))).in_stream(&schema.stream)
                })?;
                Some(node)
            } else {
                None
            };
            unchecked.push(match &node {
                Some(node) => node.unchecked,
                None if integer => Types::ANY.without(Types::FRACTION),
                None => Types::ANY,
            });
            columns.push(Check { integer, node });
        }
        let key: HashSet<usize> = schema.key.iter().copied().collect();
        let is_required = |at: &usize| key.contains(at) || validate && schema.columns[*at].required;
        let checks = Self {
            columns,
            required: (0..schema.columns.len()).filter(is_required).collect(),
            rest: if validate {
                Rest::of_record(&schema.schema)?
            } else {
                None
            },
            closed: schema.closed && validate,
            violations: Violations::default(),
            schema: Arc::clone(schema),
        };
        Ok((checks, unchecked))
    }

    /// Checks a value of a record, and brings integers in another spelling into their own.
    #[inline(never)]
    pub(super) fn value<'a>(
        &mut self,
        column: usize,
        row: &mut Row<'a>,
        (text, at, end): (&'a str, usize, usize),
    ) {
        let check = &self.columns[column];
        let cell = &mut row.cells[column];
        if let Some(node) = &check.node {
            let at = skip::space(text.as_bytes(), at);
            let json = text.get(at..end).unwrap_or_default();
            let name = &self.schema.columns[column].name;
            self.violations
                .of_column(column, name, |violations| node.check(cell, json, at, violations));
        }
        if let Cell::Number(digits) = *cell
            && check.integer
            && let Some(value) = Decimal::parse(digits).and_then(Decimal::to_i64)
        {
            *cell = Cell::Int(value);
        }
    }

    /// Whether a record without this column is a violation.
    pub(super) fn requires(&self, column: usize) -> bool {
        self.required.contains(&column)
    }

    /// Whether each record is checked as a whole.
    pub(super) fn look_at_records(&self) -> bool {
        self.rest.is_some()
    }

    /// Checks a record, which starts at `start`, as a whole.
    #[inline]
    pub(super) fn record(&mut self, record: &str, start: usize) {
        if let Some(rest) = &self.rest {
            rest.check(record, start, &mut self.violations);
        }
    }

    /// Checks a record that does not have all columns.
    #[inline(never)]
    pub(super) fn missing(&mut self, start: usize, row: &Row<'_>) {
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
}
