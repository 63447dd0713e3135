//! Rows that come as lines of COPY from a server whose columns are those of the table: they are passed on.

use melisma_sdk::internal::copied::{Column, Kind};
use melisma_sdk::{Error, Result, Row, StreamSchema, show};

use super::{CopyEncoder, Layout};
use crate::copy::form::Form;
use crate::copy::moment::Moment;

/// How the fields of such a row become a line.
#[derive(Debug)]
pub(crate) struct PassedOn {
    fields: usize,
    /// For each column its field, where the two have another order.
    pub(super) order: Option<Box<[usize]>>,
}

impl PassedOn {
    /// `None` when the rows have to be looked at: other columns, a column of another type, keys that only the server can
    /// compare.
    pub(crate) fn of(layout: &Layout, schema: &StreamSchema, fields: &[Column]) -> Option<Self> {
        if layout.expand.is_some() || (layout.keys > 0 && !layout.exact) || fields.is_empty() {
            return None;
        }
        let (own, metadata) = layout.columns.split_at_checked(fields.len())?;
        let is_metadata = |cell: usize| {
            schema
                .columns
                .get(cell)
                .is_some_and(|column| column.metadata.is_some())
        };
        if own.iter().any(|column| is_metadata(column.cell))
            || !metadata.iter().all(|column| is_metadata(column.cell))
        {
            return None;
        }
        let mut order = Vec::with_capacity(own.len());
        for (column, name) in own.iter().zip(&layout.names) {
            let at = fields.iter().position(|field| field.name == *name)?;
            if !takes(&column.form, fields[at].kind) || (column.key && !is_key(fields[at].kind)) {
                return None;
            }
            order.push(at);
        }
        let same = order.iter().enumerate().all(|(column, field)| column == *field);
        Some(Self {
            fields: fields.len(),
            order: (!same).then(|| order.into()),
        })
    }
}

/// Whether the column reads the text of the other one's values as those values.
fn takes(form: &Form, kind: Kind) -> bool {
    match (form, kind) {
        (Form::Boolean, Kind::Bool)
        | (
            Form::Numeric,
            Kind::Numeric { .. }
            | Kind::Decimal { .. }
            | Kind::Int2
            | Kind::Int4
            | Kind::Int8,
        )
        | (Form::Real, Kind::Float4)
        | (Form::Float, Kind::Float8)
        | (Form::Json, Kind::Json)
        | (Form::Text, Kind::Text { .. })
        | (Form::Uuid, Kind::Uuid)
        | (Form::Moment(Moment::Date), Kind::Date)
        // The zone, which is UTC, means nothing to a column without one.
        | (Form::Moment(Moment::Timestamp), Kind::Timestamp | Kind::TimestampTz)
        | (Form::Moment(Moment::TimestampTz), Kind::TimestampTz) => true,
        (Form::Integer { bytes }, Kind::Int2) => *bytes >= 2,
        (Form::Integer { bytes }, Kind::Int4) => *bytes >= 4,
        (Form::Integer { bytes }, Kind::Int8) => *bytes >= 8,
        (
            Form::Decimal { precision, scale } | Form::Rounded { precision, scale },
            Kind::Numeric { limits: Some((theirs, digits)) } | Kind::Decimal { limits: Some((theirs, digits)) },
        ) => {
            let (precision, scale) = (i64::from(*precision), i64::from(*scale));
            let (theirs, digits) = (i64::from(theirs), i64::from(digits));
            scale >= digits && precision - scale >= theirs - digits
        }
        (Form::Characters { most }, Kind::Text { length: Some(length) }) => length <= *most,
        _ => false,
    }
}

/// Whether equal values of a key have equal texts, the same that values from records get.
fn is_key(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Int2 | Kind::Int4 | Kind::Int8 | Kind::Text { .. } | Kind::Uuid | Kind::Date
    )
}

impl CopyEncoder {
    /// Writes a row; `row` has the cells of the `_sdc_` columns.
    #[inline]
    pub(crate) fn push_copied(&mut self, how: &PassedOn, fields: &str, row: &Row<'_>) -> Result<()> {
        let Self {
            layout, groups, ends, ..
        } = self;
        // The group of rows with all columns.
        let group = &mut groups[0];
        let out = &mut group.lines;
        let start = out.len();
        match &how.order {
            None => out.extend_from_slice(fields.as_bytes()),
            Some(order) => write_in_order(out, fields, order, ends)?,
        }
        for column in &layout.columns[how.fields..] {
            out.push(b'\t');
            let cell = &row.cells[column.cell];
            if column.write(out, cell, layout.policy).is_err() {
                out.truncate(start);
                return Err(Error::bug("an _sdc_ column does not hold its value"));
            }
        }
        out.push(b'\n');
        let line = &out[start..];
        let mut key_end = start;
        if layout.keys > 0 {
            let ends = memchr::memchr2_iter(b'\t', b'\n', line);
            key_end += ends.take(layout.keys).last().map_or(0, |end| end + 1);
            let mut key = out[start..key_end].split(|byte| matches!(byte, b'\t' | b'\n'));
            if let Some(null) = key.position(|field| field == b"\\N") {
                out.truncate(start);
                let name = show(&layout.names[null]);
                return Err(Error::input(format!(
                    "{name}: expected a value for the key, found null"
                )));
            }
        }
        group.rows += 1;
        self.keep(0, start, key_end)
    }
}

/// Writes the fields in another order; `ends` is the memory of where each ends.
fn write_in_order(out: &mut Vec<u8>, fields: &str, order: &[usize], ends: &mut Vec<usize>) -> Result<()> {
    ends.clear();
    ends.extend(memchr::memchr_iter(b'\t', fields.as_bytes()));
    ends.push(fields.len());
    for (column, &field) in order.iter().enumerate() {
        if column > 0 {
            out.push(b'\t');
        }
        let start = match field.checked_sub(1) {
            Some(before) => ends.get(before).map(|end| end + 1),
            None => Some(0),
        };
        let text = start
            .zip(ends.get(field))
            .and_then(|(start, &end)| fields.as_bytes().get(start..end));
        let text = text.ok_or_else(|| Error::bug("a row has fewer fields than were announced"))?;
        out.extend_from_slice(text);
    }
    Ok(())
}
