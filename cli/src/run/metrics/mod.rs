//! The endpoint of `--metrics`: what a run has done so far, in the OpenMetrics format over HTTP.
//!
//! The run never waits for it. One thread accepts connections and one for each of a few connections answers; whatever a
//! client does, its thread is gone after [`server::PATIENCE`], and more clients at once are turned away.

mod server;
mod text;

pub(super) use server::MetricsServer;
