//! The tap against a real server, from its settings to its messages.

#![allow(clippy::unwrap_used)]

mod full_table;
mod incremental;
mod random;
mod resume;
mod run;
mod types;
