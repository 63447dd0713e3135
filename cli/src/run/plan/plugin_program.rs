//! A plugin of a project as a program: its executable, its config file, its environment variables.

use std::path::PathBuf;

use melisma_sdk::{Error, Result};

use super::super::context::RunContext;
use super::super::log_config;
use super::super::program::Program;
use crate::builtin;
use crate::plugin_kind::PluginKind;
use crate::project::{Exports, Plugin, Project, Resolved, Vars};

/// The program of a plugin, with its config file written. `earlier` is what the plugins before it have exported.
pub(super) fn program(
    project: &Project,
    plugin: &Plugin,
    resolved: &Resolved,
    earlier: &Exports,
    context: &RunContext,
) -> Result<Program> {
    let mut program = executable(project, plugin, context)?;
    let side = match plugin.kind {
        PluginKind::Extractor => "tap",
        PluginKind::Loader => "target",
    };
    let config = format!("{:#}", resolved.config());
    let config = context.dir.write(&format!("{side}.config.json"), &config)?;
    program.name.clone_from(&plugin.name);
    program.args.extend(["--config".into(), config.into()]);
    // A log configuration of the user takes precedence.
    if !resolved.process.contains_key(log_config::VARIABLE) {
        let structured = program.builtin.is_some() || plugin.can("structured-logging");
        program.more_vars = vec![log_config::write(side, structured, context)?];
    }
    program.vars = Some(if program.builtin.is_some() {
        without_settings(project, resolved, earlier)
    } else {
        resolved.process.clone()
    });
    Ok(program)
}

/// The variables of a built-in plugin. It reads its settings, secrets among them, from its config file alone, so they are
/// not repeated in its environment, where other plugins expect them as Meltano sets them.
fn without_settings(project: &Project, resolved: &Resolved, earlier: &Exports) -> Vars {
    let mut vars = resolved.process.clone();
    for name in resolved.exports.keys().chain(earlier.keys()) {
        match project.os.get(name) {
            Some(own) => vars.insert(name.clone(), own.clone()),
            None => vars.remove(name),
        };
    }
    vars
}

/// The executable: in the virtual environment, in the project, on the path, or melisma itself.
fn executable(project: &Project, plugin: &Plugin, context: &RunContext) -> Result<Program> {
    let external = |file: PathBuf| Ok(Program::external(&plugin.name, file));
    let builtin = builtin::find(&plugin.executable).filter(|builtin| builtin.kind == plugin.kind);
    if let Some(venv) = plugin.venv(project) {
        let file = venv.join("bin").join(&plugin.executable);
        if file.exists() {
            return external(file);
        }
        let Some(builtin) = builtin else {
            return Err(Error::config(format!(
                "{} is not installed: there is no {}; `meltano install {} {}` installs it",
                plugin.name,
                file.display(),
                plugin.kind.singular(),
                plugin.name
            )));
        };
        context.console.info(&format!(
            "{} is not installed by pip, so the built-in {} is used",
            plugin.name, builtin.name
        ));
        return Program::builtin(builtin);
    }
    if plugin.executable.contains('/') {
        return external(project.root.join(&plugin.executable));
    }
    match builtin {
        Some(builtin) => Program::builtin(builtin),
        None => external(PathBuf::from(&plugin.executable)),
    }
}
