//! The settings of target-postgres, with the names of both MeltanoLabs' and pipelinewise's targets.

use std::collections::HashMap;

use melisma_postgres::Connection;
use melisma_sdk::{Error, JsonSchema, Result};
use serde::{Deserialize, Serialize};

use crate::copy::{InvalidDates, InvalidValues};
use crate::flatten::Flattening;

/// Writes streams to tables of a PostgreSQL database (11 or later), by COPY.
///
/// The shortest limit of a name that leaves room for a hash of the whole name.
const SHORTEST_LIMIT: usize = 16;

/// The settings and tables are those of `MeltanoLabs` target-postgres, or with `naming_mode: pipelinewise` those of
/// pipelinewise's. Records of streams with keys replace those with the same key; others are added. STATE follows COMMIT.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct Config {
    #[serde(flatten)]
    pub(crate) connection: Connection,
    /// The schema of the tables. When empty: the schema part of the stream's name, or `public` when it has none.
    pub(crate) default_target_schema: String,
    /// Whether names, types and metadata columns are those of MeltanoLabs' target-postgres, or those of pipelinewise's.
    pub(crate) naming_mode: NamingMode,
    /// For the streams of a source schema: the schema of their tables, who may read it, and indexes.
    pub(crate) schema_mapping: HashMap<String, SchemaMapping>,
    /// Roles that may read the tables: one, or a list. They get USAGE on the schemas and SELECT on the tables.
    #[serde(alias = "default_target_schema_select_permission")]
    #[schemars(extend("x-aliases" = ["default_target_schema_select_permission"]))]
    pub(crate) default_target_schema_select_permissions: Option<Roles>,
    /// Accepted and ignored: rows are always loaded by COPY.
    #[schemars(extend("x-ignored" = "rows are always loaded by COPY"))]
    pub(crate) use_copy: bool,
    /// Apply ACTIVATE_VERSION messages.
    pub(crate) activate_version: bool,
    /// Delete rows that the source has deleted, instead of marking them in `_sdc_deleted_at`.
    pub(crate) hard_delete: bool,
    /// What `hard_delete` applies to: `versions` (ACTIVATE_VERSION), `records` (a record with `_sdc_deleted_at`), or
    /// both.
    pub(crate) hard_delete_mode: HardDeleteMode,
    /// pipelinewise's name for `add_record_metadata`. It takes precedence.
    pub(crate) add_metadata_columns: Option<bool>,
    /// Text that the schema says is `contentEncoding: base16` becomes bytea.
    pub(crate) interpret_content_encoding: bool,
    /// Replace U+0000, which PostgreSQL cannot store, with U+FFFD, at any depth. When off, such a record is refused.
    pub(crate) sanitize_null_text_characters: bool,
    /// What happens to a date or time that the column cannot hold: `error` refuses the record, `null` and `max` replace
    /// the value with null or 9999-12-31 23:59:59.999999.
    pub(crate) invalid_date_handling: InvalidDates,
    /// What happens to any other value that its column cannot hold, when the column is not widened: `error` refuses the
    /// record, `null` replaces the value with null, but never in a key.
    pub(crate) invalid_values: InvalidValues,
    /// When a column is widened: `value`, when a value comes that does not fit, so that existing columns keep their
    /// types and new ones get those of the peer's target; `schema`, as soon as the SCHEMA allows such a value.
    pub(crate) widen_on: WidenOn,
    /// What happens when a table does not fit the SCHEMA: `widen` adds columns and widens types, `version` also renames
    /// a column whose type cannot be widened and creates a new one, `error` only adds columns, `freeze` changes
    /// nothing.
    pub(crate) schema_evolution: Evolution,
    /// The longest name of a table or column, in bytes. A longer one is cut and gets a hash.
    #[schemars(range(min = 16, max = 63))]
    pub(crate) identifier_max_length: usize,
    /// Refuse streams without key properties. Not set: only with `naming_mode: pipelinewise`.
    pub(crate) primary_key_required: Option<bool>,
    /// The number of seconds to wait for a lock on a table; 0 waits for ever.
    #[schemars(range(min = 0, max = 2_147_483))]
    pub(crate) lock_timeout_seconds: f64,
    /// Also write STATE to the table `_melisma_state` of the default schema, in the same transaction as the rows that
    /// it covers. Commits then wait for a STATE, and one connection loads all streams.
    pub(crate) state_in_target: bool,
    /// The id under which `state_in_target` writes the STATE. Each pipeline into this schema needs its own.
    pub(crate) state_id: String,
    /// How many streams are written at the same time, by pipelinewise's name; `max_parallelism` is then the most. 0 does
    /// not change `max_parallelism`, -1 is the number of processors.
    #[schemars(range(min = -1, max = 256))]
    pub(crate) parallelism: i64,
    /// Accepted and ignored: a STATE is emitted when its rows are durable, without flushing other streams.
    #[schemars(extend("x-ignored" = "a STATE is emitted when its rows are durable, without flushing other streams"))]
    pub(crate) flush_all_streams: bool,
    /// Accepted and ignored: there are no temporary files.
    #[schemars(extend("x-ignored" = "there are no temporary files"))]
    pub(crate) temp_dir: Option<String>,
    /// The number of levels down to which each property of an object becomes a column; 0 keeps objects as JSON.
    #[schemars(range(min = 0, max = 128))]
    pub(crate) data_flattening_max_level: usize,
    /// Whether each property of an object becomes a column.
    pub(crate) flattening_enabled: bool,
    /// The number of levels that `flattening_enabled` flattens. Not set: all.
    #[schemars(range(min = 0, max = 128))]
    pub(crate) flattening_max_depth: Option<usize>,
    /// The longest name that flattening makes, in characters.
    #[schemars(range(min = 1, max = 65536))]
    pub(crate) flattening_max_key_length: Option<usize>,
    /// The separator of names that flattening joins.
    pub(crate) flattening_separator: String,
}

