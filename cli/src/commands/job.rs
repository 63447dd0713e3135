//! `melisma job`: named lists of what a run runs.

use std::path::Path;
use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use clap_complete::engine::ArgValueCandidates;
use melisma_sdk::{Error, Result};
use serde_json::{Value, json};

use super::open_project::open_for_edits;
use super::output::print;
use super::project_file::{ProjectFile, named_items, steps};
use crate::args::ProjectArgs;
use crate::completions;
use crate::project::{Project, read_yaml, spelling};
use crate::run;
use crate::suggestion::suggestion;

const EXAMPLES: &str = "\
Examples:
  melisma job add nightly --tasks 'tap-csv target-postgres dbt:run'
  melisma job set nightly --tasks '[\"tap-csv target-postgres\", \"dbt:run dbt:test\"]'
  melisma job list --format json
  melisma run nightly

TASKS is a text, or a YAML list of texts and of lists of texts. An orchestrator may run the items one by one.";

/// The subcommands of `melisma job`.
#[derive(Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum JobArgs {
    /// List the jobs with their tasks
    List {
        /// Only this job
        #[arg(add = ArgValueCandidates::new(completions::jobs))]
        name: Option<String>,
        /// The format
        #[arg(long, default_value = "text")]
        format: ListFormat,
    },
    /// Add a job
    Add {
        /// Its name
        name: String,
        /// What it runs
        #[arg(long)]
        tasks: String,
    },
    /// Change the tasks of a job
    Set {
        /// Its name
        #[arg(add = ArgValueCandidates::new(completions::jobs))]
        name: String,
        /// What it runs
        #[arg(long)]
        tasks: String,
    },
    /// Remove a job
    Remove {
        /// Its name
        #[arg(add = ArgValueCandidates::new(completions::jobs))]
        name: String,
    },
}

/// How a list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    /// For people
    Text,
    /// One JSON document
    Json,
}

pub(crate) fn run(args: &JobArgs, globals: &ProjectArgs) -> Result<ExitCode> {
    let project = open_for_edits(globals)?;
    match args {
        JobArgs::List { name, format } => list(&project, name.as_deref(), *format)?,
        JobArgs::Add { name, tasks } => {
            let mut file = ProjectFile::open(&project)?;
            let tasks = self::tasks(name, tasks, &project)?;
            if tasks_of(&project, name).is_some() {
                return Err(Error::config(format!("there is a job {name:?} already")));
            }
            file.add(&steps!["jobs"], &json!({"name": name, "tasks": tasks}))?;
            file.save()?;
            print(&format!("Added job {name}: {}", spelling::repr(&tasks)))?;
        }
        JobArgs::Set { name, tasks } => {
            let mut file = ProjectFile::with(&project, &steps!["jobs"], name)?;
            let tasks = self::tasks(name, tasks, &project)?;
            let job = file
                .item(&steps!["jobs"], name)
                .ok_or_else(|| missing(&project, name))?;
            file.set(&[&job[..], &steps!["tasks"]].concat(), &tasks)?;
            file.save()?;
            print(&format!("Updated job {name}: {}", spelling::repr(&tasks)))?;
        }
        JobArgs::Remove { name } => {
            let mut file = ProjectFile::with(&project, &steps!["jobs"], name)?;
            let job = file
                .item(&steps!["jobs"], name)
                .ok_or_else(|| missing(&project, name))?;
            file.remove(&job, 0)?;
            file.save()?;
            print(&format!("Removed job '{name}'."))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(project: &Project, name: Option<&str>, format: ListFormat) -> Result<()> {
    let all: Vec<(&str, &Value)> = named_items(project, "jobs")
        .filter(|(job, _)| name.is_none_or(|name| name == *job))
        .map(|(job, item)| (job, item.get("tasks").unwrap_or(&Value::Null)))
        .collect();
    if let (Some(name), true) = (name, all.is_empty()) {
        return Err(missing(project, name));
    }
    let entry = |(job, tasks): &(&str, &Value)| json!({"job_name": job, "tasks": tasks});
    match (format, name) {
        (ListFormat::Text, _) => {
            for (job, tasks) in all {
                print(&format!("{job}: {}", spelling::repr(tasks)))?;
            }
            Ok(())
        }
        (ListFormat::Json, Some(_)) => print(&spelling::indented_json(
            &all.first().map(entry).unwrap_or_default(),
        )),
        (ListFormat::Json, None) => {
            let jobs: Vec<Value> = all.iter().map(entry).collect();
            print(&spelling::indented_json(&json!({"jobs": jobs})))
        }
    }
}

/// The tasks of a job, as `meltano.yml` has them.
pub(super) fn tasks_of<'a>(project: &'a Project, name: &str) -> Option<&'a Value> {
    let (_, job) = named_items(project, "jobs").find(|(job, _)| *job == name)?;
    Some(job.get("tasks").unwrap_or(&Value::Null))
}

pub(super) fn missing(project: &Project, name: &str) -> Error {
    let names = named_items(project, "jobs").map(|(job, _)| job);
    Error::config(format!("there is no job {name:?}{}", suggestion(name, names)))
}

/// Tasks from the command line, each of them checked as a run would.
fn tasks(job: &str, text: &str, project: &Project) -> Result<Value> {
    let wrong = || {
        Error::config(format!(
            "the tasks of {job}: expected a text, or a YAML list of texts and of lists of texts"
        ))
    };
    // As the value of a key, because a document has a mapping at its top.
    let document = read_yaml(Path::new("--tasks"), &format!("tasks: {text}")).map_err(|_| wrong())?;
    let tasks = match document.get("tasks") {
        Some(Value::String(task)) => json!([task]),
        Some(list @ Value::Array(_)) => list.clone(),
        _ => return Err(wrong()),
    };
    for task in tasks.as_array().into_iter().flatten() {
        let texts = match task {
            Value::Array(texts) => texts.iter().collect(),
            text => vec![text],
        };
        let texts: Option<Vec<&str>> = texts.into_iter().map(Value::as_str).collect();
        let words = texts.ok_or_else(wrong)?.join(" ");
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        run::check_blocks(&words, project)
            .map_err(|error| Error::config(format!("the tasks of {job}: {error}")))?;
    }
    Ok(tasks)
}
