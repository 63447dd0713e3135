//! tap-duckdb, tap-sqlite and tap-adbc, with the drivers of DuckDB, SQLite, PostgreSQL and Flight SQL.

mod conformance;
mod database;
mod discovery;
mod failing;
mod incremental;
mod kill;
mod partitions;
mod postgresql;
mod round_trip;
mod run;
mod types;
