//! A plugin of a project: its block in `meltano.yml`, and what it inherits.

mod block;
mod inherit;

use std::collections::BTreeMap;
use std::path::PathBuf;

use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

use super::expand::Lookup;
use super::setting::{self, Setting};
use super::{Project, Vars};
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

impl Plugin {
    /// The plugin `name` of `project`.
    pub(crate) fn load(project: &Project, kind: PluginKind, name: &str) -> Result<Self> {
        inherit::load(project, kind, name, &mut Vec::new())
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
