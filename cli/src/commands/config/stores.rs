//! Where settings are written: `meltano.yml`, an environment in it, `.env`, or the system database.

use clap::ValueEnum;
use melisma_sdk::{Error, Result};
use serde_json::Value;

use super::super::dotenv_file::DotenvFile;
use super::super::project_file::{ProjectFile, is_readonly, refuse_readonly, steps};
use super::super::system_database;
use super::subject::Subject;
use crate::dotted_keys;
use crate::project::{Project, Setting, Source};
use crate::yaml_edit::Step;

/// What `--store` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum StoreChoice {
    /// A secret to .env, everything else to meltano.yml or to the environment that --environment names; with
    /// `project_readonly` to the system database
    Auto,
    /// .env
    Dotenv,
    /// meltano.yml, or the environment that --environment names
    #[value(name = "meltano_yml", alias = "meltano-yml")]
    MeltanoYml,
    /// The system database
    Db,
}

/// A place that a setting is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Store {
    Dotenv,
    Environment,
    File,
    Database,
}

impl Store {
    /// The name in messages.
    pub(super) fn label(self) -> &'static str {
        self.source().label()
    }

    /// What a value that is stored here comes from.
    pub(super) fn source(self) -> Source {
        match self {
            Self::Dotenv => Source::Dotenv,
            Self::Environment => Source::Environment,
            Self::File => Source::File,
            Self::Database => Source::Database,
        }
    }

    /// The store for a value of `setting`.
    pub(super) fn choose(
        choice: StoreChoice,
        project: &Project,
        subject: &Subject,
        setting: Option<&Setting>,
    ) -> Result<Self> {
        let file = match project.environment {
            Some(_) if subject.has_environments() => Self::Environment,
            _ => Self::File,
        };
        Ok(match choice {
            StoreChoice::Auto if is_readonly(project)? => Self::Database,
            StoreChoice::Auto if setting.is_some_and(|setting| setting.sensitive || setting.env_specific) => {
                Self::Dotenv
            }
            StoreChoice::Auto | StoreChoice::MeltanoYml => file,
            StoreChoice::Dotenv => Self::Dotenv,
            StoreChoice::Db => Self::Database,
        })
    }

    /// All stores that `choice` covers when values are removed.
    pub(super) fn covered(choice: StoreChoice, project: &Project, subject: &Subject) -> Result<Vec<Self>> {
        Ok(match choice {
            StoreChoice::Auto if is_readonly(project)? => vec![Self::Database],
            StoreChoice::Auto if project.environment.is_some() && subject.has_environments() => {
                vec![Self::Dotenv, Self::Environment, Self::File, Self::Database]
            }
            StoreChoice::Auto => vec![Self::Dotenv, Self::File, Self::Database],
            _ => vec![Self::choose(choice, project, subject, None)?],
        })
    }
}

/// A setting that is written: where it is in a nested config, and its definition.
pub(super) struct Place<'a> {
    pub(super) name: String,
    pub(super) path: Vec<String>,
    pub(super) setting: Option<&'a Setting>,
}

impl<'a> Place<'a> {
    /// The setting that `words` name.
    pub(super) fn new(words: &[String], settings: &'a [Setting]) -> Self {
        let path = match words {
            [one] => owned_parts(one),
            words => words.to_vec(),
        };
        let name = path.join(".");
        let setting = settings
            .iter()
            .find(|setting| setting.name == name || setting.aliases.contains(&name));
        Self { name, path, setting }
    }

    /// The names that the setting may have in a config.
    fn names(&self) -> Vec<String> {
        match self.setting {
            Some(setting) => [&setting.name]
                .into_iter()
                .chain(&setting.aliases)
                .cloned()
                .collect(),
            None => vec![self.name.clone()],
        }
    }
}

/// Writes a value; returns the variable that has it, if it is in `.env`.
pub(super) fn set(
    store: Store,
    project: &Project,
    subject: &Subject,
    place: &Place<'_>,
    value: &Value,
) -> Result<()> {
    match store {
        Store::File | Store::Environment => {
            let mut file = open(store, project, subject)?;
            let block = block(&mut file, store, project, subject)?;
            // Under any other of its names and spellings it must not stay.
            for name in place.names() {
                let nested = owned_parts(&name);
                if place.path.len() != 1 || place.path[0] != name {
                    file.remove(&setting_path(&block, subject, &[name]), block.len())?;
                }
                if nested.len() > 1 && nested != place.path {
                    file.remove(&setting_path(&block, subject, &nested), block.len())?;
                }
            }
            set_through(&mut file, &block, subject, &place.path, value)?;
            file.save()
        }
        Store::Dotenv => {
            refuse_readonly(project)?;
            let setting = defined(place)?;
            let names = subject.variables(setting);
            let mut file = DotenvFile::open(project)?;
            for other in names.iter().skip(1) {
                file.remove(other);
            }
            let name = names
                .first()
                .ok_or_else(|| Error::bug("a setting without a variable"))?;
            file.set(name, &setting.kind.stringify(value));
            file.save()
        }
        Store::Database => {
            system_database::set_setting(project, &subject.namespace(), &place.name, Some(value))
        }
    }
}

