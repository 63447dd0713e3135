//! target-csv from the outside.

mod columns;
mod driver;
mod foreign;
mod values;
