//! `melisma el` and `elt`: a tap into a target under a state id of the user's, as a run.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use clap::{Args, ValueEnum};
use clap_complete::engine::ArgValueCandidates;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use melisma_sdk::{Error, Kind, Result};
use serde_json::Value;
use serde_json::value::RawValue;

use super::install_first::install_first;
use super::open_project::open;
use super::output::print;
use super::schedule::Transform;
use super::state::open_states;
use crate::args::{AutoInstallArgs, ProjectArgs, metrics_address};
use crate::completions;
use crate::extent_args::ExtentArgs;
use crate::plugin_kind::PluginKind;
use crate::project::{Plugin, Project, Resolved, spelling, variable_names};
use crate::run::{Single, Workspace};

const EXAMPLES: &str = "\
Examples:
  melisma el tap-csv target-jsonl --state-id orders
  melisma el tap-csv target-jsonl --state-id orders --select \"orders.*\" --exclude \"*.secret\"
  melisma el tap-csv target-jsonl --dump catalog

Without --state-id the state is stored under an id with the time, and no later run resumes from it: `melisma run` has
an id of its own for each pair.";

/// The options of `melisma el` and `melisma elt`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct ElArgs {
    #[command(flatten)]
    project: ProjectArgs,
    /// The tap
    #[arg(value_name = "TAP", add = ArgValueCandidates::new(completions::taps))]
    tap: String,
    /// The target
    #[arg(value_name = "TARGET", add = ArgValueCandidates::new(completions::targets))]
    target: String,
    /// Store the state under this id
    #[arg(long, value_name = "ID", env = "MELTANO_STATE_ID", hide_env_values = true)]
    state_id: Option<String>,
    /// Extract only streams that match one of these patterns
    #[arg(short, long, value_name = "PATTERN")]
    select: Vec<String>,
    /// Do not extract streams that match one of these patterns
    #[arg(short, long, value_name = "PATTERN")]
    exclude: Vec<String>,
    /// Give the tap this catalog
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
    /// Give the tap this state instead of the stored one
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Print a file of the pipeline instead of running it
    #[arg(long, value_name = "FILE", conflicts_with = "dry")]
    dump: Option<Dump>,
    /// Say what would run, without running it
    #[arg(long)]
    dry: bool,
    /// Do not pass the stored state to the tap, so that it extracts everything again
    #[arg(long)]
    full_refresh: bool,
    #[command(flatten)]
    extent: ExtentArgs,
    /// Discover the catalog again, although nothing has changed that it depends on
    #[arg(long)]
    refresh_catalog: bool,
    /// Run even if another run of the same state seems to be alive
    #[arg(short, long)]
    force: bool,
    /// The same as --state-strategy merge
    #[arg(long, hide = true)]
    merge_state: bool,
    /// How a new state is stored: auto, merge, overwrite
    #[arg(long, value_name = "STRATEGY")]
    state_strategy: Option<String>,
    /// Use this id for the run instead of a new one
    #[arg(long, value_name = "UUID")]
    run_id: Option<String>,
    /// Write what the run has done to FILE as JSON when it has ended, however it ends
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dry", "dump"])]
    report: Option<PathBuf>,
    /// Serve metrics of the run in the OpenMetrics format here, such as 9100, 0.0.0.0:9100 or :0 for a free port
    #[arg(long, value_name = "[HOST:]PORT", conflicts_with_all = ["dry", "dump"], value_parser = metrics_address)]
    metrics: Option<SocketAddr>,
    /// What to do with transformations; only `skip` is supported
    #[arg(long, hide = true)]
    transform: Option<Transform>,
    #[command(flatten)]
    install: AutoInstallArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Dump {
    /// The catalog, with the rules of the project
    Catalog,
    /// The state that the tap gets
    State,
    /// The tap's config
    ExtractorConfig,
    /// The target's config
    LoaderConfig,
}

pub(crate) fn run(args: &ElArgs) -> Result<ExitCode> {
    if let Some(transform) = args.transform.filter(|transform| *transform != Transform::Skip) {
        return Err(Error::new(
            Kind::Usage,
            format!(
                "--transform={}: transformations are blocks of a run, as in `melisma run {} {} dbt:run`",
                transform.name(),
                args.tap,
                args.target
            ),
        ));
    }
    let project = open(&args.project)?;
    let tap = Plugin::load(&project, PluginKind::Extractor, &args.tap)?;
    let overrides = overrides(&tap, args)?;
    if let Some(file) = args.dump {
        return dump(project, &overrides, file, args);
    }
    let program =
        std::env::current_exe().map_err(|error| Error::io("cannot find the executable of melisma", error))?;
    let mut command = Command::new(program);
    command
        .args(args.project.words())
        .arg("run")
        .args(run_words(args));
    command.envs(overrides);
    Err(Error::io("cannot start the run", command.exec()))
}

