//! The value of each setting of a plugin: the first layer that has one counts.
//!
//! Layers, the strongest first: environment variables (the shell's, under what `env:` blocks say), `.env`, the active
//! environment's block, the block in `meltano.yml`, the parent's value, the default.

use std::collections::BTreeSet;

use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

use super::cast::{SettingKind, cast, process};
use super::expand::Lookup;
use super::flat::{flatten, nest};
use super::plugin::{Plugin, PluginKind, Setting};
use super::vars::{self, env_name};
use super::{Project, Vars};

/// What the plugins of one pipeline hand to those after them, as environment variables.
pub(crate) type Exports = Vars;

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
    /// What it adds to the exports of the pipeline.
    pub(crate) exports: Exports,
}

impl Resolved {
    /// The config file: nulls dropped, dotted names nested.
    pub(crate) fn config(&self) -> Value {
        let own = self.found.iter().filter(|found| !found.name.starts_with('_'));
        Value::Object(nest(own.map(|found| (found.name.clone(), found.value.clone()))))
    }

    /// An extra by its name without the `_`; an object's leaves are put together.
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
    // Extras may use the plugin's own settings.
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

/// Name, value and further variable of each setting.
fn pairs(found: &[Found]) -> impl Iterator<Item = (&str, &Value, Option<&str>)> {
    found
        .iter()
        .map(|found| (found.name.as_str(), &found.value, found.env.as_deref()))
}

/// Where values are looked for.
struct Stores<'a> {
    plugin: &'a Plugin,
    /// The first that has a name counts.
    env: [&'a Vars; 2],
    dotenv: &'a Vars,
    environment: Vec<(String, Value)>,
    own: Vec<(String, Value)>,
    inherited: Vec<Found>,
}

impl Stores<'_> {
    /// Every setting that has a value: defined ones in their order, then keys that nobody defined.
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
                settings.push(undefined(key, value));
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
            // A value that expands to nothing is none, and the default does not take its place.
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
                "plugin {}: {a} and {b} are both set, for one setting",
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
                "setting {} is set twice, under different names",
                setting.name
            )));
        }
        found = Some(value);
    }
    Ok(found)
}

/// An object that only its default or parent set gives way to leaves that were set one by one.
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

/// The settings of melisma's own that a plugin has in `meltano.yml` beside its `config:`.
fn extra_settings(plugin: &Plugin) -> Vec<Setting> {
    let text = SettingKind::Text;
    let own: &[(&str, SettingKind, Option<Value>)] = match plugin.kind {
        PluginKind::Extractor => &[
            ("_catalog", text, None),
            ("_state", text, None),
            (
                "_load_schema",
                text,
                Some(Value::from("$MELTANO_EXTRACTOR_NAMESPACE")),
            ),
            ("_select", SettingKind::Array, Some(Value::from(vec!["*.*"]))),
            ("_metadata", SettingKind::Object, Some(Value::Object(Map::new()))),
            ("_schema", SettingKind::Object, Some(Value::Object(Map::new()))),
            (
                "_select_filter",
                SettingKind::Array,
                Some(Value::Array(Vec::new())),
            ),
            (
                "_use_cached_catalog",
                SettingKind::Boolean,
                Some(Value::Bool(true)),
            ),
        ],
        PluginKind::Loader => &[("_dialect", text, Some(Value::from("$MELTANO_LOADER_NAMESPACE")))],
    };
    own.iter()
        .map(|(name, kind, value)| Setting {
            name: (*name).to_owned(),
            kind: *kind,
            value: plugin.defaults.get(*name).cloned().or_else(|| value.clone()),
            env: None,
            aliases: Vec::new(),
            processor: None,
        })
        .collect()
}

fn undefined(key: &str, value: &Value) -> Setting {
    Setting {
        name: key.to_owned(),
        kind: SettingKind::of(value),
        value: None,
        env: None,
        aliases: Vec::new(),
        processor: None,
    }
}
