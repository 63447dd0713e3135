//! The tap against a real server, from its settings to its messages.

#![allow(clippy::unwrap_used)]

mod full_table;
mod incremental;
mod resume;
mod run;
