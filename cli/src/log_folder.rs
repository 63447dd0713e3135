//! The folder of Meltano's logs.

use std::path::PathBuf;

/// The log folder of this user; `None` without a home.
pub(crate) fn log_folder() -> Option<PathBuf> {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let home = || set("HOME");
    if cfg!(target_vendor = "apple") {
        return Some(home()?.join("Library/Logs/meltano"));
    }
    let state = set("XDG_STATE_HOME").or_else(|| Some(home()?.join(".local/state")))?;
    Some(state.join("meltano/log"))
}
