//! What to start: the tap and the target as programs with their config files, and what the tap can be given.

use std::path::{Path, PathBuf};

use melisma_sdk::{Error, Kind, Result};

use super::folder::RunFolder;
use super::launcher::{self, Added};
use super::process::Program;
use super::{identity, plugins, words};
use crate::builtin::{self, Builtin};
use crate::catalog::Rules;
use crate::console::{Console, Level};
use crate::project::{Exports, Plugin, PluginKind, Project, Resolved, resolve, suggestion};

/// Both sides of a run.
pub(crate) struct Plan {
    pub(crate) tap: TapPlan,
    pub(crate) target: Program,
    /// When they are command lines and no plugins of a project.
    pub(crate) lines: Option<Lines>,
}

/// The words of both command lines.
pub(crate) struct Lines {
    words: [Vec<String>; 2],
    /// Places of words that only start a plugin.
    launchers: [Vec<usize>; 2],
    /// What older versions called the two: names that other command lines may have as well.
    pub(crate) old_names: String,
}

impl Lines {
    /// See [`identity::hash`].
    pub(crate) fn hash(&self, here: &Path, shared: bool) -> String {
        let line = |side: usize| (&*self.words[side], &*self.launchers[side]);
        identity::hash([line(0), line(1)], here, shared)
    }
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
    /// The tap's command line has one of its own.
    Given,
    /// The tap's command line is a shell's script that hands nothing on to the tap.
    Unreachable,
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
        lines: None,
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
    let tap = command_line(tap, folder, console)?;
    let target = command_line(target, folder, console)?;
    // What stands before the plugin is for whatever starts it: Python has an option `-s` too.
    let own = &tap.words[tap.plugin.args..];
    let has = |flags: &[&str]| {
        own.iter().any(|word| {
            flags
                .iter()
                .any(|flag| word == flag || word.starts_with(&format!("{flag}=")))
        })
    };
    let is_lost = tap.plugin.added == Added::AreLost;
    // The built-in taps take everything that they find when they get no catalog.
    let catalog = if tap.program.builtin || is_lost || has(&["--catalog", "--properties", "-p"]) {
        CatalogPlan::None
    } else {
        CatalogPlan::Discover {
            flag: "--catalog",
            rules: Rules::everything(),
            must: false,
        }
    };
    let state = if has(&["--state", "-s"]) {
        StatePlan::Given
    } else if is_lost {
        StatePlan::Unreachable
    } else {
        StatePlan::Stored
    };
    Ok(Plan {
        lines: Some(Lines {
            old_names: format!("{}-to-{}", tap.old_name(), target.old_name()),
            words: [tap.words, target.words],
            launchers: [tap.plugin.launchers, target.plugin.launchers],
        }),
        tap: TapPlan {
            program: tap.program,
            catalog,
            state,
        },
        target: target.program,
    })
}

/// A command line as a program, and what its words are.
struct CommandLine {
    words: Vec<String>,
    plugin: launcher::Plugin,
    program: Program,
}

impl CommandLine {
    /// Its first word, without folder and ending.
    fn old_name(&self) -> &str {
        let first = self.words.first().map_or("", String::as_str);
        Path::new(first)
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or(first)
    }
}

fn command_line(line: &str, folder: &RunFolder, console: &Console) -> Result<CommandLine> {
    let words = words::split(line)?;
    let Some((first, rest)) = words.split_first() else {
        return Err(Error::new(Kind::Usage, "an empty command line"));
    };
    let found = launcher::plugin(&words);
    let mut args: Vec<_> = rest.iter().map(Into::into).collect();
    if let Some(plugin) = builtin::find(first) {
        let mut program = plugins::builtin_program(plugin)?;
        program.args.append(&mut args);
        program.more_vars = vec![plugins::log_config(
            folder,
            plugin.name,
            true,
            console.shows(Level::Debug),
        )?];
        return Ok(CommandLine {
            plugin: found,
            program,
            words,
        });
    }
    if !is_program(first) {
        let known = builtin::PLUGINS.iter().map(|plugin| plugin.name);
        return Err(Error::new(
            Kind::Usage,
            format!(
                "there is no program {first:?}, and no meltano.yml here or above{}",
                suggestion(first, known)
            ),
        ));
    }
    if found.added == Added::ArriveAfterName {
        args.push(found.name.clone().into());
    }
    let program = Program {
        name: found.name.clone(),
        file: first.into(),
        args,
        vars: None,
        more_vars: Vec::new(),
        builtin: false,
        stores_state: false,
    };
    Ok(CommandLine {
        plugin: found,
        program,
        words,
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
