//! The tap of a soak: `melisma-faults soak-tap --config FILE [--state FILE] [--catalog FILE]`.
//!
//! It sends the rows that are due by the clock, so that it catches up after a kill.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::random::mix;
use crate::tap::Sent;

/// The one stream.
pub const STREAM: &str = "ticks";
/// A STATE follows every so many rows, which are sent at once.
const STATE_EVERY: u64 = 1000;

/// Its settings.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Config {
    /// What all rows follow from.
    pub seed: u64,
    /// How many there are.
    pub rows: u64,
    /// When the first is due, milliseconds since 1970.
    pub begun: u64,
    /// When the last is due, milliseconds after that.
    pub time: u64,
    /// Where it notes what it has sent, see [`Sent`].
    pub log: PathBuf,
}

/// A row: what is sent, and what must be read back.
#[derive(Debug, PartialEq)]
pub struct Row {
    /// Its number.
    pub id: u64,
    /// A number of up to 62 bits.
    pub value: u64,
    /// A text.
    pub name: String,
}

/// A row is a function of the seed and its number.
pub fn row(seed: u64, id: u64) -> Row {
    let bits = mix(seed ^ mix(id));
    let mut name = format!("{:x} é,\"", mix(bits));
    name.truncate(if id.is_multiple_of(3) { 4 } else { name.len() });
    Row {
        id,
        value: bits >> 2,
        name,
    }
}

/// The value of the STATE that covers the rows below `next`.
pub fn state(next: u64) -> String {
    format!("{{\"bookmarks\": {{\"{STREAM}\": {{\"id\": {next}}}}}}}")
}

/// The other way round.
pub fn next_of(state: &str) -> Option<u64> {
    let next = state
        .strip_prefix(&format!("{{\"bookmarks\": {{\"{STREAM}\": {{\"id\": "))?
        .strip_suffix("}}}")?;
    next.parse().ok()
}

/// Milliseconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as u64
}

/// Sends the rows from where the state ends.
///
/// # Errors
/// A file can not be read, the state is not its own, or whoever reads the messages went away.
pub fn run(config: &Path, state_path: Option<&Path>, out: &mut impl Write) -> io::Result<()> {
    let config: Config = serde_json::from_slice(&fs::read(config)?)?;
    let from = match state_path {
        None => 0,
        Some(path) => next_of(fs::read_to_string(path)?.trim())
            .ok_or_else(|| io::Error::other("the state is not one that this tap has sent"))?,
    };
    let log = fs::File::create(&config.log)?;
    let mut sent = Sent {
        from,
        to: from,
        foreign: false,
    };
    let mut text = format!(
        "{{\"type\": \"SCHEMA\", \"stream\": \"{STREAM}\", \"key_properties\": [], \"schema\": {{\"type\": \"object\", \
         \"properties\": {{\"id\": {{\"type\": \"integer\"}}, \"value\": {{\"type\": \"integer\"}}, \"name\": {{\"type\": \
         \"string\"}}}}}}}}\n"
    );
    while sent.to < config.rows {
        let elapsed = now().saturating_sub(config.begun).min(config.time);
        let due = u128::from(config.rows) * u128::from(elapsed) / u128::from(config.time.max(1));
        let due = u64::try_from(due).unwrap_or(u64::MAX);
        // Whole thousands, so that each write ends with a STATE.
        let due = if due < config.rows {
            due - due % STATE_EVERY
        } else {
            due
        };
        if sent.to >= due {
            thread::sleep(Duration::from_millis(10));
            continue;
        }
        let end = (sent.to / STATE_EVERY * STATE_EVERY + STATE_EVERY).min(due);
        for id in sent.to..end {
            record(config.seed, id, &mut text);
        }
        let _ = writeln!(text, "{{\"type\": \"STATE\", \"value\": {}}}", state(end));
        sent.to = end;
        sent.write(&log)?;
        out.write_all(text.as_bytes())?;
        text.clear();
    }
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn record(seed: u64, id: u64, out: &mut String) {
    let Row { id, value, name } = row(seed, id);
    let name = name.replace('"', "\\\"");
    let _ = writeln!(
        out,
        "{{\"type\": \"RECORD\", \"stream\": \"{STREAM}\", \"record\": {{\"id\": {id}, \"value\": {value}, \"name\": \"{name}\"}}}}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_states_are_what_their_numbers_say() {
        assert_eq!(row(1, 7), row(1, 7));
        assert_ne!(row(1, 7), row(2, 7));
        assert_eq!(next_of(&state(4000)), Some(4000));
        assert_eq!(next_of("{\"bookmarks\": {}}"), None);
        let mut line = String::new();
        record(1, 7, &mut line);
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["record"]["name"], row(1, 7).name);
    }
}
