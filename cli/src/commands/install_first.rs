//! Installing plugins before a command runs them.

use std::process::ExitCode;

use melisma_sdk::Result;

use crate::args::{AutoInstallArgs, ProjectArgs};
use crate::console::Console;
use crate::install::{self, Next};
use crate::project::{Plugin, Project};

/// Installs what the options ask for. Returns the exit code when nothing is to run after that.
pub(super) fn install_first(
    args: AutoInstallArgs,
    project: &Project,
    plugins: &[Plugin],
    globals: &ProjectArgs,
) -> Result<Option<ExitCode>> {
    let console = Console::new(&globals.log, |name| project.setting(name))?;
    let next = install::before_running(args, project, plugins, &console);
    console.flush();
    Ok(match next? {
        Next::Run => None,
        Next::End { installed } => Some(ExitCode::from(u8::from(!installed))),
    })
}
