//! Shell completions. The script that a shell loads asks the program itself for candidates, so that completions include
//! the plugins of the project in the current folder.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

use clap_complete::engine::CompletionCandidate;
use clap_complete::env::Shells;
use clap_complete::{CompleteEnv, Shell};
use melisma_sdk::{Error, Result};

use crate::builtin;
use crate::plugin_kind::PluginKind;
use crate::project::{self, Choice, Plugin, Project, environment_variables};

/// The environment variable by which the script asks for candidates.
const REQUEST: &str = "MELISMA_COMPLETE";

/// Answers a shell that asks for candidates; `false` when this is an ordinary call.
pub(crate) fn answer(command: impl Fn() -> clap::Command, args: &[OsString]) -> Result<bool> {
    let here = std::env::current_dir().ok();
    CompleteEnv::with_factory(command)
        .var(REQUEST)
        .try_complete(args, here.as_deref())
        .map_err(|error| Error::config("cannot complete").with_source(io::Error::other(error)))
}

/// Writes the script for a shell.
pub(crate) fn write_script(shell: Shell, to: &mut dyn Write) -> Result<()> {
    let shells = Shells::builtins();
    let completer = shells
        .completer(&shell.to_string())
        .ok_or_else(|| Error::config(format!("there are no completions for {shell}")))?;
    completer
        .write_registration(REQUEST, "melisma", "melisma", "melisma", to)
        .map_err(|error| Error::io("cannot write the completions", error))
}

/// What can be run in the current folder: the names of the project, or outside of one the built-in plugins.
pub(crate) fn blocks() -> Vec<CompletionCandidate> {
    match root() {
        Some(root) => candidates(project::block_names(&root)),
        None => builtin::PLUGINS
            .iter()
            .map(|plugin| CompletionCandidate::new(plugin.name).help(Some(plugin.about.into())))
            .collect(),
    }
}

/// The taps of the project.
pub(crate) fn taps() -> Vec<CompletionCandidate> {
    plugins_of(&[PluginKind::Extractor])
}

/// The targets of the project.
pub(crate) fn targets() -> Vec<CompletionCandidate> {
    plugins_of(&[PluginKind::Loader])
}

/// The plugins of the project.
pub(crate) fn plugins() -> Vec<CompletionCandidate> {
    plugins_of(&PluginKind::ALL)
}

fn plugins_of(kinds: &[PluginKind]) -> Vec<CompletionCandidate> {
    let project = project();
    let names = kinds
        .iter()
        .flat_map(|kind| project.iter().flat_map(|project| project.plugin_names(*kind)));
    candidates(names)
}

/// The settings of the plugins of the project: which of them is asked for is not known here.
pub(crate) fn settings() -> Vec<CompletionCandidate> {
    let project = project();
    let mut names = Vec::new();
    for kind in PluginKind::ALL {
        for name in project.iter().flat_map(|project| project.plugin_names(kind)) {
            let plugin = project
                .as_ref()
                .and_then(|project| Plugin::load(project, kind, name).ok());
            let settings = plugin.map_or_else(Vec::new, |plugin| plugin.settings());
            names.extend(settings.into_iter().map(|setting| setting.name));
        }
    }
    names.sort_unstable();
    names.dedup();
    candidates(names)
}

/// The jobs of the project.
pub(crate) fn jobs() -> Vec<CompletionCandidate> {
    named("jobs")
}

/// The schedules of the project.
pub(crate) fn schedules() -> Vec<CompletionCandidate> {
    named("schedules")
}

fn named(list: &str) -> Vec<CompletionCandidate> {
    let project = project();
    let items = project.iter().flat_map(|project| project.listed(list));
    candidates(items.filter_map(|item| item.get("name")?.as_str()))
}

fn candidates(names: impl IntoIterator<Item = impl Into<OsString>>) -> Vec<CompletionCandidate> {
    names.into_iter().map(CompletionCandidate::new).collect()
}

fn root() -> Option<PathBuf> {
    project::find(&std::env::current_dir().ok()?, &environment_variables())
}

/// The project of the current folder. One that cannot be read has no candidates.
fn project() -> Option<Project> {
    Project::load(root()?, environment_variables(), Choice::Explicit, None).ok()
}
