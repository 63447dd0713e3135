//! `melisma install`: virtual environments for the plugins of a project.

use std::num::NonZeroUsize;
use std::process::ExitCode;

use clap::Args;
use clap_complete::engine::ArgValueCandidates;
use melisma_sdk::{Error, Result};

use super::open_project::open;
use super::plugin_arg::{KindArg, find};
use crate::args::ProjectArgs;
use crate::completions;
use crate::console::Console;
use crate::install::{self, Options};
use crate::plugin_kind::PluginKind;
use crate::project::{Named, Plugin, Project};

const EXAMPLES: &str = "\
Examples:
  melisma install                       all plugins of the project
  melisma install tap-github dbt        these
  melisma install extractors            all of one kind
  melisma install --schedule nightly    what a schedule runs

Each plugin gets a virtual environment in .meltano, where Meltano looks for it too. uv makes it when there is one on the
path, otherwise Python's venv and pip do, as with `venv.backend: virtualenv`. Built-in plugins need no installation.";

/// The options of `melisma install`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InstallArgs {
    /// The plugins, perhaps after their kind [default: all]
    #[arg(value_name = "PLUGIN", add = ArgValueCandidates::new(completions::plugins))]
    plugins: Vec<String>,
    #[command(flatten)]
    kind: KindArg,
    /// Only plugins that this schedule runs
    #[arg(short, long, value_name = "NAME", add = ArgValueCandidates::new(completions::schedules))]
    schedule: Option<String>,
    /// Make the virtual environments anew, even those that fit
    #[arg(long)]
    clean: bool,
    /// Ignore the Python versions that packages declare; pip installs then
    #[arg(short, long)]
    force: bool,
    /// Install this number of plugins at a time; 0 for all at once [default: the number of processors]
    #[arg(short, long, value_name = "NUMBER", allow_negative_numbers = true)]
    parallelism: Option<i64>,
    #[command(flatten)]
    project: ProjectArgs,
}

/// Installs the plugins.
pub(crate) fn run(args: &InstallArgs) -> Result<ExitCode> {
    let project = open(&args.project)?;
    let console = Console::new(&args.project.log, |name| project.setting(name))?;
    let plugins = chosen(args, &project)?;
    let limit = |number: i64| {
        let number = usize::try_from(number).unwrap_or(0);
        NonZeroUsize::new(number).unwrap_or(NonZeroUsize::MAX)
    };
    let options = Options {
        clean: args.clean,
        force: args.force,
        parallelism: args.parallelism.map(limit),
    };
    if plugins.is_empty() {
        console.info("there are no plugins to install");
    }
    let installed = install::install(&project, &plugins, options, &console)?;
    Ok(ExitCode::from(u8::from(!installed)))
}

fn chosen(args: &InstallArgs, project: &Project) -> Result<Vec<Plugin>> {
    let (kind, names) = args.kind.leading(&args.plugins);
    let mut plugins = if names.is_empty() {
        all(project, kind)?
    } else {
        let plugins = names.iter().map(|name| find(project, kind, name));
        plugins.collect::<Result<_>>()?
    };
    if let Some(schedule) = &args.schedule {
        let scheduled = scheduled(project, schedule)?;
        plugins.retain(|plugin| scheduled.contains(&(plugin.kind, plugin.name.clone())));
    }
    Ok(plugins)
}

fn all(project: &Project, kind: Option<PluginKind>) -> Result<Vec<Plugin>> {
    let kinds = PluginKind::ALL
        .into_iter()
        .filter(|own| kind.is_none_or(|kind| kind == *own));
    let names = kinds.flat_map(|kind| project.plugin_names(kind).map(move |name| (kind, name)));
    names
        .map(|(kind, name)| Plugin::load(project, kind, name))
        .collect()
}

/// The plugins that a schedule runs. A mapping stands for its mapper.
fn scheduled(project: &Project, schedule: &str) -> Result<Vec<(PluginKind, String)>> {
    let blocks = project.scheduled_blocks(schedule)?;
    let plugin = |block: &String| {
        let name = block.split(':').next().unwrap_or_default();
        match project.named(name)? {
            Some(Named::Plugin(kind)) => Ok((kind, name.to_owned())),
            Some(Named::Mapping(mapper)) => Ok((PluginKind::Mapper, mapper.to_owned())),
            None => Err(Error::config(format!(
                "schedule {schedule} runs {name:?}, which is no plugin of the project"
            ))),
        }
    };
    blocks.iter().map(plugin).collect()
}
