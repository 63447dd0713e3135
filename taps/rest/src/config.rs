//! The settings of the tap: which definition, and what its own settings are.

use melisma_sdk::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

/// Reads HTTP APIs: a file says where the API is and what its streams are.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Config {
    /// The definition of the API: the path of a YAML or JSON file, or the definition itself, as an object or as text.
    #[schemars(with = "Map<String, Value>", extend("type" = ["string", "object"]))]
    pub definition: Value,
    /// The values of the settings that the definition asks for, by their names.
    #[serde(default)]
    pub settings: Map<String, Value>,
    /// Records before this moment are left out of the first run, where a stream has a bookmark.
    #[schemars(extend("format" = "date-time"))]
    pub start_date: Option<String>,
}
