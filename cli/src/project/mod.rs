//! A Meltano project: `meltano.yml`, `.env`, the active environment, plugins and their settings.

pub(crate) mod big_integer;
mod bin_link;
mod cast;
mod dates;
mod dotenv;
mod environment;
mod expand;
mod extras;
mod include;
mod install_vars;
mod lock;
mod meltano_settings;
mod names;
mod plugin;
mod project_settings;
mod python;
mod required;
mod setting;
mod setting_kind;
mod settings;
pub(crate) mod spelling;
mod stored;
mod vars;
mod yaml;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

use expand::Lookup;
use stored::StoredSettings;

pub(crate) use cast::cast_setting;
pub(crate) use dotenv::pieces as dotenv_pieces;
pub(crate) use environment::{Choice, Environment};
pub(crate) use include::files as project_files;
pub(crate) use meltano_settings::DEFINITIONS as MELTANO_SETTINGS;
pub(crate) use names::Named;
pub(crate) use plugin::Plugin;
pub(crate) use project_settings::setting_variable;
pub(crate) use required::VersionMismatch;
pub(crate) use setting::Setting;
pub(crate) use settings::{Found, Resolved, Source, resolve};
pub(crate) use stored::{PROJECT_NAMESPACE, namespace as stored_namespace};
pub(crate) use vars::{Exports, exported as setting_variables, read_names as variable_names};
pub(crate) use yaml::read as read_yaml;

use crate::plugin_kind::PluginKind;

/// Environment variables.
pub(crate) type Vars = BTreeMap<String, String>;

