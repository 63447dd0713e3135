//! The programs that make virtual environments and install packages: uv, or Python's own `venv` and `pip`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use melisma_sdk::{Error, Result};

use super::interpreter;
use super::venv::Venv;
use crate::project::Project;

/// What is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Backend {
    /// This `uv`.
    Uv(PathBuf),
    Pip {
        /// Whether the Python versions that packages declare are ignored.
        force: bool,
    },
}

impl Backend {
    /// The backend that the setting `venv.backend` names: uv, which is the default, where there is one on the path, and otherwise
    /// pip. uv cannot ignore the Python versions that packages declare, so `force` means pip.
    pub(super) fn find(project: &Project, force: bool) -> Result<Self> {
        let chosen = project.setting("venv.backend")?.unwrap_or_default();
        let pip = Self::Pip { force };
        match chosen.as_str() {
            "uv" if !force => Ok(on_path("uv").map_or(pip, Self::Uv)),
            "uv" | "virtualenv" => Ok(pip),
            other => Err(Error::config(format!(
                "venv.backend: expected uv or virtualenv, found {other:?}"
            ))),
        }
    }

    /// The command that makes the environment, in place of one that is there.
    pub(super) fn create(&self, venv: &Venv) -> Command {
        match self {
            Self::Uv(uv) => {
                let mut command = Command::new(uv);
                command.args(["venv", "--clear", "--no-project"]);
                // Without a python3 on the path uv finds one in other places, or brings one.
                let default = || on_path(interpreter::DEFAULT).map(|path| path.display().to_string());
                if let Some(python) = venv.python.clone().or_else(default) {
                    command.arg(format!("--python={python}"));
                }
                command.arg(&venv.root);
                command
            }
            Self::Pip { .. } => {
                let python = venv.python.as_deref().map(interpreter::program);
                let mut command = Command::new(python.as_deref().unwrap_or(interpreter::DEFAULT));
                command.args(["-m", "venv", "--clear"]).arg(&venv.root);
                command
            }
        }
    }

    /// The command that installs `args` into the environment.
    pub(super) fn install(&self, venv: &Venv, args: &[String]) -> Command {
        let python = venv.program("python");
        let mut command;
        match self {
            Self::Uv(uv) => {
                command = Command::new(uv);
                command.args(["pip", "install"]);
                command.arg(format!("--python={}", python.display()));
            }
            Self::Pip { force } => {
                command = Command::new(python);
                command.args([
                    "-m",
                    "pip",
                    "install",
                    "--disable-pip-version-check",
                    "--no-input",
                ]);
                if *force {
                    command.arg("--ignore-requires-python");
                }
            }
        }
        command.args(args);
        command
    }

    /// Whether this backend can install into an environment that may have been made by another.
    pub(super) fn can_use(&self, venv: &Venv) -> bool {
        matches!(self, Self::Uv(_)) || venv.program("pip").exists()
    }
}

/// The executable of that name on the path.
fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}
