//! The plugin that a command is about.

use clap::Args;
use clap::builder::PossibleValuesParser;
use clap_complete::engine::ArgValueCandidates;
use melisma_sdk::{Error, Result};

use crate::completions;
use crate::plugin_kind::PluginKind;
use crate::project::{Plugin, Project};
use crate::suggestion::suggestion;

/// A plugin by its name.
#[derive(Args)]
pub(crate) struct PluginArg {
    /// The plugin
    #[arg(value_name = "PLUGIN", add = ArgValueCandidates::new(completions::plugins))]
    pub(super) name: String,
    #[command(flatten)]
    pub(super) kind: KindArg,
}

/// The kind of a plugin, for a name that several have.
#[derive(Args)]
pub(crate) struct KindArg {
    /// The kind of the plugin, when several have its name
    #[arg(long = "plugin-type", value_name = "KIND", value_parser = kinds())]
    kind: Option<String>,
}

fn kinds() -> PossibleValuesParser {
    let names = PluginKind::ALL
        .into_iter()
        .flat_map(|kind| [kind.singular(), kind.plural()]);
    PossibleValuesParser::new(names.collect::<Vec<_>>())
}

impl KindArg {
    /// The kind that is asked for.
    pub(super) fn kind(&self) -> Option<PluginKind> {
        PluginKind::parse(self.kind.as_deref()?)
    }

    /// The kind that is asked for, and the names of plugins: the first word may be the kind, as older versions of Meltano want
    /// it.
    pub(super) fn leading<'a>(&self, words: &'a [String]) -> (Option<PluginKind>, &'a [String]) {
        match (self.kind(), words.split_first()) {
            (None, Some((first, names))) if PluginKind::parse(first).is_some() => {
                (PluginKind::parse(first), names)
            }
            (kind, _) => (kind, words),
        }
    }
}

impl PluginArg {
    /// The plugin of this name in a project.
    pub(super) fn load(&self, project: &Project) -> Result<Plugin> {
        find(project, self.kind.kind(), &self.name)
    }
}

/// The plugin of a name: the first one in Meltano's order of kinds, or the one of that kind.
pub(super) fn find(project: &Project, kind: Option<PluginKind>, name: &str) -> Result<Plugin> {
    let kind = kind.map_or_else(|| kind_of(project, name), Ok)?;
    Plugin::load(project, kind, name)
}

/// The kind of the first plugin of that name.
pub(super) fn kind_of(project: &Project, name: &str) -> Result<PluginKind> {
    let has = |kind: &PluginKind| project.plugin_names(*kind).any(|other| other == name);
    let kind = PluginKind::ALL.into_iter().find(has);
    kind.ok_or_else(|| {
        let all = PluginKind::ALL
            .into_iter()
            .flat_map(|kind| project.plugin_names(kind));
        Error::config(format!(
            "there is no plugin {name:?} in {}{}",
            crate::project::FILE,
            suggestion(name, all)
        ))
    })
}
