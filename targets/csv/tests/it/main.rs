//! target-csv from the outside.

mod columns;
mod driver;
mod values;
