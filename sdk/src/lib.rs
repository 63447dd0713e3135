//! Write Singer taps and targets.
//!
//! Implement [`Tap`] or [`Target`], and the rest of the Singer contract is there: the command line, settings from
//! files and the environment, `--about`, discovery and catalogs, selection, bookmarks, logs, METRIC lines, signals
//! and exit codes.
//!
//! Beside `melisma-sdk`, a connector depends on `serde` and `schemars`, whose derives name them.
//!
//! # A tap
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use melisma_sdk::{JsonSchema, Output, Result, Secret, Stream, Tap, run_tap};
//! use serde::{Deserialize, Serialize};
//!
//! /// Orders from the shop.
//! #[derive(Deserialize, JsonSchema)]
//! struct Config {
//!     /// Where the shop is.
//!     url: String,
//!     /// Sent as a bearer token.
//!     token: Secret<String>,
//! }
//!
//! #[derive(Serialize, JsonSchema)]
//! struct Order {
//!     id: i64,
//!     updated_at: String,
//!     note: Option<String>,
//! }
//!
//! struct Shop {
//!     config: Config,
//! }
//!
//! impl Tap for Shop {
//!     const NAME: &'static str = "tap-shop";
//!     type Config = Config;
//!
//!     fn open(config: Config) -> Result<Self> {
//!         Ok(Self { config })
//!     }
//!
//!     fn discover(&self) -> Result<Vec<Stream>> {
//!         Ok(vec![Stream::of::<Order>("orders").key(["id"]).replication_key("updated_at").sorted()])
//!     }
//!
//!     fn sync(&self, output: &mut Output<'_>) -> Result<()> {
//!         let from: Option<String> = output.bookmark()?;
//!         for page in self.orders_since(from) {
//!             for order in page {
//!                 output.record(&order)?; // selection and the bookmark follow by themselves
//!             }
//!             output.checkpoint()?; // a safe point: a STATE may go out here
//!         }
//!         Ok(())
//!     }
//! }
//!
//! impl Shop {
//!     /// The pages that the shop gives; here there are none.
//!     fn orders_since(&self, from: Option<String>) -> Vec<Vec<Order>> {
//!         log::info!("asking {} for what is new since {from:?}", self.config.url);
//!         Vec::new()
//!     }
//! }
//!
//! fn main() -> ExitCode {
//!     run_tap::<Shop>()
//! }
//! ```
//!
//! A source that has columns writes rows instead of records, cell by cell: see [`Output::row`].
#![doc = include_str!("target/example.md")]

mod about;
pub mod args;
pub mod config;
pub mod files;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod logs;
pub mod metrics;
pub mod plugin;
pub mod protocol;
pub mod replaced;
pub mod secret;
pub mod signals;
pub mod tap;
pub mod target;

pub use melisma_engine::cell::{Cell, Row, Text};
pub use melisma_engine::columns::{ColumnOptions, Columns, Integers, InvalidValues, NestedValues, Numbers};
pub use melisma_engine::encode::Encoder;
pub use melisma_engine::error::show;
pub use melisma_engine::json::write_string;
pub use melisma_engine::pipeline::Limits;
pub use melisma_engine::rows::{RowBatch, RowView, Rows};
pub use melisma_engine::schema::{self, StreamSchema};
pub use melisma_engine::sink::Sink;
pub use melisma_engine::{Error, Kind, Position, Result};
pub use melisma_engine::{decimal, printable, time};
#[doc(hidden)]
pub use melisma_engine::{fault, faulty, planted};
pub use schemars::JsonSchema;
pub use secret::Secret;
pub use serde_json::json;
pub use tap::{Catalog, Entry, Form, Method, Output, Part, RowWriter, Stream, Tap, main_tap, run_tap};
pub use target::{Target, main_target, run_target};

/// The Arrow types of columnar batches, in the version that melisma is built with.
pub mod arrow {
    pub use arrow_array as array;
    pub use arrow_schema as schema;
}
