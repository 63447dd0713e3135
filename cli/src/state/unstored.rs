//! A state that the target has told and the store did not take: kept where the user finds it.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Files of one process number that are tried: in a container every run may have the same.
const MAX_FILES: u32 = 1000;

/// Writes a state into a new file beside `store`, or else into the folder for temporary files; where it is. Only this
/// user may read it. A state that was kept before stays.
pub(super) fn keep(state: &str, store: &Path) -> io::Result<PathBuf> {
    let beside = store.parent().unwrap_or(Path::new("")).to_owned();
    new_file(state, store, &beside).or_else(|_| new_file(state, store, &std::env::temp_dir()))
}

fn new_file(state: &str, store: &Path, folder: &Path) -> io::Result<PathBuf> {
    let mut taken = io::Error::from(io::ErrorKind::AlreadyExists);
    for n in 0..MAX_FILES {
        let mut name = store.file_name().unwrap_or_default().to_owned();
        let more = if n == 0 { String::new() } else { format!("-{n}") };
        name.push(format!(".unstored-{}{more}.json", std::process::id()));
        let path = folder.join(name);
        match write(state, &path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => taken = error,
            Err(error) => return Err(error),
        }
    }
    Err(taken)
}

fn write(state: &str, path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    let written = file
        .write_all(state.as_bytes())
        .and_then(|()| file.write_all(b"\n"))
        .and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = std::fs::remove_file(path);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_was_kept_before_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = folder.path().join("state.json");
        let paths = ["1", "2"].map(|state| keep(state, &store).expect("kept"));
        assert_ne!(paths[0], paths[1]);
        let kept = paths.map(|path| std::fs::read_to_string(path).expect("there"));
        assert_eq!(kept, ["1\n", "2\n"]);
    }
}
