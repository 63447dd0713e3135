//! target-postgres from the outside, on a real server.

mod at_once;
mod driver;
mod evolve;
mod exactly_once;
mod existing_keys;
mod fail;
mod keep;
mod keys;
mod load;
mod overwrite;
mod random;
mod remove;
mod spelled;
mod values;
