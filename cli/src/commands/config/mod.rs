//! `melisma config`: the settings of a plugin.

mod edit;
mod show;
mod stores;
mod subject;
mod test;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::engine::ArgValueCandidates;
use melisma_sdk::{Error, Result};

use super::plugin_arg::PluginArg;
use crate::args::{AutoInstallArgs, ProjectArgs};
use crate::completions;
use stores::StoreChoice;

const EXAMPLES: &str = "\
Examples:
  melisma config list tap-postgres                          settings, where they are set, and their variables
  melisma config print tap-postgres --format env
  melisma config set tap-postgres port 5433
  melisma --environment prod config set target-postgres host db.example.com
  melisma config set tap-csv _select '[\"orders.*\"]'         an extra: the key select next to config
  melisma config unset tap-postgres port
  melisma config test tap-postgres
  melisma config set meltano database_uri postgresql://localhost/melisma

`meltano` stands for the settings of the project itself, as in Meltano, unless a plugin has that name.
The plugin may also stand before the subcommand, as in `melisma config tap-postgres set port 5433`. A value goes to
meltano.yml, whose comments and layout are kept; with --environment to that environment; a secret to .env.";

/// The options and subcommands of `melisma config`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ConfigArgs {
    #[command(flatten)]
    project: ProjectArgs,
    /// Hide the values of sensitive settings. This is the default
    #[arg(long, global = true, overrides_with = "unsafe")]
    safe: bool,
    /// Show the values of sensitive settings
    #[arg(id = "unsafe", long = "unsafe", global = true)]
    show_secrets: bool,
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Print the config that the plugin gets
    Print {
        #[command(flatten)]
        plugin: PluginArg,
        /// The format
        #[arg(long, default_value = "json")]
        format: PrintFormat,
        /// Print the extras instead, such as select and metadata
        #[arg(long)]
        extras: bool,
    },
    /// List settings with their variables and values
    List {
        #[command(flatten)]
        plugin: PluginArg,
        /// List the extras instead, such as select and metadata
        #[arg(long)]
        extras: bool,
        /// List optional settings with their defaults too
        #[arg(long)]
        all: bool,
        /// List only settings whose names contain this text
        #[arg(long, value_name = "TEXT")]
        filter: Option<String>,
    },
    /// Set a setting
    Set {
        #[command(flatten)]
        plugin: PluginArg,
        /// The setting, as one name with dots or as several words, and its value
        #[arg(value_name = "SETTING VALUE", required = true, num_args = 1.., allow_negative_numbers = true,
              add = ArgValueCandidates::new(completions::settings))]
        words: Vec<String>,
        /// Read the value from this file, - for stdin
        #[arg(long, value_name = "FILE")]
        from_file: Option<PathBuf>,
        /// Where the value is stored
        #[arg(long, default_value = "auto")]
        store: StoreChoice,
    },
    /// Unset a setting
    Unset {
        #[command(flatten)]
        plugin: PluginArg,
        /// The setting, as one name with dots or as several words
        #[arg(value_name = "SETTING", required = true, num_args = 1.., add = ArgValueCandidates::new(completions::settings))]
        words: Vec<String>,
        /// Where the value is stored
        #[arg(long, default_value = "auto")]
        store: StoreChoice,
    },
    /// Unset all settings
    Reset {
        #[command(flatten)]
        plugin: PluginArg,
        /// Where the values are stored
        #[arg(long, default_value = "auto")]
        store: StoreChoice,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
    /// Test the settings: a tap runs until its first record, a target gets one record
    Test {
        #[command(flatten)]
        plugin: PluginArg,
        #[command(flatten)]
        install: AutoInstallArgs,
    },
    /// The plugin before the subcommand
    #[command(external_subcommand)]
    PluginFirst(Vec<OsString>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PrintFormat {
    /// The config file
    Json,
    /// Environment variables, as a .env file
    Env,
}

/// The names of the subcommands, which a plugin that stands before one cannot have.
const SUBCOMMANDS: [&str; 6] = ["print", "list", "set", "unset", "reset", "test"];

impl ConfigArgs {
    /// The last words of the command line in the usual order, when they have the plugin before the subcommand, and how many
    /// they were: `config PLUGIN set x 1`, or `config PLUGIN` for `config print PLUGIN`.
    pub(crate) fn in_order(&self) -> Option<(usize, Vec<OsString>)> {
        let ConfigCommand::PluginFirst(words) = &self.command else {
            return None;
        };
        let (plugin, rest) = words.split_first()?;
        let known = rest
            .first()
            .filter(|word| SUBCOMMANDS.iter().any(|name| *word == name));
        let (subcommand, rest) = match known {
            Some(known) => (known.clone(), &rest[1..]),
            None => ("print".into(), rest),
        };
        let ordered = [subcommand, plugin.clone()].into_iter();
        Some((words.len(), ordered.chain(rest.iter().cloned()).collect()))
    }
}

pub(crate) fn run(args: &ConfigArgs) -> Result<ExitCode> {
    let (safe, globals) = (!args.show_secrets, &args.project);
    match &args.command {
        ConfigCommand::Print {
            plugin,
            format,
            extras,
        } => show::print_config(plugin, *format, *extras, safe, globals),
        ConfigCommand::List {
            plugin,
            extras,
            all,
            filter,
        } => {
            let which = show::Which {
                extras: *extras,
                all: *all,
                filter: filter
                    .as_deref()
                    .map(str::trim)
                    .filter(|filter| !filter.is_empty()),
            };
            show::list(plugin, &which, safe, globals)
        }
        ConfigCommand::Set {
            plugin,
            words,
            from_file,
            store,
        } => edit::set(plugin, words, from_file.as_deref(), *store, safe, globals),
        ConfigCommand::Unset { plugin, words, store } => edit::unset(plugin, words, *store, safe, globals),
        ConfigCommand::Reset { plugin, store, yes } => edit::reset(plugin, *store, *yes, globals),
        ConfigCommand::Test { plugin, install } => return test::run(plugin, *install, globals),
        ConfigCommand::PluginFirst(_) => Err(Error::bug("the words were not put in order")),
    }
    .map(|()| ExitCode::SUCCESS)
}