/// The variables of this process that are valid UTF-8.
pub(crate) fn environment_variables() -> Vars {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// The file that makes a folder a project.
pub(crate) const FILE: &str = "meltano.yml";

/// A project: its file, its variables and its active environment.
pub(crate) struct Project {
    /// The folder of `meltano.yml`.
    pub(crate) root: PathBuf,
    /// `.meltano`, or the folder of `$MELTANO_SYS_DIR_ROOT`.
    pub(crate) system: PathBuf,
    /// The active environment.
    pub(crate) environment: Option<Environment>,
    document: Map<String, Value>,
    pub(crate) os: Vars,
    dotenv: Vars,
    /// The file that they are from: `.env`, or that of `--env-file`.
    pub(crate) dotenv_path: PathBuf,
    /// The project's own `env:`, as written.
    env: Vars,
    /// Variables that describe the project, such as `MELTANO_PROJECT_ROOT`.
    own_vars: Vars,
    /// The settings of the project, as the variables that plugins get.
    setting_vars: Vars,
    stored: StoredSettings,
    /// Whether a reference to a missing variable is an error.
    strict: bool,
}

/// The folder of the nearest `meltano.yml` in `folder` or a parent; `$MELTANO_PROJECT_ROOT` takes precedence.
pub(crate) fn find(folder: &Path, os: &Vars) -> Option<PathBuf> {
    if let Some(root) = os.get("MELTANO_PROJECT_ROOT").filter(|root| !root.is_empty()) {
        return Some(PathBuf::from(root));
    }
    folder
        .ancestors()
        .find(|folder| folder.join(FILE).is_file())
        .map(Path::to_owned)
}

/// The system folder of a root: `.meltano`, or the folder of `$MELTANO_SYS_DIR_ROOT`.
pub(crate) fn system_folder(root: &Path, os: &Vars) -> PathBuf {
    os.get("MELTANO_SYS_DIR_ROOT")
        .filter(|path| !path.is_empty())
        .map_or_else(|| root.join(".meltano"), PathBuf::from)
}

/// The names that a run in `root` accepts as blocks; none when the project cannot be read.
pub(crate) fn block_names(root: &Path) -> Vec<String> {
    let project = Project::load(root.to_owned(), environment_variables(), Choice::None, None);
    let names = |project: Project| project.block_names().into_iter().map(str::to_owned).collect();
    project.map_or_else(|_| Vec::new(), names)
}

impl Project {
    /// Reads the project in `root`. `env_file` is read instead of its `.env`.
    pub(crate) fn load(
        root: PathBuf,
        mut os: Vars,
        choice: Choice<'_>,
        env_file: Option<&Path>,
    ) -> Result<Self> {
        // Meltano sets it for itself, and so for plugins, when whoever started it has not.
        os.entry("MELTANO_JOB_TRIGGER".to_owned())
            .or_insert_with(|| "cli".to_owned());
        let document = include::read(&root)?;
        let dotenv_path = env_file.map_or_else(|| root.join(".env"), Path::to_owned);
        let dotenv = read_dotenv(&dotenv_path, &os)?;
        let mut project = Self {
            system: system_folder(&root, &os),
            env: env_of(&document),
            environment: None,
            own_vars: Vars::new(),
            setting_vars: Vars::new(),
            stored: StoredSettings::default(),
            strict: false,
            root,
            document,
            os,
            dotenv,
            dotenv_path,
        };
        required::check("the project", project.document.get("requires_meltano"))?;
        project.environment = environment::choose(&project, choice)?;
        project.own_vars = vars::of_project(&project);
        project.strict = project.read_strict_mode()?;
        project.setting_vars = project.read_setting_variables()?;
        Ok(project)
    }

    /// Whether a reference to a missing variable is an error.
    pub(crate) fn is_strict(&self) -> bool {
        self.strict
    }

    /// The mappings in a list at the top of `meltano.yml`, such as `jobs`.
    pub(crate) fn listed(&self, list: &str) -> Vec<&Map<String, Value>> {
        objects(self.document.get(list))
    }

    /// The names of the plugins of a kind.
    pub(crate) fn plugin_names(&self, kind: PluginKind) -> impl Iterator<Item = &str> {
        let plugins = self.plugin_documents(kind).into_iter();
        plugins.filter_map(|plugin| plugin.get("name")?.as_str())
    }

    /// The block of a plugin in `meltano.yml` or an included file.
    pub(crate) fn plugin_block(&self, kind: PluginKind, name: &str) -> Option<&Map<String, Value>> {
        self.plugin_document(kind, name)
    }

    /// The plugins that inherit from the plugin of that name.
    pub(crate) fn heirs(&self, kind: PluginKind, name: &str) -> impl Iterator<Item = &str> {
        let blocks = self.plugin_documents(kind).into_iter();
        blocks.filter_map(move |block| {
            let text = |key: &str| block.get(key).and_then(Value::as_str);
            (text("inherit_from") == Some(name) && text("variant").is_none()).then(|| text("name"))?
        })
    }

    /// Whether the definition of that name is what another plugin inherits from.
    pub(crate) fn is_inherited(&self, kind: PluginKind, name: &str) -> bool {
        let blocks = self.plugin_documents(kind).into_iter();
        blocks
            .filter_map(|block| block.get("inherit_from")?.as_str())
            .any(|parent| parent == name)
    }

    /// The block of a plugin in the active environment.
    fn environment_plugin(&self, kind: PluginKind, name: &str) -> Option<&Map<String, Value>> {
        let plugins = self
            .environment
            .as_ref()?
            .document
            .get("config")?
            .get("plugins")?;
        objects(plugins.get(kind.plural()))
            .into_iter()
            .find(|document| named(document, name))
    }

    /// The block of a plugin in `meltano.yml`.
    fn plugin_document(&self, kind: PluginKind, name: &str) -> Option<&Map<String, Value>> {
        self.plugin_documents(kind)
            .into_iter()
            .find(|document| named(document, name))
    }

    fn plugin_documents(&self, kind: PluginKind) -> Vec<&Map<String, Value>> {
        objects(
            self.document
                .get("plugins")
                .and_then(|plugins| plugins.get(kind.plural())),
        )
    }
}

fn read_dotenv(path: &Path, os: &Vars) -> Result<Vars> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(dotenv::parse(&text, os)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vars::new()),
        Err(error) => Err(Error::config(format!("cannot read {}", path.display())).with_source(error)),
    }
}

/// The objects in a list; other items are skipped.
fn objects(list: Option<&Value>) -> Vec<&Map<String, Value>> {
    list.and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .collect()
}

fn named(document: &Map<String, Value>, name: &str) -> bool {
    document.get("name").and_then(Value::as_str) == Some(name)
}

/// The `env:` of a block, as text.
fn env_of(document: &Map<String, Value>) -> Vars {
    let Some(Value::Object(env)) = document.get("env") else {
        return Vars::new();
    };
    env.iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(key, value)| (key.clone(), spelling::str(value)))
        .collect()
}

fn expand_all(vars: &Vars, lookup: &Lookup<'_>) -> Result<Vars> {
    vars.iter()
        .map(|(key, value)| Ok((key.clone(), lookup.text(value)?)))
        .collect()
}

#[cfg(test)]
mod tests;
