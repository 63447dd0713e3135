//! The definition of an API: what a file may say.
//!
//! These types are read from the file, and their JSON Schema (`taps/rest/definition.schema.json`) is what editors check it with.

mod auth;
mod fill;
mod keys;
mod pages;
mod read;
mod records;
mod stream;

use melisma_sdk::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

pub use auth::{Auth, Basic, Grant, Login};
pub(crate) use fill::Settings;
pub(crate) use keys::near;
pub use pages::{Pages, PagesWord};
pub use read::Source;
pub(crate) use read::{read_file, yaml};
pub use records::{Comparisons, Condition, CsvOptions, FormatOptions, FormatWord};
pub(crate) use stream::Stream;
pub use stream::{Reaction, Since, State};

/// An API and its streams.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct Definition {
    /// What the API is called.
    pub tap: Option<String>,
    /// The address of the API, below which all paths are.
    pub url: String,
    /// The settings that the tap asks for, by their names: `{name}` stands for the value of one, here and in all that follows.
    #[serde(default)]
    pub settings: Map<String, Value>,
    /// Who asks.
    pub auth: Option<Auth>,
    /// Headers of every request.
    #[serde(default)]
    pub headers: Map<String, Value>,
    /// Parameters in the query of the first page of every stream.
    #[serde(default)]
    pub query: Map<String, Value>,
    /// The name of the client in the header `User-Agent`.
    pub user_agent: Option<String>,
    /// How fast, and how patiently.
    #[serde(default)]
    pub limits: Limits,
    /// How pages follow each other, where a stream does not say.
    pub pages: Option<OneOf<PagesWord, Pages>>,
    /// The records of each stream that its schema is inferred from, where it has none: 100.
    pub samples: Option<usize>,
    /// The streams by their names. A text is the path of a stream of which nothing else has to be said.
    pub streams: Map<String, Value>,
    #[serde(skip)]
    pub(crate) read: Vec<(String, Stream)>,
    /// Whether inferred schemas say nothing of dates.
    #[serde(skip)]
    pub(crate) plain_texts: bool,
}

/// A setting that the tap asks for.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct Setting {
    /// Whether it must be given.
    #[serde(default)]
    pub required: bool,
    /// Whether it is masked in all log lines.
    #[serde(default)]
    pub secret: bool,
    /// Its value when it is not given.
    pub default: Option<Value>,
    /// What it is.
    pub description: Option<String>,
}

/// A value that is a short word or an object.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OneOf<A, B> {
    /// The short form.
    Short(A),
    /// The long form.
    Long(B),
}

/// How fast, and how patiently.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct Limits {
    /// The largest number of requests in a second.
    pub per_second: Option<f64>,
    /// How many requests are under way at most: 4. Records come in the same order.
    pub concurrent: Option<usize>,
    /// The longest wait that the server may ask for, `10m`: when it asks for more, the run ends with exit code 75 and its STATE
    /// kept.
    pub max_wait: Option<String>,
    /// The longest time without a byte from the server: `5m`.
    pub timeout: Option<String>,
    /// How often a request is sent at most when it fails: 5.
    pub tries: Option<u32>,
    /// More statuses that are tried again.
    #[serde(default)]
    pub retry_statuses: Vec<u16>,
    /// Another header in which the server says how long to wait: seconds, a date, or a moment in seconds since 1970.
    pub wait_header: Option<String>,
    /// How much longer to wait than the server asks for: `5s`.
    pub wait_extra: Option<String>,
    /// A file with certificates (PEM) that are trusted besides those of the system.
    pub ca_file: Option<String>,
}
