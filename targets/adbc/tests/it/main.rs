//! target-adbc and its names, with the drivers of DuckDB, SQLite and PostgreSQL, and the SQL of services that cannot be run here.

mod database;
mod evolution;
mod failing;
mod keys;
mod kill;
mod methods;
mod partial;
mod postgresql;
mod recording;
mod rows;
mod state;
mod types;
mod warehouses;