/// Removes a value.
pub(super) fn unset(store: Store, project: &Project, subject: &Subject, place: &Place<'_>) -> Result<()> {
    match store {
        Store::File | Store::Environment => {
            let mut file = open(store, project, subject)?;
            let Some(block) = existing_block(&mut file, store, project, subject)? else {
                return Ok(());
            };
            for name in place.names() {
                file.remove(
                    &setting_path(&block, subject, std::slice::from_ref(&name)),
                    block.len(),
                )?;
                file.remove(&setting_path(&block, subject, &owned_parts(&name)), block.len())?;
            }
            file.remove(&setting_path(&block, subject, &place.path), block.len())?;
            file.save()
        }
        Store::Dotenv => {
            refuse_readonly(project)?;
            let mut file = DotenvFile::open(project)?;
            for name in subject.variables(defined(place)?) {
                file.remove(&name);
            }
            file.save()
        }
        Store::Database => system_database::set_setting(project, &subject.namespace(), &place.name, None),
    }
}

/// Removes all values of a plugin.
pub(super) fn reset(store: Store, project: &Project, subject: &Subject) -> Result<()> {
    match store {
        Store::File | Store::Environment => {
            let mut file = open(store, project, subject)?;
            let Some(block) = existing_block(&mut file, store, project, subject)? else {
                return Ok(());
            };
            let config = match subject {
                Subject::Plugin(plugin) if store == Store::File => plugin.config.clone(),
                Subject::Plugin(plugin) => plugin.environment_config.clone(),
                Subject::Meltano => project.top(),
            };
            for key in config.keys() {
                file.remove(
                    &setting_path(&block, subject, std::slice::from_ref(key)),
                    block.len(),
                )?;
            }
            file.save()
        }
        Store::Dotenv => {
            refuse_readonly(project)?;
            let mut file = DotenvFile::open(project)?;
            for setting in subject.settings() {
                for name in subject.variables(&setting) {
                    file.remove(&name);
                }
            }
            file.save()
        }
        Store::Database => system_database::reset_settings(project, &subject.namespace()),
    }
}

fn defined<'a>(place: &Place<'a>) -> Result<&'a Setting> {
    place.setting.ok_or_else(|| {
        Error::config(format!(
            "setting {}: nothing defines it, so no variable in `.env` stands for it; use --store meltano_yml",
            place.name
        ))
    })
}

fn open(store: Store, project: &Project, subject: &Subject) -> Result<ProjectFile> {
    match subject {
        Subject::Plugin(plugin) if store == Store::Environment => {
            ProjectFile::with_plugin(project, plugin.kind, &plugin.name)
        }
        Subject::Plugin(plugin) => {
            ProjectFile::with(project, &steps!["plugins", plugin.kind.plural()], &plugin.name)
        }
        Subject::Meltano => ProjectFile::open(project),
    }
}

/// The parts of a dotted name.
fn owned_parts(name: &str) -> Vec<String> {
    dotted_keys::split(name).into_iter().map(str::to_owned).collect()
}

fn block(file: &mut ProjectFile, store: Store, project: &Project, subject: &Subject) -> Result<Vec<Step>> {
    match subject {
        Subject::Plugin(plugin) if store == Store::Environment => {
            file.plugin(project, plugin.kind, &plugin.name)
        }
        Subject::Plugin(plugin) => file.plugin_outside_environments(plugin.kind, &plugin.name),
        Subject::Meltano => Ok(Vec::new()),
    }
}

/// The block of the plugin, unless the environment has none.
fn existing_block(
    file: &mut ProjectFile,
    store: Store,
    project: &Project,
    subject: &Subject,
) -> Result<Option<Vec<Step>>> {
    let is_missing = |subject: &Subject| matches!(subject, Subject::Plugin(plugin) if plugin.environment_config.is_empty());
    if store == Store::Environment && is_missing(subject) {
        return Ok(None);
    }
    block(file, store, project, subject).map(Some)
}

/// The path to a setting. In the block of a plugin an extra is a key of the block, and everything else is in `config:`;
/// settings of Meltano are at the top of the file.
fn setting_path(block: &[Step], subject: &Subject, path: &[String]) -> Vec<Step> {
    let (first, rest) = match path.split_first() {
        Some((first, rest)) => (first.as_str(), rest),
        None => return block.to_vec(),
    };
    let start = match (subject, first.strip_prefix('_')) {
        (Subject::Meltano, _) => steps![first].to_vec(),
        (Subject::Plugin(_), Some(extra)) => steps![extra].to_vec(),
        (Subject::Plugin(_), None) => steps!["config", first].to_vec(),
    };
    let rest = rest.iter().map(|key| Step::from(key.as_str()));
    block.iter().cloned().chain(start).chain(rest).collect()
}

/// Sets a value. What is on the way and no mapping is replaced by one.
fn set_through(
    file: &mut ProjectFile,
    block: &[Step],
    subject: &Subject,
    path: &[String],
    value: &Value,
) -> Result<()> {
    for depth in 1..path.len() {
        let above = setting_path(block, subject, &path[..depth]);
        if file
            .get(&above)
            .is_some_and(|above| !above.is_object() && !above.is_null())
        {
            file.set(&above, &Value::Null)?;
        }
    }
    file.set(&setting_path(block, subject, path), value)
}
