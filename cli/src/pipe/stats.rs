//! What was counted, as a JSON file.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use melisma_sdk::replaced::ReplacedFile;
use melisma_sdk::{Error, Result};
use serde_json::{Map, Value, json};

use crate::tally::Tally;

/// Writes the counts of a pipe that took `elapsed` and did not pass on `left_out` of the lines; the file is replaced as a whole.
pub(crate) fn write(path: &Path, tally: &Tally, left_out: u64, elapsed: Duration) -> Result<()> {
    let streams: Map<String, Value> = tally
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
        "bytes": tally.bytes,
        "lines": tally.lines,
        "records": tally.records(),
        "schemas": tally.schemas,
        "states": tally.states,
        "blank": tally.blank,
        "other": tally.other,
        "left_out": left_out,
        "streams": streams,
    });
    put(path, &format!("{stats:#}\n"))
        .map_err(|error| Error::io(format!("cannot write {}", path.display()), error))
}

/// A file is replaced as a whole; into what is none, such as a FIFO or `/dev/stderr`, the text is written.
fn put(path: &Path, text: &str) -> std::io::Result<()> {
    match ReplacedFile::at(path) {
        Ok(file) => file.for_everybody().replace(text.as_bytes()),
        Err(_) => OpenOptions::new()
            .write(true)
            .open(path)?
            .write_all(text.as_bytes()),
    }
}
