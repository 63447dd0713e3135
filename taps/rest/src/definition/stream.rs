//! A stream of a definition.

use std::collections::BTreeMap;

use melisma_sdk::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::records::{Condition, FormatOptions, FormatWord};
use super::{OneOf, Pages, PagesWord};
use crate::msdk::flatten::Flatten;

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
    /// What the answers are written in, where that is not JSON: a word, or more about it.
    pub format: Option<OneOf<FormatWord, FormatOptions>>,
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
    /// The properties that are written, by the names that the source has for them; if not set, all.
    pub select: Option<Vec<String>>,
    /// Other names for properties: that of the source, and the new one.
    #[serde(default)]
    pub rename: BTreeMap<String, String>,
    /// Conditions that records meet; others are left out. A property, or several names with dots between, and the value that it
    /// has, a list of such values, or comparisons.
    #[serde(default, rename = "where")]
    pub conditions: BTreeMap<String, Condition>,
    /// Properties that are added to each record.
    #[serde(default)]
    pub add: Map<String, Value>,
    /// What is done about a status, `404: skip`, or about an answer that has something at a JSON path:
    /// `"$.errors[?@.code=='BUSY']": wait`.
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
    /// The parameter of the query that has the moment up to which records are asked for. Without it, `{until}` says where it goes.
    pub until: Option<String>,
    /// Asks for this much time at once, `30d`, from the bookmark to the moment of the run. The bookmark moves with each window.
    pub step: Option<String>,
    /// Where a first run begins without a `start_date`.
    pub start: Option<String>,
    /// How much earlier a window ends than the next begins, for sources that count the end in: `1d`.
    pub granularity: Option<String>,
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

/// What is done about an answer.
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
