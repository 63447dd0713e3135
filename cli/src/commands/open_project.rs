//! The project that a command works in.

use melisma_sdk::{Error, Kind, Result};

use crate::args::ProjectArgs;
use crate::project::{self, Choice, Project, environment_variables};

/// The project with the environment that is asked for, or with `default_environment`.
pub(super) fn open(globals: &ProjectArgs) -> Result<Project> {
    globals.enter()?;
    load(globals, globals.choice())
}

/// The project for a command that may write: `default_environment` does not count, as in Meltano.
pub(super) fn open_for_edits(globals: &ProjectArgs) -> Result<Project> {
    globals.enter()?;
    load(globals, globals.explicit_choice())
}

/// The project once more, after it was written to.
pub(super) fn reopen(globals: &ProjectArgs) -> Result<Project> {
    load(globals, globals.explicit_choice())
}

fn load(globals: &ProjectArgs, choice: Choice<'_>) -> Result<Project> {
    let here = std::env::current_dir().map_err(|error| Error::io("cannot find the current folder", error))?;
    let os = environment_variables();
    let Some(root) = project::find(&here, &os) else {
        return Err(Error::new(
            Kind::Usage,
            "there is no meltano.yml here or above; `melisma init` makes a project",
        ));
    };
    let project = Project::load(root, os, choice, globals.env_file.as_deref())?;
    project.link_program();
    Ok(project)
}
