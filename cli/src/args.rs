//! The command line: which command, and its help.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use melisma_sdk::printable::printable_args;
use melisma_sdk::{Error, Kind};

use crate::project::suggestion;
use crate::{builtin, completions, pipe, run, stderr};

const EXAMPLES: &str = "\
Examples:
  melisma run tap-csv target-parquet                  two plugins of the project in this folder
  melisma run \"tap-csv --config tap.json\" \"target-jsonl --config target.json\"
  tap-github | melisma pipe --stats stats.json | target-postgres
  melisma tap-csv --config tap.json --discover > catalog.json

Built-in plugins: tap-csv, tap-postgres, target-csv, target-jsonl, target-parquet, target-postgres. They need no
install; `melisma NAME --help` shows their options, `melisma NAME --about` their settings.

Exit codes: 0 success, 64 usage, 65 bad input, 69 a peer went away, 70 a bug, 74 input or output failed, 75 worth
another try, 78 configuration, 1 a plugin of a run failed with another code, 130 and 143 ended by SIGINT and SIGTERM.";

/// Runs Singer taps and targets, fast and without losing a record.
#[derive(Parser)]
#[command(name = "melisma", version, after_help = EXAMPLES, arg_required_else_help = true, max_term_width = 110)]
struct Melisma {
    /// Print the completion script for this shell and stop
    #[arg(long, value_name = "SHELL")]
    completions: Option<Shell>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Run a tap into a target, and keep the state that the target confirms
    Run(run::Args),
    /// Stand in the middle of a shell pipe: pass Singer lines on, count them, check them
    Pipe(pipe::Args),
    /// Print the completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Runs the command line `args`, whose first word is the name of the program.
pub(crate) fn main(args: Vec<OsString>) -> ExitCode {
    melisma_sdk::logs::shorten_panics();
    match completions::answer(command, &args) {
        Ok(true) => return ExitCode::SUCCESS,
        Ok(false) => {}
        Err(error) => return report(&error),
    }
    if let Some(code) = builtin::run(&args) {
        return code;
    }
    let shown = printable_args(&args);
    let parsed = match Melisma::try_parse_from(args) {
        Ok(parsed) => parsed,
        Err(error) if error.kind() == ErrorKind::InvalidSubcommand => return report(&unknown(&error)),
        Err(error) => {
            // It quotes arguments: none may be one that a terminal obeys, or that makes a line of its own.
            let error = shown
                .and_then(|args| Melisma::try_parse_from(args).err())
                .unwrap_or(error);
            // A reader of the help text that went away is no reason to complain.
            let _ = error.print();
            return if error.use_stderr() {
                Kind::Usage.exit_code().into()
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    let result = match (parsed.completions, parsed.command) {
        (Some(shell), _) | (None, Some(Command::Completions { shell })) => {
            completions::write_script(shell, &mut std::io::stdout()).map(|()| ExitCode::SUCCESS)
        }
        (None, Some(Command::Run(args))) => run::run(&args),
        (None, Some(Command::Pipe(args))) => pipe::run(&args),
        (None, None) => Err(Error::new(
            Kind::Usage,
            "a command is missing; `melisma --help` lists them",
        )),
    };
    result.unwrap_or_else(|error| report(&error))
}

/// Says what went wrong, on one line of stderr; nobody needs to read it for the process to end.
fn report(error: &Error) -> ExitCode {
    stderr::write_at_the_end(format!("melisma: {error}\n"));
    ExitCode::from(error.kind().exit_code())
}

/// Clap's own suggestion does not know the built-in plugins, nor letters that changed places.
fn unknown(error: &clap::Error) -> Error {
    let name = match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(name)) => name.as_str(),
        _ => "?",
    };
    let command = command();
    let known = command.get_subcommands().map(clap::Command::get_name);
    Error::new(
        Kind::Usage,
        format!("there is no command {name:?}{}", suggestion(name, known)),
    )
}

/// The command with the built-in plugins as subcommands, for completions.
fn command() -> clap::Command {
    let mut command = Melisma::command();
    for plugin in builtin::PLUGINS {
        command = command.subcommand((plugin.command)().about(plugin.about));
    }
    command
}

/// The name a program was called by, without its folder.
pub(crate) fn base_name(program: &OsString) -> Option<&str> {
    Path::new(program).file_stem()?.to_str()
}
