//! Which words of a command line are the plugin, and which only start it.
//!
//! `python3 -s tap.py --config c.json` runs tap.py: `-s` is Python's, and says nothing of a state. `env`, `uv run`,
//! `docker run` and the like stand before the plugin too, several of them where somebody wants that. What is not known
//! here is the plugin itself.

use std::path::Path;

/// Where the plugin stands in the words of its command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plugin {
    /// What people call it: the name of its program, script, module or image.
    pub(super) name: String,
    /// The first word that it gets itself.
    pub(super) args: usize,
    /// Words before `args` that only say who starts it, with their place.
    pub(super) launchers: Vec<usize>,
    /// What becomes of words that are added at the end.
    pub(super) added: Added,
}

/// What becomes of words that are added at the end of a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// The plugin gets them.
    Arrive,
    /// The same, behind a word that stands for the name of a shell's script.
    ArriveAfterName,
    /// A shell's script that does not look at its arguments.
    AreLost,
}

/// A program that starts another one.
struct Launcher {
    names: &'static [&'static str],
    /// The words that must follow, such as `run`.
    words: &'static [&'static str],
    /// Its options that take the next word.
    valued: &'static [&'static str],
    /// Words of its own after its options.
    own: usize,
    then: Then,
}

/// What stands behind a launcher's options.
#[derive(Clone, Copy)]
enum Then {
    /// A command line.
    Command,
    /// `NAME=VALUE` words, then a command line.
    Variables,
    /// A script, unless one of these options says that its next word is code, or a module.
    Script {
        code: &'static [&'static str],
        module: &'static [&'static str],
        /// Whether letters can stand together behind one dash, the last of them with the next word.
        letters: bool,
        shell: bool,
    },
    /// The name of what runs: an image, a plugin of another runner. Options not listed as plain take the next word.
    Named { plain: &'static [&'static str] },
}

const NO: &[&str] = &[];
const DOCKER_PLAIN: &[&str] = &[
    "-i",
    "-t",
    "-it",
    "-ti",
    "-d",
    "-P",
    "-q",
    "--rm",
    "--init",
    "--tty",
    "--interactive",
    "--detach",
    "--privileged",
    "--read-only",
    "--quiet",
    "--no-healthcheck",
    "--oom-kill-disable",
    "--publish-all",
    "--sig-proxy",
    "--disable-content-trust",
    "--no-deps",
    "-T",
    "--no-TTY",
    "--build",
    "--service-ports",
    "--replace",
];

