//! Settings of the project itself, such as `database_uri`: the one place that reads them, from every source that Meltano
//! reads them from.
//!
//! The sources in order of precedence: environment variables (`MELTANO_DATABASE_URI`; the root `env:` before the shell's),
//! `.env`, the file (nested or with dots in the key), the default.

use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

use super::cast::cast;
use super::expand::Lookup;
use super::setting_kind::SettingKind;
use super::vars::env_name;
use super::{Project, Vars};
use crate::dotted_keys::flatten;

/// A setting that Meltano defines: its name, its kind when it has one, and its default.
struct Definition {
    name: &'static str,
    kind: SettingKind,
    default: Default,
}

enum Default {
    None,
    Text(&'static str),
    Integer(i64),
    Flag(bool),
    /// A list of one text.
    ListOf(&'static str),
}

const fn text(name: &'static str, default: &'static str) -> Definition {
    Definition {
        name,
        kind: SettingKind::Plain,
        default: Default::Text(default),
    }
}

const fn unset(name: &'static str) -> Definition {
    Definition {
        name,
        kind: SettingKind::Plain,
        default: Default::None,
    }
}

const fn options(name: &'static str, default: &'static str) -> Definition {
    Definition {
        name,
        kind: SettingKind::Other,
        default: Default::Text(default),
    }
}

const fn integer(name: &'static str, default: i64) -> Definition {
    Definition {
        name,
        kind: SettingKind::Integer,
        default: Default::Integer(default),
    }
}

const fn flag(name: &'static str, default: bool) -> Definition {
    Definition {
        name,
        kind: SettingKind::Boolean,
        default: Default::Flag(default),
    }
}

/// The feature flag that makes a reference to a missing variable an error.
const STRICT: &str = "ff.strict_env_var_mode";

/// What Meltano 4.4 defines, in its order. Each that has a value is handed to plugins as a variable.
const DEFINITIONS: &[Definition] = &[
    unset("default_environment"),
    flag("send_anonymous_usage_stats", true),
    Definition {
        name: "disable_tracking",
        kind: SettingKind::Boolean,
        default: Default::None,
    },
    unset("project_id"),
    text("database_uri", "sqlite:///$MELTANO_SYS_DIR_ROOT/meltano.db"),
    integer("database_max_retries", 3),
    integer("database_retry_timeout", 5),
    flag("project_readonly", false),
    unset("hub_api_root"),
    text("hub_url", "https://hub.meltano.com"),
    unset("hub_url_auth"),
    integer("elt.buffer_size", 104_857_600),
    unset("python"),
    flag("auto_install", true),
    text("state_backend.uri", "systemdb"),
    integer("state_backend.lock_timeout_seconds", 10),
    integer("state_backend.lock_retry_seconds", 1),
    options("cli.log_level", "info"),
    text("cli.log_config", "logging.yaml"),
    options("cli.log_format", "colored"),
    flag("cli.disable_version_check", false),
    Definition {
        name: "snowplow.collector_endpoints",
        kind: SettingKind::Array,
        default: Default::ListOf("https://sp.meltano.com"),
    },
    options("venv.backend", "uv"),
    flag("experimental", false),
    flag(STRICT, false),
    flag("ff.plugin_locks_required", false),
    unset("state_backend.azure.connection_string"),
    unset("state_backend.azure.storage_account_url"),
    unset("state_backend.gcs.application_credentials"),
    unset("state_backend.gcs.application_credentials_json"),
    unset("state_backend.gcs.application_credentials_path"),
    unset("state_backend.s3.aws_access_key_id"),
    unset("state_backend.s3.aws_secret_access_key"),
    unset("state_backend.s3.endpoint_url"),
];

impl Project {
    /// A setting of the project, as text. `None` when it has neither a value nor a default.
    ///
    /// # Errors
    /// The value does not fit the setting's kind, or a variable in it is missing in strict mode.
    pub(crate) fn setting(&self, name: &str) -> Result<Option<String>> {
        Ok(self
            .setting_value(name)?
            .map(|value| super::spelling::str(&value)))
    }

    /// A setting of the project with its type.
    pub(crate) fn setting_value(&self, name: &str) -> Result<Option<Value>> {
        let definition = DEFINITIONS
            .iter()
            .find(|definition| definition.name == name)
            .ok_or_else(|| Error::bug(format!("there is no project setting {name}")))?;
        self.find_setting(definition, self.strict)
    }

    /// Whether a reference to a missing variable is an error.
    pub(super) fn read_strict_mode(&self) -> Result<bool> {
        let definition = DEFINITIONS.iter().find(|definition| definition.name == STRICT);
        let value = definition.map(|definition| self.find_setting(definition, false));
        Ok(value.transpose()?.flatten() == Some(Value::Bool(true)))
    }

    /// Every setting that has a value, as the variables that plugins get.
    pub(super) fn read_setting_variables(&self) -> Result<Vars> {
        let mut vars = Vars::new();
        for definition in DEFINITIONS {
            if let Some(value) = self.find_setting(definition, self.strict)? {
                vars.insert(
                    env_name(&["meltano", definition.name]),
                    definition.kind.stringify(&value),
                );
            }
        }
        Ok(vars)
    }

    fn find_setting(&self, definition: &Definition, strict: bool) -> Result<Option<Value>> {
        let variable = env_name(&["meltano", definition.name]);
        let layers = [&self.env, &self.own_vars, &self.os, &self.dotenv];
        if let Some(value) = layers.iter().find_map(|vars| vars.get(&variable)) {
            return cast(definition.kind, definition.name, Value::String(value.clone())).map(Some);
        }
        let lookup = Lookup::new([&self.dotenv, &self.os, &self.own_vars, &self.env], strict);
        let Some(value) = self
            .in_file(definition.name)
            .or_else(|| definition.default.value())
        else {
            return Ok(None);
        };
        // A value that expands to nothing counts as unset, and the default does not replace it.
        match lookup.value(&value)? {
            Value::Null => Ok(None),
            value => cast(definition.kind, definition.name, value).map(Some),
        }
    }

    /// The value in `meltano.yml`, under the name in one piece or nested.
    fn in_file(&self, name: &str) -> Option<Value> {
        let section = name.split('.').next().unwrap_or(name);
        let own: Map<String, Value> = self
            .document
            .iter()
            .filter(|(key, _)| *key == section || key.split('.').next() == Some(section))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        flatten(&own)
            .into_iter()
            .rfind(|(key, _)| key == name)
            .filter(|(_, value)| !value.is_null())
            .map(|(_, value)| value)
    }
}

impl Default {
    fn value(&self) -> Option<Value> {
        match self {
            Self::None => None,
            Self::Text(text) => Some(Value::from(*text)),
            Self::Integer(number) => Some(Value::from(*number)),
            Self::Flag(flag) => Some(Value::Bool(*flag)),
            Self::ListOf(text) => Some(Value::from(vec![*text])),
        }
    }
}
