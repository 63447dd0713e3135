//! Saving a state that the target has emitted and that could not be stored.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The number of file names to try: in a container every run may have the same process number.
const MAX_FILES: u32 = 1000;

/// Writes a state to a new file next to `store`, or else in the folder for temporary files; returns its path. Only this
/// user can read it. Existing files are not overwritten.
pub(super) fn save(state: &str, store: &Path) -> io::Result<PathBuf> {
    let folder = store.parent().unwrap_or(Path::new("")).to_owned();
    new_file(state, store, &folder).or_else(|_| new_file(state, store, &std::env::temp_dir()))
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
    fn a_state_that_was_saved_before_is_not_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = folder.path().join("state.json");
        let paths = ["1", "2"].map(|state| save(state, &store).expect("saved"));
        assert_ne!(paths[0], paths[1]);
        let saved = paths.map(|path| std::fs::read_to_string(path).expect("there"));
        assert_eq!(saved, ["1\n", "2\n"]);
    }
}
