//! What to start: the tap and the target as programs with their config files, and what the tap can be given.

use std::path::{Path, PathBuf};

use melisma_sdk::{Error, Kind, Result};

use super::folder::RunFolder;
use super::plugins;
use super::process::Program;
use super::words;
use crate::builtin::{self, Builtin};
use crate::catalog::Rules;
use crate::console::{Console, Level};
use crate::project::{Exports, Plugin, PluginKind, Project, Resolved, resolve, suggestion};

/// Both sides of a run.
pub(crate) struct Plan {
    pub(crate) tap: TapPlan,
    pub(crate) target: Program,
}

/// The tap, and what it can be given.
pub(crate) struct TapPlan {
    pub(crate) program: Program,
    pub(crate) catalog: CatalogPlan,
    pub(crate) state: StatePlan,
}

/// Where the catalog comes from.
pub(crate) enum CatalogPlan {
    /// The tap runs without one.
    None,
    /// A file of the user's.
    File {
        flag: &'static str,
        path: PathBuf,
        rules: Rules,
    },
    /// From `--discover`. When it need not work, a tap that can not do it runs without a catalog.
    Discover {
        flag: &'static str,
        rules: Rules,
        must: bool,
    },
}

/// Where the state comes from.
pub(crate) enum StatePlan {
    /// The tap takes none.
    None,
    /// From the store.
    Stored,
    /// A file of the user's, instead of what is stored.
    File(PathBuf),
}

/// Two plugins of a project.
pub(crate) fn from_project(
    project: &Project,
    tap: &str,
    target: &str,
    folder: &RunFolder,
    console: &Console,
) -> Result<Plan> {
    let tap = Plugin::load(project, PluginKind::Extractor, tap)?;
    let target = Plugin::load(project, PluginKind::Loader, target)?;
    let resolved = resolve(project, &tap, &Exports::new())?;
    let target_resolved = resolve(project, &target, &resolved.exports)?;
    let program = plugins::program(project, &tap, &resolved, &Exports::new(), folder, console)?;
    let can = |capability: &str| {
        tap.can(capability) || program.builtin && builtin_capabilities(&tap.executable).contains(&capability)
    };
    let catalog = project_catalog(project, &tap, &resolved, &can)?;
    let state = match text_extra(&resolved, "state") {
        _ if !can("state") => StatePlan::None,
        Some(path) => StatePlan::File(project.root.join(path)),
        None => StatePlan::Stored,
    };
    let target = plugins::program(
        project,
        &target,
        &target_resolved,
        &resolved.exports,
        folder,
        console,
    )?;
    Ok(Plan {
        tap: TapPlan {
            program,
            catalog,
            state,
        },
        target,
    })
}

fn builtin_capabilities(name: &str) -> &'static [&'static str] {
    builtin::find(name).map_or(&[], Builtin::capabilities)
}

fn project_catalog(
    project: &Project,
    tap: &Plugin,
    resolved: &Resolved,
    can: &impl Fn(&str) -> bool,
) -> Result<CatalogPlan> {
    let flag = match (can("catalog"), can("properties")) {
        (true, _) => "--catalog",
        (false, true) => "--properties",
        (false, false) => return Ok(CatalogPlan::None),
    };
    let filter = list_extra(resolved, "select_filter");
    if let Some(path) = text_extra(resolved, "catalog") {
        return Ok(CatalogPlan::File {
            flag,
            path: project.root.join(path),
            rules: Rules::only_filter(&filter),
        });
    }
    if !can("discover") {
        return Err(Error::config(format!(
            "{}: the catalog file is missing: the tap can not discover one, and `catalog` names none",
            tap.name
        )));
    }
    let object = |name: &str| {
        resolved
            .extra(name)
            .and_then(|value| value.as_object())
            .cloned()
            .unwrap_or_default()
    };
    let rules = Rules::new(
        &list_extra(resolved, "select"),
        &object("metadata"),
        &object("schema"),
        &filter,
    );
    Ok(CatalogPlan::Discover {
        flag,
        rules,
        must: true,
    })
}

fn text_extra<'a>(resolved: &'a Resolved, name: &str) -> Option<&'a str> {
    resolved.extra(name)?.as_str().filter(|text| !text.is_empty())
}

fn list_extra(resolved: &Resolved, name: &str) -> Vec<String> {
    let list = resolved.extra(name).and_then(|value| value.as_array());
    list.into_iter()
        .flatten()
        .filter_map(|item| item.as_str())
        .map(str::to_owned)
        .collect()
}

/// Two command lines.
pub(crate) fn from_command_lines(
    tap: &str,
    target: &str,
    folder: &RunFolder,
    console: &Console,
) -> Result<Plan> {
    let program = command_line(tap, folder, console)?;
    let has = |flags: &[&str]| {
        let mut words = program.args.iter().filter_map(|word| word.to_str());
        words.any(|word| {
            flags
                .iter()
                .any(|flag| word == *flag || word.starts_with(&format!("{flag}=")))
        })
    };
    // The built-in taps take everything that they find when they get no catalog.
    let catalog = if program.builtin || has(&["--catalog", "--properties", "-p"]) {
        CatalogPlan::None
    } else {
        CatalogPlan::Discover {
            flag: "--catalog",
            rules: Rules::everything(),
            must: false,
        }
    };
    let state = if has(&["--state", "-s"]) {
        StatePlan::None
    } else {
        StatePlan::Stored
    };
    Ok(Plan {
        tap: TapPlan {
            program,
            catalog,
            state,
        },
        target: command_line(target, folder, console)?,
    })
}

fn command_line(line: &str, folder: &RunFolder, console: &Console) -> Result<Program> {
    let mut words = words::split(line)?.into_iter();
    let first = words
        .next()
        .ok_or_else(|| Error::new(Kind::Usage, "an empty command line"))?;
    if let Some(plugin) = builtin::find(&first) {
        let mut program = plugins::builtin_program(plugin)?;
        program.args.extend(words.map(Into::into));
        program.more_vars = vec![plugins::log_config(
            folder,
            plugin.name,
            true,
            console.shows(Level::Debug),
        )?];
        return Ok(program);
    }
    let name = Path::new(&first)
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or(&first)
        .to_owned();
    if !is_program(&first) {
        let known = builtin::PLUGINS.iter().map(|plugin| plugin.name);
        return Err(Error::new(
            Kind::Usage,
            format!(
                "there is no program {first:?}, and no meltano.yml here or above{}",
                suggestion(&first, known)
            ),
        ));
    }
    let args = words.map(Into::into).collect();
    Ok(Program {
        name,
        file: first.into(),
        args,
        vars: None,
        more_vars: Vec::new(),
        builtin: false,
        stores_state: false,
    })
}

/// Whether there is such a file, or one of that name on the path.
fn is_program(name: &str) -> bool {
    if name.contains('/') {
        return Path::new(name).exists();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}
