//! Finding the plugin in a command line: which words are its own, and which only start it.
//!
//! In `python3 -s tap.py --config c.json` the plugin is tap.py: `-s` is an option of Python, and not the tap's state. In
//! `env A=1 uv run --with x==1 python -m tap_x -s state.json` there are three launchers before the plugin `tap_x`, and
//! `-s state.json` is its own. A program that is not a known launcher is itself the plugin.

mod table;

use std::path::Path;

use table::{LAUNCHERS, Launcher, Style, Then, has};

/// Where the plugin is in the words of its command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plugin {
    /// The name of its program, script, module or image.
    pub(super) name: String,
    /// The index of the first word that is an argument of its own.
    pub(super) args: usize,
    /// The indexes of words before `args` that only start it.
    pub(super) launchers: Vec<usize>,
    /// What happens to arguments that are added at the end.
    pub(super) added: Added,
}

/// What happens to arguments that are added at the end of a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// They are passed to the plugin.
    Passed,
    /// The same, after one more word: a shell takes the first as the name of its script (`$0`).
    PassedAfterName,
    /// A shell script drops them, because it does not use its arguments.
    Dropped,
}

/// The plugin of a command line that is not empty.
pub(super) fn plugin(words: &[String]) -> Plugin {
    let mut launchers = Vec::new();
    let mut at = 0;
    loop {
        let started =
            launcher(&words[at..]).and_then(|(launcher, skipped)| started(launcher, &words[at..], skipped));
        let found = match started {
            None => Started::Plugin {
                name: at,
                args: at + 1,
            },
            Some(started) => {
                launchers.push(at);
                started.shift(at)
            }
        };
        match found {
            Started::Command(next) => at = next,
            Started::Plugin { name, args } => {
                return Plugin {
                    name: name_of(&words[name]),
                    args,
                    launchers,
                    added: Added::Passed,
                };
            }
            Started::Code { args, added } => {
                return Plugin {
                    name: name_of(&words[at]),
                    args,
                    launchers,
                    added,
                };
            }
        }
    }
}

/// What a launcher starts. Indexes are relative to its own word until [`Started::shift`] makes them absolute.
enum Started {
    Command(usize),
    Plugin { name: usize, args: usize },
    Code { args: usize, added: Added },
}

impl Started {
    fn shift(self, at: usize) -> Self {
        match self {
            Self::Command(next) => Self::Command(at + next),
            Self::Plugin { name, args } => Self::Plugin {
                name: at + name,
                args: at + args,
            },
            Self::Code { args, added } => Self::Code {
                args: at + args,
                added,
            },
        }
    }
}

/// The launcher that these words begin with, and the number of words of its name.
fn launcher(words: &[String]) -> Option<(&'static Launcher, usize)> {
    let name = program(words.first()?);
    LAUNCHERS
        .iter()
        .filter(|launcher| has(launcher.names, name))
        .find_map(|launcher| {
            let mut at = 1;
            for word in launcher.words.split_ascii_whitespace() {
                // Options before a subcommand are rare, and those with a value rarer.
                while words.get(at).is_some_and(|word| word.starts_with('-')) {
                    at += 1;
                }
                if words.get(at)? != word {
                    return None;
                }
                at += 1;
            }
            Some((launcher, at))
        })
}

