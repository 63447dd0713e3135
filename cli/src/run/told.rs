//! The target's stdout: one state a line.

use std::io::{BufRead, BufReader, Read};

use melisma_sdk::fault;
use serde::de::IgnoredAny;

use crate::console::Console;
use crate::state::{Teller, is_empty};

/// A longer line is no state that anybody could keep.
const MAX_STATE_BYTES: u64 = 256 << 20;

/// Hands every state that the target tells to the store. What is no JSON, or empty, is only warned of.
pub(crate) fn read_states(
    target: impl Read,
    name: &str,
    teller: &Teller,
    console: &Console,
) -> std::io::Result<()> {
    let mut reader = BufReader::with_capacity(64 << 10, target);
    let mut line = Vec::new();
    loop {
        line.clear();
        if (&mut reader).take(MAX_STATE_BYTES).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        fault!(RUN_TOLD, io);
        if line.len() as u64 == MAX_STATE_BYTES {
            // The rest of it is no line of its own, though it may look like one.
            reader.skip_until(b'\n')?;
            console.warn(&format!(
                "{name} wrote a line of more than {MAX_STATE_BYTES} bytes to its stdout; no state is stored for it"
            ));
            continue;
        }
        let text = line.trim_ascii();
        if text.is_empty() {
            continue;
        }
        // A target that was killed may have torn its last line: half an object is no JSON, half a number is one.
        let whole = line.ends_with(b"\n") || text.starts_with(b"{");
        match std::str::from_utf8(text) {
            Ok(text) if whole && serde_json::from_str::<IgnoredAny>(text).is_ok() => {
                if is_empty(text) {
                    console.warn(&format!("{name} told an empty state; the stored one stays"));
                } else {
                    teller.tell(text);
                }
            }
            _ => console.warn(&format!(
                "{name} wrote a line that is not JSON to its stdout; no state is stored for it"
            )),
        }
    }
}
