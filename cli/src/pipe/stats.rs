//! The file of `--stats`: what was counted, as JSON.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use melisma_sdk::internal::replaced::ReplacedFile;
use melisma_sdk::{Error, Result};
use serde_json::{Map, Value, json};

use crate::count::Counter;

/// Writes the counts of a pipe that ran for `elapsed` and skipped some lines.
pub(crate) fn write(path: &Path, counter: &Counter, skipped: u64, elapsed: Duration) -> Result<()> {
    let streams: Map<String, Value> = counter
        .streams
        .iter()
        .map(|stream| {
            (
                stream.name.clone(),
                json!({"records": stream.records, "bytes": stream.bytes}),
            )
        })
        .collect();
    let stats = json!({
        "seconds": elapsed.as_secs_f64(),
        "bytes": counter.bytes,
        "lines": counter.lines,
        "records": counter.records(),
        "schemas": counter.schemas,
        "states": counter.states,
        "blank": counter.blank,
        "other": counter.other,
        "left_out": skipped,
        "streams": streams,
    });
    write_to(path, &format!("{stats:#}\n"))
        .map_err(|error| Error::io(format!("cannot write {}", path.display()), error))
}

/// Replaces a file as a whole. What is not a file, such as a FIFO or `/dev/stderr`, is written to.
fn write_to(path: &Path, text: &str) -> std::io::Result<()> {
    match ReplacedFile::at(path) {
        Ok(file) => file.for_everybody().replace(text.as_bytes()),
        Err(_) => OpenOptions::new()
            .write(true)
            .open(path)?
            .write_all(text.as_bytes()),
    }
}
