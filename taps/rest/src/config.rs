//! The settings of the tap: which definition, and what its own settings are.

use melisma_sdk::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::msdk::Msdk;

/// Reads HTTP APIs: a file says where the API is and what its streams are.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Config {
    /// The definition of the API: the path of a YAML or JSON file, or the definition itself, as an object or as text.
    #[schemars(with = "Option<Map<String, Value>>", extend("type" = ["string", "object", "null"]))]
    pub definition: Option<Value>,
    /// Instead of a definition, a low-code manifest of Airbyte: the path of a YAML or JSON file, or the manifest itself. The option
    /// `--manifest` sets it, too.
    #[schemars(with = "Option<Map<String, Value>>", extend("type" = ["string", "object", "null"]))]
    pub manifest: Option<Value>,
    /// The values of the settings that the definition or the manifest asks for, by their names. Those of a manifest may also be
    /// settings of the tap.
    #[serde(default)]
    pub settings: Map<String, Value>,
    /// Records before this moment are left out of the first run, where a stream has a bookmark.
    #[schemars(extend("format" = "date-time"))]
    pub start_date: Option<String>,
    /// A file that keeps a refresh token that the server has replaced, for the next run: of a manifest, or of the settings of
    /// tap-rest-api-msdk.
    pub token_file: Option<String>,
    /// Instead of a definition, the settings of tap-rest-api-msdk.
    #[serde(flatten)]
    pub msdk: Msdk,
    /// What a manifest asks for.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}
