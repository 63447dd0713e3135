//! The engine from outside.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod allocations;
mod pipeline;
