//! What authors of taps and targets are given: projects that `melisma new` makes, and the tutorial.
//!
//! The projects are members of a Cargo workspace with the versions, features and profiles of ours, so that they find all libraries
//! built. `cargo xtask new` builds each kind alone, from nothing.

mod kinds;
mod tutorial;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use melisma_processes::without_package;
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
        workspace(&self.folder, members, "");
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
        share_builds(&mut command).env("CARGO_NET_OFFLINE", "true");
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

/// Makes a folder a workspace of these members, with more lines of its manifest, that finds libraries as `cargo xtask test` has
/// built them. One member more asks for their features (xtask/src/test/built.rs); it counts where cargo builds the whole workspace.
pub(crate) fn workspace(folder: &Path, members: &[&str], more: &str) {
    let built = std::env::var_os("MELISMA_TEST_BUILT").map(PathBuf::from);
    let mut members: Vec<String> = members.iter().map(|member| format!("{member:?}")).collect();
    let mut profile = String::new();
    if let Some(built) = built {
        members.push("\"built\"".to_owned());
        profile = fs::read_to_string(built.join("profile.toml")).expect("a profile");
        fs::create_dir_all(folder.join("built")).expect("a folder");
        for file in ["Cargo.toml", "lib.rs"] {
            fs::copy(built.join(file), folder.join("built").join(file)).expect("copies");
        }
    }
    let members = members.join(", ");
    let manifest = format!("[workspace]\nresolver = \"3\"\nmembers = [{members}]\n{more}\n{profile}");
    fs::write(folder.join("Cargo.toml"), manifest).expect("writes");
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).expect("copies");
}

/// Has cargo, or what calls it, build where the libraries of this workspace are.
pub(crate) fn share_builds(command: &mut Command) -> &mut Command {
    without_package(command).env("CARGO_TARGET_DIR", cargo_folder())
}

fn target_folder() -> PathBuf {
    melisma()
        .ancestors()
        .nth(2)
        .map(PathBuf::from)
        .expect("a target folder")
}

fn cargo_folder() -> PathBuf {
    target_folder().join("built/target")
}
