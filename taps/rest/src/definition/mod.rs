//! The definition of an API: what a file may say.
//!
//! These types are read from the file, and their JSON Schema (`taps/rest/definition.schema.json`) is what editors check it with.

mod fill;
mod keys;
mod read;

use melisma_sdk::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::msdk::flatten::Flatten;
pub(crate) use fill::Settings;
pub(crate) use keys::near;
pub use read::Source;
pub(crate) use read::{read_file, yaml};

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

/// Who asks: one of `oauth2`, `bearer`, `basic`, `header` and `query`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct Auth {
    /// A token that does not change.
    pub bearer: Option<String>,
    /// A user and a password.
    pub basic: Option<Basic>,
    /// A header, and the key in it.
    pub header: Option<Map<String, Value>>,
    /// A parameter of the query, and the key in it.
    pub query: Option<Map<String, Value>>,
    /// Tokens by OAuth 2.0, and what they are obtained for.
    pub oauth2: Option<Grant>,
    /// OAuth 2.0: where tokens are obtained.
    pub token_url: Option<String>,
    /// OAuth 2.0: the client's id.
    pub id: Option<String>,
    /// OAuth 2.0: the client's secret.
    pub secret: Option<String>,
    /// OAuth 2.0: the refresh token.
    pub refresh_token: Option<String>,
    /// OAuth 2.0: a file that keeps a refresh token that the server has replaced, for the next run.
    pub token_file: Option<String>,
    /// OAuth 2.0: the user, for `password`.
    pub user: Option<String>,
    /// OAuth 2.0: the user's password.
    pub password: Option<String>,
    /// OAuth 2.0: whether id and secret are sent as a header instead of as fields.
    #[serde(default)]
    pub client_in_header: bool,
    /// OAuth 2.0: more fields of the request for a token, such as `scope` and `audience`.
    #[serde(default)]
    pub fields: Map<String, Value>,
    /// OAuth 2.0: headers of the request for a token.
    #[serde(default)]
    pub token_headers: Map<String, Value>,
    /// OAuth 2.0: how long a token lives whose answer does not say so: `1h`.
    pub token_lifetime: Option<String>,
}

/// A user and a password.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct Basic {
    /// The user.
    pub user: String,
    /// The password.
    #[serde(default)]
    pub password: String,
}

/// What a token is obtained for.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// The client itself.
    ClientCredentials,
    /// A refresh token.
    RefreshToken,
    /// A user and a password.
    Password,
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

/// The pages that a word says.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PagesWord {
    /// There is one page.
    None,
    /// The header `Link` has the URL of the next page.
    LinkHeader,
}

/// How pages follow each other: one of `next_url`, `cursor`, `cursor_header`, `number` and `offset`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct Pages {
    /// The JSON path of the next page's URL.
    pub next_url: Option<String>,
    /// The JSON path of a token for the next page, which is sent where `query`, `header`, `json`, `variable` or `placeholder`
    /// says.
    pub cursor: Option<String>,
    /// A header with the token.
    pub cursor_header: Option<String>,
    /// Pages have numbers, sent as this parameter of the query.
    pub number: Option<String>,
    /// A page starts at the number of a record, sent as this parameter of the query.
    pub offset: Option<String>,
    /// The page is asked for in this parameter of the query.
    pub query: Option<String>,
    /// The page is asked for in this header.
    pub header: Option<String>,
    /// The page is asked for in this member of the JSON body: `page.cursor`.
    pub json: Option<String>,
    /// The page is asked for in this variable of the GraphQL query.
    pub variable: Option<String>,
    /// The page is asked for where this placeholder stands: `/items/{page}`.
    pub placeholder: Option<String>,
    /// How many records a page has.
    pub size: Option<u64>,
    /// The parameter of the query that says so; without it, the size is not sent.
    pub size_query: Option<String>,
    /// The number of the first page (1) or record (0).
    pub start: Option<u64>,
    /// The JSON path of the number of all pages, or of all records.
    pub total: Option<String>,
    /// The JSON path of a value that says whether there are more pages.
    pub more: Option<String>,
    /// Whether only an empty page is the last, and a short one is not.
    #[serde(default)]
    pub until_empty: bool,
    /// Whether the pages go on after an empty one.
    pub continue_if_empty: Option<bool>,
    /// Reads at most this many pages, and warns when there are more.
    pub max: Option<u64>,
    /// The JSON path of the list whose length says whether a page is short or empty, where that is not the records.
    pub count: Option<String>,
    /// Takes only the path and the query from a `next_url`, and asks at the address of the API.
    #[serde(default)]
    pub own_origin: bool,
    /// The word `link_header`, with more about it.
    #[serde(skip)]
    pub(crate) link_header: bool,
}

