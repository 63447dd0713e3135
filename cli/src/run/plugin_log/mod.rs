//! Relaying the stderr of a plugin: its log lines, under its name.

mod facts;
mod line;

use std::borrow::Cow;
use std::io::{BufRead, BufReader, Read};

use crate::console::Console;
use crate::level::Level;

pub(crate) use facts::{Facts, Known};
use line::LogLine;

/// A longer line is relayed in pieces.
const MAX_LINE_BYTES: u64 = 1 << 20;

/// Relays every line until the plugin closes its stderr.
pub(crate) fn relay(stderr: impl Read, name: &str, facts: &Facts, console: &Console) {
    let mut reader = BufReader::new(stderr);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut reader).take(MAX_LINE_BYTES).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line);
        let line = LogLine::read(text.trim_end_matches(['\r', '\n']));
        facts.collect(&line);
        // Metrics are for machines; people see them in the progress and in the summary.
        let level = if line.is_metric() {
            Level::Debug
        } else {
            line.level
        };
        let LogLine { message, fields, .. } = line;
        // A message of several lines, such as a traceback, becomes several lines under the plugin's name, so that none of
        // them looks like a line of another plugin.
        for line in message.lines() {
            console.relay(level, name, &plain(line), &fields);
        }
    }
}

/// Removes colours and replaces tabs by spaces; the console escapes everything else that a terminal would obey.
fn plain(line: &str) -> Cow<'_, str> {
    if !line.contains(['\u{1b}', '\t']) {
        return Cow::Borrowed(line);
    }
    let mut out = String::with_capacity(line.len());
    let mut pieces = line.split("\u{1b}[");
    out.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let parameters = piece
            .bytes()
            .take_while(|byte| matches!(byte, b'0'..=b'9' | b';' | b':'))
            .count();
        match piece[parameters..].strip_prefix('m') {
            Some(rest) => out.push_str(rest),
            None => out.extend(["\u{1b}[", piece]),
        }
    }
    Cow::Owned(out.replace('\t', "    "))
}

#[cfg(test)]
mod tests;
