//! `melisma check`: is everything that runs need in order, found out without a run.

use std::process::ExitCode;

use clap::Args;
use clap_complete::engine::ArgValueCandidates;
use melisma_sdk::{Kind, Result};

use super::open_project::open;
use super::output::print;
use super::plugin_arg::find;
use super::project_file::named_items;
use super::{cron, job};
use crate::args::ProjectArgs;
use crate::completions;
use crate::plugin_kind::PluginKind;
use crate::project::{Found, Plugin, Project};
use crate::run::{self, Single};

const EXAMPLES: &str = "\
Examples:
  melisma check                          the project: plugins, settings, jobs, schedules, and the catalogs of all taps
  melisma --environment prod check tap-postgres target-postgres
  melisma check --offline                nothing is started

A tap is asked for its catalog, so that its connection is tried as well, unless --offline is given. A target is not
started: `melisma config test TARGET` gives it one record. The exit code is 78 when there is a problem.";

/// The options of `melisma check`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    project: ProjectArgs,
    /// Start nothing
    #[arg(long)]
    offline: bool,
    /// Only these plugins [default: all of them, and jobs and schedules]
    #[arg(value_name = "PLUGIN", add = ArgValueCandidates::new(completions::plugins))]
    plugins: Vec<String>,
}

pub(crate) fn run(args: &CheckArgs) -> Result<ExitCode> {
    let project = open(&args.project)?;
    let mut problems = 0;
    let mut report = |what: &str, result: Result<String>| {
        let line = match result {
            Ok(detail) if detail.is_empty() => format!("ok       {what}"),
            Ok(detail) => format!("ok       {what}: {detail}"),
            Err(error) => {
                problems += 1;
                format!("problem  {what}: {error}")
            }
        };
        print(&line)
    };
    if args.plugins.is_empty() {
        for kind in PluginKind::ALL {
            for name in project.plugin_names(kind) {
                let plugin = Plugin::load(&project, kind, name);
                report(
                    &format!("{} {name}", kind.singular()),
                    plugin.and_then(|plugin| check_plugin(&project, &plugin, args)),
                )?;
            }
        }
        for (name, _) in named_items(&project, "jobs") {
            report(&format!("job {name}"), check_job(&project, name))?;
        }
        for (name, schedule) in named_items(&project, "schedules") {
            let interval = schedule.get("interval").and_then(serde_json::Value::as_str);
            let job = schedule.get("job").and_then(serde_json::Value::as_str);
            let result = cron::check(interval.unwrap_or_default()).and_then(|()| match job {
                Some(job) => check_job(&project, job),
                None => Ok(String::new()),
            });
            report(&format!("schedule {name}"), result)?;
        }
    }
    for name in &args.plugins {
        let plugin = find(&project, None, name)?;
        report(
            &format!("{} {name}", plugin.kind.singular()),
            check_plugin(&project, &plugin, args),
        )?;
    }
    if problems == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    print(&format!("{problems} of these need attention"))?;
    Ok(ExitCode::from(Kind::Config.exit_code()))
}

/// Settings, the executable, and of a tap the catalog.
fn check_plugin(project: &Project, plugin: &Plugin, args: &CheckArgs) -> Result<String> {
    if matches!(plugin.kind, PluginKind::File | PluginKind::Transform) {
        return Ok("nothing to run".to_owned());
    }
    let single = Single::new(project, plugin, &args.project)?.refreshing_catalog(true);
    required(plugin, single.resolved().found())?;
    single.check_executable()?;
    if plugin.kind != PluginKind::Extractor || args.offline {
        return Ok(String::new());
    }
    let Some(catalog) = single.catalog()? else {
        return Ok("it has no catalog".to_owned());
    };
    let streams = catalog.get("streams").and_then(serde_json::Value::as_array);
    let selected = streams
        .into_iter()
        .flatten()
        .filter(|stream| stream.get("selected").and_then(serde_json::Value::as_bool) == Some(true));
    let (selected, all) = (selected.count(), streams.map_or(0, Vec::len));
    let (streams, are) = match all {
        1 => ("stream", "is"),
        _ => ("streams", "are"),
    };
    Ok(format!("{selected} of {all} {streams} {are} selected"))
}

/// That one of the groups of required settings is complete.
fn required(plugin: &Plugin, found: &[Found]) -> Result<()> {
    let is_set = |name: &String| {
        let mut settings = found.iter();
        settings.any(|found| found.setting.name == *name && !found.value.is_null())
    };
    let missing =
        |group: &Vec<String>| -> Vec<String> { group.iter().filter(|name| !is_set(name)).cloned().collect() };
    let fewest = plugin.required.iter().map(missing).min_by_key(Vec::len);
    match fewest {
        Some(missing) if !missing.is_empty() => Err(melisma_sdk::Error::config(format!(
            "it has no value for {}",
            missing.join(", ")
        ))),
        _ => Ok(()),
    }
}

fn check_job(project: &Project, name: &str) -> Result<String> {
    job::tasks_of(project, name).ok_or_else(|| job::missing(project, name))?;
    run::check_blocks(&[name.to_owned()], project).map(|()| String::new())
}
