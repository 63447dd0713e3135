//! INCREMENTAL: rows from the bookmark on, in the order that the database has for the replication key.
//!
//! Rows whose key is null come first, in the first run alone: no bookmark is before or after them. All comparing is
//! the server's, so that a text key follows its collation and a numeric key has no limit. The bookmark is the key of
//! the last row written, as the record has it.

use melisma_postgres::{Server, Session, identifier, literal};
use melisma_sdk::{Error, Output, Result, show};
use serde_json::value::RawValue;

use crate::copy::{Tuple, copy};
use crate::decode::Decoder;
use crate::discovery::Column;
use crate::kind::Kind;
use crate::query::Query;
use crate::settings::{InvalidDates, Values};

/// The bookmark is set, and a STATE may go out, after so many rows.
const ROWS: u64 = 1_000;

/// Reads what is new since the bookmark.
pub(crate) fn read(
    query: &Query<'_>,
    server: &Server,
    session: &mut Session,
    start_date: Option<&str>,
    output: &mut Output<'_>,
) -> Result<()> {
    let mut bookmark = Bookmark::new(query, output)?;
    let start = output.bookmark::<Box<RawValue>>()?;
    let start = start.map(|start| bookmark.literal(start.get())).transpose()?;
    let start_date = start_date
        .filter(|_| bookmark.is_time)
        .map(|date| bookmark.cast(date));
    let mut left = query.limit;
    let column = bookmark.column.clone();
    if start.is_none() && start_date.is_none() && bookmark.nullable {
        let rows = query.ordered(&[format!("{column} is null")], None, left);
        let mut count = 0;
        copy(session, server, &rows, query.doing, |tuple| {
            count += 1;
            query.columns.write(tuple, output)
        })?;
        left = left.map(|left| left.saturating_sub(count));
    }
    let mut conditions: Vec<String> = start
        .iter()
        .chain(&start_date)
        .map(|value| format!("{column} >= {value}"))
        .collect();
    if conditions.is_empty() && bookmark.nullable {
        conditions.push(format!("{column} is not null"));
    }
    let rows = query.ordered(&conditions, Some(&column), left);
    let read = copy(session, server, &rows, query.doing, |tuple| {
        query.columns.write(tuple, output)?;
        bookmark.see(tuple, output)
    });
    bookmark.store(output)?;
    read?;
    if query.limit.is_some() && left == Some(bookmark.rows) && bookmark.last_literal()? == start {
        log::warn!(
            "stream {}: all rows that the limit allows have one {}, so the next run will read the same",
            output.stream(),
            bookmark.name
        );
    }
    output.checkpoint()
}

/// The replication key, and its value in the last row.
struct Bookmark {
    name: String,
    /// `t."updated_at"`
    column: String,
    sql_type: String,
    decoder: Decoder,
    nullable: bool,
    is_time: bool,
    is_bytes: bool,
    /// Where it is among the values of a row.
    place: usize,
    /// Its last value, in binary.
    last: Vec<u8>,
    rows: u64,
}

impl Bookmark {
    fn new(query: &Query<'_>, output: &Output<'_>) -> Result<Self> {
        let name = output.replication_key().unwrap_or_default();
        let place = query.columns.place(name);
        let column = query.table.columns.iter().find(|column| column.name == name);
        let (Some(place), Some(column)) = (place, column) else {
            return Err(Error::config(format!(
                "replication key: expected a column that may be read, found {}",
                show(name)
            )));
        };
        if !has_order(&column.kind) {
            return Err(Error::config(format!(
                "replication key {}: its type {} has no order to read by",
                show(name),
                column.sql_type
            )));
        }
        Ok(Self {
            name: name.to_owned(),
            column: format!("t.{}", identifier(name)),
            sql_type: column.sql_type.clone(),
            decoder: decoder(column),
            nullable: column.nullable,
            is_time: matches!(column.kind, Kind::Date | Kind::Timestamp | Kind::TimestampTz),
            is_bytes: column.kind == Kind::Bytes,
            place,
            last: Vec::new(),
            rows: 0,
        })
    }

    /// A row was written.
    #[inline]
    fn see(&mut self, tuple: Tuple<'_>, output: &mut Output<'_>) -> Result<()> {
        self.last.clear();
        self.last
            .extend_from_slice(tuple.nth(self.place).unwrap_or_default());
        self.rows += 1;
        if self.rows.is_multiple_of(ROWS) {
            self.store(output)?;
            output.checkpoint()?;
        }
        Ok(())
    }

    /// Sets the bookmark to the last row's key, unless that has no form in JSON.
    fn store(&self, output: &mut Output<'_>) -> Result<()> {
        match self.json()? {
            Some(value) => output.set_bookmark(&value),
            None => Ok(()),
        }
    }

    fn json(&self) -> Result<Option<Box<RawValue>>> {
        if self.rows == 0 {
            return Ok(None);
        }
        let mut json = Vec::new();
        let wrong = |what: &str| Error::input(format!("replication key {}: {what}", show(&self.name)));
        self.decoder
            .write(&self.last, &mut json)
            .map_err(|error| wrong(&error.0))?;
        if json == b"null" {
            return Ok(None);
        }
        let json = String::from_utf8(json).map_err(|_| wrong("expected text"))?;
        RawValue::from_string(json)
            .map(Some)
            .map_err(|error| wrong("expected a value").with_source(error))
    }

    fn last_literal(&self) -> Result<Option<String>> {
        self.json()?.map(|json| self.literal(json.get())).transpose()
    }

    /// A bookmark in SQL: `cast('7' as bigint)`.
    fn literal(&self, json: &str) -> Result<String> {
        if !json.starts_with('"') {
            return Ok(self.cast(json));
        }
        let text: String = serde_json::from_str(json)
            .map_err(|error| Error::config("the bookmark is not JSON").with_source(error))?;
        Ok(if self.is_bytes {
            self.cast(&format!("\\x{text}"))
        } else {
            self.cast(&text)
        })
    }

    fn cast(&self, text: &str) -> String {
        format!("cast({} as {})", literal(text), self.sql_type)
    }
}

/// A decoder that gives every value the server can read again: what ISO 8601 can not say as PostgreSQL says it.
fn decoder(column: &Column) -> Decoder {
    let values = Values {
        invalid_date_handling: InvalidDates::Text,
        ..Values::default()
    };
    Decoder::of(&column.kind, &values)
}

fn has_order(kind: &Kind) -> bool {
    !matches!(kind, Kind::Json | Kind::Jsonb | Kind::Hstore | Kind::Array(..))
}
