//! The programs that start other programs, and how their options are read. Lists are words with spaces between them.

/// A program that starts another one, such as `env` or `uv run`.
pub(super) struct Launcher {
    pub(super) names: &'static str,
    /// The words that must follow, such as `run`.
    pub(super) words: &'static str,
    /// Its options whose value is the next word.
    pub(super) valued: &'static str,
    pub(super) then: Then,
}

/// What follows the options of a launcher.
#[derive(Clone, Copy)]
pub(super) enum Then {
    /// A command line, after this number of arguments of its own, such as the seconds of `timeout`.
    Command(usize),
    /// `NAME=VALUE` words, then a command line.
    Variables,
    /// A script, unless one of these options says that the next word is code, or a module.
    Script {
        code: &'static str,
        module: &'static str,
        style: Style,
    },
    /// The name of what runs: an image, or a plugin of another runner. The next word is the value of every option that is
    /// not listed as plain.
    Named { plain: &'static str },
}

/// How an interpreter reads its options.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Each is a word of its own.
    Single,
    /// Several may share one dash, as in `-Im`.
    Grouped,
    /// As [`Grouped`](Self::Grouped), and words after the code are its parameters.
    Shell,
}

/// Whether a list has this word.
pub(super) fn has(list: &str, word: &str) -> bool {
    list.split_ascii_whitespace().any(|other| other == word)
}

const UV: &str = "--with --with-editable --with-requirements --from --python -p --project --directory --env-file --extra \
                  --group --only-group --index --index-url -i --default-index --extra-index-url --package -w -C \
                  --config-file --cache-dir";
const NODE: &str = "-r --require --import --loader --experimental-loader -C --conditions --input-type --config \
                    --experimental-config-file";
const SUDO: &str = "-u -g -h -p -C -D -R -T -r -t --user --group --chdir";
const DOCKER: Then = Then::Named {
    plain: "-i -t -it -ti -d -P -q --rm --init --tty --interactive --detach --privileged --read-only --quiet \
            --no-healthcheck --oom-kill-disable --publish-all --sig-proxy --disable-content-trust --no-deps -T --no-TTY \
            --build --service-ports --replace",
};
const COMMAND: Then = Then::Command(0);

#[rustfmt::skip]
pub(super) const LAUNCHERS: &[Launcher] = &[
    launcher("python pypy", "", "-W -X --check-hash-based-pycs", script("-c", "-m", Style::Grouped)),
    launcher("sh bash dash zsh ksh ash", "", "-o +o -O +O --rcfile --init-file", script("-c", "", Style::Shell)),
    launcher("node nodejs", "", NODE, script("-e --eval -p --print", "", Style::Single)),
    launcher("ruby", "", "-I -r -E -C", script("-e", "", Style::Grouped)),
    launcher("perl", "", "-I", script("-e -E", "", Style::Grouped)),
    launcher("php", "", "-d -c", script("-r", "", Style::Single)),
    launcher("Rscript", "", "", script("-e", "", Style::Single)),
    launcher("java", "", "-cp -classpath --class-path -p --module-path", script("", "-m --module", Style::Single)),
    launcher("deno bun", "run", "-c --config --env-file", COMMAND),
    launcher("env", "", "-u --unset -C --chdir", Then::Variables),
    launcher("sudo doas", "", SUDO, Then::Variables),
    launcher("nice ionice stdbuf chrt", "", "-n -c -p -i -o -e", COMMAND),
    launcher("nohup setsid time command exec unbuffer caffeinate tini dumb-init", "", "", COMMAND),
    launcher("timeout", "", "-k -s --kill-after --signal", Then::Command(1)),
    launcher("gosu su-exec chpst", "", "-u -e", Then::Command(1)),
    launcher("uv", "run", UV, COMMAND),
    launcher("uv", "tool run", UV, COMMAND),
    launcher("uvx", "", UV, COMMAND),
    launcher("pipx", "run", "--spec --python --pip-args --index-url", COMMAND),
    launcher("poetry pdm rye pipenv", "run", "-C -P --directory --project", COMMAND),
    launcher("hatch", "run", "", COMMAND),
    launcher("conda mamba micromamba", "run", "-n --name -p --prefix --cwd", COMMAND),
    launcher("npx pnpx bunx", "", "-p --package", COMMAND),
    launcher("bundle pnpm yarn npm", "exec", "", COMMAND),
    launcher("docker podman nerdctl", "exec", "-e --env --env-file -u --user -w --workdir", Then::Command(1)),
    launcher("docker podman nerdctl", "run", "", DOCKER),
    launcher("docker podman nerdctl", "compose run", "", DOCKER),
    launcher("docker-compose", "run", "", DOCKER),
    launcher("meltano", "invoke", "", Then::Named { plain: "" }),
    launcher("melisma", "", "", COMMAND),
];

const fn launcher(names: &'static str, words: &'static str, valued: &'static str, then: Then) -> Launcher {
    Launcher {
        names,
        words,
        valued,
        then,
    }
}

const fn script(code: &'static str, module: &'static str, style: Style) -> Then {
    Then::Script { code, module, style }
}
