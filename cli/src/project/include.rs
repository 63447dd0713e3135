//! `meltano.yml` with the files that its `include_paths` name.

use std::fs;
use std::path::{Path, PathBuf};

use globset::GlobBuilder;
use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};
use walkdir::WalkDir;

use super::{FILE, yaml};

/// The lists whose members have names that no two included files may share.
const NAMED_LISTS: [&str; 3] = ["schedules", "environments", "jobs"];

/// The document of the project in `root`: included files merged into it, mappings key by key, lists one after the other. Other
/// values of a later file replace earlier ones.
pub(super) fn read(root: &Path) -> Result<Map<String, Value>> {
    let mut document = read_file(&root.join(FILE))?;
    let mut names = Vec::new();
    for included in included(root, &document)? {
        let content = read_file(&included)?;
        for name in names_in(&content) {
            if names.contains(&name) {
                return Err(Error::config(format!(
                    "{}: another included file has {name}, too",
                    included.display()
                )));
            }
            names.push(name);
        }
        merge(&mut document, content);
    }
    Ok(document)
}

/// `meltano.yml` and the files that it includes.
pub(crate) fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let path = root.join(FILE);
    let included = included(root, &read_file(&path)?)?;
    Ok([path].into_iter().chain(included).collect())
}

fn included(root: &Path, document: &Map<String, Value>) -> Result<Vec<PathBuf>> {
    match document.get("include_paths") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(patterns) => {
            let patterns = patterns.as_array().cloned().unwrap_or_default();
            matching(root, &root.join(FILE), &patterns)
        }
    }
}

fn read_file(path: &Path) -> Result<Map<String, Value>> {
    let text = fs::read_to_string(path)
        .map_err(|error| Error::config(format!("cannot read {}", path.display())).with_source(error))?;
    yaml::read(path, &text)
}

/// The files that match a pattern, those of the first pattern first, each once and without `meltano.yml`.
fn matching(root: &Path, main: &Path, patterns: &[Value]) -> Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = Vec::new();
    for pattern in patterns {
        let wrong = || {
            Error::config(format!(
                "{}: include_paths: expected patterns of files, found {pattern}",
                main.display()
            ))
        };
        let text = pattern.as_str().ok_or_else(wrong)?;
        let glob = GlobBuilder::new(text.trim_start_matches("./"))
            .literal_separator(true)
            .build();
        let matcher = glob.map_err(|_| wrong())?.compile_matcher();
        let walk = WalkDir::new(root).sort_by_file_name().into_iter();
        // Neither Meltano's own folder nor those of version control have parts of a project.
        let walk =
            walk.filter_entry(|entry| !matches!(entry.file_name().to_str(), Some(".meltano" | ".git")));
        for entry in walk.filter_map(std::result::Result::ok) {
            let path = entry.path();
            let fits = path.strip_prefix(root).is_ok_and(|path| matcher.is_match(path));
            if !fits || path == main || found.iter().any(|other| other == path) {
                continue;
            }
            if !path.is_file() {
                return Err(Error::config(format!(
                    "include_paths: {} is not a file",
                    path.display()
                )));
            }
            let inside = fs::canonicalize(path).ok().zip(fs::canonicalize(root).ok());
            if inside.is_none_or(|(path, root)| !path.starts_with(root)) {
                return Err(Error::config(format!(
                    "include_paths: {} is outside the project",
                    path.display()
                )));
            }
            found.push(path.to_owned());
        }
    }
    Ok(found)
}

/// `extractors tap-a`, `jobs nightly` and so on.
fn names_in(content: &Map<String, Value>) -> Vec<String> {
    let plugins = content.get("plugins").and_then(Value::as_object);
    let lists = plugins
        .into_iter()
        .flatten()
        .map(|(kind, list)| (kind.as_str(), list));
    let others = NAMED_LISTS
        .into_iter()
        .filter_map(|kind| Some((kind, content.get(kind)?)));
    let mut names = Vec::new();
    for (kind, list) in lists.chain(others) {
        let items = list.as_array().into_iter().flatten();
        names.extend(items.filter_map(|item| Some(format!("{kind} {}", item.get("name")?.as_str()?))));
    }
    names
}

fn merge(base: &mut Map<String, Value>, over: Map<String, Value>) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Object(base)), Value::Object(over)) => merge(base, over),
            (Some(Value::Array(base)), Value::Array(over)) => base.extend(over),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}
