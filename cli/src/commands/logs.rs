//! `melisma logs`: which runs there were, and what they logged.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind};
use std::process::ExitCode;

use clap::Subcommand;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use melisma_sdk::{Error, Result};
use serde_json::{Value, json};
use uuid::Uuid;

use super::job::ListFormat;
use super::output::{copy, print, table};
use crate::args::ProjectArgs;
use crate::log_folder::log_folder;
use crate::project::spelling;
use crate::run::{Workspace, log_path};
use crate::state::{Database, PastRun, iso};

const EXAMPLES: &str = "\
Examples:
  melisma logs list --limit 25
  melisma logs list --format json
  melisma logs show 019a9f0e-5a53-7f2c-8d5e-2f1c6f1a2b3c --tail 50";

/// The subcommands of `melisma logs`.
#[derive(Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum LogsArgs {
    /// List the newest runs
    List {
        /// How many
        #[arg(short, long, default_value_t = 10)]
        limit: u32,
        /// The format
        #[arg(long, default_value = "text")]
        format: ListFormat,
    },
    /// Print the log of a run
    Show {
        /// The id of the run, as `logs list` prints it
        log_id: String,
        /// Only its last N lines
        #[arg(short = 'n', long, value_name = "N")]
        tail: Option<usize>,
        /// The format of what is said about the run
        #[arg(long, default_value = "text")]
        format: ListFormat,
    },
    /// Print the folder of all logs
    Dir,
}

pub(crate) fn run(args: &LogsArgs, globals: &ProjectArgs) -> Result<ExitCode> {
    let workspace = Workspace::find(globals)?;
    let database = || Database::open(&workspace.database()?, workspace.system());
    match args {
        LogsArgs::List { limit, format } => list(&database()?.newest_runs(*limit)?, *format)?,
        LogsArgs::Show { log_id, tail, format } => show(&mut database()?, log_id, *tail, *format)?,
        LogsArgs::Dir => {
            let folder = log_folder()
                .ok_or_else(|| Error::config("HOME is not set, so there is no folder for logs"))?;
            print(&folder.display().to_string())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(runs: &[PastRun], format: ListFormat) -> Result<()> {
    if runs.is_empty() {
        return print("No job runs found.");
    }
    if format == ListFormat::Json {
        let runs: Vec<Value> = runs.iter().map(entry).collect();
        return print(&spelling::indented_json(
            &json!({"runs": runs, "total": runs.len()}),
        ));
    }
    let rows: Vec<Vec<String>> = runs.iter().map(row).collect();
    print(&table(
        &["STATUS", "LOG ID", "JOB NAME", "STARTED", "DURATION", "TRIGGER"],
        &rows,
    ))
}

fn entry(run: &PastRun) -> Value {
    json!({
        "log_id": run.run_id,
        "job_name": run.state_id,
        "state": run.state,
        "started_at": run.started.map(iso),
        "ended_at": run.ended.map(iso),
        "duration_seconds": duration(run),
        "trigger": run.trigger,
    })
}

fn row(run: &PastRun) -> Vec<String> {
    let status = match run.state.as_str() {
        "SUCCESS" => "✓ PASS",
        "FAIL" => "✗ FAIL",
        _ => "→ RUN",
    };
    let took = match duration(run) {
        Some(seconds) if seconds < 60.0 => format!("{seconds:.1}s"),
        Some(seconds) if seconds < 3600.0 => format!("{:.1}m", seconds / 60.0),
        Some(seconds) => format!("{:.1}h", seconds / 3600.0),
        None if run.state == "RUNNING" => "running".to_owned(),
        None => "unknown".to_owned(),
    };
    vec![
        status.to_owned(),
        run.run_id.clone(),
        run.state_id.clone(),
        time(run.started, "%Y-%m-%d %H:%M:%S"),
        took,
        run.trigger.clone().unwrap_or_else(|| "manual".to_owned()),
    ]
}

/// How many seconds a run took that has ended.
fn duration(run: &PastRun) -> Option<f64> {
    Some(run.ended?.duration_since(run.started?).as_secs_f64())
}

fn time(at: Option<Timestamp>, format: &str) -> String {
    let text = |at: Timestamp| at.to_zoned(TimeZone::UTC).strftime(format).to_string();
    at.map(text).unwrap_or_default()
}

fn show(database: &mut Database, log_id: &str, tail: Option<usize>, format: ListFormat) -> Result<()> {
    let run = match Uuid::try_parse(log_id) {
        Ok(id) => database.past_run(id)?,
        Err(_) => None,
    };
    let run = run.ok_or_else(|| {
        Error::config(format!(
            "there is no run {log_id:?}; `melisma logs list` has the ids of the newest runs"
        ))
    })?;
    print(&match format {
        ListFormat::Text => described(&run),
        ListFormat::Json => {
            let mut entry = json!({"job_name": run.state_id, "run_id": run.run_id});
            for key in ["state", "started_at", "ended_at", "trigger"] {
                entry[key] = self::entry(&run)[key].clone();
            }
            spelling::indented_json(&entry)
        }
    })?;
    let path = log_path(&run.state_id, &run.run_id)
        .ok_or_else(|| Error::config("HOME is not set, so there is no folder for logs"))?;
    let failed = |error: io::Error| match error.kind() {
        ErrorKind::NotFound => Error::config(format!("there is no log of this run at {}", path.display())),
        _ => Error::io(format!("cannot read {}", path.display()), error),
    };
    let mut log = File::open(&path).map_err(failed)?;
    let Some(tail) = tail else {
        print("\nLog content:\n------------")?;
        return copy(&mut log);
    };
    let lines = last(BufReader::new(log), tail).map_err(failed)?;
    print(&format!("\nLast {} lines:\n{}", lines.len(), "-".repeat(40)))?;
    copy(&mut &lines.into_iter().flatten().collect::<Vec<u8>>()[..])
}

fn described(run: &PastRun) -> String {
    let ended = run
        .ended
        .map_or_else(|| "Running".to_owned(), |at| iso(at).replace('T', " "));
    let started = run
        .started
        .map(|at| iso(at).replace('T', " "))
        .unwrap_or_default();
    format!(
        "Job: {}\nRun ID: {}\nState: {}\nStarted: {started}\nEnded: {ended}\nTrigger: {}",
        run.state_id,
        run.run_id,
        run.state,
        run.trigger.as_deref().unwrap_or("Manual")
    )
}

/// The last `count` lines.
fn last(log: impl BufRead, count: usize) -> io::Result<VecDeque<Vec<u8>>> {
    let mut kept = VecDeque::new();
    for line in log.split(b'\n') {
        let mut line = line?;
        line.push(b'\n');
        kept.push_back(line);
        if kept.len() > count {
            kept.pop_front();
        }
    }
    Ok(kept)
}
