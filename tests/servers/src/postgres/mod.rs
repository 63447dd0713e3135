//! A PostgreSQL server of the machine's own binaries, made for the tests and gone with them.
//!
//! ```no_run
//! let database = melisma_testing::postgres::server().database();
//! database.sql("create table orders (id int)");
//! assert_eq!(database.sql("select count(*) from orders"), "0");
//! ```

mod account;
mod cluster;
mod database;
mod installation;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;

pub use cluster::{Options, PASSWORD, Server, USER};
pub use database::Database;
pub use installation::{Installation, installations};

/// The server that the tests of one process share: started on first use, stopped when the process ends, however it
/// ends. Each test takes a [`Server::database`] of its own.
pub fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::start(&Options::default()))
}
