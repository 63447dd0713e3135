//! A plugin of a project: its block in `meltano.yml`, joined with what it inherits.

use std::collections::BTreeMap;
use std::path::PathBuf;

use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

use super::expand::Lookup;
use super::setting::{self, Setting};
use super::{Project, Vars, env_of, lock};
use crate::plugin_kind::PluginKind;
use crate::suggestion::suggestion;

/// A plugin with everything that it inherits from its parent or its definition.
#[derive(Clone, Debug)]
pub(crate) struct Plugin {
    pub(crate) kind: PluginKind,
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) variant: Option<String>,
    pub(crate) pip_url: Option<String>,
    pub(crate) executable: String,
    pub(crate) capabilities: Vec<String>,
    pub(crate) settings: Vec<Setting>,
    /// Its `commands:` by name.
    pub(crate) commands: BTreeMap<String, Command>,
    /// For a mapper that was asked for by the name of a mapping: the mapping's `config`, as it is written.
    pub(crate) mapping: Option<Map<String, Value>>,
    /// Its own `config:`, and its extras under names that begin with `_`.
    pub(crate) config: Map<String, Value>,
    /// The same from its block in the active environment.
    pub(crate) environment_config: Map<String, Value>,
    /// Defaults of extras from its definition.
    pub(crate) defaults: Map<String, Value>,
    /// Its `env:`, which takes precedence over its ancestors'.
    pub(crate) env: Vars,
    /// The `env:` of its block in the active environment.
    pub(crate) environment_env: Vars,
    /// The folder in `.meltano/<plural>/` that holds its virtual environment.
    pub(crate) folder: String,
    /// The plugin of the project that it inherits from.
    pub(crate) parent: Option<Box<Plugin>>,
}

/// A command of a plugin, such as `run` of dbt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    /// Its arguments, as a shell would split them.
    pub(crate) args: String,
    /// The executable, if it is not the plugin's.
    pub(crate) executable: Option<String>,
}

/// Keys of a plugin that belong to its definition, with spaces between them; every other key is an extra.
const DEFINITION_KEYS: &str = "name inherit_from namespace variant pip_url executable capabilities settings config env \
    commands label description docs repo logo_url requires requires_meltano \
    settings_group_validation plugin_type hidden ext_repo keywords maintenance_status quality \
    domain_url definition next_steps settings_preamble usage prereq";

impl Plugin {
    /// The plugin `name` of `project`.
    pub(crate) fn load(project: &Project, kind: PluginKind, name: &str) -> Result<Self> {
        load(project, kind, name, &mut Vec::new())
    }

    /// The mapper of `project` with one of its mappings, whose `config` replaces the mapper's own.
    pub(crate) fn load_mapping(project: &Project, mapper: &str, mapping: &str) -> Result<Self> {
        let mut plugin = Self::load(project, PluginKind::Mapper, mapper)?;
        let config = project.mapping_config(mapping);
        let extras = plugin.config.into_iter().filter(|(key, _)| key.starts_with('_'));
        plugin.config = config.clone().into_iter().chain(extras).collect();
        plugin.config.insert("_mapping_name".to_owned(), mapping.into());
        plugin.mapping = Some(config);
        Ok(plugin)
    }

    /// The words of a command: its executable and its arguments, with variables from `vars` expanded.
    ///
    /// # Errors
    /// There is no such command, a quote in it is not closed, or an argument is empty after it is expanded.
    pub(crate) fn command(&self, name: &str, vars: &Vars) -> Result<(&str, Vec<String>)> {
        let Some(command) = self.commands.get(name) else {
            let known = self.commands.keys().map(String::as_str);
            let suggestion = suggestion(name, known);
            return Err(Error::config(format!(
                "{} has no command {name:?}{suggestion}",
                self.name
            )));
        };
        let words = shlex::split(&command.args).ok_or_else(|| {
            Error::config(format!("{}:{name}: a quote is not closed in its args", self.name))
        })?;
        let lookup = Lookup::new([vars], false);
        let mut args = Vec::new();
        for word in words {
            let arg = lookup.text(&word)?;
            if arg.is_empty() {
                return Err(Error::config(format!(
                    "{}:{name}: the argument {word:?} is empty, because a variable in it is not set",
                    self.name
                )));
            }
            args.push(arg);
        }
        Ok((command.executable.as_deref().unwrap_or(&self.executable), args))
    }

    /// Whether it has a capability.
    pub(crate) fn can(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|own| own == capability)
    }

    /// Its virtual environment, when it is installed by pip.
    pub(crate) fn venv(&self, project: &Project) -> Option<PathBuf> {
        self.pip_url.as_ref()?;
        Some(
            project
                .system
                .join(self.kind.plural())
                .join(&self.folder)
                .join("venv"),
        )
    }
}

