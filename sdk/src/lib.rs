//! Write Singer taps and targets.
#![doc = include_str!("target/example.md")]

mod about;
pub mod args;
pub mod config;
pub mod files;
pub mod logs;
pub mod metrics;
pub mod plugin;
pub mod protocol;
pub mod secret;
pub mod signals;
pub mod tap;
pub mod target;

pub use melisma_engine::cell::{Cell, Row, Text};
pub use melisma_engine::encode::Encoder;
pub use melisma_engine::error::show;
pub use melisma_engine::json::write_string;
pub use melisma_engine::pipeline::Limits;
pub use melisma_engine::rows::{RowBatch, RowView, Rows};
pub use melisma_engine::schema::{self, StreamSchema};
pub use melisma_engine::sink::Sink;
pub use melisma_engine::{Error, Kind, Position, Result};
pub use schemars::JsonSchema;
pub use secret::Secret;
pub use serde_json::json;
pub use tap::{Catalog, Method, Output, RowWriter, Stream, Tap, main_tap, run_tap};
pub use target::{Target, main_target, run_target};

/// The Arrow types of columnar batches, in the version that melisma is built with.
pub mod arrow {
    pub use arrow_array as array;
    pub use arrow_schema as schema;
}
