//! The value of each setting of a plugin, from the first source that has one.
//!
//! The sources in order of precedence: environment variables (`env:` blocks before the shell's), `.env`, the block of the
//! active environment, the block in `meltano.yml`, the system database, the value of the parent plugin, the default.

use std::collections::BTreeMap;

use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

use super::cast::{cast_setting, conflict, post_process, truthy};
use super::expand::Lookup;
use super::plugin::Plugin;
use super::setting::Setting;
use super::vars::{self, Exports};
use super::{Project, Vars, spelling};
use crate::dotted_keys::{flatten, nest_config};

/// Where a value came from, in order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    Variable,
    Dotenv,
    Environment,
    File,
    Database,
    Inherited,
    Default,
}

impl Source {
    /// The name in messages.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Variable => "the environment",
            Self::Dotenv => "`.env`",
            Self::Environment => "the active environment in `meltano.yml`",
            Self::File => "`meltano.yml`",
            Self::Database => "the system database",
            Self::Inherited => "inherited",
            Self::Default => "the default",
        }
    }
}

/// A setting and its value, which is null when it has none.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) setting: Setting,
    pub(crate) value: Value,
    pub(crate) source: Source,
    /// The variable that it comes from.
    pub(crate) variable: Option<String>,
    /// How it is written, when that is different because of variables in it.
    pub(crate) unexpanded: Option<Value>,
}

/// The settings of a plugin, resolved, and the environment of its process.
pub(crate) struct Resolved {
    found: Vec<Found>,
    config: Value,
    /// All variables of its process.
    pub(crate) process: Vars,
    /// The variables that it exports to the plugins after it.
    pub(crate) exports: Exports,
}

impl Resolved {
    /// Every setting and extra with its value.
    pub(crate) fn found(&self) -> &[Found] {
        &self.found
    }

    /// The content of the config file, with `instead` in place of secrets.
    pub(crate) fn config_without_secrets(&self, instead: &str) -> Result<Value> {
        let own = self.found.iter().filter(|found| !found.setting.is_extra());
        let own: Vec<Found> = own.cloned().map(|found| found.without_secret(instead)).collect();
        config(&own)
    }

    /// The content of the config file: nulls are dropped, dotted names nested.
    pub(crate) fn config(&self) -> &Value {
        &self.config
    }

    /// The text of the config file.
    pub(crate) fn config_text(&self) -> String {
        spelling::indented_json(&self.config)
    }

    /// All settings by their flat names, with null for those that have no value.
    pub(crate) fn settings(&self) -> Map<String, Value> {
        let own = self.found.iter().filter(|found| !found.setting.is_extra());
        own.map(|found| (found.setting.name.clone(), found.value.clone()))
            .collect()
    }

    /// An extra by its name without the `_`.
    pub(crate) fn extra(&self, name: &str) -> Option<&Value> {
        self.found
            .iter()
            .find(|found| found.setting.name.strip_prefix('_') == Some(name))
            .map(|found| &found.value)
            .filter(|value| !value.is_null())
    }
}

impl Found {
    /// The same with `instead` in place of a secret.
    pub(crate) fn without_secret(mut self, instead: &str) -> Self {
        let empty = self.value.is_null() || self.value == "";
        if self.setting.sensitive && !empty {
            self.value = Value::from(instead);
        }
        self
    }
}

/// Resolves the settings of `plugin`, after plugins that exported `exports`.
pub(crate) fn resolve(project: &Project, plugin: &Plugin, exports: &Exports) -> Result<Resolved> {
    let sources = Sources::new(project, plugin, exports)?;
    let plain = Lookup::new([&project.dotenv, &sources.layers], project.strict);
    let mut found = sources.find_all(
        false,
        &Expansion {
            plain: Some(&plain),
            extras: None,
        },
    )?;
    // Extras may refer to the plugin's own settings.
    let own = sources.exported(&found);
    let extras = Lookup::new([&project.dotenv, &sources.layers, &own], project.strict);
    let expansion = Expansion {
        plain: Some(&plain),
        extras: Some(&extras),
    };
    let mut config = config(&found)?;
    if let Some(mapping) = &plugin.mapping {
        // Its members as they are written: their keys, such as patterns for streams, may contain dots.
        let layers = [&project.dotenv, &project.os, &project.own_vars, &project.env];
        let expanded = Lookup::new(layers, false).value(&Value::Object(mapping.clone()))?;
        if let (Value::Object(config), Value::Object(mapping)) = (&mut config, expanded) {
            config.extend(mapping);
        }
    }
    found.extend(sources.find_all(true, &expansion)?);
    let mut exports: Exports = vars::information(plugin).into_iter().collect();
    exports.extend(sources.exported(&found));
    let process = vars::of_process(project, plugin, &sources.layers, &exports)?;
    Ok(Resolved {
        found,
        config,
        process,
        exports,
    })
}

