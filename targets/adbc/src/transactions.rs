//! How the changes of rows become one transaction.
//!
//! Most drivers keep a transaction open. Where a statement that makes a table, or a bulk load, would end it, the statements
//! that change rows are kept until the commit, and are a transaction then: all of them, or none.

use melisma_sdk::Result;
use melisma_sdk::arrow::array::RecordBatch;
use melisma_sdk::arrow::schema::SchemaRef;
use melisma_sdk::sql::{Connection, SqlType, TableName};

/// Who makes a transaction of the changes of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The driver, which keeps one open.
    Driver,
    /// Statements around those that were kept, one by one.
    Statements,
    /// The same, as one script: for databases where a statement has no session.
    Script,
}

/// A connection whose changes of rows are a transaction.
#[derive(Debug)]
pub struct Transactions<C> {
    connection: C,
    by: By,
    /// What changes rows, with what an error says, until the commit.
    kept: Vec<(String, String)>,
}

impl<C> Transactions<C> {
    /// Of a connection that has a transaction itself ([`By::Driver`]), or that commits each statement.
    pub fn new(connection: C, by: By) -> Self {
        Self {
            connection,
            by,
            kept: Vec::new(),
        }
    }
}

impl<C: Connection> Transactions<C> {
    fn commit_statements(&mut self) -> Result<()> {
        self.connection.execute("cannot begin a transaction", "BEGIN")?;
        let run = self
            .kept
            .iter()
            .try_for_each(|(doing, sql)| self.connection.execute(doing, sql))
            .and_then(|()| self.connection.execute("cannot commit", "COMMIT"));
        if run.is_err() {
            // The error is what counts; the end of the session rolls back as well.
            let _ = self.connection.execute("cannot roll back", "ROLLBACK");
        }
        run
    }

    fn commit_script(&mut self) -> Result<()> {
        let mut script = "BEGIN TRANSACTION;\n".to_owned();
        for (_, sql) in &self.kept {
            script += sql;
            script += ";\n";
        }
        script += "COMMIT TRANSACTION;";
        let doing = self.kept.first().map_or("cannot commit", |(doing, _)| doing);
        self.connection.execute(doing, &script)
    }
}

impl<C: Connection> Connection for Transactions<C> {
    fn execute(&mut self, doing: &str, sql: &str) -> Result<()> {
        self.connection.execute(doing, sql)
    }

    fn change(&mut self, doing: &str, sql: &str) -> Result<()> {
        if self.by == By::Driver {
            return self.connection.change(doing, sql);
        }
        self.kept.push((doing.to_owned(), sql.to_owned()));
        Ok(())
    }

    fn query(&mut self, doing: &str, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        self.connection.query(doing, sql)
    }

    fn load(&mut self, table: &TableName, rows: RecordBatch, temporary: bool) -> Result<()> {
        // Where no transaction is open, a stage is no table of the session for the driver.
        self.connection
            .load(table, rows, temporary && self.by == By::Driver)
    }

    fn create(&mut self, table: &TableName, columns: SchemaRef, temporary: bool) -> Result<()> {
        self.connection.create(table, columns, temporary)
    }

    fn columns(&mut self, table: &TableName) -> Result<Option<Vec<(String, SqlType)>>> {
        self.connection.columns(table)
    }

    fn commit(&mut self) -> Result<()> {
        if self.by == By::Driver {
            return self.connection.commit();
        }
        let done = match (self.kept.is_empty(), self.by) {
            (true, _) => Ok(()),
            (false, By::Script) => self.commit_script(),
            (false, _) => self.commit_statements(),
        };
        self.kept.clear();
        done
    }

    fn rollback(&mut self) -> Result<()> {
        self.kept.clear();
        match self.by {
            By::Driver => self.connection.rollback(),
            _ => Ok(()),
        }
    }
}
