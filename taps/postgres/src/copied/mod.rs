//! Rows handed over in the server's own forms of COPY, to a target that takes them.
//!
//! A record would be made of binary values here and taken apart into the same text or values there. What has to be looked
//! at is little: values that the tap has a setting for (a date that is infinite or out of the years 1 to 9999) or that JSON
//! does not have (`NaN`). A row with one of them is written as a record, so both ways say the same.

mod field;
mod moment;
mod value;

use melisma_postgres::{Server, Session, failed, identifier};
use melisma_sdk::internal::copied::{self, Column, Form, Kind as CopiedKind, Tabs};
use melisma_sdk::{Error, Output, Result, show};

use crate::config::Config;
use crate::copy::{Tuple, lines, measured_copy};
use crate::decode::Wrong;
use crate::discovery::Table;
use crate::drift;
use crate::kind::Kind;
use field::{Field, copied_kind};

/// The columns of a table whose rows are handed over.
#[derive(Debug)]
pub(crate) struct CopiedRows {
    /// What stands between `select` and `from`; the table is `t`.
    pub(crate) list: String,
    form: Form,
    fields: Vec<Field>,
    /// The fields that are looked at, counted from the first.
    looked_at: usize,
    /// For each property of the stream its field, when it is selected.
    places: Vec<Option<usize>>,
}

impl CopiedRows {
    /// Agrees with the target on rows of the table; `None` when they are to come as records.
    ///
    /// The session is in a transaction, whose settings are set so that values have one text.
    pub(crate) fn agree(
        table: &Table,
        settings: &Config,
        session: &mut Session,
        output: &mut Output<'_>,
    ) -> Result<Option<Self>> {
        let agreed = copied::form(output).and_then(|form| Self::of(table, settings, output, form));
        let Some((rows, columns)) = agreed else {
            return Ok(None);
        };
        copied::announce(output, &columns)?;
        let form = match rows.form {
            Form::Lines => "lines",
            Form::KeyedTuples => "tuples",
        };
        log::debug!(
            "stream {}: rows are handed over as {form} of COPY",
            output.stream()
        );
        if rows.form != Form::Lines {
            return Ok(Some(rows));
        }
        let zoned = columns
            .iter()
            .any(|column| column.kind == CopiedKind::TimestampTz);
        // Servers before PostgreSQL 12 write fewer digits than a float has.
        let zone = if zoned { "; set local timezone = 'UTC'" } else { "" };
        session
            .batch_execute(&format!(
                "set local datestyle = 'ISO, YMD'; set local extra_float_digits = 3{zone}"
            ))
            .map_err(|error| failed("cannot set how values are written", error))?;
        Ok(Some(rows))
    }

    /// `None` when a selected column is of a type that is not handed over, or the catalog has another schema for it than
    /// discovery has: then somebody may want other values.
    fn of(table: &Table, settings: &Config, output: &Output<'_>, form: Form) -> Option<(Self, Vec<Column>)> {
        let mut columns = Vec::new();
        let mut selected = Vec::new();
        for (place, (column, property)) in table.columns.iter().zip(output.columns()).enumerate() {
            if !property.selected {
                continue;
            }
            let kind = copied_kind(column, &settings.values)?;
            if property.schema != drift::own_schema(table, column, &settings.values) {
                return None;
            }
            let of_key = match form {
                Form::Lines => None,
                Form::KeyedTuples => output
                    .key_properties()
                    .iter()
                    .position(|key| **key == *column.name),
            };
            selected.push((of_key.unwrap_or(usize::MAX), place, kind));
        }
        selected.sort_by_key(|(rank, place, _)| (*rank, *place));
        let mut places = vec![None; table.columns.len()];
        let mut fields = Vec::new();
        let mut list = Vec::new();
        for (number, (_, place, kind)) in selected.into_iter().enumerate() {
            let column = &table.columns[place];
            places[place] = Some(number);
            let cast = match column.kind {
                Kind::Jsonb if form != Form::Lines => "::text",
                _ => "",
            };
            list.push(format!("t.{}{cast}", identifier(&column.name)));
            fields.push(Field::new(column, kind, &settings.values));
            columns.push(Column {
                name: column.name.as_str().into(),
                kind,
            });
        }
        let looked_at = fields
            .iter()
            .rposition(Field::is_looked_at)
            .map_or(0, |last| last + 1);
        let rows = Self {
            list: list.join(", "),
            form,
            fields,
            looked_at,
            places,
        };
        (!columns.is_empty()).then_some((rows, columns))
    }

