//! Real servers for the tests: PostgreSQL.
//!
//! Nothing here knows melisma: the tests of every crate, the benches and `cargo xtask` may use it.

#![allow(
    clippy::missing_panics_doc,
    reason = "a test that has no server can only fail, with the reason in its message"
)]

pub mod postgres;
