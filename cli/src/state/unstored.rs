//! A state that the target has told and the store did not take: kept where the user finds it.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Writes a state into a new file beside `store`, or else into the folder for temporary files; where it is. Only this
/// user may read it.
pub(super) fn keep(state: &str, store: &Path) -> io::Result<PathBuf> {
    let mut name = store.file_name().unwrap_or_default().to_owned();
    name.push(format!(".unstored-{}.json", std::process::id()));
    let beside = store.with_file_name(&name);
    let elsewhere = std::env::temp_dir().join(&name);
    write(state, &beside)
        .map(|()| beside)
        .or_else(|_| write(state, &elsewhere).map(|()| elsewhere))
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
