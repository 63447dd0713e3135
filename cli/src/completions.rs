//! Shell completions: the script that a shell loads asks the program itself what can come next, so that it knows the
//! plugins of the project in whatever folder the user stands.

use std::ffi::OsString;
use std::io::{self, Write};

use clap_complete::engine::CompletionCandidate;
use clap_complete::env::Shells;
use clap_complete::{CompleteEnv, Shell};
use melisma_sdk::{Error, Result};

use crate::builtin;
use crate::project::{self, PluginKind, Vars};

/// The variable by which the script says that it asks.
const ASKS: &str = "MELISMA_COMPLETE";

/// Answers a shell that asks what can come next; `false` when none does.
pub(crate) fn answer(command: impl Fn() -> clap::Command, args: &[OsString]) -> Result<bool> {
    let here = std::env::current_dir().ok();
    CompleteEnv::with_factory(command)
        .var(ASKS)
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
        .write_registration(ASKS, "melisma", "melisma", "melisma", to)
        .map_err(|error| Error::io("cannot write the completions", error))
}

/// The taps that can be run here.
pub(crate) fn taps() -> Vec<CompletionCandidate> {
    plugins(PluginKind::Extractor)
}

/// The targets that can be run here.
pub(crate) fn targets() -> Vec<CompletionCandidate> {
    plugins(PluginKind::Loader)
}

/// The project's plugins, or outside of one those that are built in. A project that cannot be read completes nothing.
fn plugins(kind: PluginKind) -> Vec<CompletionCandidate> {
    let os: Vars = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let root = std::env::current_dir()
        .ok()
        .and_then(|here| project::find(&here, &os));
    match root {
        Some(root) => project::plugin_names(&root, kind)
            .into_iter()
            .map(CompletionCandidate::new)
            .collect(),
        None => builtin::PLUGINS
            .iter()
            .filter(|plugin| plugin.kind == kind)
            .map(|plugin| CompletionCandidate::new(plugin.name).help(Some(plugin.about.into())))
            .collect(),
    }
}