const LAUNCHERS: &[Launcher] = &[
    script(
        &["python", "pypy"],
        &["-W", "-X", "--check-hash-based-pycs"],
        &["-c"],
        &["-m"],
        true,
        false,
    ),
    script(
        &["sh", "bash", "dash", "zsh", "ksh", "ash"],
        &["-o", "+o", "-O", "+O", "--rcfile", "--init-file"],
        &["-c"],
        NO,
        true,
        true,
    ),
    script(
        &["node", "nodejs"],
        &[
            "-r",
            "--require",
            "--import",
            "--loader",
            "--experimental-loader",
            "-C",
            "--conditions",
            "--input-type",
            "--config",
            "--experimental-config-file",
        ],
        &["-e", "--eval", "-p", "--print"],
        NO,
        false,
        false,
    ),
    script(&["ruby"], &["-I", "-r", "-E", "-C"], &["-e"], NO, true, false),
    script(&["perl"], &["-I"], &["-e", "-E"], NO, true, false),
    script(&["php"], &["-d", "-c"], &["-r"], NO, false, false),
    script(&["Rscript"], NO, &["-e"], NO, false, false),
    script(
        &["java"],
        &["-cp", "-classpath", "--class-path", "-p", "--module-path"],
        NO,
        &["-m", "--module"],
        false,
        false,
    ),
    Launcher {
        names: &["deno", "bun"],
        words: &["run"],
        valued: &["-c", "--config", "--env-file"],
        own: 0,
        then: Then::Command,
    },
    Launcher {
        names: &["env"],
        words: NO,
        valued: &["-u", "--unset", "-C", "--chdir"],
        own: 0,
        then: Then::Variables,
    },
    Launcher {
        names: &["sudo", "doas"],
        words: NO,
        valued: &[
            "-u", "-g", "-h", "-p", "-C", "-D", "-R", "-T", "-r", "-t", "--user", "--group", "--chdir",
        ],
        own: 0,
        then: Then::Variables,
    },
    command(
        &["nice", "ionice", "stdbuf", "chrt"],
        NO,
        &["-n", "-c", "-p", "-i", "-o", "-e"],
        0,
    ),
    command(
        &[
            "nohup",
            "setsid",
            "time",
            "command",
            "exec",
            "unbuffer",
            "caffeinate",
            "tini",
            "dumb-init",
        ],
        NO,
        NO,
        0,
    ),
    command(&["timeout"], NO, &["-k", "-s", "--kill-after", "--signal"], 1),
    command(&["gosu", "su-exec", "chpst"], NO, &["-u", "-e"], 1),
    command(&["uv"], &["run"], UV_VALUED, 0),
    command(&["uv"], &["tool", "run"], UV_VALUED, 0),
    command(&["uvx"], NO, UV_VALUED, 0),
    command(
        &["pipx"],
        &["run"],
        &["--spec", "--python", "--pip-args", "--index-url"],
        0,
    ),
    command(
        &["poetry", "pdm", "rye", "pipenv"],
        &["run"],
        &["-C", "-P", "--directory", "--project"],
        0,
    ),
    command(&["hatch"], &["run"], NO, 0),
    command(
        &["conda", "mamba", "micromamba"],
        &["run"],
        &["-n", "--name", "-p", "--prefix", "--cwd"],
        0,
    ),
    command(&["npx", "pnpx", "bunx"], NO, &["-p", "--package"], 0),
    command(&["bundle", "pnpm", "yarn", "npm"], &["exec"], NO, 0),
    command(
        &["docker", "podman", "nerdctl"],
        &["exec"],
        &["-e", "--env", "--env-file", "-u", "--user", "-w", "--workdir"],
        1,
    ),
    Launcher {
        names: &["docker", "podman", "nerdctl"],
        words: &["run"],
        valued: NO,
        own: 0,
        then: Then::Named { plain: DOCKER_PLAIN },
    },
    Launcher {
        names: &["docker", "podman", "nerdctl"],
        words: &["compose", "run"],
        valued: NO,
        own: 0,
        then: Then::Named { plain: DOCKER_PLAIN },
    },
    Launcher {
        names: &["docker-compose"],
        words: &["run"],
        valued: NO,
        own: 0,
        then: Then::Named { plain: DOCKER_PLAIN },
    },
    Launcher {
        names: &["meltano"],
        words: &["invoke"],
        valued: NO,
        own: 0,
        then: Then::Named { plain: NO },
    },
    command(&["melisma"], NO, NO, 0),
];
const UV_VALUED: &[&str] = &[
    "--with",
    "--with-editable",
    "--with-requirements",
    "--from",
    "--python",
    "-p",
    "--project",
    "--directory",
    "--env-file",
    "--extra",
    "--group",
    "--only-group",
    "--index",
    "--index-url",
    "-i",
    "--default-index",
    "--extra-index-url",
    "--package",
    "-w",
    "-C",
    "--config-file",
    "--cache-dir",
];

const fn command(
    names: &'static [&'static str],
    words: &'static [&'static str],
    valued: &'static [&'static str],
    own: usize,
) -> Launcher {
    Launcher {
        names,
        words,
        valued,
        own,
        then: Then::Command,
    }
}

const fn script(
    names: &'static [&'static str],
    valued: &'static [&'static str],
    code: &'static [&'static str],
    module: &'static [&'static str],
    letters: bool,
    shell: bool,
) -> Launcher {
    let then = Then::Script {
        code,
        module,
        letters,
        shell,
    };
    Launcher {
        names,
        words: NO,
        valued,
        own: 0,
        then,
    }
}