/// A stream.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct Stream {
    /// Where its records are, below the address of the API.
    pub path: Option<String>,
    /// GET, unless there is a body: then POST.
    pub method: Option<String>,
    /// Parameters of the query.
    #[serde(default)]
    pub query: Map<String, Value>,
    /// Headers.
    #[serde(default)]
    pub headers: Map<String, Value>,
    /// The JSON body of the request.
    pub json: Option<Value>,
    /// The fields of a form as the body of the request.
    #[serde(default)]
    pub form: Map<String, Value>,
    /// A GraphQL query.
    pub graphql: Option<String>,
    /// The variables of the GraphQL query.
    #[serde(default)]
    pub variables: Map<String, Value>,
    /// The JSON path of the records: `$[*]`.
    pub records: Option<String>,
    /// The properties that identify a record.
    pub key: Option<OneOf<String, Vec<String>>>,
    /// The JSON Schema of the records: a file, or the schema itself. Without it, the schema is inferred from samples.
    pub schema: Option<OneOf<String, Map<String, Value>>>,
    /// What is new since the last run: the property that grows as records change, or more about it.
    pub since: Option<OneOf<String, Since>>,
    /// The stream whose records this one is read for: `{parent.id}` is a property of such a record.
    pub parent: Option<String>,
    /// The stream is read once for each of these values, by the names of placeholders. Lists multiply.
    #[serde(default)]
    pub each: Map<String, Value>,
    /// Properties that are added to each record.
    #[serde(default)]
    pub add: Map<String, Value>,
    /// What is done about a status: `404: skip`.
    #[serde(default)]
    pub errors: Map<String, Value>,
    /// How pages follow each other.
    pub pages: Option<OneOf<PagesWord, Pages>>,
    /// Whether there is a bookmark for each parent, or one for all.
    #[serde(default)]
    pub state: State,
    /// Whether the stream is read only when the catalog selects it.
    #[serde(default)]
    pub not_selected: bool,
    /// The records that its schema is inferred from, where it has none, instead of those that the definition says.
    pub samples: Option<usize>,
    /// Whether records are made flat.
    #[serde(skip)]
    pub(crate) flatten: Option<Flatten>,
}

impl Stream {
    /// The properties that every record has: the key and the replication key.
    pub(crate) fn key_names(&self) -> Vec<&str> {
        let keys = match &self.key {
            Some(OneOf::Short(key)) => std::slice::from_ref(key),
            Some(OneOf::Long(keys)) => keys,
            None => &[],
        };
        let since = self.since.as_ref().map(OneOf::field);
        keys.iter().map(String::as_str).chain(since).collect()
    }
}

/// What is new since the last run.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct Since {
    /// The property that grows as records change: the replication key.
    pub field: String,
    /// The parameter of the query that has the bookmark. Without it, `{since}` says where it goes.
    pub query: Option<String>,
    /// How the moment is written: by the directives of strftime, or `epoch` or `epoch_ms`.
    pub format: Option<String>,
    /// Asks for this much more than the bookmark says: `5m`.
    pub lookback: Option<String>,
    /// Whether records come in the order of the field, so that an interrupted run resumes.
    #[serde(default)]
    pub sorted: bool,
    /// Whether a parameter has its placeholder.
    #[serde(skip)]
    pub(crate) placed: bool,
    /// How the moment is written where the schema says that it is a date-time.
    #[serde(skip)]
    pub(crate) date_time: Option<String>,
}

impl Since {
    /// By this property.
    pub(crate) fn of(field: &str) -> Self {
        Self {
            field: field.to_owned(),
            ..Self::default()
        }
    }
}

impl OneOf<String, Since> {
    /// The replication key.
    pub(crate) fn field(&self) -> &str {
        match self {
            Self::Short(field) => field,
            Self::Long(since) => &since.field,
        }
    }
}

/// The bookmarks of a child stream.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// One for each parent.
    #[default]
    Each,
    /// One for all, which moves when all are read: for very many parents.
    Shared,
}

/// What is done about a status.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reaction {
    /// There is nothing to read.
    Skip,
    /// The request is sent again a few times.
    Retry,
    /// The request is sent again after a wait, as for 429.
    Wait,
    /// The run ends.
    Fail,
}
