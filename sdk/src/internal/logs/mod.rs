//! Logs on stderr: lines for people, or the JSON lines that Meltano reads.
//!
//! Connectors log with the macros of the `log` crate. The key-value `stream_name` names the stream that a line is
//! about: `log::info!(stream_name = "orders"; "reading {path}")`.

mod format;
mod setup;

use std::io::{IsTerminal, Write};

use log::{Level, LevelFilter, Log, Metadata, Record};
use melisma_engine::Error;
use melisma_engine::printable::printable;

use crate::config::Environment;
use crate::plugin::Plugin;
use crate::secret::mask;

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
    /// Whether METRIC lines are written: a person at a terminal who did not ask for details gets none.
    metrics: bool,
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= self.level
            && !(metadata.level() >= Level::Debug && is_talkative(metadata.target()))
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) && (self.metrics || !is_metric(record)) {
            let line = match self.shape {
                Shape::Plain => format::plain(self.name, record),
                Shape::Structured => format::structured(self.name, record),
            };
            let line = mask(&line);
            // There is nowhere to tell that stderr is gone.
            let _ = std::io::stderr().lock().write_all(line.as_bytes());
        }
    }

    fn flush(&self) {}
}

/// Whether the line is a measurement, for a program to read.
fn is_metric(record: &Record<'_>) -> bool {
    record.key_values().get("metric".into()).is_some()
}

/// Whether these debug lines quote statements with their values: rows and states, whatever level the user asks for.
fn is_talkative(target: &str) -> bool {
    let library = target.split("::").next().unwrap_or_default();
    ["tokio_postgres", "postgres", "rustls", "ureq", "ureq_proto"].contains(&library)
}

/// A panic says where, and at most 120 bytes of why: its message may quote what was at hand.
pub fn shorten_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current();
        let line = panic_line(thread.name().unwrap_or("unnamed"), &place, panic.payload_as_str());
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
        if std::env::var_os("RUST_BACKTRACE").is_some() {
            plain(&std::backtrace::Backtrace::capture().to_string());
        }
    }));
}

fn panic_line(thread: &str, place: &str, message: Option<&str>) -> String {
    let message = melisma_engine::error::show(message.unwrap_or("no message"));
    format!("thread '{thread}' panicked at {place}: {message}\n")
}

/// Makes this plugin's logger the process's, once; a logger that stands already stays.
pub fn start(plugin: &Plugin, environment: &Environment) {
    let (shape, level) = setup::choose(&plugin.prefix(), environment);
    let is_for_a_person = shape == Shape::Plain && std::io::stderr().is_terminal();
    if log::set_boxed_logger(Box::new(Logger {
        name: plugin.name,
        shape,
        level,
        metrics: !is_for_a_person || level >= LevelFilter::Debug,
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

/// Writes text for people to stderr, before there is a log: usage errors. Its lines stay lines; what they quote is
/// escaped.
pub fn plain(text: &str) {
    let mut out = String::with_capacity(text.len() + 1);
    for line in text.lines() {
        out.push_str(&printable(line));
        out.push('\n');
    }
    let _ = std::io::stderr().lock().write_all(out.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_does_not_quote_what_was_at_hand() {
        let line = panic_line(
            "main",
            "src/x.rs:1:2",
            Some(&format!("byte 7 of {}", "secret ".repeat(50))),
        );
        assert!(
            line.starts_with("thread 'main' panicked at src/x.rs:1:2: byte 7 of secret"),
            "{line}"
        );
        assert!(line.len() < 180, "{line}");
    }

    #[test]
    fn libraries_that_quote_values_do_not_debug() {
        let logger = Logger {
            name: "target-x",
            shape: Shape::Plain,
            level: LevelFilter::Trace,
            metrics: true,
        };
        let enabled =
            |target, level| logger.enabled(&Metadata::builder().target(target).level(level).build());
        assert!(!enabled("tokio_postgres::query", Level::Debug));
        assert!(!enabled("ureq::run", Level::Trace) && !enabled("ureq_proto::client", Level::Debug));
        assert!(enabled("tokio_postgres::connection", Level::Info));
        assert!(enabled("tap_shop::pages", Level::Debug));
    }
}
