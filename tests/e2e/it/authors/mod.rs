//! What authors of taps and targets are given: projects that `melisma new` makes, and the tutorial.
//!
//! The projects are members of one Cargo workspace with the versions of ours, so that the SDK and its dependencies are built once,
//! in a folder that later runs find again. `cargo xtask new` builds each kind alone, from nothing.

mod kinds;
mod tutorial;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use melisma_sdk::check::Rule;
use serde_json::Value;

use crate::harness::{Outcome, jsonl_rows, melisma, python, root, run};

/// A folder of projects, which is also a Cargo workspace.
struct Workshop {
    folder: PathBuf,
}

impl Workshop {
    /// An empty one. Its path is always the same, as that of what cargo has built in it is part of its identity.
    fn new(name: &str) -> Self {
        let folder = target_folder().join("authors").join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("removed");
        }
        fs::create_dir_all(folder.join("bin")).expect("made");
        fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).expect("copied");
        // That of melisma is not for others.
        fs::write(folder.join("rustfmt.toml"), "").expect("writes");
        for name in ["melisma", "tap-csv", "target-jsonl"] {
            // How Meltano finds the plugins that are built in.
            std::os::unix::fs::symlink(melisma(), folder.join("bin").join(name)).expect("a link");
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Makes these projects members of the workspace, and has them find what cargo builds.
    fn join(&self, members: &[&str]) {
        let list: Vec<String> = members.iter().map(|member| format!("{member:?}")).collect();
        let manifest = format!("[workspace]\nresolver = \"3\"\nmembers = [{}]\n", list.join(", "));
        fs::write(self.path("Cargo.toml"), manifest).expect("writes");
        for member in members {
            std::os::unix::fs::symlink(cargo_folder(), self.path(member).join("target")).expect("a link");
        }
    }

    /// A command in a project, with melisma and cargo on its path and without a network.
    fn command(&self, program: impl AsRef<Path>, project: &str) -> Command {
        let mut command = Command::new(program.as_ref());
        let path = std::env::var("PATH").expect("a path");
        command
            .current_dir(self.path(project))
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .env("HOME", self.path("home"))
            .env("MELTANO_SEND_ANONYMOUS_USAGE_STATS", "false");
        for (variable, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
            if std::env::var_os(variable).is_none() {
                let home = std::env::home_dir().expect("a home");
                command.env(variable, home.join(folder));
            }
        }
        command.envs(cheap_builds()).env("CARGO_NET_OFFLINE", "true");
        command
    }

    fn melisma(&self, project: &str, args: &[&str]) -> Outcome {
        run(self.command(melisma(), project).args(args), b"")
    }

    fn cargo(&self, project: &str, args: &[&str]) -> Outcome {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        run(self.command(PathBuf::from(cargo), project).args(args), b"")
    }

    fn meltano(&self, project: &str) -> Command {
        self.command(python("python-meltano").with_file_name("meltano"), project)
    }

    /// The rows that target-jsonl has written.
    fn rows(&self, file: &str) -> Vec<Value> {
        jsonl_rows(&self.path(file))
    }
}

/// The names of rules in docs/checks.md are those of the SDK.
#[test]
fn the_page_lists_every_rule() {
    let page = fs::read_to_string(root().join("docs/checks.md")).expect("a page");
    let rows = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let names = rows
        .map(|(name, _)| name)
        .filter(|name| name.contains('-') || *name == "discovers");
    let rules: Vec<&str> = Rule::ALL.iter().map(|rule| rule.name()).collect();
    assert_eq!(names.collect::<Vec<_>>(), rules);
}

/// How projects outside of this workspace are built: in one folder, so that they share what they depend on, and without
/// information for debuggers.
pub(crate) fn cheap_builds() -> [(&'static str, OsString); 3] {
    [
        ("CARGO_TARGET_DIR", cargo_folder().into()),
        ("CARGO_PROFILE_DEV_DEBUG", "0".into()),
        ("CARGO_INCREMENTAL", "0".into()),
    ]
}

fn target_folder() -> PathBuf {
    melisma()
        .ancestors()
        .nth(2)
        .map(PathBuf::from)
        .expect("a target folder")
}

fn cargo_folder() -> PathBuf {
    target_folder().join("authors").join("target")
}
