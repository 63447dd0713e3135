//! Reading the states that the target emits on its stdout, one a line.

use std::io::{BufRead, BufReader, Read};

use melisma_sdk::fault;
use serde::de::IgnoredAny;

use crate::console::Console;
use crate::count::StateMarks;
use crate::state::{StateSender, is_empty};

/// A longer line is not stored.
const MAX_STATE_BYTES: u64 = 256 << 20;

/// Passes every emitted state to the store. A line that is not JSON, or an empty state, only causes a warning.
pub(crate) fn read_states(
    target: impl Read,
    name: &str,
    states: &StateSender,
    marks: Option<&StateMarks>,
    console: &Console,
) -> std::io::Result<()> {
    let mut reader = BufReader::with_capacity(64 << 10, target);
    let mut line = Vec::new();
    loop {
        line.clear();
        if (&mut reader).take(MAX_STATE_BYTES).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        fault!(RUN_STATE_READ);
        if line.len() as u64 == MAX_STATE_BYTES {
            // The rest of it must not be read as a line of its own.
            reader.skip_until(b'\n')?;
            console.warn(&format!(
                "{name} wrote a line of more than {MAX_STATE_BYTES} bytes to its stdout; it was not stored as a state"
            ));
            continue;
        }
        let text = line.trim_ascii();
        if text.is_empty() {
            continue;
        }
        // A killed target may leave an incomplete last line. Half an object is not JSON, but half a number is.
        let whole = line.ends_with(b"\n") || text.starts_with(b"{");
        match std::str::from_utf8(text) {
            Ok(text) if whole && serde_json::from_str::<IgnoredAny>(text).is_ok() => {
                if is_empty(text) {
                    console.warn(&format!(
                        "{name} emitted an empty state; the stored state was kept"
                    ));
                } else {
                    if let Some(marks) = marks {
                        marks.emitted(text);
                    }
                    states.send(text);
                }
            }
            _ => console.warn(&format!(
                "{name} wrote a line that is not JSON to its stdout; it was not stored as a state"
            )),
        }
    }
}
