//! INCREMENTAL: reads rows from the bookmark on, in the database's order of the replication key.
//!
//! Rows whose key is null come first, in the first run alone: no bookmark is before or after them. All comparing is
//! the server's, so that a text key follows its collation and a numeric key has no limit. The bookmark is the key of
//! the last row written whose key is a position ([`Positions`]), as the record has it.

use melisma_postgres::{Server, Session, identifier, literal};
use melisma_sdk::{Error, Output, Result, show};
use serde_json::value::RawValue;

use crate::config::{Config, InvalidDates, Values};
use crate::copy::{Tuple, copy};
use crate::decode::Decoder;
use crate::discovery::Column;
use crate::kind::Kind;
use crate::position::Positions;
use crate::query::Query;

/// The number of rows after which the bookmark is set and a STATE may be sent.
const ROWS: u64 = 1_000;

/// Reads what is new since the bookmark.
pub(crate) fn read(
    query: &Query<'_>,
    server: &Server,
    session: &mut Session,
    settings: &Config,
    output: &mut Output<'_>,
) -> Result<()> {
    let Config {
        start_date, values, ..
    } = settings;
    let mut bookmark = Bookmark::new(query, values, output)?;
    let start = bookmark.start(output)?;
    let start_date = start_date
        .as_deref()
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
    let moved = bookmark.last_literal()?.is_some_and(|last| Some(last) != start);
    if query.limit.is_some() && left == Some(bookmark.rows) && !moved {
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
    /// Where it is among the values of a row.
    place: usize,
    positions: Positions,
    /// Its last value that is a position, in binary.
    last: Option<Vec<u8>>,
    rows: u64,
    warned: bool,
}

impl Bookmark {
    fn new(query: &Query<'_>, values: &Values, output: &Output<'_>) -> Result<Self> {
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
            place,
            positions: Positions::of(&column.kind, values),
            last: None,
            rows: 0,
            warned: false,
        })
    }

    /// Where to read on, in SQL.
    fn start(&self, output: &mut Output<'_>) -> Result<Option<String>> {
        let Some(start) = output.bookmark::<Box<RawValue>>()? else {
            return Ok(None);
        };
        let text = start.get().trim_matches('"');
        if !self.positions.has_text(text) {
            log::warn!(
                "stream {}: the bookmark {} has no rows after it, and is ignored: all rows are read",
                output.stream(),
                show(text)
            );
            return Ok(None);
        }
        self.literal(start.get()).map(Some)
    }

    /// A row was written.
    #[inline]
    fn see(&mut self, tuple: Tuple<'_>, output: &mut Output<'_>) -> Result<()> {
        let key = tuple.nth(self.place).unwrap_or_default();
        if self.positions.has(key) {
            let last = self.last.get_or_insert_default();
            last.clear();
            last.extend_from_slice(key);
        } else if !self.warned {
            self.warn(output.stream());
        }
        self.rows += 1;
        if self.rows.is_multiple_of(ROWS) {
            self.store(output)?;
            output.checkpoint()?;
        }
        Ok(())
    }

    #[cold]
    fn warn(&mut self, stream: &str) {
        self.warned = true;
        log::warn!(
            "stream {stream}: some rows have a {} that is infinite, not a number, or was changed by \
             invalid_date_handling: they do not move the bookmark, and those after it come again in each run",
            show(&self.name)
        );
    }

    /// Sets the bookmark to the last key that is a position.
    fn store(&self, output: &mut Output<'_>) -> Result<()> {
        match self.json()? {
            Some(value) => output.set_bookmark(&value),
            None => Ok(()),
        }
    }

    fn json(&self) -> Result<Option<Box<RawValue>>> {
        let Some(last) = &self.last else {
            return Ok(None);
        };
        let mut json = Vec::new();
        let wrong = |what: &str| Error::input(format!("replication key {}: {what}", show(&self.name)));
        self.decoder
            .write(last, &mut json)
            .map_err(|error| wrong(&error.0))?;
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
        Ok(if self.decoder == Decoder::Bytes {
            self.cast(&format!("\\x{text}"))
        } else {
            self.cast(&text)
        })
    }

    fn cast(&self, text: &str) -> String {
        format!("cast({} as {})", literal(text), self.sql_type)
    }
}

/// A decoder that gives every value the server can read again: what ISO 8601 cannot say as PostgreSQL says it.
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
