//! Finds the files that an entry of the settings names: a path, a folder or a pattern.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use melisma_sdk::{Error, Result};
use walkdir::WalkDir;

use crate::config::FileConfig;

/// What the names of files in a folder must end with.
const ENDS: [&str; 3] = [".csv", ".csv.gz", ".csv.zst"];

/// The files of an entry.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// The files to read, in the order of their paths.
    pub(crate) found: Vec<PathBuf>,
    /// What should be read and cannot be. A run reads the other files, and then fails.
    pub(crate) unreadable: Vec<PathBuf>,
    /// Whether a link to a folder was followed, so that a file may have been found in two ways.
    through_links: bool,
}

/// Lists the files of an entry; there is at least one, or something unreadable.
///
/// A path that exists is taken as it is, even if it could be read as a pattern.
pub(crate) fn list(settings: &FileConfig) -> Result<Files> {
    let path = Path::new(&settings.path);
    let wrong = |what: &str| {
        Error::config(format!(
            "files: entity {}: path {}: {what}",
            settings.entity, settings.path
        ))
    };
    let mut files = Files::default();
    if path.is_dir() {
        files.walk(path, path, usize::MAX, &Wanted::Named)?;
        if files.is_empty() {
            return Err(wrong(
                "expected files named *.csv, *.csv.gz or *.csv.zst in this folder, found none",
            ));
        }
    } else if path.is_file() {
        files.found.push(path.to_owned());
    } else if path.exists() {
        return Err(wrong(
            "expected a file, found a pipe or a device, which cannot be read twice: once for its columns and \
             once for its rows; write it to a file first",
        ));
    } else if settings.path.contains(['*', '?', '[', '{']) {
        let pattern =
            Pattern::new(&settings.path).map_err(|error| wrong(&format!("not a pattern: {error}")))?;
        files.walk(
            pattern.start(),
            pattern.root,
            pattern.depth,
            &Wanted::Matching(&pattern.rest),
        )?;
        if files.is_empty() {
            return Err(wrong("expected files that match this pattern, found none"));
        }
    } else {
        return Err(wrong("no such file or folder"));
    }
    if files.through_links {
        once_each(&mut files.found);
        once_each(&mut files.unreadable);
    }
    files.found.sort_unstable();
    Ok(files)
}

/// Keeps, of the paths that lead to the same place by way of links to folders, the shortest. A link to a file is a file
/// of its own, as it is for the peer.
fn once_each(paths: &mut Vec<PathBuf>) {
    paths.sort_unstable_by(|a, b| (a.components().count(), a).cmp(&(b.components().count(), b)));
    let mut seen = HashSet::new();
    paths.retain(|path| {
        let folder = path.parent().and_then(|folder| fs::canonicalize(folder).ok());
        folder.is_none_or(|folder| seen.insert(folder.join(path.file_name().unwrap_or_default())))
    });
}

/// The name of a file in records and in the state. Two files never share one: where a path is not UTF-8, each byte
/// that is not part of a character becomes `U+FFFD` and two hex digits, and so does each byte of a real `U+FFFD`.
pub(crate) fn name(path: &Path) -> String {
    let bytes = path.as_os_str().as_bytes();
    if let Ok(name) = std::str::from_utf8(bytes)
        && !name.contains('\u{FFFD}')
    {
        return name.to_owned();
    }
    let mut name = String::new();
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character == '\u{FFFD}' {
                push_bytes(&mut name, "\u{FFFD}".as_bytes());
            } else {
                name.push(character);
            }
        }
        push_bytes(&mut name, chunk.invalid());
    }
    name
}

fn push_bytes(name: &mut String, bytes: &[u8]) {
    for byte in bytes {
        let _ = write!(name, "\u{FFFD}{byte:02X}");
    }
}

/// A pattern, cut where its first wildcard is: below this folder, these paths.
struct Pattern<'p> {
    root: &'p Path,
    rest: GlobMatcher,
    /// How many levels of folders a match can be below the root.
    depth: usize,
}

impl<'p> Pattern<'p> {
    fn new(text: &'p str) -> Result<Self, globset::Error> {
        let wildcard = text.find(['*', '?', '[', '{']).unwrap_or(text.len());
        let (root, rest) = text.split_at(text[..wildcard].rfind('/').map_or(0, |slash| slash + 1));
        let glob = GlobBuilder::new(rest).literal_separator(true).build()?;
        Ok(Self {
            root: Path::new(root),
            rest: glob.compile_matcher(),
            depth: if rest.contains("**") || rest.contains('{') {
                usize::MAX
            } else {
                rest.split('/').count()
            },
        })
    }

    /// Where to look: the root, or the current folder when the pattern has none.
    fn start(&self) -> &'p Path {
        if self.root.as_os_str().is_empty() {
            Path::new(".")
        } else {
            self.root
        }
    }
}

/// Which of the files below a folder are meant.
enum Wanted<'w> {
    /// Those whose names end as CSV files' do.
    Named,
    /// Those whose path below the folder matches.
    Matching(&'w GlobMatcher),
}

impl Wanted<'_> {
    fn has(&self, below: &Path) -> bool {
        match self {
            Self::Named => {
                let name = below.file_name().unwrap_or_default().as_bytes();
                ENDS.iter().any(|end| name.ends_with(end.as_bytes()))
            }
            Self::Matching(glob) => glob.is_match(below),
        }
    }
}

impl Files {
    fn is_empty(&self) -> bool {
        self.found.is_empty() && self.unreadable.is_empty()
    }

