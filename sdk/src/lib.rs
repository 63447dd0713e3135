//! Write Singer taps and targets.
//!
//! Implement [`Tap`] or [`Target`], and the rest of the Singer contract is there: the command line, settings from
//! files and the environment, `--about`, discovery and catalogs, selection, bookmarks, logs, METRIC lines, signals
//! and exit codes.
//!
//! A connector depends on `melisma-sdk`, and on `serde` and `schemars`, which the derives of its config name; the README has the
//! lines of Cargo.toml. The features `tap` and `target`, both on by default, are the two sides.
//!
//! # A tap
//!
//! ```
//! use melisma_sdk::{Context, JsonSchema, Output, Record, Result, Secret, Stream, Tap};
//! use serde::Deserialize;
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
//! #[derive(Record)]
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
//! melisma_sdk::tap_main!(Shop);
//! # let path = std::env::temp_dir().join(format!("tap-shop-{}.json", std::process::id()));
//! # std::fs::write(&path, r#"{"url": "https://shop.example", "token": "t"}"#)?;
//! # let args = ["tap-shop".into(), "--config".into(), path.clone().into_os_string()];
//! # let mut out = Vec::new();
//! # let io = melisma_sdk::plugin::Io::buffers(std::io::empty(), &mut out);
//! # assert_eq!(melisma_sdk::tap::run_tap_on::<Shop>(melisma_sdk::package!(), args, io), 0);
//! # let written = String::from_utf8_lossy(&out);
//! # std::fs::remove_file(path)?;
//! # assert_eq!(written.matches("\"RECORD\"").count(), 2, "{written}");
//! # assert!(written.contains(r#""replication_key_value":"2026-01-01T00:00:00.5Z""#), "{written}");
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! [`record`] says which Rust type becomes which column. [`Output::child`] reads parents and children in one pass, and
//! [`Stop::wait`](signals::Stop::wait) waits until a signal comes. A source that has columns writes rows instead of records,
//! cell by cell: see [`Output::row`].
#![doc = include_str!("target/example.md")]
#![cfg_attr(
    not(all(feature = "tap", feature = "target")),
    allow(
        dead_code,
        unused_imports,
        reason = "what one side alone needs is not worth a cfg each"
    )
)]

mod about;
#[cfg(feature = "arrow")]
pub mod arrow;
#[cfg(feature = "check")]
pub mod check;
pub mod config;
#[cfg(feature = "target")]
pub mod files;
#[cfg(all(feature = "fuzzing", feature = "tap", feature = "target"))]
pub mod fuzzing;
#[cfg(feature = "http")]
pub mod http;
pub mod internal;
pub mod metrics;
mod names;
#[cfg(all(
    doctest,
    feature = "check",
    feature = "http",
    feature = "jiff",
    feature = "target"
))]
mod pages;
pub mod plugin;
#[cfg(feature = "tap")]
pub mod record;
pub mod secret;
pub mod signals;
#[cfg(feature = "sql")]
pub mod sql;
#[cfg(feature = "tap")]
pub mod tap;
#[cfg(feature = "target")]
pub mod target;

use internal::{args, logs, protocol, replaced};

pub use melisma_engine::error::show;
#[doc(hidden)]
pub use melisma_engine::fault;
pub use melisma_engine::{Error, Kind, Position, Result};
pub use schemars::JsonSchema;
pub use secret::Secret;
pub use serde_json::json;

#[cfg(feature = "tap")]
pub use record::Record;
#[cfg(feature = "simd-json")]
pub use simd_json;
#[cfg(feature = "tap")]
pub use tap::{Catalog, Context, Entry, Form, Method, Output, RowWriter, Stream, Tap, run_tap};

#[cfg(feature = "target")]
pub use melisma_engine::{
    cell::{Cell, Row, Text},
    columns::{ColumnOptions, Columns, Integers, InvalidValues, NestedValues, Numbers},
    encode::Encoder,
    pipeline::Limits,
    rows::{RowBatch, RowView, Rows},
    schema::{self, StreamSchema},
    sink::{CommitMode, Destination, Sink},
};
#[cfg(feature = "target")]
pub use target::{Target, run_target};