fn load(project: &Project, kind: PluginKind, name: &str, children: &mut Vec<String>) -> Result<Plugin> {
    if children.iter().any(|child| child == name) {
        return Err(Error::config(format!("plugin {name} inherits from itself")));
    }
    if name.contains(':') {
        return Err(Error::config(format!(
            "plugin {name}: a name must not contain a colon"
        )));
    }
    let own = project
        .plugin_document(kind, name)
        .ok_or_else(|| unknown(project, kind, name))?;
    let text = |key: &str| own.get(key).and_then(Value::as_str);
    let inherit_from = text("inherit_from");
    let parent = match inherit_from {
        Some(parent) if text("variant").is_none() && project.plugin_document(kind, parent).is_some() => {
            children.push(name.to_owned());
            Some(load(project, kind, parent, children)?)
        }
        _ => None,
    };
    let definition = match (&parent, inherit_from, text("namespace")) {
        (Some(_), ..) | (None, None, Some(_)) => Map::new(),
        _ => lock::definition(&project.root, kind, inherit_from.unwrap_or(name), text("variant"))?,
    };
    Ok(join(project, kind, name, own, &definition, parent))
}

/// Merges the plugin's own block over its definition and its parent.
fn join(
    project: &Project,
    kind: PluginKind,
    name: &str,
    own: &Map<String, Value>,
    definition: &Map<String, Value>,
    parent: Option<Plugin>,
) -> Plugin {
    let text = |key: &str| {
        own.get(key)
            .or_else(|| definition.get(key))
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let inherits = own.contains_key("inherit_from");
    let up = parent.as_ref();
    // `pip_url: null` and the like fall back to the parent as well.
    let pip_url = text("pip_url").or_else(|| up?.pip_url.clone());
    let same_install = up.is_some_and(|up| pip_url == up.pip_url);
    let block = project.environment_plugin(kind, name);
    let list = own.get("capabilities").or_else(|| definition.get("capabilities"));
    let mut env = up.map_or_else(Vars::new, |up| up.env.clone());
    env.extend(env_of(definition));
    env.extend(env_of(own));
    Plugin {
        kind,
        name: name.to_owned(),
        namespace: own
            .get("namespace")
            .and_then(Value::as_str)
            .or_else(|| definition.get("namespace")?.as_str().filter(|_| !inherits))
            .map_or_else(|| name.replace('-', "_"), str::to_owned),
        variant: text("variant").or_else(|| up?.variant.clone()),
        executable: text("executable")
            .or_else(|| Some(up?.executable.clone()))
            .or_else(|| Some(definition.get("name")?.as_str()?.to_owned()))
            .unwrap_or_else(|| name.to_owned()),
        capabilities: match list.and_then(Value::as_array) {
            Some(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            None => up.map_or_else(Vec::new, |up| up.capabilities.clone()),
        },
        settings: setting::join(
            up.map_or_else(Vec::new, |up| up.settings.clone()),
            definition,
            own,
        ),
        commands: up
            .map(|up| up.commands.clone())
            .into_iter()
            .flatten()
            .chain(commands(definition))
            .chain(commands(own))
            .collect(),
        mapping: None,
        config: config(own),
        environment_config: block.map_or_else(Map::new, config),
        defaults: extras(definition)
            .chain(up.map(|up| up.defaults.clone()).into_iter().flatten())
            .collect(),
        env,
        environment_env: block.map_or_else(Vars::new, env_of),
        folder: match up {
            Some(up) if same_install => up.folder.clone(),
            _ => name.to_owned(),
        },
        pip_url: pip_url.filter(|url| !url.is_empty()),
        parent: parent.map(Box::new),
    }
}

/// The `config:` of a block, and its extras with a `_` before their names.
fn config(block: &Map<String, Value>) -> Map<String, Value> {
    let mut config = match block.get("config") {
        Some(Value::Object(config)) => config.clone(),
        _ => Map::new(),
    };
    config.extend(extras(block));
    config
}

/// The `commands:` of a block. A text is the arguments alone.
fn commands(block: &Map<String, Value>) -> impl Iterator<Item = (String, Command)> + '_ {
    let commands = block.get("commands").and_then(Value::as_object);
    commands.into_iter().flatten().filter_map(|(name, value)| {
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let command = match value {
            Value::String(args) => Command {
                args: args.clone(),
                executable: None,
            },
            Value::Object(_) => Command {
                args: text("args").unwrap_or_default(),
                executable: text("executable"),
            },
            _ => return None,
        };
        Some((name.clone(), command))
    })
}

fn extras(block: &Map<String, Value>) -> impl Iterator<Item = (String, Value)> + '_ {
    block
        .iter()
        .filter(|(key, _)| {
            !DEFINITION_KEYS
                .split_ascii_whitespace()
                .any(|known| known == *key)
        })
        .map(|(key, value)| (format!("_{key}"), value.clone()))
}

fn unknown(project: &Project, kind: PluginKind, name: &str) -> Error {
    let names = project
        .plugin_documents(kind)
        .into_iter()
        .filter_map(|plugin| plugin.get("name")?.as_str());
    Error::config(format!(
        "there is no {} {name:?} in {}{}",
        kind.singular(),
        super::FILE,
        suggestion(name, names)
    ))
}