fn config(found: &[Found]) -> Result<Value> {
    let mut values = Map::new();
    for found in found.iter().filter(|found| !found.value.is_null()) {
        values.insert(
            found.setting.name.clone(),
            post_process(&found.setting, found.value.clone())?,
        );
    }
    values.retain(|_, value| !value.is_null());
    nest_config(values)
        .map(Value::Object)
        .map_err(|key| conflict(&key, &key))
}

/// What `$NAME` stands for in settings and in extras; `None` leaves it as it is.
struct Expansion<'a> {
    plain: Option<&'a Lookup<'a>>,
    extras: Option<&'a Lookup<'a>>,
}

impl Expansion<'_> {
    const NONE: Expansion<'static> = Expansion {
        plain: None,
        extras: None,
    };

    fn of(&self, setting: &Setting) -> Option<&Lookup<'_>> {
        if setting.is_extra() {
            self.extras
        } else {
            self.plain
        }
    }
}

/// A value as a source has it. `expandable` when it may still contain `$NAME`.
#[derive(Clone)]
struct Raw {
    value: Value,
    source: Source,
    expandable: bool,
    variable: Option<String>,
    unexpanded: Option<Value>,
}

impl Raw {
    fn new(value: Value, source: Source, expandable: bool) -> Self {
        Self {
            value,
            source,
            expandable,
            variable: None,
            unexpanded: None,
        }
    }
}

/// The sources in which the values of one plugin are looked up.
struct Sources<'a> {
    project: &'a Project,
    plugin: &'a Plugin,
    settings: Vec<Setting>,
    layers: Vars,
    environment: Vec<(String, Value)>,
    file: Vec<(String, Value)>,
    /// What the parent resolves to, not expanded.
    inherited: BTreeMap<String, Raw>,
}

impl<'a> Sources<'a> {
    fn new(project: &'a Project, plugin: &'a Plugin, exports: &Exports) -> Result<Self> {
        let (inherited, parent_layers) = match plugin.parent() {
            Some(parent) => {
                let sources = Sources::new(project, parent, exports)?;
                (sources.unexpanded()?, sources.layers)
            }
            None => (BTreeMap::new(), Vars::new()),
        };
        Ok(Self {
            project,
            plugin,
            settings: plugin.settings(),
            layers: vars::layers(project, plugin, exports, parent_layers)?,
            environment: flatten(&plugin.environment_config),
            file: flatten(&plugin.config),
            inherited,
        })
    }

    fn unexpanded(&self) -> Result<BTreeMap<String, Raw>> {
        let find = |setting: &Setting| Ok((setting.name.clone(), self.find(setting, &Expansion::NONE)?));
        self.settings.iter().map(find).collect()
    }

    /// Every setting or every extra, in order; of two with one name the later counts.
    fn find_all(&self, extras: bool, expansion: &Expansion<'_>) -> Result<Vec<Found>> {
        let mut all: Vec<Found> = Vec::new();
        for setting in self
            .settings
            .iter()
            .filter(|setting| setting.is_extra() == extras)
        {
            let raw = self.find(setting, expansion)?;
            let found = Found {
                setting: setting.clone(),
                value: raw.value,
                source: raw.source,
                variable: raw.variable,
                unexpanded: raw.unexpanded,
            };
            match all.iter_mut().find(|other| other.setting.name == setting.name) {
                Some(other) => *other = found,
                None => all.push(found),
            }
        }
        Ok(all)
    }

    /// The variables that values are exported as.
    fn exported(&self, found: &[Found]) -> Exports {
        let set = found.iter().filter(|found| !found.value.is_null());
        set.flat_map(|found| vars::exported(self.plugin, &found.setting, &found.value))
            .collect()
    }

