//! Installing what a command is about to run, by Meltano's rule: a plugin whose virtual environment is missing, or was made
//! for something else than its `pip_url` now says.

use melisma_sdk::Result;
use serde_json::Value;

use super::venv::Venv;
use super::{Options, install, requirement};
use crate::args::AutoInstallArgs;
use crate::builtin;
use crate::console::Console;
use crate::project::{Plugin, Project};

/// What follows an installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The plugins run.
    Run,
    /// Nothing runs: only the installation was asked for. It has succeeded or not.
    End { installed: bool },
}

/// Installs those of `plugins` that need it, if the options and the setting `auto_install` want that. As with Meltano, an
/// installation that fails is a warning: what is there may run nevertheless.
pub(crate) fn before_running(
    args: AutoInstallArgs,
    project: &Project,
    plugins: &[Plugin],
    console: &Console,
) -> Result<Next> {
    if args.only_install {
        let installed = install(project, plugins, Options::default(), console)?;
        return Ok(Next::End { installed });
    }
    let is_off = project.setting_value("auto_install")? == Some(Value::Bool(false));
    if args.no_install || (is_off && !args.install) {
        return Ok(Next::Run);
    }
    let mut stale = Vec::new();
    for plugin in plugins {
        if is_stale(project, plugin, console)? {
            stale.push(plugin.clone());
        }
    }
    if !stale.is_empty() && !install(project, &stale, Options::default(), console)? {
        console.warn("not everything could be installed; what is there runs nevertheless");
    }
    Ok(Next::Run)
}

fn is_stale(project: &Project, plugin: &Plugin, console: &Console) -> Result<bool> {
    let Some(venv) = Venv::of(project, plugin)? else {
        return Ok(false);
    };
    // A built-in plugin stands in for one that is not installed.
    let stands_in = builtin::find(&plugin.executable).is_some_and(|builtin| builtin.kind == plugin.kind);
    if stands_in && !venv.root.exists() {
        return Ok(false);
    }
    match requirement::arguments_of_set_variables(project, plugin) {
        Ok(args) => Ok(!venv.fits(&args)),
        Err(error) => {
            console.warn(&format!("{} is not installed anew: {error}", plugin.name));
            Ok(false)
        }
    }
}
