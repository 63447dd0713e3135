//! The settings that every target has.

use serde::Deserialize;

/// How rows meet those of earlier runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LoadMethod {
    /// Every record is added.
    #[default]
    AppendOnly,
    /// A record replaces the one with the same key.
    Upsert,
    /// What is there is replaced by this run.
    Overwrite,
}

/// The standard settings of a target, read from the same configuration as its own.
#[derive(Clone, Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct Settings {
    /// How rows meet those of earlier runs.
    pub load_method: LoadMethod,
}
