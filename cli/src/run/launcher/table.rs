//! The programs that start other programs, and how their options are read.

/// A program that starts another one, such as `env` or `uv run`.
pub(super) struct Launcher {
    pub(super) names: &'static [&'static str],
    /// The words that must follow, such as `run`.
    pub(super) words: &'static [&'static str],
    /// Its options whose value is the next word.
    pub(super) valued: &'static [&'static str],
    /// The number of its positional arguments before what it starts, such as the seconds of `timeout`.
    pub(super) own: usize,
    pub(super) then: Then,
}

/// What follows the options of a launcher.
#[derive(Clone, Copy)]
pub(super) enum Then {
    /// A command line.
    Command,
    /// `NAME=VALUE` words, then a command line.
    Variables,
    /// A script, unless one of these options says that the next word is code, or a module.
    Script {
        code: &'static [&'static str],
        module: &'static [&'static str],
        /// Whether several options may share one dash, as in `-Im`.
        letters: bool,
        shell: bool,
    },
    /// The name of what runs: an image, or a plugin of another runner. The next word is the value of every option that is
    /// not listed as plain.
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

pub(super) const LAUNCHERS: &[Launcher] = &[
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
