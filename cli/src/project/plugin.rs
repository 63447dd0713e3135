//! A plugin of a project: its block in `meltano.yml`, joined with what it inherits.

use std::path::PathBuf;

use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

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
