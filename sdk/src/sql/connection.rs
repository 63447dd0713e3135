//! What a connection to a database does for its tables.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use melisma_engine::{Error, Result};

use super::dialect::TableName;
use super::types::SqlType;

/// A connection on which a transaction is always open, after [`commit`](Connection::commit) and
/// [`rollback`](Connection::rollback) a new one.
pub trait Connection {
    /// Runs a statement. `doing` is what an error says: `cannot create "main"."orders"`.
    fn execute(&mut self, doing: &str, sql: &str) -> Result<()>;

    /// Runs a statement that changes rows of tables. Where other statements would commit it
    /// ([`Dialect::commits_early`](super::Dialect::commits_early)), it is kept until the [`commit`](Connection::commit).
    fn change(&mut self, doing: &str, sql: &str) -> Result<()> {
        self.execute(doing, sql)
    }

    /// The rows of a query, their values as text; a null is `None`.
    fn query(&mut self, doing: &str, sql: &str) -> Result<Vec<Vec<Option<String>>>>;

    /// Adds rows to a table by the database's bulk load. Their columns are those of the table, in its order.
    fn load(&mut self, table: &TableName, rows: RecordBatch, temporary: bool) -> Result<()>;

    /// Makes a table for rows of these columns, with the types that the bulk load chooses. For databases whose types the
    /// [`Dialect`](super::Dialect) does not know.
    fn create(&mut self, table: &TableName, columns: SchemaRef, temporary: bool) -> Result<()> {
        let _ = (columns, temporary);
        Err(Error::bug(format!(
            "the table {}, for which the dialect has no types and the connection no bulk load that makes it",
            table.table
        )))
    }

    /// The columns of a table, `None` if there is none. For databases whose dialect has no query for them.
    fn columns(&mut self, table: &TableName) -> Result<Option<Vec<(String, SqlType)>>> {
        Err(Error::bug(format!(
            "the table {}, which neither the dialect nor the connection can look up",
            table.table
        )))
    }

    /// Makes everything durable that was done since the last commit.
    fn commit(&mut self) -> Result<()>;

    /// Undoes everything since the last commit.
    fn rollback(&mut self) -> Result<()>;
}
