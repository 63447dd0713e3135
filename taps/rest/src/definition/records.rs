//! What answers are written in, and which records of them count.

use melisma_sdk::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// What answers are written in.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FormatWord {
    /// One JSON value.
    Json,
    /// A JSON value in each line.
    Jsonl,
    /// Lines with commas between values, and a header.
    Csv,
    /// XML.
    Xml,
}

/// A format, with more about it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct FormatOptions {
    /// CSV.
    pub csv: CsvOptions,
}

/// How lines of CSV are cut.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct CsvOptions {
    /// What stands between two values: a comma.
    pub delimiter: Option<String>,
    /// What values with a delimiter in them stand in: a double quote.
    pub quote: Option<String>,
    /// The names of the columns, where the first line is no header.
    pub columns: Option<Vec<String>>,
    /// Texts that mean null.
    #[serde(default)]
    pub nulls: Vec<String>,
    /// The encoding, by its name on the web: `windows-1252`. UTF-8 if not set.
    pub encoding: Option<String>,
}

/// What a value is compared with.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Condition {
    /// All comparisons are true.
    All(Box<Comparisons>),
    /// It is one of these.
    OneOf(Vec<Value>),
    /// It is this.
    Is(Value),
}

/// Comparisons with a value. Numbers are compared as numbers, and texts in the order of their letters.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Comparisons {
    /// It is this; null is a value that is not there, too.
    #[serde(default, deserialize_with = "given")]
    pub eq: Option<Value>,
    /// It is not this.
    #[serde(default, deserialize_with = "given")]
    pub ne: Option<Value>,
    /// It is less.
    pub lt: Option<Value>,
    /// It is at most this.
    pub le: Option<Value>,
    /// It is greater.
    pub gt: Option<Value>,
    /// It is at least this.
    pub ge: Option<Value>,
    /// It is one of these.
    pub r#in: Option<Vec<Value>>,
    /// It is none of these.
    pub not_in: Option<Vec<Value>>,
}

/// A value that is there, null included.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}
