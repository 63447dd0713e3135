//! target-parquet from the outside.

mod driver;
mod files;
mod values;
