//! target-postgres from the outside, on a real server.

mod at_once;
mod binary;
mod driver;
mod evolve;
mod exactly_once;
mod existing_keys;
mod fail;
mod guarded;
mod keep;
mod keeps;
mod keys;
mod load;
mod many;
mod overwrite;
mod random;
mod remove;
mod shared;
mod spelled;
mod values;
