//! The plan of a pair: which programs to start, and what the tap accepts.

mod command_lines;
mod plugin_program;
mod project;

use std::path::{Path, PathBuf};

use super::catalog_cache::CatalogCache;
use super::line_hash;
use super::program::Program;
use crate::catalog::Rules;

pub(super) use command_lines::plan as plan_command_lines;
pub(super) use plugin_program::{command as plan_command, folder as command_folder, plan_plugin};
pub(super) use project::{plan as plan_pair, tap_plan as plan_tap};

/// All programs of a pair.
pub(super) struct Plan {
    pub(super) tap: TapPlan,
    /// In the order in which records pass them.
    pub(super) mappers: Vec<Program>,
    pub(super) target: Program,
    /// The two command lines; `None` for plugins of a project.
    pub(super) lines: Option<Lines>,
}

/// The tap, and what it accepts.
pub(super) struct TapPlan {
    pub(super) program: Program,
    pub(super) catalog: CatalogPlan,
    pub(super) state: StatePlan,
}

/// Where the tap's catalog comes from.
pub(super) enum CatalogPlan {
    /// The tap runs without one.
    None,
    /// A file of the user.
    File {
        flag: &'static str,
        path: PathBuf,
        rules: Rules,
    },
    /// `--discover`. Unless it is `required`, a tap without discovery runs without a catalog.
    Discover {
        flag: &'static str,
        rules: Rules,
        required: bool,
        cache: Option<CatalogCache>,
    },
}

/// Where the tap's state comes from.
pub(super) enum StatePlan {
    /// The tap accepts none.
    None,
    /// The tap's command line has a `--state` already.
    OnCommandLine,
    /// The tap's command line is a shell script that does not pass its arguments to the tap.
    Unreachable,
    /// The store.
    Stored,
    /// A file of the user, instead of the stored state.
    File(PathBuf),
}

/// The words of both command lines.
pub(super) struct Lines {
    words: [Vec<String>; 2],
    /// Indexes of words that only start a plugin.
    launchers: [Vec<usize>; 2],
    /// The names that older versions made the id of the state from. Other command lines may have had the same.
    pub(super) old_names: String,
}

impl Lines {
    /// See [`line_hash::hash`].
    pub(super) fn hash(&self, here: &Path, shared: bool) -> String {
        let line = |side: usize| (&*self.words[side], &*self.launchers[side]);
        line_hash::hash([line(0), line(1)], here, shared)
    }
}
