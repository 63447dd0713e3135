//! Installs plugins, several at a time.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use melisma_sdk::{Error, Result};

use super::backend::Backend;
use super::venv::Venv;
use super::{Options, failure, requirement};
use crate::builtin;
use crate::console::Console;
use crate::log_folder::log_folder;
use crate::project::{Plugin, Project};

/// What became of a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Installed,
    NotNeeded,
    Failed,
}

/// Installs the plugins of one call.
pub(super) struct Worker<'a> {
    pub(super) project: &'a Project,
    pub(super) backend: Backend,
    pub(super) options: Options,
    pub(super) console: &'a Console,
}

impl Worker<'_> {
    /// Installs all plugins, and returns what became of each, in no particular order.
    pub(super) fn install_all(&self, plugins: &[Plugin]) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        let mut folders = BTreeSet::new();
        let mut waiting = Vec::new();
        for plugin in plugins {
            let shares = !folders.insert((plugin.kind.plural(), plugin.folder.as_str()));
            match nothing_to_do(plugin, shares) {
                Some(why) => {
                    self.console.info(&format!("{}: {why}", described(plugin)));
                    outcomes.push(Outcome::NotNeeded);
                }
                None => waiting.push(plugin),
            }
        }
        let next = AtomicUsize::new(0);
        let results = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for _ in 0..self.threads(waiting.len()) {
                scope.spawn(|| {
                    while let Some(plugin) = waiting.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let outcome = self.install(plugin);
                        if let Ok(mut results) = results.lock() {
                            results.push(outcome);
                        }
                    }
                });
            }
        });
        outcomes.extend(
            results
                .into_inner()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        );
        outcomes
    }

    fn threads(&self, plugins: usize) -> usize {
        let wanted = self
            .options
            .parallelism
            .or_else(|| thread::available_parallelism().ok());
        wanted.map_or(1, NonZeroUsize::get).min(plugins)
    }

    fn install(&self, plugin: &Plugin) -> Outcome {
        let name = described(plugin);
        self.console.info(&format!("installing {name}"));
        match self.try_install(plugin) {
            Ok(()) => {
                self.console.info(&format!("installed {name}"));
                Outcome::Installed
            }
            Err(error) => {
                self.console
                    .error(&format!("{name} could not be installed: {error}"));
                Outcome::Failed
            }
        }
    }

    fn try_install(&self, plugin: &Plugin) -> Result<()> {
        let Some(venv) = Venv::of(self.project, plugin)? else {
            return Ok(());
        };
        let args = requirement::arguments(self.project, plugin)?;
        let logs =
            log_folder().ok_or_else(|| Error::config("HOME is not set, so there is no folder for logs"))?;
        let log = logs.join("pip").join(plugin.kind.plural()).join(&plugin.folder);
        let log = Log::create(&log)?;
        let clean = self.options.clean || !venv.fits(&args) || !self.backend.can_use(&venv);
        if clean {
            self.call(self.backend.create(&venv), &log)?;
        } else {
            venv.remove_fingerprint()?;
        }
        // Catalogs that another version of the plugin has discovered.
        clear(&self.project.system.join("run").join(&plugin.folder))?;
        self.call(self.backend.install(&venv, &args), &log)?;
        venv.write_fingerprint(&args)
    }

    /// Runs a command of the installer to its end, with its output in the log.
    fn call(&self, mut command: Command, log: &Log) -> Result<()> {
        let output = |file: &File| {
            file.try_clone()
                .map(Stdio::from)
                .map_err(|error| Error::io("cannot write the log", error))
        };
        command
            .current_dir(&self.project.root)
            .env_clear()
            .envs(self.project.installer_vars())
            .stdin(Stdio::null())
            .stdout(output(&log.file)?)
            .stderr(output(&log.file)?);
        let program = command.get_program().to_string_lossy().into_owned();
        let status = command.status().map_err(|error| {
            Error::config(format!("cannot start {program} (is it installed?)")).with_source(error)
        })?;
        if status.success() {
            return Ok(());
        }
        let text = fs::read(&log.path).unwrap_or_default();
        let reason = failure::reason(&String::from_utf8_lossy(&text)).unwrap_or_else(|| status.to_string());
        Err(Error::new(
            melisma_sdk::Kind::Failed,
            format!("{reason} (the log is {})", log.path.display()),
        ))
    }
}

/// The log of one installation.
struct Log {
    path: std::path::PathBuf,
    file: File,
}

impl Log {
    /// Creates `install.log` in the folder. Only its owner may read it: `pip_url` may hold a token.
    fn create(folder: &Path) -> Result<Self> {
        use std::os::unix::fs::OpenOptionsExt;
        let path = folder.join("install.log");
        let file = fs::create_dir_all(folder).and_then(|()| {
            let mut options = File::options();
            options.create(true).write(true).truncate(true).mode(0o600);
            options.open(&path)
        });
        let file = file.map_err(|error| Error::io(format!("cannot write {}", path.display()), error))?;
        Ok(Self { path, file })
    }
}

/// Why a plugin needs no installation, if it needs none. `shares` says that another plugin of this call has the same
/// virtual environment.
fn nothing_to_do(plugin: &Plugin, shares: bool) -> Option<String> {
    if plugin.pip_url.is_some() {
        return shares.then(|| "it shares the virtual environment of another plugin".to_owned());
    }
    let is_builtin = builtin::find(&plugin.executable).is_some_and(|builtin| builtin.kind == plugin.kind);
    Some(if is_builtin {
        "it is built in, so there is nothing to install".to_owned()
    } else {
        format!(
            "it has no pip_url, so there is nothing to install; it runs {}",
            plugin.executable
        )
    })
}

fn described(plugin: &Plugin) -> String {
    format!("{} {}", plugin.kind.singular(), plugin.name)
}

/// Removes what is in a folder, if there is one.
fn clear(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io(format!("cannot remove {}", folder.display()), error))
        }
        _ => Ok(()),
    }
}
