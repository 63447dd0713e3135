//! INCREMENTAL: reads rows from the bookmark on, in the database's order of the replication key.
//!
//! Rows whose key is null come first, in the first run alone: no bookmark is before or after them. All comparing is the
//! database's, so that a text key follows its collation. The bookmark is the key of the last row written that is a position: after
//! NaN, an infinity or a date beyond the year 9999, no later row would be found. Of a date or moment of SQLite, which is a text,
//! the bookmark is that text, and not the form that the record has, since the database compares texts.

use melisma_sdk::internal::time::parse_date_time;
use melisma_sdk::internal::write_string;
use melisma_sdk::{Error, Output, Result, show};
use serde_json::value::RawValue;

use crate::bookmark::{self, is_text_of_sqlite};
use crate::config::ReadConfig;
use crate::fetch::{Asked, Queries};
use crate::query::Query;
use crate::table::Column;
use crate::values::{Columns, Values, first_row};

/// The number of rows after which the bookmark is set and a STATE may be sent.
const ROWS: usize = 1_000;

/// Reads what is new since the bookmark.
pub(crate) fn read(
    query: &Query<'_>,
    columns: &Columns<'_>,
    queries: &Queries<'_>,
    read: &ReadConfig,
    output: &mut Output<'_>,
) -> Result<()> {
    let mut key = Key::new(query, columns, output)?;
    let (start, start_date) = key.start(query, read.start_date.as_deref(), output)?;
    let name = key.column.clone();
    let mut left = query.limit;
    if start.is_none() && start_date.is_none() && key.nullable {
        let sql = query.ordered(&[format!("{name} IS NULL")], None, left);
        let mut count = 0;
        queries.rows(asked(&sql, query), output, |batch, output| {
            let rows = columns.of(batch, query.extra())?;
            for row in first_row(batch, query.extra())?..batch.num_rows() {
                count += 1;
                rows.write(row, output)?;
            }
            Ok(())
        })?;
        left = left.map(|left| left.saturating_sub(count));
    }
    let mut conditions: Vec<String> = start.iter().map(|start| format!("{name} >= {start}")).collect();
    conditions.extend(start_date);
    if conditions.is_empty() && key.nullable {
        conditions.push(format!("{name} IS NOT NULL"));
    }
    let sql = query.ordered(&conditions, Some(&name), left);
    queries.rows(asked(&sql, query), output, |batch, output| {
        let rows = columns.of(batch, query.extra())?;
        let keys = columns.of_key(batch, key.place, query.extra())?;
        let first = first_row(batch, query.extra())?;
        let mut from = first;
        for row in first..batch.num_rows() {
            let written = rows.write(row, output);
            let is_last = row + 1 == batch.num_rows() || written.is_err();
            if is_last || (row + 1).is_multiple_of(ROWS) {
                let to = row + usize::from(written.is_ok());
                key.seen(&keys, from..to, output)?;
                written?;
                output.checkpoint()?;
                from = to;
            }
        }
        Ok(())
    })?;
    if query.limit.is_some() && left == Some(key.rows) && key.last.is_some() && key.last == key.began {
        log::warn!(
            "stream {}: all rows that the limit allows have one {}, so the next run will read the same",
            output.stream(),
            show(&key.name)
        );
    }
    output.checkpoint()
}

fn asked<'a>(sql: &'a str, query: &'a Query<'_>) -> Asked<'a> {
    Asked {
        sql,
        doing: query.doing,
        any_order: false,
    }
}

/// The replication key, and its value in the last row.
struct Key<'t> {
    name: String,
    /// `t."updated_at"`
    column: String,
    of: &'t Column,
    nullable: bool,
    /// Where it is among the selected columns.
    place: usize,
    /// The bookmark that the run began with, as JSON.
    began: Option<String>,
    /// The last key that is a position, as JSON.
    last: Option<String>,
    rows: u64,
    warned: bool,
}

impl<'t> Key<'t> {
    fn new(query: &Query<'t>, columns: &Columns<'t>, output: &Output<'_>) -> Result<Self> {
        let name = output.replication_key().unwrap_or_default();
        let place = columns.place(name);
        let column = query.columns.iter().find(|column| column.name == name);
        let (Some(place), Some(column)) = (place, column) else {
            return Err(Error::config(format!(
                "replication key: expected a column that can be read, found {}",
                show(name)
            )));
        };
        if !column.kind.has_order() {
            return Err(Error::config(format!(
                "replication key {}: its type {} has no order to read by",
                show(name),
                show(&column.sql_type)
            )));
        }
        Ok(Self {
            name: name.to_owned(),
            column: format!("t.{}", column.quoted),
            of: column,
            // What the database says may not be true of a view.
            nullable: column.nullable || query.table.is_view,
            place,
            began: None,
            last: None,
            rows: 0,
            warned: false,
        })
    }

    /// Where to resume, in SQL: the value to compare with, and the condition of the setting `start_date`.
    fn start(
        &mut self,
        query: &Query<'_>,
        start_date: Option<&str>,
        output: &mut Output<'_>,
    ) -> Result<(Option<String>, Option<String>)> {
        let wrong = |error: Error| {
            let message = error.message();
            Error::config(format!("replication key {}: {message}", show(&self.name)))
        };
        let start_date = start_date.filter(|_| self.of.kind.is_time());
        let bookmark = output.bookmark::<Box<RawValue>>()?;
        // Where the setting is later than the bookmark, it comes in the bookmark's place.
        let bookmark = bookmark
            .filter(|bookmark| start_date.is_none_or(|date| bookmark.get().trim_matches('"') != date));
        let start = bookmark
            .as_ref()
            .map(|bookmark| bookmark::literal(query.sql, self.of, bookmark.get()))
            .transpose()
            .map_err(wrong)?;
        let date = start_date
            .map(|date| {
                let micros = parse_date_time(date).ok_or_else(|| {
                    Error::config(format!(
                        "start_date: expected a date or date-time, found {}",
                        show(date)
                    ))
                })?;
                bookmark::not_before(query.sql, self.of, &self.column, micros)
            })
            .transpose()
            .map_err(wrong)?;
        self.began = bookmark.map(|bookmark| bookmark.get().to_owned());
        Ok((start, date))
    }

    /// These rows of a batch were written: the bookmark moves to the last of them whose key is a position.
    fn seen(
        &mut self,
        keys: &Values<'_>,
        rows: std::ops::Range<usize>,
        output: &mut Output<'_>,
    ) -> Result<()> {
        self.rows += rows.len() as u64;
        let mut json = Vec::new();
        for row in rows.rev() {
            json.clear();
            match keys.text(row) {
                Ok(Some(text)) if is_text_of_sqlite(self.of) => write_string(&mut json, text),
                _ => keys.append(row, &mut json)?,
            }
            if json != b"null" {
                break;
            }
            if !self.warned {
                self.warn(output.stream());
            }
        }
        if json.is_empty() || json == b"null" {
            return Ok(());
        }
        let json = String::from_utf8_lossy(&json).into_owned();
        let value = RawValue::from_string(json.clone())
            .map_err(|error| Error::bug("a key is not JSON").with_source(error))?;
        self.last = Some(json);
        output.set_bookmark(&value)
    }

    #[cold]
    fn warn(&mut self, stream: &str) {
        self.warned = true;
        log::warn!(
            "stream {stream}: some rows have a {} that is infinite, not a number, or a date beyond the year 9999: they do not \
             move the bookmark, and those after it come again in each run",
            show(&self.name)
        );
    }
}
