//! Which Python a virtual environment is made with.

use std::fs;
use std::process::Command;

use melisma_sdk::{Error, Result};

use crate::project::{Plugin, Project};

/// The interpreter when nothing asks for another.
pub(super) const DEFAULT: &str = "python3";

/// What is asked for: `python` of the plugin, the setting `python` of the project, or its `.python-version`.
pub(super) fn wanted(project: &Project, plugin: &Plugin) -> Result<Option<String>> {
    if plugin.python.is_some() {
        return Ok(plugin.python.clone());
    }
    if let Some(python) = project.setting("python")?.filter(|python| !python.is_empty()) {
        return Ok(Some(python));
    }
    let pinned = fs::read_to_string(project.root.join(".python-version")).unwrap_or_default();
    let first = pinned.lines().next().unwrap_or_default().trim();
    Ok((!first.is_empty()).then(|| first.to_owned()))
}

/// The program for what is asked for: `3.11` and `3.11.7` are run as `python3.11`; paths and names stay as they are.
pub(super) fn program(wanted: &str) -> String {
    let numbers: Vec<&str> = wanted.split('.').collect();
    let is_version = numbers
        .iter()
        .all(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
    match numbers.as_slice() {
        [major, minor, ..] if is_version => format!("python{major}.{minor}"),
        [major] if is_version => format!("python{major}"),
        _ => wanted.to_owned(),
    }
}

/// The version of the default interpreter, such as `3.11`.
pub(super) fn default_version(project: &Project) -> Result<String> {
    let output = Command::new(DEFAULT)
        .args(["-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
        .envs(project.installer_vars())
        .output()
        .map_err(|error| {
            Error::config(format!("MELTANO__PYTHON_VERSION: cannot start {DEFAULT}")).with_source(error)
        })?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_names_of_programs() {
        for (wanted, expected) in [
            ("3.11", "python3.11"),
            ("3.12.4", "python3.12"),
            ("3", "python3"),
            ("python3.10", "python3.10"),
            ("/opt/py/bin/python", "/opt/py/bin/python"),
            ("pypy3.9", "pypy3.9"),
            ("3.x", "3.x"),
        ] {
            assert_eq!(program(wanted), expected);
        }
    }
}