/// `naming_mode`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum NamingMode {
    /// Names as they are; seven `_sdc_` columns.
    #[default]
    Meltanolabs,
    /// Lower-case names; three `_sdc_` columns.
    Pipelinewise,
}

/// `hard_delete_mode`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum HardDeleteMode {
    /// Rows of an older version.
    Versions,
    /// Rows whose record says that it is deleted.
    Records,
    /// Both.
    #[default]
    Both,
}

/// `schema_evolution`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Evolution {
    /// Columns are added and types widened; a type that cannot be widened is an error.
    #[default]
    Widen,
    /// As `widen`; when a type cannot be widened, a new column is added, and the old one gets the date at the end of
    /// its name.
    Version,
    /// Columns are added; another type is an error.
    Error,
    /// Nothing is changed: properties without a column are dropped.
    Freeze,
}

/// `widen_on`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum WidenOn {
    /// When a value comes that does not fit.
    #[default]
    Value,
    /// As soon as the SCHEMA allows such a value.
    Schema,
}

/// What a source schema becomes.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SchemaMapping {
    /// The schema of the tables.
    pub(crate) target_schema: Option<String>,
    /// Roles that may read them, instead of `default_target_schema_select_permissions`.
    #[serde(alias = "target_schema_select_permission")]
    #[schemars(extend("x-aliases" = ["target_schema_select_permission"]))]
    pub(crate) target_schema_select_permissions: Option<Roles>,
    /// For a table the columns that get an index; several in one index are joined by commas.
    pub(crate) indices: HashMap<String, Vec<String>>,
}

/// One role, or several.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Roles {
    /// One; several when there are commas.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Roles {
    pub(crate) fn names(&self) -> Vec<&str> {
        let names: Vec<&str> = match self {
            Self::One(names) => names.split(',').collect(),
            Self::Many(names) => names.iter().map(String::as_str).collect(),
        };
        names
            .into_iter()
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .collect()
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connection: Connection::default(),
            default_target_schema: "melty".to_owned(),
            naming_mode: NamingMode::default(),
            schema_mapping: HashMap::new(),
            default_target_schema_select_permissions: None,
            use_copy: false,
            activate_version: true,
            hard_delete: false,
            hard_delete_mode: HardDeleteMode::default(),
            add_metadata_columns: None,
            interpret_content_encoding: false,
            sanitize_null_text_characters: false,
            invalid_date_handling: InvalidDates::default(),
            invalid_values: InvalidValues::default(),
            widen_on: WidenOn::default(),
            schema_evolution: Evolution::default(),
            identifier_max_length: 63,
            primary_key_required: None,
            lock_timeout_seconds: 60.0,
            state_in_target: false,
            state_id: "default".to_owned(),
            parallelism: 0,
            flush_all_streams: false,
            temp_dir: None,
            data_flattening_max_level: 0,
            flattening_enabled: false,
            flattening_max_depth: None,
            flattening_max_key_length: None,
            flattening_separator: "__".to_owned(),
        }
    }
}

impl Config {
    /// Refuses settings that cannot be applied, before anything is done.
    pub(crate) fn check(&self) -> Result<()> {
        if !(SHORTEST_LIMIT..=63).contains(&self.identifier_max_length) {
            return Err(Error::config(format!(
                "config: identifier_max_length: expected {SHORTEST_LIMIT} to 63, found {}",
                self.identifier_max_length
            )));
        }
        Ok(())
    }

    /// How objects become columns. pipelinewise keeps as JSON what Meltano's SDK makes text.
    pub(crate) fn flattening(&self) -> Option<Flattening> {
        let levels = match (self.data_flattening_max_level, self.flattening_enabled) {
            (0, false) => return None,
            (0, true) => self.flattening_max_depth.unwrap_or(usize::MAX),
            (levels, _) => levels,
        };
        let pipelinewise = self.data_flattening_max_level > 0;
        Some(Flattening {
            levels,
            separator: self.flattening_separator.clone(),
            longest: self
                .flattening_max_key_length
                .unwrap_or(if pipelinewise { 63 } else { 255 }),
            rest_is_text: !pipelinewise,
        })
    }

    /// Whether a record with `_sdc_deleted_at` deletes its row.
    pub(crate) fn deletes_records(&self) -> bool {
        self.hard_delete && self.hard_delete_mode != HardDeleteMode::Versions
    }

    /// Whether ACTIVATE_VERSION deletes rows, instead of marking them.
    pub(crate) fn deletes_versions(&self) -> bool {
        self.hard_delete && self.hard_delete_mode != HardDeleteMode::Records
    }

    /// Who may read the tables, unless `schema_mapping` says otherwise.
    pub(crate) fn roles(&self) -> Vec<String> {
        let roles = self.default_target_schema_select_permissions.as_ref();
        roles.map_or_else(Vec::new, |roles| {
            roles.names().into_iter().map(str::to_owned).collect()
        })
    }

    /// Whether a stream must have keys.
    pub(crate) fn needs_key(&self) -> bool {
        self.primary_key_required
            .unwrap_or(self.naming_mode == NamingMode::Pipelinewise)
    }
}