    fn find(&self, setting: &Setting, expansion: &Expansion<'_>) -> Result<Raw> {
        let mut raw = self.first(setting)?;
        if let Some(lookup) = expansion.of(setting).filter(|_| raw.expandable) {
            let expanded = lookup.value(&raw.value)?;
            if expanded != raw.value {
                raw.unexpanded = Some(std::mem::replace(&mut raw.value, expanded));
            }
            raw.expandable = false;
        }
        if setting.kind == super::setting_kind::SettingKind::Object && raw.source >= Source::Inherited {
            self.assemble(setting, expansion, &mut raw)?;
        }
        if !raw.expandable {
            raw.value = cast_setting(setting, raw.value)?;
        }
        Ok(raw)
    }

    /// Leaves that were set one by one replace an object that comes from the default or the parent only.
    fn assemble(&self, setting: &Setting, expansion: &Expansion<'_>, raw: &mut Raw) -> Result<()> {
        let mut object = Map::new();
        let mut source = raw.source;
        for prefix in [&setting.name].into_iter().chain(&setting.aliases) {
            let prefix = format!("{prefix}.");
            let mut leaves = Map::new();
            for leaf in &self.settings {
                if let Some(name) = leaf.name.strip_prefix(&prefix) {
                    let found = self.find(leaf, expansion)?;
                    source = source.min(found.source);
                    leaves.insert(name.to_owned(), found.value);
                }
            }
            for (name, value) in leaves {
                object.entry(name).or_insert(value);
            }
        }
        if !object.is_empty() {
            *raw = Raw::new(Value::Object(object), source, raw.expandable);
        }
        Ok(())
    }

    /// The value of the first source that has one.
    fn first(&self, setting: &Setting) -> Result<Raw> {
        for (vars, source) in [
            (&self.layers, Source::Variable),
            (&self.project.dotenv, Source::Dotenv),
        ] {
            if let Some((name, value)) = self.variable(setting, vars)? {
                return Ok(Raw {
                    variable: Some(name),
                    ..Raw::new(Value::String(value), source, false)
                });
            }
        }
        for (layer, source) in [
            (&self.environment, Source::Environment),
            (&self.file, Source::File),
        ] {
            if let Some(value) = in_layer(setting, layer)? {
                return Ok(Raw::new(value.clone(), source, true));
            }
        }
        let stored = self
            .project
            .stored_setting(self.plugin.kind, &self.plugin.name, &setting.name)?;
        if let Some(value) = stored.filter(|value| !value.is_null()) {
            return Ok(Raw::new(value, Source::Database, false));
        }
        if let Some(raw) = self.inherited.get(&setting.name)
            && !raw.value.is_null()
            && raw.source != Source::Default
        {
            return Ok(Raw {
                source: Source::Inherited,
                ..raw.clone()
            });
        }
        let value = setting.value.clone().unwrap_or(Value::Null);
        Ok(Raw::new(value, Source::Default, setting.value.is_some()))
    }

    /// The variable of a setting and its value. Two names for one setting are an error.
    fn variable(&self, setting: &Setting, vars: &Vars) -> Result<Option<(String, String)>> {
        let names = vars::read_names(self.plugin, setting);
        let mut set = names.iter().filter_map(|name| {
            let (name, negated) = name
                .strip_prefix('!')
                .map_or((name.as_str(), false), |name| (name, true));
            let value = vars.get(name)?;
            let opposite = if truthy(value) { "False" } else { "True" };
            Some((
                name,
                if negated {
                    opposite.to_owned()
                } else {
                    value.clone()
                },
            ))
        });
        let first = set.next();
        if let (Some((a, _)), Some((b, _))) = (&first, set.next()) {
            return Err(Error::config(format!(
                "plugin {}: {a} and {b} set the same setting; unset one of them",
                self.plugin.name
            )));
        }
        Ok(first.map(|(name, value)| (name.to_owned(), value)))
    }
}

/// The value of a setting in one layer, under its name or an alias. Null is no value.
fn in_layer<'a>(setting: &Setting, layer: &'a [(String, Value)]) -> Result<Option<&'a Value>> {
    let mut found: Option<&Value> = None;
    for name in [&setting.name].into_iter().chain(&setting.aliases) {
        let Some((_, value)) = layer.iter().rfind(|(key, _)| key == name) else {
            continue;
        };
        if found.is_some_and(|other| other != value) {
            return Err(Error::config(format!(
                "setting {} is set twice under different names",
                setting.name
            )));
        }
        found = Some(value);
    }
    Ok(found.filter(|value| !value.is_null()))
}
