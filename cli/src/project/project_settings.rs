//! Settings of the project itself, such as `database_uri`: the one place that reads them, from every source that Meltano
//! reads them from.
//!
//! The sources in order of precedence: environment variables (`MELTANO_DATABASE_URI`; the root `env:` before the shell's),
//! `.env`, the file (nested or with dots in the key), the default. `config list meltano` also has those that are stored in the
//! system database; nothing else reads them, in Meltano neither.

use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

use super::cast::cast;
use super::expand::Lookup;
use super::meltano_settings::{DEFINITIONS, STRICT};
use super::setting::Setting;
use super::settings::{Found, Source};
use super::vars::env_name;
use super::{Project, Vars};
use crate::dotted_keys::flatten;

/// Keys at the top of `meltano.yml` that are no settings.
const PARTS: [&str; 7] = [
    "version",
    "plugins",
    "schedules",
    "environments",
    "jobs",
    "env",
    "requires_meltano",
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
        let setting = DEFINITIONS
            .iter()
            .find(|setting| setting.name == name)
            .ok_or_else(|| Error::bug(format!("there is no project setting {name}")))?;
        self.find_setting(setting, self.strict)
    }

    /// Whether a reference to a missing variable is an error.
    pub(super) fn read_strict_mode(&self) -> Result<bool> {
        let setting = DEFINITIONS.iter().find(|setting| setting.name == STRICT);
        let value = setting.map(|setting| self.find_setting(setting, false));
        Ok(value.transpose()?.flatten() == Some(Value::Bool(true)))
    }

    /// Every setting that has a value, as the variables that plugins get.
    pub(super) fn read_setting_variables(&self) -> Result<Vars> {
        let mut vars = Vars::new();
        for setting in DEFINITIONS.iter() {
            if let Some(value) = self.find_setting(setting, self.strict)? {
                vars.insert(setting_variable(&setting.name), setting.kind.stringify(&value));
            }
        }
        Ok(vars)
    }

    fn find_setting(&self, setting: &Setting, strict: bool) -> Result<Option<Value>> {
        let found = self.find(setting, strict, &|_| Ok(None))?;
        Ok(Some(found.value).filter(|value| !value.is_null()))
    }

    /// All settings of the project with their values, also those that the system database has.
    pub(crate) fn found_settings(&self) -> Result<Vec<Found>> {
        let stored = |setting: &Setting| self.stored_project_setting(&setting.name);
        let find = |setting: &Setting| self.find(setting, self.strict, &stored);
        DEFINITIONS.iter().map(find).collect()
    }

    /// The settings at the top of `meltano.yml`.
    pub(crate) fn top(&self) -> Map<String, Value> {
        let top = self
            .document
            .iter()
            .filter(|(key, _)| !PARTS.contains(&key.as_str()));
        top.map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    fn find(
        &self,
        setting: &Setting,
        strict: bool,
        stored: &dyn Fn(&Setting) -> Result<Option<Value>>,
    ) -> Result<Found> {
        let found = |value: Value, source: Source| Found {
            setting: setting.clone(),
            value,
            source,
            variable: None,
            unexpanded: None,
        };
        let variable = setting_variable(&setting.name);
        let layers = [
            (&self.env, Source::Variable),
            (&self.own_vars, Source::Variable),
            (&self.os, Source::Variable),
            (&self.dotenv, Source::Dotenv),
        ];
        for (vars, source) in layers {
            if let Some(value) = vars.get(&variable) {
                let value = cast(setting.kind, &setting.name, Value::String(value.clone()))?;
                return Ok(Found {
                    variable: Some(variable),
                    ..found(value, source)
                });
            }
        }
        let (value, source) = match self.in_file(&setting.name) {
            Some(value) => (value, Source::File),
            None => match stored(setting)?.filter(|value| !value.is_null()) {
                Some(value) => return Ok(found(value, Source::Database)),
                None => (setting.value.clone().unwrap_or(Value::Null), Source::Default),
            },
        };
        let lookup = Lookup::new([&self.dotenv, &self.os, &self.own_vars, &self.env], strict);
        // A value that expands to nothing counts as unset, and the default does not replace it.
        let expanded = lookup.value(&value)?;
        let unexpanded = (expanded != value).then_some(value);
        Ok(Found {
            unexpanded,
            ..found(cast(setting.kind, &setting.name, expanded)?, source)
        })
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

/// The variable of a setting of the project: `MELTANO_DATABASE_URI` for `database_uri`.
pub(crate) fn setting_variable(name: &str) -> String {
    env_name(&["meltano", name])
}
