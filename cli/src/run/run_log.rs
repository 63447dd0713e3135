//! The log file of a run, at the place where `meltano logs show` looks for it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use unicode_normalization::UnicodeNormalization;

use crate::log_folder::log_folder;

/// Opens `elt.log` of a run for appending: a run with several pairs may have one state id, and so one log.
pub(crate) fn open(state_id: &str, run_id: &str) -> io::Result<File> {
    let path = path(state_id, run_id).ok_or_else(|| io::Error::other("HOME is not set"))?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
}

/// The path of the log of a run; `run_id` with its hyphens.
pub(crate) fn path(state_id: &str, run_id: &str) -> Option<PathBuf> {
    Some(
        log_folder()?
            .join("elt")
            .join(slug(state_id))
            .join(run_id)
            .join("elt.log"),
    )
}

/// The name of a state id's folder: ASCII letters, digits, `_`, `.` and `-`.
fn slug(state_id: &str) -> String {
    let ascii: String = state_id.nfkd().filter(char::is_ascii).collect();
    let words: Vec<&str> = ascii
        .split(|c: char| c == '/' || c.is_ascii_whitespace())
        .filter(|word| !word.is_empty())
        .collect();
    let kept: String = words
        .join("_")
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "_.-".contains(*c))
        .collect();
    kept.trim_matches(['.', '_']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_folders_are_meltanos() {
        for (id, name) in [
            ("dev:tap-a-to-target-b", "devtap-a-to-target-b"),
            ("dev:tap-a-to-target-b:eu west", "devtap-a-to-target-beu_west"),
            ("a/b c e.x_", "a_b_c_e.x"),
            ("dév:ﬁn", "devfin"),
        ] {
            assert_eq!(slug(id), name, "{id}");
        }
    }
}
