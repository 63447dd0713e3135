//! The tap from its settings to its messages.

#![allow(clippy::unwrap_used)]

mod encodings;
mod files;
mod golden;
mod incremental;
mod process;
mod ragged;
mod run;
mod selection;
mod types;
