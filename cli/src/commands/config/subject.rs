//! What `melisma config` is about: a plugin, or Meltano itself.

use melisma_sdk::Result;
use serde_json::{Map, Value};

use super::super::plugin_arg::PluginArg;
use crate::dotted_keys;
use crate::plugin_kind::PluginKind;
use crate::project::{
    Exports, Found, MELTANO_SETTINGS, PROJECT_NAMESPACE, Plugin, Project, Setting, resolve, setting_variable,
    setting_variables, spelling, stored_namespace, variable_names,
};

/// What a list has for a secret.
pub(super) const REDACTED: &str = "(redacted)";
/// What a config has for a secret.
pub(super) const HIDDEN: &str = "*****";

/// The name that stands for Meltano itself, unless a plugin has it.
const MELTANO: &str = "meltano";
const MELTANO_DOCS: &str = "https://docs.meltano.com/reference/settings";

/// A plugin, or Meltano.
pub(super) enum Subject {
    Plugin(Box<Plugin>),
    Meltano,
}

impl Subject {
    /// The plugin that the command line names, or Meltano.
    pub(super) fn load(arg: &PluginArg, project: &Project) -> Result<Self> {
        match arg.load(project) {
            Ok(plugin) => Ok(Self::Plugin(Box::new(plugin))),
            Err(_) if arg.name == MELTANO && !has_plugin(project, MELTANO) => Ok(Self::Meltano),
            Err(error) => Err(error),
        }
    }

    /// The same once more, from the project as it is now.
    pub(super) fn reload(&self, project: &Project) -> Result<Self> {
        match self {
            Self::Plugin(plugin) => {
                let plugin = Plugin::load(project, plugin.kind, &plugin.name)?;
                Ok(Self::Plugin(Box::new(plugin)))
            }
            Self::Meltano => Ok(Self::Meltano),
        }
    }

    /// `Extractor 'tap-csv'`, at the beginning of a sentence.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Plugin(plugin) => {
                let kind = plugin.kind.singular();
                let (first, rest) = kind.split_at(1);
                format!("{}{rest} '{}'", first.to_uppercase(), plugin.name)
            }
            Self::Meltano => "Meltano".to_owned(),
        }
    }

    /// Its name on the command line.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Plugin(plugin) => &plugin.name,
            Self::Meltano => MELTANO,
        }
    }

    /// The definitions of its settings.
    pub(super) fn settings(&self) -> Vec<Setting> {
        match self {
            Self::Plugin(plugin) => plugin.settings(),
            Self::Meltano => MELTANO_SETTINGS.clone(),
        }
    }

    /// Its settings with their values.
    pub(super) fn found(&self, project: &Project) -> Result<Vec<Found>> {
        match self {
            Self::Plugin(plugin) => Ok(resolve(project, plugin, &Exports::new())?.found().to_vec()),
            Self::Meltano => project.found_settings(),
        }
    }

    /// The variables that a setting is read from; the first one is where a value is written to.
    pub(super) fn variables(&self, setting: &Setting) -> Vec<String> {
        match self {
            Self::Plugin(plugin) => variable_names(plugin, setting),
            Self::Meltano => vec![setting_variable(&setting.name)],
        }
    }

    /// A value as environment variables.
    pub(super) fn exported(&self, found: &Found) -> Vec<(String, String)> {
        match self {
            Self::Plugin(plugin) => setting_variables(plugin, &found.setting, &found.value),
            Self::Meltano => {
                let value = found.setting.kind.stringify(&found.value);
                vec![(setting_variable(&found.setting.name), value)]
            }
        }
    }

    /// The config, with `*****` for secrets when it is to be `safe`.
    pub(super) fn config(&self, project: &Project, safe: bool) -> Result<Value> {
        match self {
            Self::Plugin(plugin) if is_singer(plugin.kind) => {
                let resolved = resolve(project, plugin, &Exports::new())?;
                if safe {
                    resolved.config_without_secrets(HIDDEN)
                } else {
                    Ok(resolved.config().clone())
                }
            }
            Self::Plugin(_) => Ok(Value::Object(self.values(project, false, safe)?)),
            Self::Meltano => dotted_keys::nest_config(self.values(project, false, safe)?)
                .map(Value::Object)
                .map_err(|key| {
                    melisma_sdk::Error::config(format!("setting {key} is set twice under different names"))
                }),
        }
    }

    /// The values by their flat names: of extras, or of everything else.
    pub(super) fn values(&self, project: &Project, extras: bool, safe: bool) -> Result<Map<String, Value>> {
        let found = self.found(project)?.into_iter();
        let found = found.filter(|found| found.setting.is_extra() == extras);
        let shown = found.map(|found| if safe { found.without_secret(HIDDEN) } else { found });
        Ok(shown.map(|found| (found.setting.name, found.value)).collect())
    }

    /// Where its settings are documented, as the last line of a list.
    pub(super) fn more(&self) -> Option<String> {
        let (label, docs) = match self {
            Self::Plugin(plugin) => (
                format!("{} '{}'", plugin.kind.singular(), plugin.name),
                plugin.docs()?,
            ),
            Self::Meltano => ("Meltano".to_owned(), MELTANO_DOCS),
        };
        Some(format!(
            "To learn more about {label} and its settings, visit {docs}"
        ))
    }

    /// The settings that it needs: those of one of these groups.
    pub(super) fn required(&self) -> &[Vec<String>] {
        match self {
            Self::Plugin(plugin) => &plugin.required,
            Self::Meltano => &[],
        }
    }

    /// The namespace of its settings in the system database.
    pub(super) fn namespace(&self) -> String {
        match self {
            Self::Plugin(plugin) => stored_namespace(plugin.kind, &plugin.name),
            Self::Meltano => PROJECT_NAMESPACE.to_owned(),
        }
    }

    /// Whether it can have settings in an environment.
    pub(super) fn has_environments(&self) -> bool {
        matches!(self, Self::Plugin(_))
    }
}

/// Whether the plugins of a kind speak Singer, and so have a config file.
fn is_singer(kind: PluginKind) -> bool {
    matches!(
        kind,
        PluginKind::Extractor | PluginKind::Loader | PluginKind::Mapper
    )
}

fn has_plugin(project: &Project, name: &str) -> bool {
    let mut kinds = PluginKind::ALL.into_iter();
    kinds.any(|kind| project.plugin_names(kind).any(|other| other == name))
}

/// A value for a person: hidden when the setting is a secret.
pub(super) fn shown(setting: Option<&Setting>, value: &Value, safe: bool) -> String {
    match setting {
        Some(setting) if safe && setting.sensitive => REDACTED.to_owned(),
        _ => spelling::repr(value),
    }
}
