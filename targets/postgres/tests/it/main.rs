//! target-postgres from the outside, on a real server.

mod driver;
mod load;
