//! Parsing the command line, and what is printed when it is wrong.

use std::ffi::OsString;
use std::ops::ControlFlow;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches};
use melisma_sdk::internal::printable::printable_args;
use melisma_sdk::{Error, Kind, Result};

use crate::args::BEFORE_A_COMMAND;
use crate::builtin;
use crate::command_line::{Command, Melisma};
use crate::commands::refused::refuse;
use crate::suggestion::suggestion;

/// The command that `words` ask for, or the exit code when clap has printed help or an error instead.
pub(crate) fn parse(words: Vec<OsString>) -> Result<ControlFlow<ExitCode, Command>> {
    let words = normalized(words);
    let printable = printable_args(&words);
    let given = words.clone();
    let parsed = match parsed(words).and_then(|parsed| in_order(parsed, &given)) {
        Ok(parsed) => parsed,
        Err(error) if error.kind() == ErrorKind::InvalidSubcommand => return Err(unknown(&error)),
        Err(error) => {
            // The message quotes arguments. They are escaped first: a terminal must not obey them, and none may look like
            // a line of its own.
            let error = printable.and_then(|words| parsed(words).err()).unwrap_or(error);
            // A closed stdout while printing help is no failure.
            let _ = error.print();
            return Ok(ControlFlow::Break(if error.use_stderr() {
                Kind::Usage.exit_code().into()
            } else {
                ExitCode::SUCCESS
            }));
        }
    };
    match (parsed.completions, parsed.command) {
        (Some(shell), _) => Ok(ControlFlow::Continue(Command::Completions { shell })),
        (None, Some(command)) => Ok(ControlFlow::Continue(command)),
        (None, None) => Err(Error::new(
            Kind::Usage,
            "a command is missing; `melisma --help` lists them",
        )),
    }
}

/// Parses once more what the command line has in another order: `config PLUGIN set x 1` for `config set PLUGIN x 1`.
fn in_order(parsed: Melisma, words: &[OsString]) -> Result<Melisma, clap::Error> {
    let Some(Command::Config(config)) = &parsed.command else {
        return Ok(parsed);
    };
    let Some((length, end)) = config.in_order() else {
        return Ok(parsed);
    };
    let start = words.len().saturating_sub(length);
    self::parsed(words[..start].iter().cloned().chain(end).collect())
}

fn parsed(words: Vec<OsString>) -> Result<Melisma, clap::Error> {
    let matches = Melisma::command()
        .mut_subcommands(|command| command.mut_args(without_an_empty_variable))
        .try_get_matches_from(words)?;
    Melisma::from_arg_matches(&matches)
}

/// An option whose variable is empty counts as not set, as Meltano has it.
fn without_an_empty_variable(option: clap::Arg) -> clap::Arg {
    let empty = option
        .get_env()
        .and_then(std::env::var_os)
        .is_some_and(|value| value.is_empty());
    if empty { option.env(None) } else { option }
}

/// The words as clap expects them: options that stand before the command come after it, and names of options have hyphens
/// instead of underscores.
fn normalized(words: Vec<OsString>) -> Vec<OsString> {
    let mut is_invoke = false;
    let mut is_argument = false;
    // What follows the plugin of `invoke` is not for melisma.
    let mut words = words.into_iter().map(|word| {
        if is_argument {
            return word;
        }
        is_argument = is_invoke && !word.as_encoded_bytes().starts_with(b"-");
        is_invoke |= word == "invoke";
        hyphenated(word)
    });
    let mut out: Vec<OsString> = words.next().into_iter().collect();
    let mut moved = Vec::new();
    let mut rest = words.peekable();
    while let Some(word) = rest.peek().and_then(|word| word.to_str()) {
        let (name, value) = match word.split_once('=') {
            Some((name, _)) => (name, true),
            None => (word, false),
        };
        let known = BEFORE_A_COMMAND.iter().find(|(option, _)| *option == name);
        let Some((_, has_value)) = known else { break };
        let more = usize::from(*has_value && !value);
        moved.extend(rest.by_ref().take(1 + more));
    }
    out.extend(rest.next());
    out.extend(moved);
    out.extend(rest);
    out
}

/// `--log-level` for `--log_level`; the value after a `=` stays as it is.
fn hyphenated(word: OsString) -> OsString {
    let Some(text) = word.to_str().filter(|text| text.starts_with("--")) else {
        return word;
    };
    let name = text.split('=').next().unwrap_or(text).len();
    (text[..name].replace('_', "-") + &text[name..]).into()
}

/// An error with a suggestion. Clap's own knows neither the built-in plugins nor swapped letters.
fn unknown(error: &clap::Error) -> Error {
    let name = match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(name)) => name.as_str(),
        _ => "?",
    };
    if let Some(refused) = refuse(name) {
        return refused;
    }
    let command = command_with_plugins();
    let known = command.get_subcommands().map(clap::Command::get_name);
    Error::new(
        Kind::Usage,
        format!("there is no command {name:?}{}", suggestion(name, known)),
    )
}

/// The command with the built-in plugins as subcommands: for completions and suggestions.
pub(crate) fn command_with_plugins() -> clap::Command {
    let mut command = Melisma::command();
    for plugin in builtin::PLUGINS {
        command = command.subcommand(plugin.command().about(plugin.about));
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_before_a_command_are_its_own_and_underscores_are_hyphens() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        for (given, expected) in [
            ("m run a b", "m run a b"),
            (
                "m --cwd x --environment=e_f run a",
                "m run --cwd x --environment=e_f a",
            ),
            (
                "m --no_environment --log_level=debug run --dry_run a_b",
                "m run --no-environment --log-level=debug --dry-run a_b",
            ),
            (
                "m invoke --print_var=a_b x --y_z",
                "m invoke --print-var=a_b x --y_z",
            ),
            ("m --version", "m --version"),
            ("m --cwd", "m --cwd"),
            ("m", "m"),
        ] {
            assert_eq!(normalized(words(given)), words(expected), "{given}");
        }
    }
}
