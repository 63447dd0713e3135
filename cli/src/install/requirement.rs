//! What `pip_url` asks the installer for.

use melisma_sdk::{Error, Result};

use super::interpreter;
use crate::project::{Plugin, Project, Vars};

/// The variable with the version of Python, for the constraint files that some packages publish for each version.
const PYTHON_VERSION: &str = "MELTANO__PYTHON_VERSION";

/// The arguments of `pip install` for a plugin: its `pip_url`, expanded, in words as a shell splits them.
pub(super) fn arguments(project: &Project, plugin: &Plugin) -> Result<Vec<String>> {
    expand(project, plugin, project.is_strict())
}

/// The same, with an error for a variable that is not set.
pub(super) fn arguments_of_set_variables(project: &Project, plugin: &Plugin) -> Result<Vec<String>> {
    expand(project, plugin, true)
}

fn expand(project: &Project, plugin: &Plugin, strict: bool) -> Result<Vec<String>> {
    let url = plugin.pip_url.as_deref().unwrap_or_default();
    let mut vars = Vars::new();
    // Asked for only when needed: it starts Python.
    if url.contains(PYTHON_VERSION) {
        vars.insert(PYTHON_VERSION.to_owned(), interpreter::default_version(project)?);
    }
    let url = project.expand_pip_url(plugin, url, vars, strict)?;
    shlex::split(&url)
        .ok_or_else(|| Error::config(format!("{}: pip_url has a quote that is not closed", plugin.name)))
}
