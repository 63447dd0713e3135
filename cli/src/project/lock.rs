//! Definitions of plugins from lock files, and those of the built-in plugins.

use std::fs;
use std::path::{Path, PathBuf};

use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

use crate::builtin;
use crate::plugin_kind::PluginKind;

/// The definition of the plugin `name`: its lock file, or the built-in plugin of that name.
pub(crate) fn definition(
    root: &Path,
    kind: PluginKind,
    name: &str,
    variant: Option<&str>,
) -> Result<Map<String, Value>> {
    let folder = root.join("plugins").join(kind.plural());
    let exact = folder.join(format!("{name}--{}.lock", variant.unwrap_or("default")));
    let path = if exact.is_file() {
        Some(exact)
    } else {
        only_lock(&folder, name, variant)?
    };
    if let Some(path) = path {
        return read(&path);
    }
    match builtin::find(name).filter(|plugin| plugin.kind == kind) {
        Some(plugin) => Ok(plugin.definition()),
        None => Err(Error::config(format!(
            "{} {name} has no definition: there is no {}/{name}--*.lock (`melisma lock` writes it), no namespace in its \
             block in meltano.yml, and no built-in plugin of that name",
            kind.singular(),
            folder.display(),
        ))),
    }
}

/// The only lock file for `name`, when no variant is given.
fn only_lock(folder: &Path, name: &str, variant: Option<&str>) -> Result<Option<PathBuf>> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(None);
    };
    if variant.is_some() {
        return Ok(None);
    }
    let prefix = format!("{name}--");
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let stem = path
                .file_stem()
                .and_then(|stem| stem.to_str())
                .unwrap_or_default();
            stem.starts_with(&prefix) && path.extension().is_some_and(|extension| extension == "lock")
        })
        .collect();
    if found.len() > 1 {
        return Err(Error::config(format!(
            "plugin {name} has several lock files; set its variant in meltano.yml"
        )));
    }
    Ok(found.pop())
}

fn read(path: &Path) -> Result<Map<String, Value>> {
    let text = fs::read_to_string(path)
        .map_err(|error| Error::config(format!("cannot read {}", path.display())).with_source(error))?;
    serde_json::from_str(&text)
        .map_err(|error| Error::config(format!("{} is not a lock file", path.display())).with_source(error))
}
