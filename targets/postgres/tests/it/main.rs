//! target-postgres from the outside, on a real server.

mod driver;
mod evolve;
mod exactly_once;
mod fail;
mod load;
mod overwrite;
mod random;
mod remove;
mod values;
