//! What the system database needs of a database server or library: statements with text as values and as results.
//!
//! The columns of Meltano's tables have other types on each engine (a run id is a UUID in PostgreSQL and 32 characters in
//! SQLite; a state may be an enumeration). Every engine converts text to and from all of them, so one statement does for all.

use melisma_sdk::Result;

/// A row of a result.
pub(super) type Row = Vec<Option<String>>;

/// A connection to a database.
pub(super) trait Sql: Send {
    /// Executes a statement with values for `?1`, `?2` and so on. None of them may occur in a quoted text of the statement.
    fn query(&mut self, statement: &str, values: &[Option<&str>]) -> Result<Vec<Row>>;

    /// Executes statements without values or results.
    fn batch(&mut self, statements: &str) -> Result<()>;

    /// Begins a transaction. Of two with the same `lock` the second waits for the first.
    fn begin(&mut self, lock: &str) -> Result<()>;

    /// A literal of bytes that are given in hexadecimal digits.
    fn bytes(&self, hex: &str) -> String;

    /// What a SELECT ends with so that no other transaction changes the rows before this one ends.
    fn row_lock(&self) -> &'static str;

    /// Connects again, after a connection was lost.
    fn reconnect(&mut self) -> Result<()>;

    /// Where the database is, for people; without a password.
    fn location(&self) -> String;
}

/// Does `work` in a transaction, which is rolled back when it fails.
pub(super) fn transaction<T>(
    sql: &mut dyn Sql,
    lock: &str,
    work: impl FnOnce(&mut dyn Sql) -> Result<T>,
) -> Result<T> {
    sql.begin(lock)?;
    match work(sql) {
        Ok(done) => sql.batch("COMMIT").map(|()| done),
        Err(error) => {
            // When the connection is lost, the server rolls back by itself.
            let _ = sql.batch("ROLLBACK");
            Err(error)
        }
    }
}
