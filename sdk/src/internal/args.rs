//! The command line of taps and targets: the options of the Meltano SDK and of singer-python together.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, Command, value_parser};
use clap_complete::Shell;
use melisma_engine::printable::printable_args;
use melisma_engine::{Error, Kind, Result};

use crate::plugin::{Plugin, Role};

/// What the command line asks for.
#[derive(Clone, Debug)]
pub struct Args {
    /// `--config`, in order: paths, or the word `ENV`.
    pub config: Vec<OsString>,
    /// `--catalog`, or `--properties`.
    pub catalog: Option<PathBuf>,
    /// `--state`; `-` is stdin.
    pub state: Option<PathBuf>,
    /// `--input`, which a target reads instead of stdin.
    pub input: Option<PathBuf>,
    /// `--state-out`, where a target keeps the last STATE that it emitted.
    pub state_out: Option<PathBuf>,
    /// What to do.
    pub action: Action,
    /// Whether a catalog that does not fit the source ends the run before it begins (`--strict`).
    pub strict: bool,
    /// Whether a run that SIGINT or SIGTERM ended exits with 0 (`--signal-exit-zero`).
    pub signal_exit_zero: bool,
    /// Settings that are given as options.
    pub settings: Vec<(&'static str, String)>,
}

/// What the plugin is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Its work: a sync of the tap, a run of the target.
    Run,
    /// `--discover`
    Discover,
    /// `--test`, `--test=all`: one record of every stream, selected or not.
    TestRecords,
    /// `--test=schema`: only the SCHEMA messages.
    TestSchemas,
    /// `--stored-state`: print the STATE that the target's destination holds.
    StoredState,
    /// `--about`
    About(Format),
}

/// How `--about` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// `--format json`, as Meltano Hub reads it.
    Json,
    /// `--format markdown`, for a README.
    Markdown,
}

/// What came of reading the command line.
#[derive(Debug)]
pub enum Parsed {
    /// There is work to do.
    Args(Args),
    /// Only this text is asked for (`--help`, `--version`, `--completions`): print it and exit with 0.
    Print(String),
}

/// Reads a command line. The first argument is the program's name.
///
/// A wrong one is an error of [`Kind::Usage`] whose message has the usage and, for a typo, what was meant.
pub fn parse(plugin: &Plugin, args: impl IntoIterator<Item = OsString>) -> Result<Parsed> {
    let mut command = command(plugin);
    let args: Vec<OsString> = args.into_iter().collect();
    let shown = printable_args(&args);
    let matches = match command.try_get_matches_from_mut(args) {
        Ok(matches) => matches,
        Err(error) if error.use_stderr() => {
            // It quotes arguments: one with a line end in it makes no line.
            let error = shown
                .and_then(|args| command.try_get_matches_from_mut(args).err())
                .unwrap_or(error);
            return Err(Error::new(
                Kind::Usage,
                error.render().to_string().trim_end().to_owned(),
            ));
        }
        Err(error) => return Ok(Parsed::Print(error.render().to_string())),
    };
    if let Some(&shell) = matches.get_one::<Shell>("completions") {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command, plugin.name, &mut script);
        return Ok(Parsed::Print(String::from_utf8_lossy(&script).into_owned()));
    }
    let path = |name: &str| matches.try_get_one::<PathBuf>(name).ok().flatten().cloned();
    let flag = |name: &str| matches.try_get_one::<bool>(name).ok().flatten() == Some(&true);
    let word = |name: &str| {
        matches
            .try_get_one::<String>(name)
            .ok()
            .flatten()
            .map(String::as_str)
    };
    let action = if flag("about") {
        Action::About(match word("format") {
            Some("json") => Format::Json,
            Some("markdown") => Format::Markdown,
            _ => Format::Text,
        })
    } else if flag("discover") {
        Action::Discover
    } else if flag("stored-state") {
        Action::StoredState
    } else {
        match word("test") {
            Some("all") => Action::TestRecords,
            Some("schema") => Action::TestSchemas,
            _ => Action::Run,
        }
    };
    Ok(Parsed::Args(Args {
        config: matches
            .get_many::<OsString>("config")
            .unwrap_or_default()
            .cloned()
            .collect(),
        catalog: path("catalog").or_else(|| path("properties")),
        state: path("state"),
        input: path("input"),
        state_out: path("state-out"),
        action,
        strict: flag("strict"),
        signal_exit_zero: flag("signal-exit-zero"),
        settings: plugin
            .options
            .iter()
            .filter_map(|(name, _)| Some((*name, matches.get_one::<String>(name)?.clone())))
            .collect(),
    }))
}

