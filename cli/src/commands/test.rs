//! `melisma test`: the commands of plugins whose names begin with `test`.

use std::process::ExitCode;

use clap::Args;
use clap_complete::engine::ArgValueCandidates;
use melisma_sdk::{Error, Kind, Result};

use super::install_first::install_first;
use super::open_project::open;
use super::output::print;
use super::plugin_arg::find;
use crate::args::{AutoInstallArgs, ProjectArgs};
use crate::completions;
use crate::plugin_kind::PluginKind;
use crate::project::Plugin;
use crate::run::Single;
use crate::suggestion::suggestion;

const EXAMPLES: &str = "\
Examples:
  melisma test --all                     every command whose name begins with test
  melisma test dbt great_expectations:test-orders";

/// The options of `melisma test`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TestArgs {
    #[command(flatten)]
    project: ProjectArgs,
    /// Run all tests of all plugins
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    install: AutoInstallArgs,
    /// Plugins, or one test of a plugin
    #[arg(value_name = "PLUGIN[:TEST]", required_unless_present = "all", add = ArgValueCandidates::new(completions::plugins))]
    tests: Vec<String>,
}

pub(crate) fn run(args: &TestArgs) -> Result<ExitCode> {
    let project = open(&args.project)?;
    let mut selected: Vec<(Plugin, Vec<String>)> = Vec::new();
    if args.all {
        for kind in PluginKind::ALL
            .into_iter()
            .filter(|kind| *kind != PluginKind::File)
        {
            for name in project.plugin_names(kind) {
                let plugin = Plugin::load(&project, kind, name)?;
                let tests = tests_of(&plugin);
                selected.push((plugin, tests));
            }
        }
    }
    for name in &args.tests {
        let (name, test) = match name.split_once(':') {
            Some((name, test)) => (name, Some(test)),
            None => (name.as_str(), None),
        };
        let plugin = find(&project, None, name)?;
        let all = tests_of(&plugin);
        let tests = match test {
            None => all,
            Some(test) if all.iter().any(|other| other == test) => vec![test.to_owned()],
            Some(test) => {
                let suggestion = suggestion(test, all.iter().map(String::as_str));
                return Err(Error::new(
                    Kind::Usage,
                    format!("{name} has no test {test:?}{suggestion}"),
                ));
            }
        };
        selected.push((plugin, tests));
    }
    selected.retain(|(_, tests)| !tests.is_empty());
    let plugins: Vec<Plugin> = selected.iter().map(|(plugin, _)| plugin.clone()).collect();
    if let Some(code) = install_first(args.install, &project, &plugins, &args.project)? {
        return Ok(code);
    }
    let mut results = Vec::new();
    for (plugin, tests) in &selected {
        let single = Single::new(&project, plugin, &args.project)?;
        for test in tests {
            let name = format!("{}:{test}", plugin.name);
            print(&format!("=== {name}"))?;
            results.push((name, single.run(Some(test), &[])?));
        }
    }
    report(&results)
}

fn tests_of(plugin: &Plugin) -> Vec<String> {
    let names = plugin.commands().map(|(name, _)| name);
    names
        .filter(|name| name.starts_with("test"))
        .map(str::to_owned)
        .collect()
}

/// Prints how each test ended; the exit code is 1 when one failed.
fn report(results: &[(String, u8)]) -> Result<ExitCode> {
    let failed = results.iter().filter(|(_, code)| *code != 0).count();
    print("")?;
    for (name, code) in results {
        let outcome = if *code == 0 { "success" } else { "failure" };
        print(&format!("{name:.<60} {outcome}"))?;
    }
    let how = if failed == 0 {
        "successfully"
    } else {
        "with failures"
    };
    print(&format!(
        "Testing completed {how}. {} test(s) successful. {failed} test(s) failed.",
        results.len() - failed
    ))?;
    Ok(ExitCode::from(u8::from(failed > 0)))
}
