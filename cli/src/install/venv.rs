//! The virtual environment of a plugin, and how to tell what it was made for.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use melisma_sdk::{Error, Result};
use sha2::{Digest, Sha256};

use super::interpreter;
use crate::project::{Plugin, Project};

/// The virtual environment of one plugin.
pub(super) struct Venv {
    pub(super) root: PathBuf,
    /// What `python:` setting, plugin or project asks for; part of the fingerprint.
    pub(super) python: Option<String>,
}

impl Venv {
    /// The environment of a plugin; `None` for one that has no package to install.
    pub(super) fn of(project: &Project, plugin: &Plugin) -> Result<Option<Self>> {
        let Some(root) = plugin.venv(project) else {
            return Ok(None);
        };
        Ok(Some(Self {
            root,
            python: interpreter::wanted(project, plugin)?,
        }))
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.root.join("bin").join(name)
    }

    /// Whether it is there, works, and was made for these arguments.
    pub(super) fn fits(&self, args: &[String]) -> bool {
        // `bin/python` is a link to the interpreter that made it: it leads nowhere once that one is gone.
        self.program("python").exists()
            && fs::read_to_string(self.fingerprint_file()).is_ok_and(|found| found == self.fingerprint(args))
    }

    /// Notes what it was made for. Written last, so that an installation that was interrupted is not taken for a whole one.
    pub(super) fn write_fingerprint(&self, args: &[String]) -> Result<()> {
        let path = self.fingerprint_file();
        fs::write(&path, self.fingerprint(args))
            .map_err(|error| Error::io(format!("cannot write {}", path.display()), error))
    }

    /// Forgets what it was made for, before it is changed.
    pub(super) fn remove_fingerprint(&self) -> Result<()> {
        remove(&self.fingerprint_file())
    }

    fn fingerprint_file(&self) -> PathBuf {
        self.root.join(".meltano_plugin_fingerprint")
    }

    /// As Meltano computes it, so that neither tool installs again what the other has installed: the SHA-256 of the distinct
    /// arguments in order, and of the interpreter when one was asked for.
    fn fingerprint(&self, args: &[String]) -> String {
        let mut parts = args.to_vec();
        parts.sort_unstable();
        parts.dedup();
        parts.extend(self.python.as_ref().map(|python| format!("python:{python}")));
        let digest = Sha256::digest(parts.join(" "));
        digest.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io(format!("cannot remove {}", path.display()), error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed by `meltano.core.venv_service.fingerprint` of Meltano 4.4.1.
    #[test]
    fn fingerprints_are_meltanos() {
        let fingerprint = |args: &[&str], python: Option<&str>| {
            let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
            let python = python.map(str::to_owned);
            Venv {
                root: PathBuf::new(),
                python,
            }
            .fingerprint(&args)
        };
        assert_eq!(
            fingerprint(&["target-jsonl==0.1.4"], None),
            "38db90c70c1ebfa66e2c5ccc4cf68340725707fa18c6159ded82d5954863367f"
        );
        assert_eq!(
            fingerprint(&["tap", "--index-url", "x", "tap"], Some("3.11")),
            "7c31697cdd4e285637a0dde080dd081aa05f5a9f4f8d11d8bb9c904ae4eae706"
        );
    }
}
