//! A database of one test.

use std::process::Command;

use super::cluster::{PASSWORD, Server, USER};

/// An empty database; dropped with the value.
#[derive(Debug)]
pub struct Database<'s> {
    server: &'s Server,
    name: String,
}

impl<'s> Database<'s> {
    pub(super) fn new(server: &'s Server, name: String) -> Self {
        Self { server, name }
    }

    /// Its server.
    pub fn server(&self) -> &'s Server {
        self.server
    }

    /// Its URL, password included.
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// The server's address.
    pub fn host(&self) -> &'static str {
        "127.0.0.1"
    }

    /// The server's port.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// A superuser.
    pub fn user(&self) -> &'static str {
        USER
    }

    /// The password of [`user`](Database::user): with a quote, a space and other characters that need care.
    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// The name of the database.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs statements and returns what `psql` says: a line a row, `|` between columns, nothing for null.
    ///
    /// # Panics
    /// When a statement fails.
    pub fn sql(&self, sql: &str) -> String {
        self.server.psql(&self.name, sql)
    }

    /// `psql` connected to this database.
    pub fn psql(&self) -> Command {
        self.server.client(&self.name)
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        // The server may be dead, which is the test's business.
        let mut command = self.server.client("postgres");
        let sql = format!("drop database if exists {} with (force)", self.name);
        let _ = command.args(["-Xq", "-c", &sql]).output();
    }
}
