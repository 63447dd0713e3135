//! A plugin of a project as a program: which file, which config, which variables.

use std::ffi::OsString;
use std::path::PathBuf;

use melisma_sdk::{Error, Result};
use serde_json::json;

use super::folder::RunFolder;
use super::process::Program;
use crate::builtin::{self, Builtin};
use crate::console::{Console, Level};
use crate::project::{Exports, Plugin, PluginKind, Project, Resolved, Vars};

/// The program of a plugin, with its config file written. `earlier` is what the plugins before it have exported.
pub(crate) fn program(
    project: &Project,
    plugin: &Plugin,
    resolved: &Resolved,
    earlier: &Exports,
    folder: &RunFolder,
    console: &Console,
) -> Result<Program> {
    let mut program = executable(project, plugin, console)?;
    let side = match plugin.kind {
        PluginKind::Extractor => "tap",
        PluginKind::Loader => "target",
    };
    let config = folder.write(
        &format!("{side}.config.json"),
        &format!("{:#}", resolved.config()),
    )?;
    let structured = program.builtin || plugin.can("structured-logging");
    let log = log_config(folder, side, structured, console.shows(Level::Debug))?;
    program.name.clone_from(&plugin.name);
    program.args.extend(["--config".into(), config.into()]);
    let own = resolved.process.contains_key(log.0);
    program.vars = Some(if program.builtin {
        without_settings(project, resolved, earlier)
    } else {
        resolved.process.clone()
    });
    // A log config of the user's own stays.
    program.more_vars = if own { Vec::new() } else { vec![log] };
    Ok(program)
}

/// The variables of a built-in plugin. It has its settings, secrets among them, from its config file, so they are not
/// in its environment too, where Meltano's plugins want them.
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

/// Which file to execute: in the virtual environment, in the project, on the path, or melisma itself.
fn executable(project: &Project, plugin: &Plugin, console: &Console) -> Result<Program> {
    let external = |file: PathBuf| Program {
        name: plugin.name.clone(),
        file,
        args: Vec::new(),
        vars: None,
        more_vars: Vec::new(),
        builtin: false,
        stores_state: false,
    };
    let builtin = builtin::find(&plugin.executable).filter(|builtin| builtin.kind == plugin.kind);
    if let Some(venv) = plugin.venv(project) {
        let file = venv.join("bin").join(&plugin.executable);
        if file.exists() {
            return Ok(external(file));
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
        console.info(&format!(
            "{}: not installed by pip, so melisma's own {} runs",
            plugin.name, builtin.name
        ));
        return builtin_program(builtin);
    }
    if plugin.executable.contains('/') {
        return Ok(external(project.root.join(&plugin.executable)));
    }
    match builtin {
        Some(builtin) => builtin_program(builtin),
        None => Ok(external(PathBuf::from(&plugin.executable))),
    }
}

/// A built-in plugin: this program, with the plugin's name as the first word.
pub(crate) fn builtin_program(plugin: &Builtin) -> Result<Program> {
    let file =
        std::env::current_exe().map_err(|error| Error::io("cannot find melisma's own program", error))?;
    Ok(Program {
        name: plugin.name.to_owned(),
        file,
        args: vec![plugin.name.into()],
        vars: None,
        more_vars: Vec::new(),
        builtin: true,
        stores_state: plugin.stores_state,
    })
}

/// A Python logging config, which the Meltano SDK's plugins and ours take: JSON lines when they can, else plain ones.
pub(crate) fn log_config(
    folder: &RunFolder,
    name: &str,
    structured: bool,
    debug: bool,
) -> Result<(&'static str, OsString)> {
    let formatter = if structured {
        json!({"()": "singer_sdk.logging.StructuredFormatter"})
    } else {
        json!({"format": "%(message)s"})
    };
    let config = json!({
        "version": 1,
        "disable_existing_loggers": false,
        "formatters": {"default": formatter},
        "handlers": {"default": {"class": "logging.StreamHandler", "formatter": "default", "stream": "ext://sys.stderr"}},
        "root": {"level": if debug { "DEBUG" } else { "INFO" }, "handlers": ["default"]},
    });
    let path = folder.write(&format!("{name}.singer_sdk_logging.json"), &format!("{config:#}"))?;
    Ok(("SINGER_SDK_LOG_CONFIG", path.into()))
}

/// The file of the system database.
pub(crate) fn database_path(project: &Project) -> Result<PathBuf> {
    if let Some(uri) = project
        .setting("state_backend.uri")?
        .filter(|uri| uri != "systemdb")
    {
        let scheme = uri.split(':').next().unwrap_or_default().to_owned();
        return Err(Error::config(format!(
            "state_backend.uri: {scheme} is not supported; systemdb is, or --state FILE"
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
                "database_uri: {scheme} is not supported; sqlite:///FILE is"
            )))
        }
    }
}
