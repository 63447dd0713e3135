//! A plugin of a project as a program: its executable, its config file, its environment variables.

use std::path::PathBuf;

use melisma_sdk::{Error, Result};

use super::super::context::RunContext;
use super::super::log_config;
use super::super::program::Program;
use crate::builtin;
use crate::plugin_kind::PluginKind;
use crate::project::{Exports, Plugin, Project, Resolved, Vars};

/// The program of a tap, a mapper or a target, with its config file written under the name `side`. `earlier` is what the
/// plugins before it have exported.
pub(super) fn program(
    project: &Project,
    plugin: &Plugin,
    resolved: &Resolved,
    earlier: &Exports,
    side: &str,
    context: &RunContext,
) -> Result<Program> {
    let mut program = executable(project, plugin, &plugin.executable, context)?;
    let config = context
        .dir
        .write(&format!("{side}.config.json"), &resolved.config_text())?;
    program.name.clone_from(&plugin.name);
    program.args.extend(["--config".into(), config.into()]);
    let structured = program.builtin.is_some() || plugin.can("structured-logging");
    program.more_vars = log_config::write(side, structured, context)?;
    // A log configuration of the user takes precedence.
    program
        .more_vars
        .retain(|(name, _)| !resolved.process.contains_key(*name));
    program.vars = Some(if program.builtin.is_some() {
        without_settings(project, resolved, earlier)
    } else {
        resolved.process.clone()
    });
    Ok(program)
}

/// The program of a plugin that is in no pipeline.
pub(in super::super) fn plan_plugin(
    project: &Project,
    plugin: &Plugin,
    resolved: &Resolved,
    context: &RunContext,
) -> Result<Program> {
    program(
        project,
        plugin,
        resolved,
        &Exports::new(),
        plugin.kind.singular(),
        context,
    )
}

/// The program of a plugin with one of its commands; without a command, its executable alone.
pub(in super::super) fn command(
    project: &Project,
    plugin: &Plugin,
    resolved: &Resolved,
    command: Option<&str>,
    context: &RunContext,
) -> Result<Program> {
    let (file, args) = match command {
        Some(command) => plugin.command(command, &resolved.process)?,
        None => (&*plugin.executable, Vec::new()),
    };
    let mut program = executable(project, plugin, file, context)?;
    program.args.extend(args.into_iter().map(Into::into));
    program.vars = Some(resolved.process.clone());
    Ok(program)
}

/// The folder that the commands of a plugin work in, if it is not that of the caller. Only dbt as a transformer, as
/// projects of Meltano 1 and 2 have it, works in that of its setting `project_dir`.
pub(in super::super) fn folder(plugin: &Plugin, resolved: &Resolved) -> Option<PathBuf> {
    let config = resolved.config();
    let folder = config.get("project_dir")?.as_str()?;
    (plugin.kind == PluginKind::Transformer).then(|| PathBuf::from(folder))
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
fn executable(project: &Project, plugin: &Plugin, name: &str, context: &RunContext) -> Result<Program> {
    plugin.check_requirements()?;
    let external = |file: PathBuf| Ok(Program::external(&plugin.name, file));
    let builtin = builtin::find(name).filter(|builtin| builtin.kind == plugin.kind);
    if let Some(venv) = plugin.venv(project) {
        let file = venv.join("bin").join(name);
        if file.exists() {
            return external(file);
        }
        let Some(builtin) = builtin else {
            return Err(Error::config(format!(
                "{} is not installed: there is no {}; `melisma install {} {}` installs it",
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
    if name.contains('/') {
        return external(project.root.join(name));
    }
    match builtin {
        Some(builtin) => Program::builtin(builtin),
        None => external(PathBuf::from(name)),
    }
}
