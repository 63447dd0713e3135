//! target-postgres from the outside, on a real server.

mod driver;
mod evolve;
mod fail;
mod load;
mod overwrite;
mod remove;
