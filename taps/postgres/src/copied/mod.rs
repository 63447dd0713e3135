//! Rows handed over as the server's own lines of COPY, to a target that takes them.
//!
//! A record would be made of binary values here and taken apart into the same text there. What has to be looked at is
//! little: values that the tap has a setting for (a date that is infinite or out of the years 1 to 9999) or that JSON does
//! not have (`NaN`). A row with one of them is written as a record, so both ways say the same.

mod field;
mod moment;

use melisma_postgres::{Server, Session, failed, identifier};
use melisma_sdk::internal::copied::{self, Column, Kind as CopiedKind, Order, Tabs};
use melisma_sdk::{Error, Output, Result, show};

use crate::config::Config;
use crate::copy::lines;
use crate::decode::Wrong;
use crate::discovery::Table;
use crate::drift;
use field::{Field, copied_kind};

/// The columns of a table whose rows are handed over.
#[derive(Debug)]
pub(crate) struct CopiedRows {
    /// What stands between `select` and `from`; the table is `t`.
    pub(crate) list: String,
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
        let agreed = copied::order(output).and_then(|order| Self::of(table, settings, output, order));
        let Some((rows, columns)) = agreed else {
            return Ok(None);
        };
        copied::announce(output, &columns)?;
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
        log::debug!(
            "stream {}: rows are handed over as lines of COPY",
            output.stream()
        );
        Ok(Some(rows))
    }

    /// `None` when a selected column is of a type that is not handed over, or the catalog has another schema for it than
    /// discovery has: then somebody may want other values.
    fn of(
        table: &Table,
        settings: &Config,
        output: &Output<'_>,
        order: Order,
    ) -> Option<(Self, Vec<Column>)> {
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
            let of_key = match order {
                Order::Record => None,
                Order::KeyFirst => output
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
            list.push(format!("t.{}", identifier(&column.name)));
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
        lines(client, server, query, doing, |line| {
            if self.is_plain(line) {
                copied::write(output, line)
            } else {
                self.write_record(line, output)
            }
        })
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

    #[cold]
    fn write_record(&self, line: &[u8], output: &mut Output<'_>) -> Result<()> {
        let line = std::str::from_utf8(line).map_err(|_| Error::bug("a row is not UTF-8"))?;
        let texts: Vec<&str> = line.trim_end_matches('\n').split('\t').collect();
        let mut row = output.row();
        for place in &self.places {
            let Some(place) = *place else {
                row.absent();
                continue;
            };
            let (Some(text), field) = (texts.get(place), &self.fields[place]) else {
                return Err(Error::bug("a row has too few fields"));
            };
            if *text == "\\N" {
                row.null();
                continue;
            }
            let mut written = Ok(());
            row.write(|out| written = field.write(text, out));
            if let Err(Wrong(why)) = written {
                return Err(Error::input(format!("column {}: {why}", show(&field.name))));
            }
        }
        row.end()
    }
}