/// What follows the options of a launcher; `None` when nothing does.
fn started(launcher: &Launcher, words: &[String], mut at: usize) -> Option<Started> {
    while let Some(word) = words.get(at).map(String::as_str) {
        if word == "--" {
            at += 1;
            break;
        }
        if !word.starts_with(['-', '+']) || word == "-" {
            break;
        }
        if let Then::Script { code, module, style } = launcher.then {
            let is = |options| is_option(word, options, style);
            if let Some(attached) = is(code) {
                // `-c CODE`, or `-cCODE` where the rest of the word is it.
                let (code, args) = match attached {
                    "" => (words.get(at + 1)?.as_str(), at + 2),
                    code => (code, at + 1),
                };
                let added = if style == Style::Shell {
                    of_a_shell(code, words.len() > args)
                } else {
                    Added::Passed
                };
                return Some(Started::Code { args, added });
            }
            if let Some(attached) = is(module) {
                let name = if attached.is_empty() { at + 1 } else { at };
                return (name < words.len()).then_some(Started::Plugin { name, args: name + 1 });
            }
        }
        at += match launcher.then {
            Then::Named { plain } if !plain.is_empty() && !has(plain, word) && !word.contains('=') => 2,
            _ if takes_a_value(launcher, word) => 2,
            _ => 1,
        };
    }
    if let Then::Variables = launcher.then {
        while words.get(at).is_some_and(|word| is_assignment(word)) {
            at += 1;
        }
    }
    if let Then::Command(own) = launcher.then {
        at += own;
    }
    (at < words.len()).then_some(match launcher.then {
        Then::Command(_) | Then::Variables => Started::Command(at),
        Then::Script { .. } | Then::Named { .. } => Started::Plugin {
            name: at,
            args: at + 1,
        },
    })
}

/// Whether the word is one of these options; returns what follows the option in the same word.
fn is_option<'a>(word: &'a str, options: &str, style: Style) -> Option<&'a str> {
    if has(options, word) {
        return Some("");
    }
    let letters = word
        .strip_prefix('-')
        .filter(|word| style != Style::Single && !word.starts_with('-'))?;
    options.split_ascii_whitespace().find_map(|option| {
        let letter = option.strip_prefix('-').filter(|letter| letter.len() == 1)?;
        // Letters before it must be options without a value: one with a value would take the rest of the word.
        letters
            .split_once(letter)
            .filter(|(before, _)| {
                before
                    .bytes()
                    .all(|b| b.is_ascii_alphabetic() && !b"WXoOrEC".contains(&b))
            })
            .map(|(_, rest)| rest)
    })
}

/// Whether the next word is the value of an option, which may be the last of several letters, as in `-euo pipefail`.
fn takes_a_value(launcher: &Launcher, word: &str) -> bool {
    let grouped = matches!(launcher.then, Then::Script { style, .. } if style != Style::Single)
        && !word.starts_with("--")
        && word[1..].bytes().all(|byte| byte.is_ascii_alphabetic());
    let is = |option: &str| word == option || grouped && option.len() == 2 && word.ends_with(&option[1..]);
    launcher.valued.split_ascii_whitespace().any(is)
}

/// A shell passes the words after its script as `$0`, `$1` and so on. Only a script that uses them passes them on.
fn of_a_shell(code: &str, named: bool) -> Added {
    let looks = ["$@", "$*", "$1", "${@", "${*", "${1", "$#"]
        .iter()
        .any(|parameter| code.contains(parameter));
    match (looks, named) {
        (false, _) => Added::Dropped,
        (true, true) => Added::Passed,
        (true, false) => Added::PassedAfterName,
    }
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric())
    })
}

/// The name of a program without its folder and its version: `python` for `/usr/bin/python3.11`.
pub(super) fn program(word: &str) -> &str {
    let name = word.rsplit('/').next().unwrap_or(word);
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    if bare.is_empty() { name } else { bare }
}

/// A short name: without folder, extension and version of an image, and with only characters that a state id may have.
fn name_of(word: &str) -> String {
    let last = word.rsplit('/').next().unwrap_or(word);
    let last = last.split(['@', ':']).next().unwrap_or(last);
    let stem = Path::new(last)
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or(last);
    let name: String = stem
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || "._-".contains(c) {
                c
            } else {
                '_'
            }
        })
        .take(64)
        .collect();
    if name.is_empty() {
        "plugin".to_owned()
    } else {
        name
    }
}

#[cfg(test)]
mod tests;
