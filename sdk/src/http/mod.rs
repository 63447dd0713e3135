//! Taps of HTTP APIs: requests, pages, credentials, retries, parents and children.
//!
//! A [`Client`] is the API: its address, who asks, how fast. [`Client::get`] makes a stream of a path, and
//! [`RestStream::stream`] hands it to the tap. The records are written as they come: a page is parsed once, and no Rust value
//! is made of a record. Their schema is that of the [`Stream`](crate::Stream).
//!
//! ```
//! use melisma_sdk::http::{Bearer, Client, Pages};
//! use melisma_sdk::{Context, JsonSchema, Record, Result, Secret, Stream, Tap};
//! use serde::Deserialize;
//!
//! /// Projects and issues of a tracker.
//! #[derive(Deserialize, JsonSchema)]
//! struct Config {
//!     /// Where the tracker is.
//!     url: String,
//!     /// Sent as a bearer token.
//!     token: Secret<String>,
//! }
//!
//! #[derive(Record)]
//! struct Project {
//!     id: i64,
//! }
//!
//! #[derive(Record)]
//! struct Issue {
//!     project_id: i64,
//!     id: i64,
//!     updated_at: String,
//! }
//!
//! struct Tracker(Client);
//!
//! impl Tap for Tracker {
//!     type Config = Config;
//!
//!     fn open(config: Config, context: &Context) -> Result<Self> {
//!         let client = Client::new(&config.url, context)?.auth(Bearer::new(&config.token));
//!         Ok(Self(client.pages(Pages::link_header())))
//!     }
//!
//!     fn discover(&self, _: &Context) -> Result<Vec<Stream<'_>>> {
//!         let issues = Stream::of::<Issue>("issues").key(["id"]).replication_key("updated_at");
//!         let issues = self.0.get("/projects/{project_id}/issues", issues);
//!         let issues = issues.from_parent("project_id", "id").since("since");
//!         let projects = Stream::of::<Project>("projects").key(["id"]);
//!         Ok(vec![self.0.get("/projects", projects).child(issues).stream()?])
//!     }
//! }
//! ```
//!
//! What follows by itself: an answer 429 or 5xx and a broken connection are tried again, with the wait that the server asks for
//! ([`Retry`]); a wait that is too long ends the run with exit code 75 and its STATE kept. A signal ends every wait at once,
//! also that for an answer. The next page is on its way while one is written ([`Client::concurrent`]). Credentials go to the
//! API's own origin only. Tokens are masked in every log line. Each request is a METRIC line (`http_request_duration`).

mod auth;
mod client;
mod clock;
mod compile;
mod exchange;
mod failure;
mod filter;
mod format;
mod json;
mod judge;
mod limits;
mod link;
mod login;
mod meter;
mod node;
mod oauth;
mod pages;
mod path;
mod record;
pub(crate) mod recorder;
mod recording;
mod replay;
mod request;
mod requester;
mod retry;
mod sample;
mod send;
mod shape;
mod since;
mod stream;
mod template;
mod transport;
mod unsigned;
mod url;
mod window;

pub use auth::{ApiKey, Authenticator, Basic, Bearer};
pub use client::Client;
pub use clock::{Clock, TestClock};
pub use filter::Comparison;
pub use format::{Csv, Format};
pub use json::Json;
pub use judge::{Judge, Judgement, OnStatus};
pub use login::Login;
pub use oauth::OAuth2;
pub use pages::{OnEmpty, Pages, Place};
pub use path::JsonPath;
pub use recorder::Recorder;
pub use replay::{Received, Replay};
pub use request::{Request, Response};
pub use requester::{Pending, Requester};
pub use retry::Retry;
pub use sample::Samples;
pub use since::Since;
pub use stream::RestStream;
pub use unsigned::Unsigned;
