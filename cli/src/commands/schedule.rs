//! `melisma schedule`: which job runs when. An orchestrator, such as Airflow, reads the list and starts the runs.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::engine::ArgValueCandidates;
use melisma_sdk::{Error, Kind, Result};
use serde_json::{Map, Value, json};

use super::job::{ListFormat, missing, tasks_of};
use super::open_project::open_for_edits;
use super::output::print;
use super::project_file::{ProjectFile, named_items, steps};
use super::{cron, system_database};
use crate::args::ProjectArgs;
use crate::completions;
use crate::project::{Project, spelling};
use crate::suggestion::suggestion;

const EXAMPLES: &str = "\
Examples:
  melisma schedule add nightly-load --job nightly --interval '@daily'
  melisma schedule add hourly --extractor tap-csv --loader target-jsonl --interval '0 * * * *'
  melisma schedule list --format json
  melisma schedule run nightly-load

melisma has no scheduler of its own: cron, systemd, Airflow or Dagster call `melisma schedule run` or `melisma run`.";

/// The subcommands of `melisma schedule`.
#[derive(Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum ScheduleArgs {
    /// List the schedules
    List {
        /// The format
        #[arg(long, default_value = "text")]
        format: ListFormat,
    },
    /// Run the job of a schedule now, with the variables of the schedule
    Run {
        /// Its name, and options for the run
        #[arg(value_name = "NAME [OPTIONS]", required = true, trailing_var_arg = true,
              add = ArgValueCandidates::new(completions::schedules))]
        words: Vec<OsString>,
    },
    /// Add a schedule
    Add {
        /// Its name
        name: String,
        /// A cron expression, or @hourly, @daily, @weekly, @monthly, @yearly, @once
        #[arg(long)]
        interval: String,
        #[command(flatten)]
        what: What,
    },
    /// Change a schedule
    Set {
        /// Its name
        #[arg(add = ArgValueCandidates::new(completions::schedules))]
        name: String,
        /// A cron expression, or @hourly, @daily, @weekly, @monthly, @yearly, @once
        #[arg(long)]
        interval: Option<String>,
        #[command(flatten)]
        what: What,
    },
    /// Remove a schedule
    Remove {
        /// Its name
        #[arg(add = ArgValueCandidates::new(completions::schedules))]
        name: String,
    },
}

/// What a schedule runs.
#[derive(Args)]
pub(crate) struct What {
    /// A job
    #[arg(long, conflicts_with_all = ["extractor", "loader", "transform"], add = ArgValueCandidates::new(completions::jobs))]
    job: Option<String>,
    /// A tap, for a schedule without a job
    #[arg(long, add = ArgValueCandidates::new(completions::taps))]
    extractor: Option<String>,
    /// A target, for a schedule without a job
    #[arg(long, add = ArgValueCandidates::new(completions::targets))]
    loader: Option<String>,
    /// What an elt does with transformations
    #[arg(long)]
    transform: Option<Transform>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Transform {
    /// Load without transformations
    Skip,
    /// Only transformations
    Only,
    /// Load, then transformations
    Run,
}

impl Transform {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Only => "only",
            Self::Run => "run",
        }
    }
}

pub(crate) fn run(args: &ScheduleArgs, globals: &ProjectArgs) -> Result<ExitCode> {
    let project = open_for_edits(globals)?;
    match args {
        ScheduleArgs::List { format } => list(&project, *format),
        ScheduleArgs::Run { words } => run_now(&project, words, globals),
        ScheduleArgs::Add { name, interval, what } => add(&project, name, interval, what),
        ScheduleArgs::Set { name, interval, what } => set(&project, name, interval.as_deref(), what),
        ScheduleArgs::Remove { name } => {
            let mut file = ProjectFile::with(&project, &steps!["schedules"], name)?;
            let item = file
                .item(&steps!["schedules"], name)
                .ok_or_else(|| unknown(&project, name))?;
            file.remove(&item, 0)?;
            file.save()
        }
    }
    .map(|()| ExitCode::SUCCESS)
}

fn unknown(project: &Project, name: &str) -> Error {
    let names = named_items(project, "schedules").map(|(name, _)| name);
    Error::config(format!(
        "there is no schedule {name:?}{}",
        suggestion(name, names)
    ))
}

/// A member that is text, or empty text.
fn text<'a>(schedule: &'a Map<String, Value>, key: &str) -> &'a str {
    schedule.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The words of the elt command that a schedule without a job runs.
fn elt_args(name: &str, schedule: &Map<String, Value>) -> Vec<String> {
    vec![
        text(schedule, "extractor").to_owned(),
        text(schedule, "loader").to_owned(),
        format!("--transform={}", text(schedule, "transform")),
        format!("--state-id={name}"),
    ]
}

