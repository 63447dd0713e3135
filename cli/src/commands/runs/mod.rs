//! `melisma runs`: what ran, from Meltano's table of runs and melisma's own next to it.

mod entry;
mod list;
mod show;
mod sparkline;

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use melisma_sdk::Result;
use serde_json::{Value, json};

use super::job::ListFormat;
use super::output::print;
use crate::args::ProjectArgs;
use crate::project::spelling;
use crate::report::VERSION;
use crate::run::Workspace;
use crate::state::{Database, DatabaseUri, RunFilter, RunRow};

const EXAMPLES: &str = "\
Examples:
  melisma runs
  melisma runs --limit 50 --state fail
  melisma runs --state-id prod:tap-csv-to-target-postgres --format json
  melisma runs show 019a9f0e-5a53

The id of a run may be shortened to what no other id begins with. Runs of Meltano are listed with what Meltano records.
Runs with --state FILE or --no-state-update are in no database, so they are not listed; `melisma run --report FILE`
writes what such a run has done.";

/// The options of `melisma runs`.
#[derive(Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct RunsArgs {
    #[command(flatten)]
    project: ProjectArgs,
    /// How many of the newest runs
    #[arg(short, long, value_name = "N", default_value_t = 10)]
    limit: u32,
    /// Only runs of this state id
    #[arg(long, value_name = "ID")]
    state_id: Option<String>,
    /// Only runs in this state
    #[arg(long, value_name = "STATE", ignore_case = true)]
    state: Option<RunState>,
    /// The format
    #[arg(long, default_value = "text")]
    format: ListFormat,
    #[command(subcommand)]
    command: Option<RunsCommand>,
}

#[derive(Subcommand)]
enum RunsCommand {
    /// Show everything that is known of a run
    Show {
        /// The id of the run, or its beginning
        run_id: String,
        /// Print its log, too
        #[arg(long, conflicts_with = "format")]
        log: bool,
        /// The format
        #[arg(long, default_value = "text")]
        format: ListFormat,
    },
}

/// A state as the table of runs has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RunState {
    Success,
    #[value(alias = "failed")]
    Fail,
    Running,
}

pub(crate) fn run(args: &RunsArgs) -> Result<ExitCode> {
    let workspace = Workspace::find(&args.project)?;
    match &args.command {
        None => {
            let filter = RunFilter {
                state_id: args.state_id.clone(),
                state: args.state.map(|state| match state {
                    RunState::Success => "SUCCESS",
                    RunState::Fail => "FAIL",
                    RunState::Running => "RUNNING",
                }),
                id_prefix: None,
                limit: args.limit,
            };
            let rows = read(&workspace, &filter)?;
            match args.format {
                ListFormat::Json => print_json(&rows)?,
                ListFormat::Text => list::print_list(&rows)?,
            }
        }
        Some(RunsCommand::Show { run_id, log, format }) => {
            let rows = show::find(run_id, |filter| read(&workspace, filter))?;
            match format {
                ListFormat::Json => print_json(&rows)?,
                ListFormat::Text => show::print_run(&rows, *log)?,
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The runs of the system database; none when there is none yet, which is not created for this.
fn read(workspace: &Workspace, filter: &RunFilter) -> Result<Vec<RunRow>> {
    let uri = workspace.database()?;
    if matches!(&uri, DatabaseUri::File(path) if !path.is_file()) {
        return Ok(Vec::new());
    }
    Database::open(&uri, workspace.system())?.runs(filter)
}

fn print_json(rows: &[RunRow]) -> Result<()> {
    let runs: Vec<Value> = rows.iter().map(entry::json).collect();
    print(&spelling::indented_json(
        &json!({"version": VERSION, "runs": runs}),
    ))
}
