//! A plugin of a project: its block in `meltano.yml`, and what it inherits.

use std::collections::BTreeMap;
use std::path::PathBuf;

use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

use super::expand::Lookup;
use super::setting::{self, Setting};
use super::{Project, Vars, env_of, extras, lock, spelling};
use crate::plugin_kind::PluginKind;
use crate::suggestion::suggestion;

/// A plugin with what it inherits from its parent or its definition.
#[derive(Clone, Debug)]
pub(crate) struct Plugin {
    pub(crate) kind: PluginKind,
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) variant: String,
    pub(crate) pip_url: Option<String>,
    /// The Python that it is installed with: a version, a name or a path.
    pub(crate) python: Option<String>,
    pub(crate) executable: String,
    pub(crate) capabilities: Vec<String>,
    /// Its `commands:` by name.
    commands: BTreeMap<String, Command>,
    /// For a mapper that was asked for by the name of a mapping: the mapping's `config`, as it is written.
    pub(super) mapping: Option<Map<String, Value>>,
    /// The settings that it needs: those of one of these groups.
    pub(crate) required: Vec<Vec<String>>,
    /// Its own `config:`, and its extras under names that begin with `_`.
    pub(crate) config: Map<String, Value>,
    /// The same from its block in the active environment.
    pub(crate) environment_config: Map<String, Value>,
    /// Its own `env:`.
    pub(crate) env: Vars,
    /// The `env:` of its block in the active environment.
    pub(crate) environment_env: Vars,
    /// The folder in `.meltano/<plural>/` that holds its virtual environment.
    pub(crate) folder: String,
    /// Whether its block has an `inherit_from`.
    pub(crate) inherits: bool,
    /// The versions of Meltano that it works with.
    requires_meltano: Option<Value>,
    /// The settings that its own block defines.
    own_settings: Vec<Setting>,
    parent: Parent,
}

/// A command of a plugin, such as `run` of dbt.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Command {
    /// Its arguments, as a shell would split them.
    args: String,
    /// The executable, if it is not the plugin's.
    executable: Option<String>,
    description: String,
}

/// What a plugin inherits from.
#[derive(Clone, Debug)]
enum Parent {
    /// Another plugin of the project.
    Plugin(Box<Plugin>),
    /// A definition: a lock file, a built-in plugin, or the plugin's own block.
    Definition(Definition),
}

#[derive(Clone, Debug)]
struct Definition {
    name: String,
    namespace: String,
    settings: Vec<Setting>,
    extras: Vec<Setting>,
    docs: Option<String>,
}

/// Keys of a plugin's block that are not extras, with spaces between them.
const BLOCK_KEYS: &str = "name inherit_from namespace variant pip_url python executable capabilities settings \
    settings_group_validation commands requires requires_meltano config env hidden label logo_url description";

