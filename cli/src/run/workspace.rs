//! Where a run takes place: in a Meltano project, or in a plain folder.

use std::path::PathBuf;

use melisma_sdk::{Error, Result};

use crate::args::ProjectArgs;
use crate::project::{self, Project, Vars, environment_variables};

/// Decides what the blocks on the command line mean, and where state and private files are.
pub(super) enum Workspace {
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
    pub(super) fn find(args: &ProjectArgs) -> Result<Self> {
        args.enter()?;
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
        let project = Project::load(root, os, args.choice(), args.env_file.as_deref())?;
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
    pub(super) fn setting(&self, name: &str) -> Result<Option<String>> {
        match self {
            Self::Project(project) => project.setting(name),
            Self::Folder { os, .. } => Ok(os.get(&project::setting_variable(name)).cloned()),
        }
    }

    /// The file of the system database.
    pub(super) fn database(&self) -> Result<PathBuf> {
        match self {
            Self::Project(project) => database_of(project),
            Self::Folder { system, .. } => Ok(system.join("meltano.db")),
        }
    }
}

fn database_of(project: &Project) -> Result<PathBuf> {
    let backend = project.setting("state_backend.uri")?;
    if let Some(uri) = backend.filter(|uri| uri != "systemdb") {
        let scheme = uri.split(':').next().unwrap_or_default().to_owned();
        return Err(Error::config(format!(
            "state_backend.uri: {scheme} is not supported; use systemdb, or --state FILE"
        )));
    }
    let Some(uri) = project.setting("database_uri")? else {
        return Ok(project.system.join("meltano.db"));
    };
    match uri.strip_prefix("sqlite:///") {
        Some(path) if !path.is_empty() => {
            let path = path.split('?').next().unwrap_or(path);
            Ok(project.root.join(path))
        }
        _ => {
            let scheme = uri.split(':').next().unwrap_or_default();
            Err(Error::config(format!(
                "database_uri: {scheme} is not supported; use sqlite:///FILE"
            )))
        }
    }
}
