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
//! ```
//! # mod program {
//! use std::process::ExitCode;
//!
//! use melisma_sdk::{Context, JsonSchema, Output, Result, Secret, Stream, Tap, run_tap};
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
//!     fn open(config: Config, _: &Context) -> Result<Self> {
//!         Ok(Self { config })
//!     }
//!
//!     fn discover(&self, _: &Context) -> Result<Vec<Stream<'_>>> {
//!         let orders = Stream::of::<Order>("orders").key(["id"]).replication_key("updated_at").sorted();
//!         Ok(vec![orders.sync(|output| self.orders(output))])
//!     }
//! }
//!
//! impl Shop {
//!     fn orders(&self, output: &mut Output<'_>) -> Result<()> {
//!         let since: Option<String> = output.bookmark()?;
//!         for page in self.pages(since) {
//!             for order in page {
//!                 output.record(&order)?; // selection and the bookmark follow by themselves
//!             }
//!             output.checkpoint()?; // a safe point: a STATE may go out here
//!         }
//!         Ok(())
//!     }
//!
//!     /// What a request to the shop would return.
//!     fn pages(&self, since: Option<String>) -> Vec<Vec<Order>> {
//!         let since = since.unwrap_or_default();
//!         let order = |id, time: &str| Order { id, updated_at: time.to_owned(), note: None };
//!         let mut page = vec![order(1, "2026-01-01T00:00:00Z"), order(2, "2026-01-01T00:00:00.5Z")];
//!         page.retain(|order| order.updated_at >= since);
//!         vec![page]
//!     }
//! }
//!
//! fn main() -> ExitCode {
//!     run_tap::<Shop>()
//! }
//! # pub fn run(args: [std::ffi::OsString; 3]) -> String {
//! #     let _: fn() -> ExitCode = main;
//! #     let mut out = Vec::new();
//! #     let io = melisma_sdk::plugin::Io::buffers(std::io::empty(), &mut out);
//! #     assert_eq!(melisma_sdk::tap::run_tap_on::<Shop>(args, io), 0);
//! #     String::from_utf8(out).expect("UTF-8")
//! # }
//! # }
//! # let path = std::env::temp_dir().join(format!("tap-shop-{}.json", std::process::id()));
//! # std::fs::write(&path, r#"{"url": "https://shop.example", "token": "t"}"#)?;
//! # let written = program::run(["tap-shop".into(), "--config".into(), path.clone().into_os_string()]);
//! # std::fs::remove_file(path)?;
//! # assert_eq!(written.matches("\"RECORD\"").count(), 2, "{written}");
//! # assert!(written.contains(r#""replication_key_value":"2026-01-01T00:00:00.5Z""#), "{written}");
//! # Ok::<(), std::io::Error>(())
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
mod names;
pub mod plugin;
pub mod protocol;
pub mod record;
pub mod replaced;
pub mod secret;
pub mod signals;
pub mod tap;
pub mod target;

pub use melisma_engine::cell::{Cell, Row, Text};
pub use melisma_engine::columns::{ColumnOptions, Columns, Integers, InvalidValues, NestedValues, Numbers};
pub use melisma_engine::encode::Encoder;
pub use melisma_engine::error::show;
#[doc(hidden)]
pub use melisma_engine::fault;
pub use melisma_engine::json::write_string;
pub use melisma_engine::pipeline::Limits;
pub use melisma_engine::rows::{RowBatch, RowView, Rows};
pub use melisma_engine::schema::{self, StreamSchema};
pub use melisma_engine::sink::{CommitMode, Destination, Sink};
pub use melisma_engine::{Error, Kind, Position, Result};
pub use melisma_engine::{decimal, printable, time};
pub use record::Record;
pub use schemars::JsonSchema;
pub use secret::Secret;
pub use serde_json::json;
pub use tap::{
    Catalog, Context, Entry, Form, Method, Output, Part, RowWriter, Stream, Tap, main_tap, run_tap,
};
pub use target::{Target, main_target, run_target};

/// The Arrow types of columnar batches, in the version that melisma is built with.
pub mod arrow {
    pub use arrow_array as array;
    pub use arrow_schema as schema;
}