/// The options that a plugin of this role has.
pub(crate) fn command(plugin: &Plugin) -> Command {
    let common = Command::new(plugin.name)
        .bin_name(plugin.name)
        .version(plugin.version)
        .about(plugin.summary())
        .disable_version_flag(true)
        .arg(
            path(
                "config",
                "PATH",
                "A JSON file with settings, or ENV for environment variables and .env; may repeat",
            )
            .short('c')
            .value_parser(value_parser!(OsString))
            .action(ArgAction::Append),
        );
    let command = match plugin.role {
        Role::Tap => tap_options(common),
        Role::Target => common
            .arg(path(
                "input",
                "FILE",
                "Read Singer messages from FILE instead of stdin",
            ))
            .arg(path(
                "state-out",
                "FILE",
                "Also keep the last emitted STATE in FILE, which is replaced as a whole",
            ))
            .arg(flag(
                "stored-state",
                "Print the STATE that the destination holds beside the rows, if it holds one, and exit",
            )),
    };
    let own = plugin
        .options
        .iter()
        .map(|(name, help)| Arg::new(*name).long(*name).value_name("FILE").help(*help));
    command
        .args(own)
        .arg(flag(
            "about",
            "Describe the plugin, its capabilities and its settings",
        ))
        .arg(
            Arg::new("format")
                .long("format")
                .value_name("FORMAT")
                .value_parser(PossibleValuesParser::new(["text", "json", "markdown"]))
                .help("How --about prints"),
        )
        .arg(flag(
            "signal-exit-zero",
            "Exit with 0 when SIGINT or SIGTERM ended the run, instead of 128 + signal",
        ))
        .arg(
            Arg::new("completions")
                .long("completions")
                .value_name("SHELL")
                .value_parser(value_parser!(Shell))
                .help("Print completions for a shell"),
        )
        .arg(flag("dev", "Accepted for singer-python's sake").hide(true))
        .arg(
            Arg::new("version")
                .long("version")
                .short('V')
                .action(ArgAction::Version)
                .help("Print the version"),
        )
}

fn tap_options(command: Command) -> Command {
    command
        .arg(path(
            "catalog",
            "FILE",
            "The catalog: which streams and properties to read, and how",
        ))
        .arg(
            path("properties", "FILE", "The catalog, by its old name")
                .short('p')
                .conflicts_with("catalog"),
        )
        .arg(
            path(
                "state",
                "FILE",
                "The state of the last run; - reads it from stdin",
            )
            .short('s'),
        )
        .arg(flag("discover", "Print the catalog of all streams").short('d'))
        .arg(flag(
            "strict",
            "End before anything is read when the catalog does not fit the source",
        ))
        .arg(
            Arg::new("test")
                .long("test")
                .value_name("MODE")
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("all")
                .value_parser(PossibleValuesParser::new(["all", "schema", "disabled"]))
                .help("Read one record of every stream (all), or only write the schemas (schema)"),
        )
}

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

fn path(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name(value)
        .value_parser(value_parser!(PathBuf))
        .help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAP: Plugin = Plugin {
        name: "tap-x",
        version: "1.2.3",
        role: Role::Tap,
        capabilities: &[],
        options: &[],
    };

    fn parse_tap(args: &[&str]) -> Result<Parsed> {
        parse(
            &TAP,
            std::iter::once("tap-x")
                .chain(args.iter().copied())
                .map(OsString::from),
        )
    }

    fn args(words: &[&str]) -> Args {
        match parse_tap(words).expect("parses") {
            Parsed::Args(args) => args,
            Parsed::Print(text) => panic!("{text}"),
        }
    }

    #[test]
    fn takes_the_options_of_both_families() {
        let args = args(&[
            "-c", "a.json", "--config", "ENV", "-p", "cat.json", "-s", "-", "--dev",
        ]);
        assert_eq!(args.config, ["a.json", "ENV"]);
        assert_eq!(args.catalog, Some(PathBuf::from("cat.json")));
        assert_eq!(args.state, Some(PathBuf::from("-")));
        assert_eq!(args.action, Action::Run);
    }

    #[test]
    fn tests_in_three_ways() {
        assert_eq!(args(&["--test"]).action, Action::TestRecords);
        assert_eq!(args(&["--test=schema"]).action, Action::TestSchemas);
        assert_eq!(args(&["--test=disabled"]).action, Action::Run);
        assert_eq!(args(&["-d"]).action, Action::Discover);
        assert_eq!(
            args(&["--about", "--format", "json"]).action,
            Action::About(Format::Json)
        );
    }

    #[test]
    fn a_typo_is_a_usage_error_with_a_suggestion() {
        let error = parse_tap(&["--catalgo", "x"]).expect_err("unknown option");
        assert_eq!(error.kind(), Kind::Usage);
        assert!(error.to_string().contains("'--catalog'"), "{error}");
    }

    #[test]
    fn version_and_completions_only_print() {
        let Parsed::Print(version) = parse_tap(&["--version"]).expect("parses") else {
            panic!("prints")
        };
        assert_eq!(version, "tap-x 1.2.3\n");
        let Parsed::Print(script) = parse_tap(&["--completions", "bash"]).expect("parses") else {
            panic!("prints")
        };
        assert!(script.contains("--catalog"));
    }

    #[test]
    fn the_definition_is_sound() {
        command(&TAP).debug_assert();
        command(&Plugin {
            role: Role::Target,
            ..TAP
        })
        .debug_assert();
    }
}
