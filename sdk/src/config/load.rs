//! Files, environment variables and defaults into one map of settings.

use std::ffi::OsString;
use std::fs;

use melisma_engine::{Error, Result};
use serde_json::{Map, Value};

use super::check::{self, Checker};
use super::{Environment, Settings, Values, foreign, schema};
use crate::plugin::Plugin;

impl Settings {
    /// Reads the sources in order, later ones over earlier ones, and checks the result.
    ///
    /// `options` are settings that the command line has, which go before all others.
    ///
    /// The word `ENV` among the sources reads environment variables, which go before every file. Every error is
    /// logged on a line of its own, the first as the one returned; unknown settings are warned of and left out.
    pub fn load(
        &self,
        plugin: &Plugin,
        sources: &[OsString],
        options: &[(&str, String)],
        environment: &Environment,
    ) -> Result<Values> {
        let mut given = Map::new();
        for source in sources.iter().filter(|source| *source != "ENV") {
            for (name, value) in nest(self, read_file(source)?) {
                given.insert(name, value);
            }
        }
        if sources.iter().any(|source| source == "ENV") {
            let environment = environment.with_dot_env()?;
            self.add_variables(&plugin.prefix(), &environment, &mut given);
            for name in foreign::names(&self.schema) {
                if let Some(text) = environment.get(&schema::variable(&plugin.prefix(), name)) {
                    given.insert(name.to_owned(), Value::String(text.to_owned()));
                }
            }
        }
        for (name, value) in options {
            given.insert((*name).to_owned(), Value::String(value.clone()));
        }
        self.check(given)
    }

    /// The settings of one file that holds `bytes`.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn read(&self, bytes: &[u8]) -> Result<Values> {
        self.check(nest(self, parse(bytes, "config.json")?))
    }

    /// These settings, as if they were those of a file.
    #[cfg(feature = "check")]
    pub(crate) fn of_map(&self, given: Map<String, Value>) -> Result<Values> {
        self.check(nest(self, given))
    }

    fn check(&self, mut given: Map<String, Value>) -> Result<Values> {
        let (errors, warnings) = foreign::take(&self.schema, &mut given);
        let mut checker = Checker {
            errors,
            warnings,
            ..Checker::default()
        };
        let mut map = checker.object(&self.schema, given, "");
        checker.hide_secrets();
        if checker.errors.is_empty() {
            check::defaults(&self.schema, &mut map);
        }
        for warning in &checker.warnings {
            log::warn!("config: {warning}");
        }
        // The first error is the one returned, and logged as the end of the run; the others are logged before it.
        for error in checker.errors.iter().skip(1) {
            log::error!("config: {error}");
        }
        match checker.errors.as_slice() {
            [] => Ok(Values {
                map,
                secrets: checker.secrets,
            }),
            [error] => Err(Error::config(format!("config: {error}"))),
            [first, rest @ ..] => Err(Error::config(format!(
                "config: {first} (and {} more)",
                rest.len()
            ))),
        }
    }

    fn add_variables(&self, prefix: &str, environment: &Environment, given: &mut Map<String, Value>) {
        for setting in schema::settings(&self.schema) {
            let dotted = setting.name.as_str();
            let nickname = schema::aliases_of(setting.schema).map(|alias| match dotted.rsplit_once('.') {
                Some((parent, _)) => schema::variable(prefix, &format!("{parent}.{alias}")),
                None => schema::variable(prefix, alias),
            });
            let names = std::iter::once(setting.variable(prefix)).chain(nickname);
            if let Some(text) = names
                .into_iter()
                .find_map(|name| environment.get(&name).map(str::to_owned))
            {
                put(given, dotted, Value::String(text));
            }
        }
    }
}

fn read_file(source: &OsString) -> Result<Map<String, Value>> {
    let shown = source.to_string_lossy();
    // Not shown: there may be a password in it.
    if shown.trim_start().starts_with('{') {
        return Err(Error::config(
            "--config: expected the path of a file, found the JSON itself, which other users see in the list of processes",
        ));
    }
    let bytes = fs::read(source)
        .map_err(|error| Error::config(format!("cannot read the config file {shown}")).with_source(error))?;
    parse(&bytes, &shown)
}

/// The settings of a file that holds `bytes`; `shown` names it in errors.
fn parse(bytes: &[u8], shown: &str) -> Result<Map<String, Value>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    // serde_json's messages name line and column, never the text: secrets stay out.
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Error::config(format!(
            "the config file {shown} must hold a JSON object"
        ))),
        Err(error) => Err(Error::config(format!("the config file {shown} is not JSON")).with_source(error)),
    }
}

/// Puts the value of each dotted key where it belongs: `ssh_tunnel.host` into the object `ssh_tunnel`.
fn nest(settings: &Settings, flat: Map<String, Value>) -> Map<String, Value> {
    let known = schema::properties(&settings.schema);
    let mut nested = Map::new();
    for (key, value) in flat {
        let whole = known.is_some_and(|known| known.contains_key(&key));
        if whole || !key.contains('.') {
            match (nested.get_mut(&key), value) {
                // The parts given with dots and the object itself, in one file: together.
                (Some(Value::Object(old)), Value::Object(new)) => old.extend(new),
                (_, value) => {
                    nested.insert(key, value);
                }
            }
        } else {
            put(&mut nested, &key, value);
        }
    }
    nested
}

/// Puts a value at a dotted path.
fn put(map: &mut Map<String, Value>, path: &str, value: Value) {
    let Some((parent, rest)) = path.split_once('.') else {
        map.insert(path.to_owned(), value);
        return;
    };
    let slot = map.entry(parent).or_insert_with(|| Value::Object(Map::new()));
    if let Value::String(text) = slot {
        // An object that came as JSON text in a variable, with a part of it in another.
        if let Ok(parsed @ Value::Object(_)) = serde_json::from_str(text) {
            *slot = parsed;
        }
    }
    if !slot.is_object() {
        *slot = Value::Object(Map::new());
    }
    if let Value::Object(inner) = slot {
        put(inner, rest, value);
    }
}
