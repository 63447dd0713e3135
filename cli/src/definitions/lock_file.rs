//! Lock files: the definition of one variant of a plugin, at the place and in the form that Meltano has for it.

use std::fs;
use std::path::PathBuf;

use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

use crate::plugin_kind::PluginKind;
use crate::project::Project;

/// The keys of a definition in the order of Meltano; extras such as `select` follow them.
const KEYS: [&str; 20] = [
    "plugin_type",
    "name",
    "namespace",
    "variant",
    "label",
    "docs",
    "repo",
    "pip_url",
    "python",
    "executable",
    "description",
    "logo_url",
    "capabilities",
    "settings_group_validation",
    "settings",
    "commands",
    "requires",
    "requires_meltano",
    "env",
    "supported_python_versions",
];

/// Whether a key belongs to a definition, and is no extra.
pub(crate) fn is_known(key: &str) -> bool {
    KEYS.contains(&key) && key != "plugin_type"
}

/// The path of the lock file of a variant.
pub(crate) fn path(project: &Project, kind: PluginKind, name: &str, variant: &str) -> PathBuf {
    let folder = project.root.join("plugins").join(kind.plural());
    folder.join(format!("{name}--{variant}.lock"))
}

/// The lock files of every variant of a plugin.
pub(crate) fn all(project: &Project, kind: PluginKind, name: &str) -> Vec<PathBuf> {
    let folder = project.root.join("plugins").join(kind.plural());
    let entries = fs::read_dir(folder).into_iter().flatten();
    let is_of = |path: &PathBuf| {
        let file = path
            .file_name()
            .and_then(|file| file.to_str())
            .unwrap_or_default();
        let rest = file.strip_prefix(name).and_then(|rest| rest.strip_prefix("--"));
        rest.is_some_and(|variant| {
            variant
                .strip_suffix(".lock")
                .is_some_and(|variant| !variant.contains("--"))
        })
    };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(is_of)
        .collect();
    paths.sort();
    paths
}

/// Writes a definition to its lock file, and returns the path.
pub(crate) fn write(project: &Project, kind: PluginKind, definition: &Map<String, Value>) -> Result<PathBuf> {
    let text = |key: &str| definition.get(key).and_then(Value::as_str).unwrap_or_default();
    let path = path(project, kind, text("name"), text("variant"));
    let content = format!("{:#}\n", Value::Object(locked(kind, definition)));
    path.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(&path, content))
        .map_err(|error| Error::io(format!("cannot write {}", path.display()), error))?;
    Ok(path)
}

/// The definition as a lock file has it: without what is empty, the known keys first.
fn locked(kind: PluginKind, definition: &Map<String, Value>) -> Map<String, Value> {
    let mut rest = definition.clone();
    rest.insert("plugin_type".to_owned(), kind.plural().into());
    // Whether the pages of the Hub list it.
    rest.shift_remove("hidden");
    let mut locked = Map::new();
    for key in KEYS {
        if let Some(value) = rest.shift_remove(key) {
            locked.insert(key.to_owned(), value);
        }
    }
    locked.extend(rest);
    if let Some(Value::Array(settings)) = locked.get_mut("settings") {
        for setting in settings.iter_mut().filter_map(Value::as_object_mut) {
            // A default of 0 or "" is one; everything else that is empty says nothing.
            setting.retain(|key, value| !is_empty(value) || (key == "value" && !value.is_null()));
        }
    }
    locked.retain(|_, value| !is_empty(value));
    locked
}

/// Whether Meltano leaves the value out.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(_) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_empty_is_left_out_but_defaults_are_kept() {
        let definition = json!({
            "select": ["*.*"], "settings": [{"name": "a", "value": 0, "label": "", "hidden": false}], "commands": {},
            "name": "tap-x", "docs": null
        });
        let locked = locked(PluginKind::Extractor, definition.as_object().expect("a map"));
        assert_eq!(
            Value::Object(locked).to_string(),
            r#"{"plugin_type":"extractors","name":"tap-x","settings":[{"name":"a","value":0,"hidden":false}],"select":["*.*"]}"#
        );
    }
}
