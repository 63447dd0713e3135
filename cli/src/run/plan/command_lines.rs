//! The plan for two command lines.

use std::path::Path;

use melisma_sdk::{Error, Kind, Result};

use super::super::context::RunContext;
use super::super::launcher::{self, Added};
use super::super::log_config;
use super::super::program::Program;
use super::{CatalogPlan, Lines, Plan, StatePlan, TapPlan};
use crate::builtin;
use crate::catalog::Rules;
use crate::suggestion::suggestion;

/// Plans a run of two command lines.
pub(in super::super) fn plan(tap: &str, target: &str, context: &RunContext) -> Result<Plan> {
    let tap = CommandLine::parse(tap, context)?;
    let target = CommandLine::parse(target, context)?;
    // Words before the plugin belong to the program that starts it: Python has an option `-s` too.
    let own = &tap.words[tap.plugin.args..];
    let has = |flags: &[&str]| {
        own.iter().any(|word| {
            flags
                .iter()
                .any(|flag| word == flag || word.starts_with(&format!("{flag}=")))
        })
    };
    let unreachable = tap.plugin.added == Added::Dropped;
    // Without a catalog the built-in taps read everything that they discover.
    let catalog = if tap.program.builtin.is_some() || unreachable || has(&["--catalog", "--properties", "-p"])
    {
        CatalogPlan::None
    } else {
        CatalogPlan::Discover {
            flag: "--catalog",
            rules: Rules::everything(),
            required: false,
            cache: None,
        }
    };
    let state = if has(&["--state", "-s"]) {
        StatePlan::OnCommandLine
    } else if unreachable {
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
        mappers: Vec::new(),
        target: target.program,
    })
}

/// A command line, where the plugin is in it, and the program to start.
struct CommandLine {
    words: Vec<String>,
    plugin: launcher::Plugin,
    program: Program,
}

impl CommandLine {
    fn parse(line: &str, context: &RunContext) -> Result<Self> {
        let usage = |message: String| Error::new(Kind::Usage, message);
        let words = shlex::split(line)
            .ok_or_else(|| usage(format!("a quote is not closed in: {}", melisma_sdk::show(line))))?;
        let Some((first, rest)) = words.split_first() else {
            return Err(usage("an empty command line".to_owned()));
        };
        let plugin = launcher::plugin(&words);
        let mut program = if let Some(builtin) = builtin::find(first) {
            let mut program = Program::builtin(builtin)?;
            program.more_vars = log_config::write(builtin.name, true, context)?;
            program
        } else if is_program(first) {
            Program::external(&plugin.name, first.into())
        } else {
            let known = builtin::PLUGINS.iter().map(|plugin| plugin.name);
            let suggestion = suggestion(first, known);
            return Err(usage(format!(
                "there is no program {first:?}, and no meltano.yml here or above{suggestion}"
            )));
        };
        program.args.extend(rest.iter().map(Into::into));
        if plugin.added == Added::PassedAfterName {
            program.args.push(plugin.name.clone().into());
        }
        Ok(Self {
            words,
            plugin,
            program,
        })
    }

    /// The first word without folder and extension.
    fn old_name(&self) -> &str {
        let first = self.words.first().map_or("", String::as_str);
        Path::new(first)
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or(first)
    }
}

/// Whether there is such a file, or one of that name on the path.
fn is_program(name: &str) -> bool {
    if name.contains('/') {
        return Path::new(name).exists();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}