fn list(project: &Project, format: ListFormat) -> Result<()> {
    if format == ListFormat::Text {
        for (name, schedule) in named_items(project, "schedules") {
            print(&line(project, name, schedule)?)?;
        }
        return Ok(());
    }
    let (mut jobs, mut elts) = (Vec::new(), Vec::new());
    for (name, schedule) in named_items(project, "schedules") {
        let interval = schedule.get("interval").cloned().unwrap_or_default();
        let cron = interval.as_str().and_then(cron::expression);
        let env = schedule.get("env").filter(|env| env.is_object());
        let env = env.cloned().unwrap_or_else(|| json!({}));
        if let Some(job) = schedule.get("job").and_then(Value::as_str) {
            let tasks = tasks_of(project, job).ok_or_else(|| missing(project, job))?;
            jobs.push(
                json!({"name": name, "interval": interval, "cron_interval": cron, "env": env,
                             "job": {"name": job, "tasks": tasks}}),
            );
        } else {
            elts.push(json!({
                "name": name,
                "extractor": text(schedule, "extractor"),
                "loader": text(schedule, "loader"),
                "transform": text(schedule, "transform"),
                "interval": interval,
                "env": env,
                "cron_interval": cron,
                "last_successful_run_ended_at": system_database::last_success(project, name)?,
                "elt_args": elt_args(name, schedule),
            }));
        }
    }
    print(&spelling::indented_json(
        &json!({"schedules": {"job": jobs, "elt": elts}}),
    ))
}

/// A schedule as a line for people.
fn line(project: &Project, name: &str, schedule: &Map<String, Value>) -> Result<String> {
    let interval = text(schedule, "interval");
    if let Some(job) = schedule.get("job").and_then(Value::as_str) {
        let tasks = tasks_of(project, job).ok_or_else(|| missing(project, job))?;
        return Ok(format!(
            "[{interval}] job {name}: {job} → {}",
            spelling::repr(tasks)
        ));
    }
    let (load, transform) = match text(schedule, "transform") {
        "run" => ("→", "→"),
        "only" => ("×", "→"),
        _ => ("→", "x"),
    };
    let (tap, target) = (text(schedule, "extractor"), text(schedule, "loader"));
    Ok(format!(
        "[{interval}] elt {name}: {tap} {load} {target} {transform} transforms"
    ))
}

/// Replaces this process by the run of a schedule.
fn run_now(project: &Project, words: &[OsString], globals: &ProjectArgs) -> Result<()> {
    let (name, options) = words
        .split_first()
        .ok_or_else(|| Error::bug("clap requires a name"))?;
    let name = name.to_string_lossy();
    let (_, schedule) = named_items(project, "schedules")
        .find(|(schedule, _)| *schedule == name)
        .ok_or_else(|| unknown(project, &name))?;
    let program =
        std::env::current_exe().map_err(|error| Error::io("cannot find the executable of melisma", error))?;
    let mut command = Command::new(program);
    command.args(globals.words());
    if let Some(job) = schedule.get("job").and_then(Value::as_str) {
        command.arg("run").args(options).arg(job);
    } else {
        command.arg("elt").args(elt_args(&name, schedule)).args(options);
    }
    for (variable, value) in schedule
        .get("env")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        command.env(variable, spelling::str(value));
    }
    Err(Error::io("cannot start the run of the schedule", command.exec()))
}

fn add(project: &Project, name: &str, interval: &str, what: &What) -> Result<()> {
    cron::check(interval)?;
    let mut file = ProjectFile::open(project)?;
    if named_items(project, "schedules").any(|(other, _)| other == name) {
        return Err(Error::config(format!("there is a schedule {name:?} already")));
    }
    let usage = |message: &str| Error::new(Kind::Usage, message);
    let (kind, schedule) = match (&what.job, &what.extractor, &what.loader) {
        (Some(job), ..) => {
            tasks_of(project, job).ok_or_else(|| missing(project, job))?;
            ("job", json!({"name": name, "interval": interval, "job": job}))
        }
        (None, Some(tap), Some(target)) => {
            let transform = what.transform.unwrap_or(Transform::Skip).name();
            let schedule = json!({"name": name, "interval": interval, "extractor": tap, "loader": target,
                                  "transform": transform});
            ("elt", schedule)
        }
        (None, None, None) => return Err(usage("a schedule needs --job, or --extractor and --loader")),
        (None, None, _) => return Err(usage("--extractor is missing")),
        (None, _, None) => return Err(usage("--loader is missing")),
    };
    file.add(&steps!["schedules"], &schedule)?;
    file.save()?;
    print(&format!("Scheduled {kind} '{name}' at {interval}"))
}

fn set(project: &Project, name: &str, interval: Option<&str>, what: &What) -> Result<()> {
    let mut file = ProjectFile::with(project, &steps!["schedules"], name)?;
    let item = file
        .item(&steps!["schedules"], name)
        .ok_or_else(|| unknown(project, name))?;
    let has_job = file
        .get(&item)
        .is_some_and(|schedule| schedule.get("job").is_some());
    let elt = what.extractor.is_some() || what.loader.is_some() || what.transform.is_some();
    if (has_job && elt) || (!has_job && what.job.is_some()) {
        return Err(Error::new(
            Kind::Usage,
            format!(
                "schedule {name} has {}: remove it and add another",
                if has_job { "a job" } else { "no job" }
            ),
        ));
    }
    interval.map(cron::check).transpose()?;
    if let Some(job) = &what.job {
        tasks_of(project, job).ok_or_else(|| missing(project, job))?;
    }
    let changes = [
        ("interval", interval),
        ("job", what.job.as_deref()),
        ("extractor", what.extractor.as_deref()),
        ("loader", what.loader.as_deref()),
        ("transform", what.transform.map(Transform::name)),
    ];
    for (key, value) in changes {
        if let Some(value) = value {
            file.set(&[&item[..], &steps![key]].concat(), &Value::from(value))?;
        }
    }
    file.save()?;
    print(&format!("Updated schedule '{name}'"))
}
