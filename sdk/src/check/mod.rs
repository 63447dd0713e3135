//! Checks that a tap or a target keeps the rules of the Singer protocol: for the tests of a connector.
//!
//! [`tap`] runs a tap twice in the process of the test, the second time from the state of the first, and reads what it writes.
//! [`target`] loads messages into a target, good ones and bad ones, and compares what it acknowledges with what it holds. Both
//! need the feature `check`, which belongs to the dependencies of tests:
//!
//! ```toml
//! [dev-dependencies]
//! melisma-sdk = { version = "0.1", features = ["check"] }
//! ```
//!
//! ```
//! use melisma_sdk::{Context, JsonSchema, Result, Stream, Tap, check, json};
//!
//! /// Counts.
//! #[derive(serde::Deserialize, JsonSchema)]
//! struct Counter {
//!     /// How far.
//!     to: u32,
//! }
//!
//! impl Tap for Counter {
//!     type Config = Self;
//!
//!     fn open(config: Self, _: &Context) -> Result<Self> {
//!         Ok(config)
//!     }
//!
//!     fn discover(&self, _: &Context) -> Result<Vec<Stream<'_>>> {
//!         let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}});
//!         let numbers = Stream::new("numbers", schema).key(["n"]).replication_key("n").sorted();
//!         Ok(vec![numbers.sync(|output| {
//!             let from = output.bookmark()?.unwrap_or(1);
//!             (from..=self.to).try_for_each(|n| output.record(&json!({"n": n})))
//!         })])
//!     }
//! }
//!
//! let report = check::tap::<Counter>().config(json!({"to": 3})).passes();
//! assert_eq!(report.records("numbers").len(), 3);
//! assert_eq!(report.second_records("numbers").len(), 1);
//! ```
//!
//! A rule that is broken is named with the run, the line and the stream:
//!
//! ```text
//! 1 rule is broken:
//! record-fits-schema: first run, line 3, stream issues: estimate: "soon" is not of types "null", "number"
//! ```
//!
//! What these checks do not see: what a tap prints to stdout by itself, which breaks the protocol; and whether a target's rows
//! would survive a power cut, since they are read back by the same machine.

#[cfg(feature = "tap")]
mod catalog;
#[cfg(feature = "tap")]
mod messages;
mod report;
mod rule;
mod schema;
#[cfg(feature = "tap")]
mod tap;
#[cfg(feature = "target")]
mod target;
#[cfg(feature = "target")]
mod target_input;
#[cfg(feature = "target")]
mod target_rows;

pub use report::{Broken, Report};
pub use rule::Rule;
#[cfg(feature = "tap")]
pub use tap::{TapCheck, tap};
#[cfg(feature = "target")]
pub use target::{TargetCheck, target};
