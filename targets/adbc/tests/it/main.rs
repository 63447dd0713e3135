//! target-adbc and its names, with the drivers of DuckDB and SQLite.

mod database;
mod evolution;
mod failing;
mod kill;
mod methods;
mod rows;
mod state;
mod types;
