//! `melisma`: runs Singer taps and targets, passes Singer messages through a shell pipe, and has connectors built in.
//!
//! This file is the whole program at a glance: it finds out who is asked for, and calls that module.
//!
//! | module | what it does |
//! |---|---|
//! | [`command_line`], [`args`], [`extent_args`], [`usage`] | the command line: its types, and the errors for a wrong one |
//! | [`builtin`], [`completions`] | the built-in taps and targets; completion scripts for shells |
//! | [`run`] | `melisma run`: taps into targets, with their states stored, and commands of other plugins |
//! | [`commands`] | the other commands of Meltano |
//! | [`install`], [`definitions`], [`http_agent`] | virtual environments for plugins; definitions of plugins, and lock files |
//! | [`pipe`] | `melisma pipe`: passes stdin to stdout, counts it and checks it |
//! | [`project`], [`catalog`] | a Meltano project and its settings; its `select` and `metadata` applied to a catalog |
//! | [`yaml_edit`] | edits `meltano.yml` in place |
//! | [`mod@report`], [`answer_file`] | what a run has done, as JSON; the file of an option such as `--report` |
//! | [`state`] | where a state is stored between runs, and who may use it |
//! | [`count`] | counts Singer lines by stream, from their first bytes |
//! | [`console`], [`log_style`], [`logging_yaml`] | log lines, how they look, and the `logging.yaml` of a project |
//! | [`stderr`], [`signals`] | the thread that writes log lines, and signals |

mod answer_file;
mod args;
mod blocks;
mod builtin;
mod catalog;
mod command_line;
mod commands;
mod completions;
mod console;
mod count;
mod definitions;
mod dotted_keys;
mod extent_args;
mod hash;
mod http_agent;
mod install;
mod level;
mod log_folder;
mod log_style;
mod logging_yaml;
mod pickle;
mod pipe;
mod plugin_kind;
mod project;
mod report;
mod run;
mod signals;
mod state;
mod stderr;
mod suggestion;
mod usage;
mod yaml_edit;

use std::ffi::OsString;
use std::ops::ControlFlow::{Break, Continue};
use std::process::ExitCode;

use melisma_sdk::{Error, Result};

use command_line::Command;
use commands::{
    add, check, config, drivers, el, environment, head, init, invoke, job, lock, remove, schedule, select,
    test,
};
use project::VersionMismatch;

fn main() -> ExitCode {
    melisma_sdk::internal::logs::shorten_panics();
    let code = dispatch(std::env::args_os().collect()).unwrap_or_else(|error| report(&error));
    // A command may end at any line with an error, and its last log lines are what explains it.
    stderr::flush_at_the_end();
    code
}

/// Runs the command line `words`, whose first word is the name of the program.
fn dispatch(words: Vec<OsString>) -> Result<ExitCode> {
    if completions::answer(usage::command_with_plugins, &words)? {
        return Ok(ExitCode::SUCCESS);
    }
    // Before clap: a built-in plugin has a command line of its own, and its own `--help`.
    if let Some(code) = builtin::run(&words) {
        return Ok(code);
    }
    match usage::parse(words)? {
        Continue(Command::Run(args)) => run::run(&args),
        Continue(Command::El(args) | Command::Elt(args)) => el::run(&args),
        Continue(Command::Invoke(args)) => invoke::run(&args),
        Continue(Command::Check(args)) => check::run(&args),
        Continue(Command::Head(args)) => head::run(&args),
        Continue(Command::Test(args)) => test::run(&args),
        Continue(Command::Config(args)) => config::run(&args),
        Continue(Command::Select(args)) => select::run(&args),
        Continue(Command::Job { project, command }) => job::run(&command, &project),
        Continue(Command::Schedule { project, command }) => schedule::run(&command, &project),
        Continue(Command::State { project, command }) => commands::state::run(&command, &project),
        Continue(Command::Runs(args)) => commands::runs::run(&args),
        Continue(Command::Logs { project, command }) => commands::logs::run(&command, &project),
        Continue(Command::Plugin { project, command }) => commands::plugin::run(&command, &project),
        Continue(Command::Environment { project, command }) => environment::run(&command, &project),
        Continue(Command::Init(args)) => init::run(&args),
        Continue(Command::New(args)) => commands::new::run(&args),
        Continue(Command::Add(args)) => add::run(&args),
        Continue(Command::Remove(args)) => remove::run(&args),
        Continue(Command::Lock(args)) => lock::run(&args),
        Continue(Command::Install(args)) => commands::install::run(&args),
        Continue(Command::Drivers(args)) => drivers::run(&args),
        Continue(Command::Pipe(args)) => pipe::run(&args),
        Continue(Command::Bench(args)) => commands::bench::run(&args),
        Continue(Command::Completions { shell }) => {
            completions::write_script(shell, &mut std::io::stdout()).map(|()| ExitCode::SUCCESS)
        }
        Break(printed) => Ok(printed),
    }
}

/// Writes the error on one line of stderr. The process ends even if nothing reads that line.
fn report(error: &Error) -> ExitCode {
    stderr::write_at_the_end(format!("melisma: {error}\n"));
    let wrong_version = error
        .cause()
        .is_some_and(<dyn std::error::Error>::is::<VersionMismatch>);
    ExitCode::from(if wrong_version {
        VersionMismatch::EXIT_CODE
    } else {
        error.kind().exit_code()
    })
}