/// The options of the run.
fn run_words(args: &ElArgs) -> Vec<OsString> {
    let state_id = args.state_id.clone().unwrap_or_else(|| {
        let now = Timestamp::now().to_zoned(TimeZone::UTC);
        format!(
            "{}--{}--{}",
            now.strftime("%Y-%m-%dT%H%M%S"),
            args.tap,
            args.target
        )
    });
    let mut words: Vec<OsString> = vec!["--as-el".into(), "--state-id".into(), state_id.into()];
    let flags = [
        ("--full-refresh", args.full_refresh),
        ("--refresh-catalog", args.refresh_catalog),
        ("--force", args.force),
        ("--merge-state", args.merge_state),
        ("--dry-run", args.dry),
    ];
    words.extend(
        flags
            .iter()
            .filter(|(_, given)| *given)
            .map(|(name, _)| (*name).into()),
    );
    words.extend(args.install.word().map(Into::into));
    for (name, value) in [
        ("--state-strategy", &args.state_strategy),
        ("--run-id", &args.run_id),
    ] {
        if let Some(value) = value {
            words.extend([name.into(), value.into()]);
        }
    }
    words.extend(args.extent.words());
    if let Some(file) = &args.report {
        words.extend(["--report".into(), file.into()]);
    }
    if let Some(at) = args.metrics {
        words.extend(["--metrics".into(), at.to_string().into()]);
    }
    words.extend([args.tap.clone().into(), args.target.clone().into()]);
    words
}

/// The extras of the tap that the command line overrides, as the variables that they are read from.
fn overrides(tap: &Plugin, args: &ElArgs) -> Result<Vec<(String, String)>> {
    let absolute = |path: &PathBuf| {
        let path = std::path::absolute(path);
        path.map(|path| Value::from(path.display().to_string()))
            .map_err(|error| Error::io("cannot find the current folder", error))
    };
    let excluded = args.exclude.iter().map(|pattern| format!("!{pattern}"));
    let patterns: Vec<String> = args.select.iter().cloned().chain(excluded).collect();
    let values = [
        (
            "_select_filter",
            Some(patterns)
                .filter(|patterns| !patterns.is_empty())
                .map(Value::from),
        ),
        ("_catalog", args.catalog.as_ref().map(absolute).transpose()?),
        ("_state", args.state.as_ref().map(absolute).transpose()?),
    ];
    let settings = tap.settings();
    let mut variables = Vec::new();
    for (name, value) in values {
        let setting = settings.iter().find(|setting| setting.name == name);
        if let (Some(setting), Some(value)) = (setting, value) {
            let variable = variable_names(tap, setting).into_iter().next();
            let variable = variable.ok_or_else(|| Error::bug("a setting without a variable"))?;
            variables.push((variable, setting.kind.stringify(&value)));
        }
    }
    Ok(variables)
}

fn dump(mut project: Project, overrides: &[(String, String)], file: Dump, args: &ElArgs) -> Result<ExitCode> {
    project.os.extend(overrides.iter().cloned());
    let (kind, name) = match file {
        Dump::LoaderConfig => (PluginKind::Loader, &args.target),
        _ => (PluginKind::Extractor, &args.tap),
    };
    let plugin = Plugin::load(&project, kind, name)?;
    if let Some(code) = install_first(
        args.install,
        &project,
        std::slice::from_ref(&plugin),
        &args.project,
    )? {
        return Ok(code);
    }
    let single = Single::new(&project, &plugin, &args.project)?.refreshing_catalog(args.refresh_catalog);
    match file {
        Dump::Catalog => {
            let catalog = single
                .catalog()?
                .ok_or_else(|| Error::config(format!("{name} has no catalog")))?;
            print(&spelling::indented_json(&catalog))?;
        }
        Dump::State => print(&tap_state(args, single.resolved())?)?,
        _ => print(&single.resolved().config_text())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What the tap would resume from: the file of the setting `state`, or the state that is stored under the id.
fn tap_state(args: &ElArgs, resolved: &Resolved) -> Result<String> {
    let workspace = Workspace::here(&args.project, args.project.choice())?;
    let none = || Error::config("there is no state to resume from");
    if args.full_refresh {
        return Err(none());
    }
    if let (Some(file), Workspace::Project(project)) =
        (resolved.extra("state").and_then(Value::as_str), &workspace)
    {
        let path = project.root.join(file);
        return std::fs::read_to_string(&path)
            .map_err(|error| Error::config(format!("cannot read {}", path.display())).with_source(error));
    }
    let id = args.state_id.as_ref().ok_or_else(none)?;
    let mut states = open_states(&workspace)?;
    let stored = states.get(id)?;
    // Not as values, so that numbers stay as they are.
    let stored: BTreeMap<String, &RawValue> = serde_json::from_str(&stored)
        .map_err(|error| Error::input("the stored state is not JSON").with_source(error))?;
    let state = stored.get("singer_state").ok_or_else(none)?;
    Ok(state.get().to_owned())
}
