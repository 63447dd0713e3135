//! The value of each setting of a plugin, from the first layer that has one.
//!
//! The layers in order of precedence: environment variables (`env:` blocks before the shell's), `.env`, the block of the
//! active environment, the block in `meltano.yml`, the value of the parent plugin, the default.

use std::collections::BTreeSet;

use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

use super::cast::{SettingKind, cast, process};
use super::expand::Lookup;
use super::extras::extra_settings;
use super::plugin::Plugin;
use super::setting::Setting;
use super::vars::{self, Exports, env_name};
use super::{Project, Vars};
use crate::dotted_keys::{flatten, nest};

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Set,
    Inherited,
    Default,
}

/// The value of one setting.
struct Found {
    name: String,
    value: Value,
    source: Source,
    env: Option<String>,
}

/// The settings of a plugin, resolved, and the environment of its process.
pub(crate) struct Resolved {
    found: Vec<Found>,
    /// All variables of its process.
    pub(crate) process: Vars,
    /// The variables that it exports to the plugins after it.
    pub(crate) exports: Exports,
}

impl Resolved {
    /// The content of the config file: nulls are dropped, dotted names nested.
    pub(crate) fn config(&self) -> Value {
        let own = self.found.iter().filter(|found| !found.name.starts_with('_'));
        Value::Object(nest(own.map(|found| (found.name.clone(), found.value.clone()))))
    }

    /// The same for a mapper with a mapping. Members of the mapping's `config` take precedence as they are written: their
    /// keys, such as patterns for streams, may contain dots.
    pub(crate) fn config_with(&self, mapping: &Map<String, Value>) -> Result<Value> {
        let lookup = Lookup::new([&self.process], false);
        let mut config = self.config();
        if let Value::Object(config) = &mut config {
            for (key, value) in mapping {
                config.insert(key.clone(), lookup.value(value)?);
            }
        }
        Ok(config)
    }

    /// An extra by its name without the `_`; the leaves of an object are put together.
    pub(crate) fn extra(&self, name: &str) -> Option<&Value> {
        self.found
            .iter()
            .find(|found| found.name.strip_prefix('_') == Some(name))
            .map(|found| &found.value)
    }
}

/// Resolves the settings of `plugin`, after plugins that exported `exports`.
pub(crate) fn resolve(project: &Project, plugin: &Plugin, exports: &Exports) -> Result<Resolved> {
    let layers = vars::layers(project, plugin, exports);
    let mut known: Vec<&Vars> = vec![&project.dotenv, &project.os, &layers];
    let lookup = Lookup::new(known.clone(), project.strict);
    let inherited = match &plugin.parent {
        Some(parent) => resolve(project, parent, exports)?.found,
        None => Vec::new(),
    };
    let stores = Stores {
        plugin,
        env: [&layers, &project.os],
        dotenv: &project.dotenv,
        environment: flatten(&plugin.environment_config),
        own: flatten(&plugin.config),
        inherited,
    };
    let mut found = stores.find_all(&lookup, false)?;
    // Extras may refer to the plugin's own settings.
    let own = vars::exported(plugin, pairs(&found));
    known.push(&own);
    found.extend(stores.find_all(&Lookup::new(known, project.strict), true)?);
    let mut exports = vars::exported(plugin, pairs(&found));
    exports.extend(vars::information(plugin));
    let process = vars::of_process(project, plugin, &layers, &exports)?;
    Ok(Resolved {
        found,
        process,
        exports,
    })
}

/// Name, value and additional variable of each setting.
fn pairs(found: &[Found]) -> impl Iterator<Item = (&str, &Value, Option<&str>)> {
    found
        .iter()
        .map(|found| (found.name.as_str(), &found.value, found.env.as_deref()))
}

/// The layers in which values are looked up.
struct Stores<'a> {
    plugin: &'a Plugin,
    /// In order of precedence.
    env: [&'a Vars; 2],
    dotenv: &'a Vars,
    environment: Vec<(String, Value)>,
    own: Vec<(String, Value)>,
    inherited: Vec<Found>,
}

