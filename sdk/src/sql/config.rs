//! The settings that every target of an SQL database has.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The settings that every target of an SQL database has, beside those that all targets have.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct SqlConfig {
    /// The schema of the tables. Not set: the schema part of the stream's name (`shop` of `shop-orders`), or the one that
    /// the connection looks in first.
    pub default_target_schema: Option<String>,
    /// What happens when a table does not fit the SCHEMA: `evolve` adds columns and widens types, `version` also renames a
    /// column whose type cannot be widened and adds a new one, `freeze` changes nothing and drops properties without a
    /// column, `fail` ends the run.
    pub schema_evolution: Evolution,
    /// Delete rows that the source has deleted (a record with `_sdc_deleted_at`, or rows of a version before
    /// ACTIVATE_VERSION), instead of marking them in `_sdc_deleted_at`.
    pub hard_delete: bool,
    /// Refuse streams without key properties.
    pub primary_key_required: bool,
    /// Also write STATE to the table `_melisma_state`, in the same transaction as the rows that it covers. Commits then
    /// wait for a STATE, and one connection loads all streams.
    pub state_in_target: bool,
    /// The id under which `state_in_target` writes the STATE. Each pipeline into this database needs its own.
    pub state_id: String,
}

/// `schema_evolution`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Evolution {
    /// Columns are added and types widened; a type that cannot be widened is an error.
    #[default]
    Evolve,
    /// As `evolve`; when a type cannot be widened, a new column is added, and the old one gets the date at the end of its
    /// name; not in a key.
    Version,
    /// Nothing is changed: properties without a column are dropped.
    Freeze,
    /// A table that does not fit is an error.
    Fail,
}

impl Default for SqlConfig {
    fn default() -> Self {
        Self {
            default_target_schema: None,
            schema_evolution: Evolution::default(),
            hard_delete: false,
            primary_key_required: false,
            state_in_target: false,
            state_id: "default".to_owned(),
        }
    }
}
