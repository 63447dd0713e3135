//! Shell completions. The script that a shell loads asks the program itself for candidates, so that completions include
//! the plugins of the project in the current folder.

use std::ffi::OsString;
use std::io::{self, Write};

use clap_complete::engine::CompletionCandidate;
use clap_complete::env::Shells;
use clap_complete::{CompleteEnv, Shell};
use melisma_sdk::{Error, Result};

use crate::builtin;
use crate::project::{self, environment_variables};

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
    let root = std::env::current_dir()
        .ok()
        .and_then(|here| project::find(&here, &environment_variables()));
    match root {
        Some(root) => project::block_names(&root)
            .into_iter()
            .map(CompletionCandidate::new)
            .collect(),
        None => builtin::PLUGINS
            .iter()
            .map(|plugin| CompletionCandidate::new(plugin.name).help(Some(plugin.about.into())))
            .collect(),
    }
}
