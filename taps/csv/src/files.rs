//! Which files an entry of the settings means.

use std::fs;
use std::path::{Path, PathBuf};

use melisma_sdk::{Error, Result};

use crate::settings::FileSettings;

/// What the names of files in a folder must end with.
const ENDS: [&str; 3] = [".csv", ".csv.gz", ".csv.zst"];

/// The files of an entry, in the order of their paths; at least one.
///
/// A path that exists is taken as it is, even if it could be read as a pattern.
pub(crate) fn list(settings: &FileSettings) -> Result<Vec<PathBuf>> {
    let path = Path::new(&settings.path);
    let wrong = |what: &str| {
        Error::config(format!(
            "files: entity {}: path {}: {what}",
            settings.entity, settings.path
        ))
    };
    let mut files = Vec::new();
    if path.is_dir() {
        walk(path, &mut files)?;
        if files.is_empty() {
            return Err(wrong(
                "expected files named *.csv, *.csv.gz or *.csv.zst in this folder, found none",
            ));
        }
    } else if path.exists() {
        files.push(path.to_owned());
    } else if settings.path.contains(['*', '?', '[']) {
        let found = glob::glob(&settings.path).map_err(|error| wrong(&format!("not a pattern: {error}")))?;
        for file in found {
            let file = file.map_err(|error| wrong(&error.to_string()))?;
            if file.is_file() {
                files.push(file);
            }
        }
        if files.is_empty() {
            return Err(wrong("expected files that match this pattern, found none"));
        }
    } else {
        return Err(wrong("no such file or folder"));
    }
    files.sort_unstable();
    Ok(files)
}

/// Adds the CSV files in a folder, at any depth. Links to folders are not followed, so there are no circles.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let unreadable = |error| Error::io(format!("{}: cannot be listed", folder.display()), error);
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let path = entry.path();
        if entry.file_type().map_err(unreadable)?.is_dir() {
            walk(&path, files)?;
        } else if path.is_file() {
            let name = entry.file_name();
            if ENDS.iter().any(|end| name.to_string_lossy().ends_with(end)) {
                files.push(path);
            } else {
                log::info!(
                    "{}: skipped, because its name does not end with .csv, .csv.gz or .csv.zst",
                    path.display()
                );
            }
        }
    }
    Ok(())
}

/// When the file was last modified: RFC 3339 in UTC, in microseconds.
pub(crate) fn modified(file: &Path) -> Result<String> {
    let unreadable = |error| Error::io(format!("{}: cannot be read", file.display()), error);
    let time = fs::metadata(file)
        .and_then(|data| data.modified())
        .map_err(unreadable)?;
    let time = jiff::Timestamp::try_from(time)
        .map_err(|error| Error::input(format!("{}: modification time: {error}", file.display())))?;
    Ok(format!("{time:.6}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(path: &Path) -> FileSettings {
        serde_json::from_value(serde_json::json!({"entity": "t", "path": path})).unwrap()
    }

    #[test]
    fn folders_patterns_and_files() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("b/c")).unwrap();
        for name in [
            "z.csv",
            "b/c/y.csv.gz",
            "b/x.csv.zst",
            "a.csv",
            "b/notes.txt",
            "w.CSV.bak",
            "b/[1].tsv",
        ] {
            fs::write(at(name), "x\n").unwrap();
        }
        let names = |path: &Path| -> Vec<String> {
            let strip = |file: PathBuf| file.strip_prefix(folder.path()).unwrap().display().to_string();
            list(&settings(path)).unwrap().into_iter().map(strip).collect()
        };
        assert_eq!(
            names(folder.path()),
            ["a.csv", "b/c/y.csv.gz", "b/x.csv.zst", "z.csv"]
        );
        assert_eq!(names(&at("?.csv")), ["a.csv", "z.csv"]);
        assert_eq!(
            names(&at("**/*.csv*")),
            ["a.csv", "b/c/y.csv.gz", "b/x.csv.zst", "z.csv"]
        );
        assert_eq!(names(&at("b/notes.txt")), ["b/notes.txt"]);
        assert_eq!(names(&at("b/[1].tsv")), ["b/[1].tsv"]);
    }

    #[test]
    fn nothing_found_is_an_error_that_names_the_path() {
        let folder = tempfile::tempdir().unwrap();
        for (name, expected) in [
            ("none.csv", "no such file"),
            ("*.csv", "this pattern"),
            ("", "in this folder"),
        ] {
            let path = folder.path().join(name);
            let error = list(&settings(&path)).unwrap_err().to_string();
            assert!(
                error.contains(expected) && error.contains(&path.display().to_string()),
                "{error}"
            );
        }
    }

    #[test]
    fn modification_times_are_utc_microseconds() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_nanos(1_700_000_000_123_456_789);
        file.as_file().set_modified(time).unwrap();
        assert_eq!(modified(file.path()).unwrap(), "2023-11-14T22:13:20.123456Z");
    }
}