/// The plugin of a command line that is not empty.
pub(super) fn plugin(words: &[String]) -> Plugin {
    let mut launchers = Vec::new();
    let mut at = 0;
    loop {
        let behind =
            launcher(&words[at..]).and_then(|(launcher, skipped)| behind(launcher, &words[at..], skipped));
        let found = match behind {
            None => Behind::Plugin {
                name: at,
                args: at + 1,
            },
            Some(behind) => {
                launchers.push(at);
                behind.from(at)
            }
        };
        match found {
            Behind::Command(next) => at = next,
            Behind::Plugin { name, args } => {
                return Plugin {
                    name: name_of(&words[name]),
                    args,
                    launchers,
                    added: Added::Arrive,
                };
            }
            Behind::Code { args, added } => {
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

/// What a launcher starts; places are counted from its own word.
enum Behind {
    Command(usize),
    Plugin { name: usize, args: usize },
    Code { args: usize, added: Added },
}

impl Behind {
    fn from(self, at: usize) -> Self {
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

/// The launcher that these words begin with, and how many of them are its name and its words.
fn launcher(words: &[String]) -> Option<(&'static Launcher, usize)> {
    let name = program(words.first()?);
    LAUNCHERS
        .iter()
        .filter(|launcher| launcher.names.contains(&name))
        .find_map(|launcher| {
            let mut at = 1;
            for word in launcher.words {
                // Options between the program and its command are rare, and those with a value rarer.
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

/// What stands behind the options of a launcher; `None` when nothing does.
fn behind(launcher: &Launcher, words: &[String], mut at: usize) -> Option<Behind> {
    while let Some(word) = words.get(at).map(String::as_str) {
        if word == "--" {
            at += 1;
            break;
        }
        if !word.starts_with(['-', '+']) || word == "-" {
            break;
        }
        if let Then::Script {
            code,
            module,
            letters,
            shell,
        } = launcher.then
        {
            let is = |options: &[&str]| is_option(word, options, letters);
            if let Some(attached) = is(code) {
                // `-c CODE`, or `-cCODE` where the rest of the word is it.
                let (code, args) = match attached {
                    "" => (words.get(at + 1)?.as_str(), at + 2),
                    code => (code, at + 1),
                };
                let added = if shell {
                    of_a_shell(code, words.len() > args)
                } else {
                    Added::Arrive
                };
                return Some(Behind::Code { args, added });
            }
            if let Some(attached) = is(module) {
                let name = if attached.is_empty() { at + 1 } else { at };
                return (name < words.len()).then_some(Behind::Plugin { name, args: name + 1 });
            }
        }
        at += match launcher.then {
            Then::Named { plain } if !plain.is_empty() && !plain.contains(&word) && !word.contains('=') => 2,
            _ if takes_a_value(launcher, word) => 2,
            _ => 1,
        };
    }
    if let Then::Variables = launcher.then {
        while words.get(at).is_some_and(|word| is_assignment(word)) {
            at += 1;
        }
    }
    at += launcher.own;
    (at < words.len()).then_some(match launcher.then {
        Then::Command | Then::Variables => Behind::Command(at),
        Then::Script { .. } | Then::Named { .. } => Behind::Plugin {
            name: at,
            args: at + 1,
        },
    })
}

/// Whether the word is one of these options; what stands in the word behind it.
fn is_option<'a>(word: &'a str, options: &[&str], letters: bool) -> Option<&'a str> {
    if options.contains(&word) {
        return Some("");
    }
    let letters = word
        .strip_prefix('-')
        .filter(|word| letters && !word.starts_with('-'))?;
    options.iter().find_map(|option| {
        let letter = option.strip_prefix('-').filter(|letter| letter.len() == 1)?;
        // Letters before it are options without a value; those with one would have the rest of the word.
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

/// Whether an option takes the next word: by itself, or as the last of several letters, such as `-euo pipefail`.
fn takes_a_value(launcher: &Launcher, word: &str) -> bool {
    let letters = matches!(launcher.then, Then::Script { letters: true, .. })
        && !word.starts_with("--")
        && word[1..].bytes().all(|byte| byte.is_ascii_alphabetic());
    let is = |option: &&str| word == *option || letters && option.len() == 2 && word.ends_with(&option[1..]);
    launcher.valued.iter().any(is)
}

/// A shell hands words behind its script to it as `$0`, `$1` and so on; whether it looks at them is its own affair.
fn of_a_shell(code: &str, named: bool) -> Added {
    let looks = ["$@", "$*", "$1", "${@", "${*", "${1", "$#"]
        .iter()
        .any(|parameter| code.contains(parameter));
    match (looks, named) {
        (false, _) => Added::AreLost,
        (true, true) => Added::Arrive,
        (true, false) => Added::ArriveAfterName,
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

/// What people call it: no folder, no ending, no version of an image, and nothing that a state id must not have.
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
mod tests {
    use super::super::words::split;
    use super::*;

    /// The name, and what the plugin gets.
    fn of(line: &str) -> (String, Vec<String>) {
        let words = split(line).expect("closed");
        let plugin = plugin(&words);
        (plugin.name, words[plugin.args..].to_vec())
    }

    #[test]
    fn what_starts_a_plugin_is_not_the_plugin() {
        for (line, name, args) in [
            ("tap-x --config c.json", "tap-x", "--config c.json"),
            ("./bin/tap.sh -s x", "tap", "-s x"),
            ("python3 -s tap_a.py --state s", "tap_a", "--state s"),
            (
                "/usr/bin/python3.11 -W ignore -u tap_a.py c.json",
                "tap_a",
                "c.json",
            ),
            ("python3 -Im tap_x --config c", "tap_x", "--config c"),
            ("python3 -m tap_x -s s", "tap_x", "-s s"),
            ("python -c 'import tap; tap.main()' -s s", "python", "-s s"),
            (
                "node --config n.json -r ts-node/register tap.js --config c",
                "tap",
                "--config c",
            ),
            (
                "node --config=n.json -r ts-node/register tap.js --config c",
                "tap",
                "--config c",
            ),
            ("bash -c 'tap --state s' x --config c", "bash", "x --config c"),
            ("bash -euo pipefail tap.sh --catalog c", "tap", "--catalog c"),
            ("sh -lc 'x'", "sh", ""),
            ("env -i A=1 B=2 python3 -s tap.py -p c", "tap", "-p c"),
            (
                "uv run --with x==1 --project p python -s tap.py --config c",
                "tap",
                "--config c",
            ),
            ("uvx --from tap-x==1.2 tap-x --state s", "tap-x", "--state s"),
            ("uv tool run tap-x", "tap-x", ""),
            ("poetry run tap-x --config c", "tap-x", "--config c"),
            ("nice -n 5 timeout -k 9 60 tap-x -s s", "tap-x", "-s s"),
            (
                "docker run --rm -i -v /a:/b --env=A=1 ghcr.io/o/tap-x:1.2 --config c",
                "tap-x",
                "--config c",
            ),
            ("docker exec -i box tap-x --config c", "tap-x", "--config c"),
            ("meltano invoke tap-x --config c", "tap-x", "--config c"),
            ("melisma tap-csv --config c", "tap-csv", "--config c"),
            ("java -cp x.jar -jar tap.jar --config c", "tap", "--config c"),
            ("perl -I lib tap.pl -s s", "tap", "-s s"),
            ("sudo -u etl A=1 tap-x -s s", "tap-x", "-s s"),
            ("python3", "python3", ""),
            ("env A=1", "env", "A=1"),
            ("uv --version", "uv", "--version"),
            ("'my tap: x'", "my tap", ""),
        ] {
            let (found, rest) = of(line);
            let name = name.replace(' ', "_");
            assert_eq!(
                (found.as_str(), rest.join(" ").as_str()),
                (name.as_str(), args),
                "{line}"
            );
        }
    }

    #[test]
    fn words_behind_a_shells_script_arrive_only_when_it_looks_at_them() {
        for (line, added) in [
            ("bash -c 'tap --config c'", Added::AreLost),
            ("bash -c 'exec tap \"$@\"'", Added::ArriveAfterName),
            ("bash -ec 'exec tap \"$@\"' tap", Added::Arrive),
            ("python3 -c 'import sys'", Added::Arrive),
            ("bash tap.sh", Added::Arrive),
        ] {
            assert_eq!(plugin(&split(line).expect("closed")).added, added, "{line}");
        }
    }
}