/// More such keys of a definition: a lock file, or a block with a namespace.
const DEFINITION_KEYS: &str =
    "plugin_type docs repo original deprecated supported_python_versions variants is_default_variant";

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
        plugin.config.insert("_mapping".to_owned(), true.into());
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

    /// The names of its commands, each with what it does.
    pub(crate) fn commands(&self) -> impl Iterator<Item = (&str, &str)> {
        let commands = self.commands.iter();
        commands.map(|(name, command)| (name.as_str(), command.description.as_str()))
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

    /// The name of the plugin of the project that it inherits from.
    pub(crate) fn parent_name(&self) -> Option<&str> {
        self.parent().map(|parent| parent.name.as_str())
    }

    /// The plugin of the project that it inherits from.
    pub(super) fn parent(&self) -> Option<&Self> {
        match &self.parent {
            Parent::Plugin(parent) => Some(parent),
            Parent::Definition(_) => None,
        }
    }

    /// The address of its documentation.
    pub(crate) fn docs(&self) -> Option<&str> {
        match &self.parent {
            Parent::Plugin(parent) => parent.docs(),
            Parent::Definition(definition) => definition.docs.as_deref(),
        }
    }

    /// Checks that it works with the version of Meltano that melisma works like.
    pub(crate) fn check_requirements(&self) -> Result<()> {
        // As in Meltano, only that of the project has an exit code of its own.
        super::required::check(&self.name, self.requires_meltano.as_ref())
            .map_err(|error| Error::config(error.to_string()))
    }

    /// All its settings, in Meltano's order: inherited ones, its own, undeclared keys of its `config:`, extras, and
    /// undeclared keys of its block in the active environment.
    pub(crate) fn settings(&self) -> Vec<Setting> {
        let mut settings = self.all_settings();
        settings.extend(self.all_extras());
        let orphans = setting::of_keys(&settings, &self.environment_config, false);
        settings.extend(orphans);
        settings
    }

    fn all_settings(&self) -> Vec<Setting> {
        let mut settings = match &self.parent {
            Parent::Plugin(parent) => parent.all_settings(),
            Parent::Definition(definition) => definition.settings.clone(),
        };
        settings.retain(|old| self.own_settings.iter().all(|new| new.name != old.name));
        settings.extend(self.own_settings.iter().cloned());
        let undeclared = setting::of_keys(&settings, &self.part(false), false);
        settings.extend(undeclared);
        settings
    }

    fn all_extras(&self) -> Vec<Setting> {
        let mut extras = match &self.parent {
            Parent::Plugin(parent) => parent.all_extras(),
            Parent::Definition(definition) => definition.extras.clone(),
        };
        let undeclared = setting::of_keys(&extras, &self.part(true), false);
        extras.extend(undeclared);
        extras
    }

    /// Its extras, or its `config:` without them.
    fn part(&self, extras: bool) -> Map<String, Value> {
        let part = self
            .config
            .iter()
            .filter(|(key, _)| key.starts_with('_') == extras);
        part.map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// The prefixes of the variables that its settings are exported as: its own, its ancestors', and those of its kind.
    pub(super) fn prefixes(&self) -> Vec<String> {
        let mut prefixes = vec![self.name.clone(), self.namespace.clone()];
        match &self.parent {
            Parent::Plugin(parent) => prefixes.extend(parent.prefixes()),
            Parent::Definition(definition) => {
                prefixes.extend([definition.name.clone(), definition.namespace.clone()]);
            }
        }
        prefixes.push(format!("meltano_{}", self.kind.verb()));
        prefixes
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
    let inherit_from = text("inherit_from").filter(|parent| !parent.is_empty() && *parent != name);
    if let Some(parent) = inherit_from
        && text("variant").is_none()
        && project.plugin_document(kind, parent).is_some()
    {
        children.push(name.to_owned());
        let parent = load(project, kind, parent, children)?;
        let inherited = Inherited {
            variant: Some(parent.variant.clone()),
            pip_url: parent.pip_url.clone(),
            python: parent.python.clone(),
            executable: parent.executable.clone(),
            capabilities: parent.capabilities.clone(),
            required: parent.required.clone(),
            folder: parent.folder.clone(),
            namespace: parent.namespace.clone(),
            commands: parent.commands.clone(),
            requires_meltano: parent.requires_meltano.clone(),
        };
        return Ok(join(
            project,
            kind,
            own,
            inherited,
            Parent::Plugin(Box::new(parent)),
        ));
    }
    let is_definition =
        inherit_from.is_none() && text("namespace").is_some_and(|namespace| !namespace.is_empty());
    let locked;
    let definition = if is_definition {
        own
    } else {
        locked = lock::definition(&project.root, kind, inherit_from.unwrap_or(name), text("variant"))?;
        &locked
    };
    let (inherited, parent) = defined(kind, definition, inherit_from.unwrap_or(name), is_definition);
    Ok(join(project, kind, own, inherited, Parent::Definition(parent)))
}

/// What a plugin falls back to when its own block does not say it.
struct Inherited {
    variant: Option<String>,
    pip_url: Option<String>,
    python: Option<String>,
    executable: String,
    capabilities: Vec<String>,
    required: Vec<Vec<String>>,
    folder: String,
    namespace: String,
    commands: BTreeMap<String, Command>,
    requires_meltano: Option<Value>,
}

/// What a definition has. The extras of a block that is its own definition are values, not defaults.
fn defined(
    kind: PluginKind,
    document: &Map<String, Value>,
    name: &str,
    is_block: bool,
) -> (Inherited, Definition) {
    let text = |key: &str| document.get(key).and_then(Value::as_str).map(str::to_owned);
    let name = text("name").unwrap_or_else(|| name.to_owned());
    let namespace = text("namespace").unwrap_or_else(|| name.replace('-', "_"));
    let defaults = if is_block {
        Map::new()
    } else {
        extras_of(document, true).collect()
    };
    let inherited = Inherited {
        variant: text("variant"),
        pip_url: text("pip_url"),
        python: python(document),
        executable: text("executable")
            .filter(|file| !file.is_empty())
            .unwrap_or_else(|| name.clone()),
        capabilities: texts(document.get("capabilities")).unwrap_or_default(),
        required: groups(document).unwrap_or_default(),
        folder: name.clone(),
        namespace: namespace.clone(),
        commands: commands(document).collect(),
        requires_meltano: document.get("requires_meltano").cloned(),
    };
    let definition = Definition {
        settings: setting::of_block(document),
        extras: extras::of_definition(kind, &defaults),
        docs: text("docs").filter(|docs| !docs.is_empty()),
        name,
        namespace,
    };
    (inherited, definition)
}

/// The plugin's own block over what it inherits.
fn join(
    project: &Project,
    kind: PluginKind,
    own: &Map<String, Value>,
    up: Inherited,
    parent: Parent,
) -> Plugin {
    let text = |key: &str| own.get(key).and_then(Value::as_str).map(str::to_owned);
    let name = text("name").unwrap_or_default();
    let inherits = text("inherit_from").is_some_and(|parent| !parent.is_empty() && parent != name);
    let is_definition = !inherits && matches!(parent, Parent::Definition(_)) && text("namespace").is_some();
    // `pip_url: null` and the like fall back to the parent as well.
    let pip_url = text("pip_url").or_else(|| up.pip_url.clone());
    let same_install = pip_url.as_deref().is_none_or(str::is_empty) || pip_url == up.pip_url;
    let block = project.environment_plugin(kind, &name);
    Plugin {
        kind,
        namespace: text("namespace").unwrap_or_else(|| {
            if inherits {
                name.replace('-', "_")
            } else {
                up.namespace
            }
        }),
        variant: text("variant")
            .or(up.variant)
            .unwrap_or_else(|| "default".to_owned()),
        python: python(own).or(up.python),
        executable: text("executable").unwrap_or(up.executable),
        capabilities: texts(own.get("capabilities")).unwrap_or(up.capabilities),
        required: groups(own).unwrap_or(up.required),
        commands: up.commands.into_iter().chain(commands(own)).collect(),
        mapping: None,
        config: config(own, is_definition),
        environment_config: block.map_or_else(Map::new, |block| config(block, false)),
        env: env_of(own),
        environment_env: block.map_or_else(Vars::new, env_of),
        folder: if inherits && same_install {
            up.folder
        } else {
            name.clone()
        },
        pip_url: pip_url.filter(|url| !url.is_empty()),
        own_settings: setting::of_block(own),
        requires_meltano: own
            .get("requires_meltano")
            .filter(|own| !own.is_null())
            .cloned()
            .or(up.requires_meltano),
        inherits,
        name,
        parent,
    }
}

/// The `settings_group_validation` of a block.
fn groups(block: &Map<String, Value>) -> Option<Vec<Vec<String>>> {
    let groups = block.get("settings_group_validation")?.as_array()?;
    Some(groups.iter().filter_map(|group| texts(Some(group))).collect())
}

/// The `python` of a block, which YAML may take for a number.
fn python(block: &Map<String, Value>) -> Option<String> {
    let python = block.get("python").filter(|python| !python.is_null())?;
    Some(spelling::str(python)).filter(|python| !python.is_empty())
}

fn texts(list: Option<&Value>) -> Option<Vec<String>> {
    let list = list?.as_array()?;
    Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
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
                description: String::new(),
            },
            Value::Object(_) => Command {
                args: text("args").unwrap_or_default(),
                executable: text("executable"),
                description: text("description").unwrap_or_default(),
            },
            _ => return None,
        };
        Some((name.clone(), command))
    })
}

/// The `config:` of a block, and its extras with a `_` before their names.
fn config(block: &Map<String, Value>, is_definition: bool) -> Map<String, Value> {
    let mut config = match block.get("config") {
        Some(Value::Object(config)) => config.clone(),
        _ => Map::new(),
    };
    config.extend(extras_of(block, is_definition));
    config
}

fn extras_of(block: &Map<String, Value>, is_definition: bool) -> impl Iterator<Item = (String, Value)> + '_ {
    let listed = |keys: &str, key: &str| keys.split_ascii_whitespace().any(|known| known == key);
    block
        .iter()
        .filter(move |(key, _)| !(listed(BLOCK_KEYS, key) || is_definition && listed(DEFINITION_KEYS, key)))
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
