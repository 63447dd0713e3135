//! Which process holds a file.

use std::path::Path;

use melisma_sdk::Error;

/// Says who holds the file, unless the message does.
pub fn with_holder(error: Error, is_locked: bool, file: Option<&Path>) -> Error {
    match file {
        Some(file) if is_locked && !error.message().contains("PID ") => {
            Error::new(error.kind(), format!("{}{}", error.message(), of(file)))
        }
        _ => error,
    }
}

/// ` (held by process 123, python3)`, where the system tells; for errors.
#[cfg(target_os = "linux")]
fn of(path: &Path) -> String {
    use std::fs;
    use std::os::unix::fs::MetadataExt as _;

    let holder = || {
        let inode = fs::metadata(path).ok()?.ino().to_string();
        let locks = fs::read_to_string("/proc/locks").ok()?;
        // `1: POSIX  ADVISORY  WRITE 1234 08:01:131 0 EOF`
        let holders = locks.lines().filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [pid, file] = words
                .iter()
                .position(|word| word.matches(':').count() == 2)
                .and_then(|at| Some([*words.get(at.checked_sub(1)?)?, words[at]]))?;
            (file.rsplit(':').next() == Some(&*inode)).then(|| pid.to_owned())
        });
        let own = std::process::id().to_string();
        let pid = holders.into_iter().find(|pid| *pid != own)?;
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        Some(format!(
            " (held by process {pid}, {})",
            melisma_sdk::show(name.trim())
        ))
    };
    holder().unwrap_or_default()
}

/// Nothing: only Linux tells.
#[cfg(not(target_os = "linux"))]
fn of(_: &Path) -> String {
    String::new()
}
