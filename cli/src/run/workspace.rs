//! Where a run takes place: in a Meltano project, or in a plain folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use melisma_sdk::{Error, Result};

use crate::args::ProjectArgs;
use crate::project::{self, Choice, Project, Vars, environment_variables};
use crate::state::{BackendSettings, DatabaseUri};

/// Decides what the blocks on the command line mean, and where state and private files are.
pub(crate) enum Workspace {
    /// They are plugins of this project.
    Project(Box<Project>),
    /// They are command lines.
    Folder {
        /// The current folder.
        here: PathBuf,
        /// The folder of the system database, usually `.meltano` in the current folder.
        system: PathBuf,
        os: Vars,
    },
}

impl Workspace {
    /// The project of the current folder or a parent, or else the current folder. `--cwd` is entered first.
    pub(crate) fn find(args: &ProjectArgs) -> Result<Self> {
        args.enter()?;
        Self::here(args, args.choice())
    }

    /// The same for the current folder and this choice of an environment.
    pub(crate) fn here(args: &ProjectArgs, choice: Choice<'_>) -> Result<Self> {
        let here =
            std::env::current_dir().map_err(|error| Error::io("cannot find the current folder", error))?;
        let os = environment_variables();
        let Some(root) = project::find(&here, &os) else {
            if args.env_file.is_some() {
                return Err(Error::config(
                    "--env-file: there is no meltano.yml here or above, so nothing would read it",
                ));
            }
            let system = project::system_folder(&here, &os);
            return Ok(Self::Folder { here, system, os });
        };
        let project = Project::load(root, os, choice, args.env_file.as_deref())?;
        project.link_program();
        Ok(Self::Project(Box::new(project)))
    }

    /// The folder that the private folders of runs are made in.
    pub(super) fn run_dirs(&self) -> PathBuf {
        match self {
            Self::Project(project) => project.system.join("run"),
            Self::Folder { .. } => std::env::temp_dir(),
        }
    }

    /// A setting of the project; outside of one, its variable alone.
    pub(crate) fn setting(&self, name: &str) -> Result<Option<String>> {
        match self {
            Self::Project(project) => project.setting(name),
            Self::Folder { os, .. } => Ok(os.get(&project::setting_variable(name)).cloned()),
        }
    }

    /// The folder of the system database and of what else Meltano keeps: usually `.meltano`.
    pub(crate) fn system(&self) -> &Path {
        match self {
            Self::Project(project) => &project.system,
            Self::Folder { system, .. } => system,
        }
    }

    /// The system database.
    pub(crate) fn database(&self) -> Result<DatabaseUri> {
        match self {
            Self::Project(project) => project.database(),
            Self::Folder { system, .. } => Ok(DatabaseUri::File(system.join("meltano.db"))),
        }
    }

    /// Where states are stored, if not in the system database.
    pub(crate) fn state_backend(&self) -> Result<Option<BackendSettings>> {
        let Self::Project(project) = self else {
            return Ok(None);
        };
        let Some(uri) = project.setting("state_backend.uri")? else {
            return Ok(None);
        };
        if uri.is_empty() || uri == "systemdb" {
            return Ok(None);
        }
        let mut options = BTreeMap::new();
        for name in BackendSettings::OPTIONS {
            if let Some(value) = project.setting(&format!("state_backend.{name}"))? {
                options.insert(name, value);
            }
        }
        Ok(Some(BackendSettings {
            uri,
            options,
            lock_timeout: seconds(project, "state_backend.lock_timeout_seconds", 10.0)?,
            lock_retry: seconds(project, "state_backend.lock_retry_seconds", 1.0)?,
        }))
    }
}

fn seconds(project: &Project, name: &str, default: f64) -> Result<Duration> {
    let Some(text) = project.setting(name)? else {
        return Ok(Duration::from_secs_f64(default));
    };
    let seconds = text
        .parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| {
        Error::config(format!(
            "{name}: expected a number of seconds, found {}",
            melisma_sdk::show(&text)
        ))
    })
}
