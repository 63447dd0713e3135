//! Logs on stderr: lines for people, or the JSON lines that Meltano reads.
//!
//! Connectors log with the macros of the `log` crate. The key-value `stream_name` names the stream that a line is
//! about: `log::info!(stream_name = "orders"; "reading {path}")`.

mod format;
mod setup;

use std::io::Write;

use log::{LevelFilter, Log, Metadata, Record};
use melisma_engine::Error;

use crate::config::Environment;
use crate::plugin::Plugin;

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// `2026-01-02T03:04:05.678Z | INFO     | tap-csv | message`
    Plain,
    /// singer.md 10.1: one object with the Meltano SDK's fields.
    Structured,
}

struct Logger {
    name: &'static str,
    shape: Shape,
    level: LevelFilter,
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= self.level
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let line = match self.shape {
                Shape::Plain => format::plain(self.name, record),
                Shape::Structured => format::structured(self.name, record),
            };
            // There is nowhere to tell that stderr is gone.
            let _ = std::io::stderr().lock().write_all(line.as_bytes());
        }
    }

    fn flush(&self) {}
}

/// Makes this plugin's logger the process's, once; a logger that stands already stays.
pub fn start(plugin: &Plugin, environment: &Environment) {
    let (shape, level) = setup::choose(&plugin.prefix(), environment);
    if log::set_boxed_logger(Box::new(Logger {
        name: plugin.name,
        shape,
        level,
    }))
    .is_ok()
    {
        log::set_max_level(level);
    }
}

/// Logs what ends the run, at CRITICAL.
pub(crate) fn critical(error: &Error) {
    let kind = format!("{:?}", error.kind());
    let stream = error.stream().unwrap_or_default();
    log::error!(critical = true, exception = kind.as_str(), stream_name = stream; "{error}");
}

/// Writes text for people to stderr as it is, before there is a log: usage errors.
pub(crate) fn plain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
