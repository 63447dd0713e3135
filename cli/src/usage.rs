//! Parsing the command line, and what is printed when it is wrong.

use std::ffi::OsString;
use std::ops::ControlFlow;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};
use melisma_sdk::internal::printable::printable_args;
use melisma_sdk::{Error, Kind, Result};

use crate::args::{Command, Melisma};
use crate::builtin;
use crate::suggestion::suggestion;

/// The command that `words` ask for, or the exit code when clap has printed help or an error instead.
pub(crate) fn parse(words: Vec<OsString>) -> Result<ControlFlow<ExitCode, Command>> {
    let printable = printable_args(&words);
    let parsed = match Melisma::try_parse_from(words) {
        Ok(parsed) => parsed,
        Err(error) if error.kind() == ErrorKind::InvalidSubcommand => return Err(unknown(&error)),
        Err(error) => {
            // The message quotes arguments. They are escaped first: a terminal must not obey them, and none may look like
            // a line of its own.
            let error = printable
                .and_then(|words| Melisma::try_parse_from(words).err())
                .unwrap_or(error);
            // A closed stdout while printing help is no failure.
            let _ = error.print();
            return Ok(ControlFlow::Break(if error.use_stderr() {
                Kind::Usage.exit_code().into()
            } else {
                ExitCode::SUCCESS
            }));
        }
    };
    match (parsed.completions, parsed.command) {
        (Some(shell), _) => Ok(ControlFlow::Continue(Command::Completions { shell })),
        (None, Some(command)) => Ok(ControlFlow::Continue(command)),
        (None, None) => Err(Error::new(
            Kind::Usage,
            "a command is missing; `melisma --help` lists them",
        )),
    }
}

/// An error with a suggestion. Clap's own knows neither the built-in plugins nor swapped letters.
fn unknown(error: &clap::Error) -> Error {
    let name = match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(name)) => name.as_str(),
        _ => "?",
    };
    let command = command_with_plugins();
    let known = command.get_subcommands().map(clap::Command::get_name);
    Error::new(
        Kind::Usage,
        format!("there is no command {name:?}{}", suggestion(name, known)),
    )
}

/// The command with the built-in plugins as subcommands: for completions and suggestions.
pub(crate) fn command_with_plugins() -> clap::Command {
    let mut command = Melisma::command();
    for plugin in builtin::PLUGINS {
        command = command.subcommand(plugin.command().about(plugin.about));
    }
    command
}
