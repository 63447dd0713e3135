//! Definitions of plugins: where they come from, and lock files.

mod fetch;
mod hub;
pub(crate) mod lock_file;

use std::fs;
use std::path::{Path, PathBuf};

use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

use crate::builtin;
use crate::plugin_kind::PluginKind;
use crate::project::{self, Project};

/// Which definition is looked for.
pub(crate) struct Wanted<'a> {
    pub(crate) kind: PluginKind,
    pub(crate) name: &'a str,
    /// The variant; any when it is not given.
    pub(crate) variant: Option<&'a str>,
    /// A file with the definition.
    pub(crate) file: Option<&'a Path>,
    /// Whether a lock file of the project will do.
    pub(crate) locked: bool,
}

/// The definition, with its variant: from the file, the built-in plugins, the lock files, or the Hub of the project's settings.
pub(crate) fn find(project: &Project, wanted: &Wanted<'_>) -> Result<Map<String, Value>> {
    if let Some(file) = wanted.file {
        let definition = read(file)?;
        return check(wanted, definition, &file.display().to_string());
    }
    if wanted.variant.is_none_or(|variant| variant == builtin::VARIANT)
        && let Some(builtin) = builtin::find(wanted.name).filter(|builtin| builtin.kind == wanted.kind)
    {
        return Ok(builtin.definition());
    }
    if wanted.locked
        && let Some(path) = locked(project, wanted)?
    {
        return check(wanted, read(&path)?, &path.display().to_string());
    }
    hub::Hub::of(project)?.definition(wanted.kind, wanted.name, wanted.variant)
}

/// The lock file of the variant, or the only one.
fn locked(project: &Project, wanted: &Wanted<'_>) -> Result<Option<PathBuf>> {
    if let Some(variant) = wanted.variant {
        let path = lock_file::path(project, wanted.kind, wanted.name, variant);
        return Ok(path.is_file().then_some(path));
    }
    let mut paths = lock_file::all(project, wanted.kind, wanted.name);
    if paths.len() > 1 {
        return Err(Error::config(format!(
            "{} has {} lock files; choose one with --variant",
            wanted.name,
            paths.len()
        )));
    }
    Ok(paths.pop())
}

/// Reads a definition from a file or a URL.
pub(crate) fn read_reference(reference: &str) -> Result<Map<String, Value>> {
    if !reference.starts_with("http://") && !reference.starts_with("https://") {
        return read(Path::new(reference));
    }
    let text = fetch::fetch(reference, None)?;
    project::read_yaml(Path::new(reference), &text)
}

/// Reads a definition: JSON or YAML.
pub(crate) fn read(path: &Path) -> Result<Map<String, Value>> {
    let text = fs::read_to_string(path)
        .map_err(|error| Error::config(format!("cannot read {}", path.display())).with_source(error))?;
    // JSON is YAML, so one reader is enough.
    project::read_yaml(path, &text)
}

/// Checks that a definition is the one that is wanted, and fills in its name and its variant.
pub(crate) fn check(
    wanted: &Wanted<'_>,
    mut definition: Map<String, Value>,
    from: &str,
) -> Result<Map<String, Value>> {
    for (key, expected) in [("name", Some(wanted.name)), ("variant", wanted.variant)] {
        let found = definition.get(key).and_then(Value::as_str);
        match (found, expected) {
            (Some(found), Some(expected)) if found != expected => {
                return Err(Error::config(format!(
                    "{from} is the definition of {key} {found:?}, not of {expected:?}"
                )));
            }
            _ => {}
        }
    }
    if let Some(found) = definition.get("plugin_type").and_then(Value::as_str)
        && found != wanted.kind.plural()
    {
        return Err(Error::config(format!(
            "{from} is the definition of one of the {found}, not of the {}",
            wanted.kind.plural()
        )));
    }
    let mut fill = |key: &str, value: String| {
        if !definition.get(key).is_some_and(Value::is_string) {
            definition.insert(key.to_owned(), value.into());
        }
    };
    fill("name", wanted.name.to_owned());
    fill("namespace", wanted.name.replace('-', "_"));
    fill("variant", wanted.variant.unwrap_or("default").to_owned());
    Ok(definition)
}