    /// Hands over the rows of a query that selects [`list`](Self::list).
    pub(crate) fn read(
        &self,
        client: &mut Session,
        server: &Server,
        query: &str,
        doing: &str,
        output: &mut Output<'_>,
    ) -> Result<()> {
        match self.form {
            Form::Lines => lines(client, server, query, doing, |line| {
                if self.is_plain(line) {
                    copied::write(output, line)
                } else {
                    self.write_record(line, output)
                }
            }),
            Form::KeyedTuples => {
                let look = |data: &[u8], count| self.look(data, count);
                measured_copy(client, server, query, doing, &look, |tuple, is_plain| {
                    if is_plain {
                        copied::write_tuple(output, tuple.bytes())
                    } else {
                        self.write_record_of_tuple(tuple, output)
                    }
                })
            }
        }
    }

    /// Whether every value is what the target has to see.
    #[inline]
    fn is_plain(&self, line: &[u8]) -> bool {
        let mut start = 0;
        let mut tabs = Tabs::of(line);
        for field in &self.fields[..self.looked_at] {
            let end = tabs.next().unwrap_or(line.len() - 1);
            if !field.is_plain(&line[start..end]) {
                return false;
            }
            start = end + 1;
        }
        true
    }

    /// Where a tuple of this number of values ends, and whether every value is what the target has to see. `None` until the
    /// tuple is complete.
    #[inline]
    fn look(&self, data: &[u8], count: i16) -> Option<(usize, bool)> {
        let mut fields = self.fields.iter();
        let (mut at, mut is_plain) = (0, true);
        for _ in 0..count {
            let field = fields.next();
            let length = i32::from_be_bytes(*data.get(at..)?.first_chunk()?);
            at += 4;
            if let Ok(length) = usize::try_from(length) {
                let value = data.get(at..at + length)?;
                is_plain = is_plain && field.is_some_and(|field| field.is_plain_value(value));
                at += length;
            }
        }
        Some((at, is_plain && fields.next().is_none()))
    }

    #[cold]
    fn write_record_of_tuple(&self, tuple: Tuple<'_>, output: &mut Output<'_>) -> Result<()> {
        self.write_each(output, |place, out| {
            let value = tuple.nth(place)?;
            Some(self.fields[place].decoder.write(value, out))
        })
    }

    #[cold]
    fn write_record(&self, line: &[u8], output: &mut Output<'_>) -> Result<()> {
        let line = std::str::from_utf8(line).map_err(|_| Error::bug("a row is not UTF-8"))?;
        let texts: Vec<&str> = line.trim_end_matches('\n').split('\t').collect();
        if texts.len() != self.fields.len() {
            return Err(Error::bug("a row has other fields than were asked for"));
        }
        self.write_each(output, |place, out| {
            (texts[place] != "\\N").then(|| self.fields[place].write(texts[place], out))
        })
    }

    /// Writes a record; `write` appends the value of the field at a place, unless it is null.
    fn write_each(
        &self,
        output: &mut Output<'_>,
        write: impl Fn(usize, &mut Vec<u8>) -> Option<crate::decode::Result>,
    ) -> Result<()> {
        let mut row = output.row();
        for place in &self.places {
            let Some(place) = *place else {
                row.absent();
                continue;
            };
            let mut written = None;
            row.write(|out| {
                written = write(place, out);
                if written.is_none() {
                    out.extend_from_slice(b"null");
                }
            });
            if let Some(Err(Wrong(why))) = written {
                let name = show(&self.fields[place].name);
                return Err(Error::input(format!("column {name}: {why}")));
            }
        }
        row.end()
    }
}
