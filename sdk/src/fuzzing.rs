//! Readers of files that stand behind the file system, for `fuzz/properties`.

use melisma_engine::Result;
use serde_json::{Map, Value};

use crate::config::Settings;

/// The settings of a config file that holds `bytes`, with defaults put in.
pub fn config(settings: &Settings, bytes: &[u8]) -> Result<Map<String, Value>> {
    settings.read(bytes).map(|values| values.map)
}

/// A state file that holds `bytes`, as a tap tells it again: empty when there is nothing to tell.
pub fn state(bytes: &[u8]) -> Result<Vec<u8>> {
    crate::tap::rewrite_state(bytes)
}

/// How many bytes of a file are committed, by a journal that holds `bytes`.
pub fn committed(bytes: &[u8]) -> Option<u64> {
    crate::files::committed(bytes)
}
