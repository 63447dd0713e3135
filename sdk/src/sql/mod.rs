//! What targets of SQL databases share: the names of tables and columns, tables that grow with their streams, a stage from
//! which rows are merged, STATE beside the rows.
//!
//! An author writes three things, and [`Sql`] makes a [`Target`](crate::Target) of them:
//!
//! | what | trait |
//! |---|---|
//! | what the database says differently from others | [`Dialect`] |
//! | statements, queries and the bulk load | [`Connection`] |
//! | settings, and how to connect | [`SqlTarget`] |
//!
//! `examples/target-sql` is a whole target of SQLite in 150 lines.
//!
//! Every writing thread has one connection, on which a transaction is always open. The rows of all streams of the thread,
//! the changes of their tables and the STATE (`state_in_target`) are committed together. After an error nothing is
//! committed any more. With `load_method: overwrite` the old rows are deleted in the transaction that has the new ones, at
//! the end of an input that ended well: the table stays, with everything that depends on it.

mod config;
mod connection;
mod dialect;
mod load;
mod merge;
mod name;
mod place;
mod plan;
mod run;
mod stage;
mod state;
mod table;
mod target;
mod text;
mod types;
mod worker;

pub use config::{Evolution, SqlConfig};
pub use connection::Connection;
pub use dialect::{Dialect, Evolved, TableName, Upsert};
pub use plan::Plan;
pub use target::{Opened, Sql, SqlTarget, defaults};
pub use types::SqlType;
pub use worker::{SqlSink, Worker};
