//! The system database on a PostgreSQL server.

use std::collections::BTreeMap;

use melisma_postgres::postgres::{Client, SimpleQueryMessage};
use melisma_postgres::{Connection, Server, failed, literal};
use melisma_sdk::{Error, Result, Secret};

use super::sql::{Row, Sql};

/// A session.
pub(super) struct Postgres {
    server: Server,
    client: Client,
}

impl Postgres {
    /// Connects to the server of a URL, as libpq and SQLAlchemy write it.
    pub(super) fn connect(url: &str) -> Result<Self> {
        let settings = Connection {
            sqlalchemy_url: Some(Secret::new(url.to_owned())),
            ..Connection::default()
        };
        let server = settings
            .server("melisma")
            .map_err(|error| Error::new(error.kind(), "database_uri").with_source(error))?;
        let client = server.connect()?;
        Ok(Self { server, client })
    }

    fn failed(&self, error: melisma_postgres::postgres::Error) -> Error {
        failed(&format!("the system database {}", self.server.location()), error)
    }
}

/// The URL itself, when it is that of a PostgreSQL server.
pub(crate) fn postgres_url(uri: &str) -> Option<&str> {
    let scheme = uri.split(':').next().unwrap_or_default();
    let dialect = scheme.split('+').next().unwrap_or_default();
    ["postgresql", "postgres"].contains(&dialect).then_some(uri)
}

/// The values in `plugin_settings` by namespace and name; none when there is no such table yet.
pub(crate) fn plugin_settings(url: &str) -> Result<BTreeMap<(String, String), Vec<u8>>> {
    let mut database = Postgres::connect(url)?;
    let table = database.query("SELECT to_regclass('plugin_settings')", &[])?;
    if table.into_iter().flatten().flatten().next().is_none() {
        return Ok(BTreeMap::new());
    }
    let rows = database.query(
        "SELECT namespace, name, encode(value, 'hex') FROM plugin_settings WHERE enabled AND value IS NOT NULL",
        &[],
    )?;
    let settings = rows.into_iter().map(|row| {
        let mut row = row.into_iter().map(Option::unwrap_or_default);
        let mut next = || row.next().unwrap_or_default();
        ((next(), next()), from_hex(&next()))
    });
    Ok(settings.collect())
}

/// Bytes that the server has encoded.
fn from_hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks_exact(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.filter_map(byte).collect()
}

impl Sql for Postgres {
    /// Values become literals, whose type the server finds from the column. As parameters they would need the type of
    /// each column, and some columns differ between versions of Meltano.
    fn query(&mut self, statement: &str, values: &[Option<&str>]) -> Result<Vec<Row>> {
        let messages = self.client.simple_query(&with_literals(statement, values));
        let messages = messages.map_err(|error| self.failed(error))?;
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        Ok(rows
            .map(|row| {
                (0..row.len())
                    .map(|column| row.get(column).map(str::to_owned))
                    .collect()
            })
            .collect())
    }

    fn batch(&mut self, statements: &str) -> Result<()> {
        let done = self.client.batch_execute(statements);
        done.map_err(|error| self.failed(error))
    }

    /// The lock is the server's, and ends with the transaction. Each statement after it sees what the transaction before
    /// has committed.
    fn begin(&mut self, lock: &str) -> Result<()> {
        let lock = literal(&format!("melisma {lock}"));
        self.batch(&format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock(hashtext('melisma'), hashtext({lock}))"
        ))
    }

    fn bytes(&self, hex: &str) -> String {
        format!("decode('{hex}', 'hex')")
    }

    fn row_lock(&self) -> &'static str {
        " FOR UPDATE"
    }

    fn reconnect(&mut self) -> Result<()> {
        self.client = self.server.connect()?;
        Ok(())
    }

    fn location(&self) -> String {
        self.server.location()
    }
}

/// The statement with a literal in the place of each `?1` and so on.
fn with_literals(statement: &str, values: &[Option<&str>]) -> String {
    let mut out = String::with_capacity(statement.len());
    let mut pieces = statement.split('?');
    out.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let digits = piece.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = piece.split_at(digits);
        let value = number
            .parse()
            .ok()
            .and_then(|number: usize| *values.get(number.checked_sub(1)?)?);
        match value {
            Some(value) => out.push_str(&literal(value)),
            None => out.push_str("NULL"),
        }
        out.push_str(rest);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_a_literal_whatever_is_in_it() {
        let statement = "UPDATE t SET a = ?1, b = ?2, c = ?3 WHERE d = ?1";
        assert_eq!(
            with_literals(statement, &[Some("it's ?2"), None, Some("\\'; --")]),
            "UPDATE t SET a = 'it''s ?2', b = NULL, c = '\\''; --' WHERE d = 'it''s ?2'"
        );
    }
}