    /// Adds the files that are wanted below `start`; their paths begin with `root`. Links are followed, to folders
    /// too, but not into a folder that they stand in.
    fn walk(&mut self, start: &Path, root: &Path, depth: usize, wanted: &Wanted<'_>) -> Result<()> {
        for entry in WalkDir::new(start)
            .min_depth(1)
            .max_depth(depth)
            .follow_links(true)
        {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.failed(error, start, wanted)?;
                    continue;
                }
            };
            if entry.file_type().is_dir() {
                self.through_links |= entry.path_is_symlink();
                continue;
            }
            let below = entry.path().strip_prefix(start).unwrap_or(entry.path());
            let path = root.join(below);
            if !wanted.has(below) {
                if matches!(wanted, Wanted::Named) {
                    log::info!(
                        "{}: skipped, because its name does not end with .csv, .csv.gz or .csv.zst",
                        path.display()
                    );
                }
            } else if entry.file_type().is_file() {
                self.found.push(path);
            } else {
                self.add_unreadable(&path, "is a pipe or a device, which cannot be read twice");
            }
        }
        Ok(())
    }

    /// What could not be looked at: a link that leads back is skipped, one that leads nowhere is kept for the end of
    /// the run, and anything else ends the run at once.
    fn failed(&mut self, error: walkdir::Error, start: &Path, wanted: &Wanted<'_>) -> Result<()> {
        let path = error.path().unwrap_or(start).to_owned();
        if error.loop_ancestor().is_some() {
            log::info!(
                "{}: skipped, because this link leads to a folder that it stands in",
                path.display()
            );
            return Ok(());
        }
        let missing = error
            .io_error()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::NotFound);
        if missing && path == start {
            return Ok(());
        }
        if missing && path.is_symlink() {
            let below = path.strip_prefix(start).unwrap_or(&path);
            // Without an ending it may have been a folder, with files that are meant.
            if wanted.has(below) || below.extension().is_none() {
                self.add_unreadable(&path, "is a link to something that does not exist");
            } else {
                log::info!(
                    "{}: skipped, a link to something that does not exist",
                    path.display()
                );
            }
            return Ok(());
        }
        Err(Error::io(
            format!("{}: cannot be listed", path.display()),
            error.into(),
        ))
    }

    fn add_unreadable(&mut self, path: &Path, why: &str) {
        log::warn!("{}: cannot be read: it {why}", path.display());
        self.unreadable.push(path.to_owned());
    }
}

/// When the file was last modified: UTC, in microseconds.
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
    use std::ffi::OsStr;
    use std::os::unix::fs::symlink;

    use super::*;

    fn settings(path: &Path) -> FileConfig {
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
            let files = list(&settings(path)).unwrap();
            files.found.into_iter().map(strip).collect()
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
        assert_eq!(names(&at("[az].csv")), ["a.csv", "z.csv"]);
        assert_eq!(
            names(&at("{b/*,a.csv}")),
            ["a.csv", "b/[1].tsv", "b/notes.txt", "b/x.csv.zst"]
        );
        assert_eq!(names(&at("*/*.zst")), ["b/x.csv.zst"]);
        assert_eq!(names(&at("b/notes.txt")), ["b/notes.txt"]);
        assert_eq!(names(&at("b/[1].tsv")), ["b/[1].tsv"]);
    }

    #[test]
    fn nothing_found_is_an_error_that_names_the_path() {
        let folder = tempfile::tempdir().unwrap();
        for (name, expected) in [
            ("none.csv", "no such file"),
            ("*.csv", "this pattern"),
            ("no/folder/*.csv", "this pattern"),
            ("", "in this folder"),
            ("[.csv", "not a pattern"),
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
    fn links_are_followed_but_not_in_a_circle() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("in/deep")).unwrap();
        fs::create_dir_all(at("out")).unwrap();
        fs::write(at("in/a.csv"), "x\n").unwrap();
        fs::write(at("out/b.csv"), "x\n").unwrap();
        symlink(".", at("in/loop")).unwrap();
        symlink("../..", at("in/deep/up")).unwrap();
        symlink("../out", at("in/other")).unwrap();
        symlink("/not/mounted.csv", at("in/gone.csv")).unwrap();
        symlink("/not/mounted.txt", at("in/gone.txt")).unwrap();
        for path in ["in", "in/**/*.csv"] {
            let files = list(&settings(&at(path))).unwrap();
            // `deep/up` leads to a folder above `in`, so everything is there once more below it.
            assert_eq!(files.found, [at("in/a.csv"), at("in/other/b.csv")], "{path}");
            assert_eq!(files.unreadable.len(), 1, "{path}: {:?}", files.unreadable);
            assert!(files.unreadable[0].ends_with("in/gone.csv"));
        }
    }

    #[test]
    fn names_that_are_not_utf8_stay_apart() {
        let name = |bytes: &[u8]| name(Path::new(OsStr::from_bytes(bytes)));
        assert_eq!(name("dir/é.csv".as_bytes()), "dir/é.csv");
        assert_eq!(name(b"a\xE9.csv"), "a\u{FFFD}E9.csv");
        let names = [
            name(b"a\xE9.csv"),
            name(b"a\xE8.csv"),
            name("a\u{FFFD}.csv".as_bytes()),
            name("a\u{FFFD}E9.csv".as_bytes()),
            name(b"a\xF0\x9F.csv"),
        ];
        let apart: std::collections::HashSet<_> = names.iter().collect();
        assert_eq!(apart.len(), names.len(), "{names:?}");
    }

    #[test]
    fn modification_times_are_utc_microseconds() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_nanos(1_700_000_000_123_456_789);
        file.as_file().set_modified(time).unwrap();
        assert_eq!(modified(file.path()).unwrap(), "2023-11-14T22:13:20.123456Z");
    }
}
