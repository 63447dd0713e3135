//! `cargo xtask release`: prepares a release, and checks that a tree is one. RELEASING.md has the steps around it.

use std::fs;
use std::process::Command;

use crate::{Result, sh};

const UNRELEASED: &str = "## Unreleased\n";

#[derive(clap::Subcommand)]
pub(crate) enum Action {
    /// Set the version everywhere, and give the unreleased changes its name
    Prepare {
        /// The version, such as 0.2.0
        version: String,
    },
    /// Check that the tree is that of a release: versions, changes, tag, nothing uncommitted
    Check,
}

pub(crate) fn run(action: &Action) -> Result {
    match action {
        Action::Prepare { version } => prepare(version),
        Action::Check => check(),
    }
}

fn prepare(new: &str) -> Result {
    if new.split('.').count() != 3 || new.split('.').any(|part| part.parse::<u32>().is_err()) {
        return Err(format!("expected a version such as 0.2.0, found {new:?}"));
    }
    let manifest = read("Cargo.toml")?;
    let old = version(&manifest)?;
    write(
        "Cargo.toml",
        &manifest.replace(&format!("version = \"{old}\""), &format!("version = \"{new}\"")),
    )?;
    let today = sh::output(Command::new("date").args(["-u", "+%Y-%m-%d"]))?;
    write("CHANGELOG.md", &named(&read("CHANGELOG.md")?, new, today.trim())?)?;
    // Only the members of the workspace change in the lock file.
    sh::run(sh::cargo().args(["update", "--workspace", "--offline"]))?;
    println!("version {old} -> {new}; look at the changes, commit, and run `cargo xtask release check`");
    Ok(())
}

fn check() -> Result {
    let manifest = read("Cargo.toml")?;
    let version = version(&manifest)?;
    let git = |args: &[&str]| sh::output(Command::new("git").current_dir(sh::root()).args(args));
    let mut faults = Vec::new();
    if !git(&["status", "--porcelain"])?.is_empty() {
        faults.push("there are uncommitted changes".to_owned());
    }
    faults.extend(other_versions(&manifest, version));
    if let Err(fault) = changes(&read("CHANGELOG.md")?, version) {
        faults.push(fault);
    }
    if sh::output(sh::cargo().args(["metadata", "--locked", "--format-version=1", "--no-deps"])).is_err() {
        faults.push("Cargo.lock is out of date".to_owned());
    }
    let tag = format!("v{version}");
    if !git(&["tag", "--list", &tag])?.is_empty()
        && git(&["rev-list", "-n1", &tag])? != git(&["rev-parse", "HEAD"])?
    {
        faults.push(format!("the tag {tag} is another commit"));
    }
    if faults.is_empty() {
        println!("this is {version}; `git tag --sign {tag}` names it");
        return Ok(());
    }
    Err(faults.join("\n"))
}

/// The version of the workspace.
fn version(manifest: &str) -> Result<&str> {
    let package = manifest.split("[workspace.package]").nth(1);
    package
        .and_then(|package| package.split("version = \"").nth(1)?.split('"').next())
        .ok_or_else(|| "Cargo.toml has no version".to_owned())
}

/// Dependencies on members of the workspace in another version.
fn other_versions(manifest: &str, version: &str) -> Vec<String> {
    let own = manifest
        .lines()
        .filter(|line| line.contains("path = \"") && line.contains("version = \""));
    own.filter(|line| !line.contains(&format!("version = \"{version}\"")))
        .map(|line| format!("not {version}: {line}"))
        .collect()
}

/// The changes with the unreleased ones under the name of a version.
fn named(changes: &str, version: &str, date: &str) -> Result<String> {
    let (before, after) = changes
        .split_once(UNRELEASED)
        .ok_or("CHANGELOG.md has no `## Unreleased`")?;
    let list = after.split("\n## ").next().unwrap_or_default();
    if list.trim().is_empty() {
        return Err("CHANGELOG.md has no unreleased changes".to_owned());
    }
    Ok(format!("{before}{UNRELEASED}\n## {version}, {date}\n{after}"))
}

/// Checks that the newest changes are those of the version, and that none came after it.
fn changes(text: &str, version: &str) -> Result {
    let mut sections = text.split("\n## ").skip(1);
    let mut section = sections.next().unwrap_or_default();
    if let Some(list) = section.strip_prefix("Unreleased") {
        if !list.trim().is_empty() {
            return Err("CHANGELOG.md has unreleased changes".to_owned());
        }
        section = sections.next().unwrap_or_default();
    }
    if section.starts_with(&format!("{version}, ")) {
        Ok(())
    } else {
        Err(format!(
            "the newest changes in CHANGELOG.md are not those of {version}"
        ))
    }
}

fn read(name: &str) -> Result<String> {
    fs::read_to_string(sh::root().join(name)).map_err(|e| format!("cannot read {name}: {e}"))
}

fn write(name: &str, text: &str) -> Result {
    fs::write(sh::root().join(name), text).map_err(|e| format!("cannot write {name}: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unreleased_changes_get_the_name_of_the_version() {
        let before = "# Changes\n\n## Unreleased\n\n- a\n\n## 0.1.0, 2026-01-01\n\n- b\n";
        let after = named(before, "0.2.0", "2026-02-03").unwrap_or_default();
        assert_eq!(
            after,
            "# Changes\n\n## Unreleased\n\n## 0.2.0, 2026-02-03\n\n- a\n\n## 0.1.0, 2026-01-01\n\n- b\n"
        );
        assert_eq!(changes(&after, "0.2.0"), Ok(()));
        assert!(changes(before, "0.1.0").is_err(), "there are changes after it");
        assert!(changes(&after, "0.1.0").is_err(), "it is not the newest");
        assert!(
            named(&after, "0.3.0", "2026-02-04").is_err(),
            "nothing has changed"
        );
    }

    #[test]
    fn every_member_has_the_version_of_the_workspace() {
        let manifest = read("Cargo.toml").unwrap_or_default();
        let version = version(&manifest).unwrap_or_default();
        assert_eq!(other_versions(&manifest, version), Vec::<String>::new());
        assert_eq!(
            other_versions("x = { path = \"x\", version = \"0.0.9\" }", "0.1.0").len(),
            1
        );
    }
}
