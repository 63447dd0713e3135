//! The command line as clap types: the commands.

use clap::{Parser, Subcommand};
use clap_complete::Shell;

use crate::args::{PipeArgs, ProjectArgs, RunArgs};
use crate::commands::add::AddArgs;
use crate::commands::bench::BenchArgs;
use crate::commands::check::CheckArgs;
use crate::commands::config::ConfigArgs;
use crate::commands::drivers::DriversArgs;
use crate::commands::el::ElArgs;
use crate::commands::environment::EnvironmentArgs;
use crate::commands::head::HeadArgs;
use crate::commands::init::InitArgs;
use crate::commands::install::InstallArgs;
use crate::commands::invoke::InvokeArgs;
use crate::commands::job::JobArgs;
use crate::commands::lock::LockArgs;
use crate::commands::logs::LogsArgs;
use crate::commands::new::NewArgs;
use crate::commands::plugin::PluginArgs;
use crate::commands::remove::RemoveArgs;
use crate::commands::runs::RunsArgs;
use crate::commands::schedule::ScheduleArgs;
use crate::commands::select::SelectArgs;
use crate::commands::state::StateArgs;
use crate::commands::test::TestArgs;

const EXAMPLES: &str = "\
Examples:
  melisma run tap-csv target-parquet                  two plugins of the project in this folder
  melisma run \"tap-csv --config tap.json\" \"target-jsonl --config target.json\"
  tap-github | melisma pipe --stats stats.json | target-postgres
  melisma tap-csv --config tap.json --discover > catalog.json

Built-in plugins: tap-adbc, tap-csv, tap-duckdb, tap-postgres, tap-rest, tap-snowflake, tap-sqlite, target-adbc,
target-bigquery, target-csv, target-duckdb, target-jsonl, target-parquet, target-postgres, target-redshift, target-snowflake,
target-sqlite. They need no install; `melisma NAME --help` shows their options, `melisma NAME --about` their settings.

The options --cwd, --environment, --no-environment, --env-file, --log-level and --log-format of a command may also stand
before it, and every option may be written with underscores instead of hyphens.

Exit codes: 0 success, 64 usage, 65 bad input, 69 a peer is unavailable, 70 a bug, 74 input or output failed, 75 try
again later, 78 configuration, 1 a plugin of a run failed with another code
or could not be installed, 130 and 143 ended by SIGINT and SIGTERM.";

/// Runs Singer taps and targets, fast and without losing a record.
#[derive(Parser)]
#[command(name = "melisma", version, after_help = EXAMPLES, arg_required_else_help = true, max_term_width = 110)]
pub(crate) struct Melisma {
    /// Print the completion script for this shell and exit
    #[arg(long, value_name = "SHELL")]
    pub(crate) completions: Option<Shell>,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run a tap into a target, and store the state that the target confirms
    Run(RunArgs),
    /// Run a tap into a target under a state id of your own
    El(ElArgs),
    /// The same as el, by its old name
    Elt(ElArgs),
    /// Run one plugin alone, or one of its commands
    Invoke(InvokeArgs),
    /// Check plugins, settings, catalogs, jobs and schedules without a run
    Check(CheckArgs),
    /// Show the first records of a stream
    Head(HeadArgs),
    /// Run the tests of plugins
    Test(TestArgs),
    /// Make a project
    Init(InitArgs),
    /// Make the project of a new tap or target, for its author
    New(NewArgs),
    /// Add plugins to the project
    Add(AddArgs),
    /// Remove plugins from the project
    Remove(RemoveArgs),
    /// Write the definitions of plugins to lock files
    Lock(LockArgs),
    /// Install the plugins of the project
    Install(InstallArgs),
    /// List the plugins of the project
    Plugin {
        #[command(flatten)]
        project: ProjectArgs,
        #[command(subcommand)]
        command: PluginArgs,
    },
    /// Show and change the settings of a plugin
    Config(ConfigArgs),
    /// List and change what a tap extracts
    Select(SelectArgs),
    /// List and change jobs
    Job {
        #[command(flatten)]
        project: ProjectArgs,
        #[command(subcommand)]
        command: JobArgs,
    },
    /// List, change and run schedules
    Schedule {
        #[command(flatten)]
        project: ProjectArgs,
        #[command(subcommand)]
        command: ScheduleArgs,
    },
    /// Show and change what runs resume from
    State {
        #[command(flatten)]
        project: ProjectArgs,
        #[command(subcommand)]
        command: StateArgs,
    },
    /// Show what ran: when, how long, how many records, and how it ended
    Runs(RunsArgs),
    /// List runs as Meltano does, and show their logs
    Logs {
        #[command(flatten)]
        project: ProjectArgs,
        #[command(subcommand)]
        command: LogsArgs,
    },
    /// List and change environments
    Environment {
        #[command(flatten)]
        project: ProjectArgs,
        #[command(subcommand)]
        command: EnvironmentArgs,
    },
    /// List the ADBC drivers of databases, and test one
    Drivers(DriversArgs),
    /// Pass Singer messages through a shell pipe: count them, buffer them, check them
    Pipe(PipeArgs),
    /// Measure taps, targets and pipes beside others, and generate streams for that
    Bench(BenchArgs),
    /// Print the completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}
