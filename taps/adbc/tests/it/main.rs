//! tap-duckdb, tap-sqlite and tap-adbc, with the drivers of DuckDB and SQLite.

mod conformance;
mod database;
mod discovery;
mod failing;
mod incremental;
mod kill;
mod round_trip;
mod run;
mod types;
