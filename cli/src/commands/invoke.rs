//! `melisma invoke`: one plugin alone, with its settings.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use clap_complete::engine::ArgValueCandidates;
use melisma_sdk::{Error, Kind, Result};

use super::install_first::install_first;
use super::open_project::open;
use super::output::print;
use super::plugin_arg::{KindArg, find};
use crate::args::{AutoInstallArgs, ProjectArgs};
use crate::completions;
use crate::project::{Plugin, spelling};
use crate::run::Single;

const EXAMPLES: &str = "\
Examples:
  melisma invoke tap-csv --discover                       with --config, and with what follows the name
  melisma invoke tap-csv                                  extract, and print the messages
  melisma invoke --dump config tap-csv                    the config file that the plugin gets
  melisma invoke dbt:run --select orders                  a command of a plugin

Options of melisma come before the name of the plugin. Everything after it goes to the plugin.";

/// The options of `melisma invoke`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InvokeArgs {
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    kind: KindArg,
    /// Print this file instead of running the plugin
    #[arg(long, value_name = "FILE")]
    dump: Option<Dump>,
    /// List the commands of the plugin
    #[arg(long)]
    list_commands: bool,
    /// Print these variables as the plugin gets them, before it runs
    #[arg(long, value_name = "NAME")]
    print_var: Vec<String>,
    /// Discover the catalog again, although nothing has changed that it depends on
    #[arg(long)]
    refresh_catalog: bool,
    #[command(flatten)]
    install: AutoInstallArgs,
    /// The plugin, or one of its commands, and arguments for it
    #[arg(value_name = "PLUGIN[:COMMAND] [ARGS]", required = true, trailing_var_arg = true,
          add = ArgValueCandidates::new(completions::plugins))]
    words: Vec<OsString>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Dump {
    /// The catalog, with the rules of the project
    Catalog,
    /// The config
    Config,
}

pub(crate) fn run(args: &InvokeArgs) -> Result<ExitCode> {
    let project = open(&args.project)?;
    let (name, rest) = args
        .words
        .split_first()
        .ok_or_else(|| Error::bug("clap requires a plugin"))?;
    let name = name.to_string_lossy();
    let (name, command) = match name.split_once(':') {
        Some((name, command)) => (name, Some(command)),
        None => (&*name, None),
    };
    let plugin = find(&project, args.kind.kind(), name)?;
    if args.list_commands {
        return list_commands(&plugin).map(|()| ExitCode::SUCCESS);
    }
    if let Some(code) = install_first(
        args.install,
        &project,
        std::slice::from_ref(&plugin),
        &args.project,
    )? {
        return Ok(code);
    }
    let single = Single::new(&project, &plugin, &args.project)?.refreshing_catalog(args.refresh_catalog);
    for name in &args.print_var {
        let value = single.resolved().process.get(name);
        print(&format!("{name}={}", value.map_or("None", String::as_str)))?;
    }
    match args.dump {
        None => single.run(command, rest).map(ExitCode::from),
        Some(file) => dump(&single, &plugin, file).map(|()| ExitCode::SUCCESS),
    }
}

fn dump(single: &Single<'_>, plugin: &Plugin, file: Dump) -> Result<()> {
    let none = |what: &str| {
        Error::new(
            Kind::Config,
            format!("{} {} has no {what}", plugin.kind.singular(), plugin.name),
        )
    };
    match file {
        Dump::Config if single.is_singer() => print(&single.resolved().config_text()),
        Dump::Config => Err(none("config file")),
        Dump::Catalog => {
            let catalog = single.catalog()?.ok_or_else(|| none("catalog"))?;
            print(&spelling::indented_json(&catalog))
        }
    }
}

fn list_commands(plugin: &Plugin) -> Result<()> {
    let commands: Vec<(String, &str)> = plugin
        .commands()
        .map(|(name, description)| (format!("{}:{name}", plugin.name), description))
        .collect();
    let width = commands.iter().map(|(name, _)| name.len()).max();
    let Some(width) = width else {
        return print(&format!("Plugin '{}' does not define any commands.", plugin.name));
    };
    for (name, description) in commands {
        print(&format!("{name:<width$}  {description}"))?;
    }
    Ok(())
}