impl Stores<'_> {
    /// Every setting that has a value: the defined ones in order, then keys without a definition.
    fn find_all(&self, lookup: &Lookup<'_>, extras: bool) -> Result<Vec<Found>> {
        let mut settings: Vec<Setting> = if extras {
            extra_settings(self.plugin)
        } else {
            self.plugin.settings.clone()
        };
        let mut names: BTreeSet<String> = settings
            .iter()
            .flat_map(|setting| setting.aliases.iter().chain([&setting.name]))
            .cloned()
            .collect();
        let keys = self
            .own
            .iter()
            .chain(&self.environment)
            .map(|(key, value)| (key, value));
        let keys = keys.chain(self.inherited.iter().map(|found| (&found.name, &found.value)));
        for (key, value) in keys.filter(|(key, _)| key.starts_with('_') == extras) {
            if names.insert(key.clone()) {
                settings.push(Setting::new(key, SettingKind::of(value)));
            }
        }
        let mut all = Vec::new();
        for setting in &settings {
            if let Some((value, source)) = self.find(setting, lookup)? {
                let value = match &setting.processor {
                    Some(processor) => process(processor, value),
                    None => value,
                };
                all.push(Found {
                    name: setting.name.clone(),
                    value,
                    source,
                    env: setting.env.clone(),
                });
            }
        }
        collect_leaves(&settings, &mut all);
        Ok(all)
    }

    fn find(&self, setting: &Setting, lookup: &Lookup<'_>) -> Result<Option<(Value, Source)>> {
        for vars in [&self.env[..], &[self.dotenv]] {
            if let Some(value) = self.variable(setting, vars)? {
                return Ok(Some((
                    cast(setting.kind, &setting.name, Value::String(value))?,
                    Source::Set,
                )));
            }
        }
        for layer in [&self.environment, &self.own] {
            let Some(value) = in_layer(setting, layer)? else {
                continue;
            };
            let value = lookup.value(value)?;
            // A value that expands to nothing counts as unset, and the default does not replace it.
            return Ok(match value {
                Value::Null => None,
                value => Some((cast(setting.kind, &setting.name, value)?, Source::Set)),
            });
        }
        if let Some(found) = self.inherited.iter().find(|found| found.name == setting.name)
            && found.source != Source::Default
        {
            return Ok(Some((found.value.clone(), Source::Inherited)));
        }
        let Some(default) = &setting.value else {
            return Ok(None);
        };
        Ok(match lookup.value(default)? {
            Value::Null => None,
            value => Some((cast(setting.kind, &setting.name, value)?, Source::Default)),
        })
    }

    /// The value of a setting in environment variables. Two names for one setting are an error.
    fn variable(&self, setting: &Setting, vars: &[&Vars]) -> Result<Option<String>> {
        let mut names = BTreeSet::new();
        for name in setting.aliases.iter().chain([&setting.name]) {
            names.insert(env_name(&[&self.plugin.name, name]));
            names.insert(env_name(&[&self.plugin.namespace, name]));
        }
        let mut set = names
            .iter()
            .filter_map(|name| Some((name, vars.iter().find_map(|vars| vars.get(name))?)));
        let first = set.next();
        if let (Some((a, _)), Some((b, _))) = (first, set.next()) {
            return Err(Error::config(format!(
                "plugin {}: {a} and {b} set the same setting; unset one of them",
                self.plugin.name
            )));
        }
        Ok(first.map(|(_, value)| value.clone()))
    }
}

/// The value of a setting in one layer, under its name or an alias. Null is no value.
fn in_layer<'a>(setting: &Setting, layer: &'a [(String, Value)]) -> Result<Option<&'a Value>> {
    let mut found: Option<&Value> = None;
    for (key, value) in layer {
        if value.is_null() || (*key != setting.name && !setting.aliases.contains(key)) {
            continue;
        }
        if found.is_some_and(|other| other != value) {
            return Err(Error::config(format!(
                "setting {} is set twice under different names",
                setting.name
            )));
        }
        found = Some(value);
    }
    Ok(found)
}

/// Leaves that were set one by one replace an object that comes from the default or the parent only.
fn collect_leaves(settings: &[Setting], all: &mut Vec<Found>) {
    for setting in settings
        .iter()
        .filter(|setting| setting.kind == SettingKind::Object)
    {
        let prefix = format!("{}.", setting.name);
        let leaves: Vec<(String, Value)> = all
            .iter()
            .filter_map(|found| Some((found.name.strip_prefix(&prefix)?.to_owned(), found.value.clone())))
            .collect();
        if leaves.is_empty() {
            continue;
        }
        let object = Value::Object(leaves.into_iter().collect::<Map<_, _>>());
        match all.iter_mut().find(|found| found.name == setting.name) {
            Some(found) if found.source == Source::Set => {}
            Some(found) => found.value = object,
            None if setting.name.starts_with('_') => {
                all.push(Found {
                    name: setting.name.clone(),
                    value: object,
                    source: Source::Set,
                    env: None,
                });
            }
            None => {}
        }
    }
}
