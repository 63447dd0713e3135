//! The tap against a real server, from its settings to its messages.

#![allow(clippy::unwrap_used)]

mod discovery;
mod drift;
mod full_table;
mod incremental;
mod process;
mod random;
mod resume;
mod run;
mod types;
