//! Removing what killed runs have left in a folder.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;

use melisma_engine::{Error, Result};

use super::folder::{PARTIAL, no_follow, open_locked, sync};
use super::{journal, recover};

/// Cuts what killed runs have appended but not committed, and removes their temporary files. What living processes
/// write is locked, and left alone.
pub(super) fn clear(folder: &Path) -> Result<()> {
    let cannot = |error| Error::io(format!("cannot read the folder {}", folder.display()), error);
    let mut removed = false;
    for entry in fs::read_dir(folder).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        let name = entry.file_name();
        // A link, a FIFO: somebody else's.
        if !entry.file_type().map_err(cannot)?.is_file() {
            continue;
        }
        let Some(data) = name.to_str().and_then(|name| name.strip_prefix('.')) else {
            continue;
        };
        let path = folder.join(&name);
        if let Some(data) = data.strip_suffix(journal::SUFFIX) {
            removed |= recover::recover_unopened(&folder.join(data), &path)?;
        } else if data.ends_with(PARTIAL) {
            removed |= remove_leftover(&path)?;
        }
    }
    if removed { sync(folder) } else { Ok(()) }
}

fn remove_leftover(path: &Path) -> Result<bool> {
    let cannot = |error| Error::io(format!("cannot remove {}", path.display()), error);
    let mut how = OpenOptions::new();
    how.read(true);
    no_follow(&mut how);
    let _lock = match open_locked(path, &how) {
        Ok(Some(file)) => file,
        Ok(None) => return Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(cannot(error)),
    };
    log::info!("{}: removed, left by a run that was killed", path.display());
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(cannot(error)),
        _ => Ok(true),
    }
}
