//! Installs the plugins of a project: each into a virtual environment of its own, where Meltano looks for it.
//!
//! The folders, the fingerprints and the logs are Meltano's, so that either tool finds what the other has installed.

mod auto;
mod backend;
mod failure;
mod interpreter;
mod requirement;
mod venv;
mod worker;

use std::num::NonZeroUsize;

use melisma_sdk::Result;

use crate::console::Console;
use crate::project::{Plugin, Project};

pub(crate) use auto::{Next, before_running};

use backend::Backend;
use worker::{Outcome, Worker};

/// How plugins are installed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    /// Make the virtual environments anew, even those that fit.
    pub(crate) clean: bool,
    /// Ignore the Python versions that packages declare.
    pub(crate) force: bool,
    /// The number of installations at a time; the number of processors when it is not given.
    pub(crate) parallelism: Option<NonZeroUsize>,
}

/// Installs the plugins, and says on the console what becomes of each. Returns whether all of them are installed now.
pub(crate) fn install(
    project: &Project,
    plugins: &[Plugin],
    options: Options,
    console: &Console,
) -> Result<bool> {
    let worker = Worker {
        project,
        backend: Backend::find(project, options.force)?,
        options,
        console,
    };
    let outcomes = worker.install_all(plugins);
    let count = |wanted: Outcome| outcomes.iter().filter(|outcome| **outcome == wanted).count();
    let (installed, failed) = (count(Outcome::Installed), count(Outcome::Failed));
    if plugins.len() > 1 {
        let not_needed = match count(Outcome::NotNeeded) {
            1 => "1 needs".to_owned(),
            several => format!("{several} need"),
        };
        let summary = format!(
            "installed {installed} of {} plugins; {not_needed} no installation",
            plugins.len()
        );
        match failed {
            0 => console.info(&summary),
            _ => console.error(&format!("{summary}; {failed} failed")),
        }
    }
    Ok(failed == 0)
}
