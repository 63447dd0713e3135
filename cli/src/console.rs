//! The log of a run on stderr: lines in the formats of Meltano, and progress bars on a terminal.

use std::io::{self, IsTerminal};

use indicatif::MultiProgress;
use jiff::{Timestamp, tz::TimeZone};
use melisma_sdk::internal::printable::{printable, printable_json};
use serde_json::json;

use crate::args::{LogArgs, LogFormat};
use crate::level::Level;
use crate::stderr::Stderr;

impl LogArgs {
    fn threshold(&self) -> Level {
        match (self.quiet, self.verbose) {
            (true, _) => Level::Warning,
            (_, true) => Level::Debug,
            _ => self.log_level,
        }
    }
}

/// Writes log lines to stderr; on a terminal, above the progress bars.
///
/// Every line is escaped here, including those of plugins: it stays one line, and has no escape sequence for a terminal.
pub(crate) struct Console {
    threshold: Level,
    bars: Option<MultiProgress>,
    style: Style,
    stderr: Stderr,
}

/// The look of a line.
#[derive(Clone, Copy)]
enum Style {
    Plain,
    Coloured,
    Json,
}

impl Console {
    /// A console for the lines that `args` ask for.
    pub(crate) fn new(args: &LogArgs) -> Self {
        let terminal =
            io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let coloured = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let threshold = args.threshold();
        // Bars between JSON lines would break them, and with `--quiet` they are not wanted.
        let progress = args.log_format == LogFormat::Text && threshold <= Level::Info;
        let bars = (terminal && progress).then(MultiProgress::new);
        let style = match args.log_format {
            LogFormat::Json => Style::Json,
            LogFormat::Text if coloured => Style::Coloured,
            LogFormat::Text => Style::Plain,
        };
        let dropped = match style {
            Style::Json => |lines| dropped(lines, Style::Json),
            Style::Plain | Style::Coloured => |lines| dropped(lines, Style::Plain),
        };
        Self {
            threshold,
            stderr: Stderr::start(bars.clone(), dropped),
            bars,
            style,
        }
    }

    /// The progress bars, when stderr is a terminal. Only closures given to [`draw`](Self::draw) may touch them.
    pub(crate) fn bars(&self) -> Option<&MultiProgress> {
        self.bars.as_ref()
    }

    /// Draws on the writing thread, so that a suspended terminal (Ctrl-S) delays only that thread.
    pub(crate) fn draw(&self, drawing: impl FnOnce() + Send + 'static) {
        self.stderr.draw(drawing);
    }

    /// Waits until everything is written, unless stderr is not being read.
    pub(crate) fn flush(&self) {
        self.stderr.flush();
    }

    /// Whether lines of this level are shown.
    pub(crate) fn shows(&self, level: Level) -> bool {
        level >= self.threshold && self.threshold != Level::Disabled
    }

    /// Writes one line without waiting for the reader of stderr.
    pub(crate) fn log(&self, level: Level, name: &str, message: &str) {
        if self.shows(level) {
            self.stderr
                .write(line(Timestamp::now(), level, name, message, self.style));
        }
    }

    /// Writes a line of a plugin. Waits while stderr is behind, so that a plugin that logs much slows down.
    pub(crate) fn relay(&self, level: Level, name: &str, message: &str) {
        if self.shows(level) {
            self.stderr
                .write_relayed(line(Timestamp::now(), level, name, message, self.style));
        }
    }

    /// An informational line of melisma itself.
    pub(crate) fn info(&self, message: &str) {
        self.log(Level::Info, "melisma", message);
    }

    /// A warning of melisma itself.
    pub(crate) fn warn(&self, message: &str) {
        self.log(Level::Warning, "melisma", message);
    }

    /// An error of melisma itself.
    pub(crate) fn error(&self, message: &str) {
        self.log(Level::Error, "melisma", message);
    }

    /// A detail of melisma itself.
    pub(crate) fn debug(&self, message: &str) {
        self.log(Level::Debug, "melisma", message);
    }
}

/// `2026-01-31T12:00:00.123456Z [info     ] tap-a        message`, or the same as JSON, with an end of line.
fn line(at: Timestamp, level: Level, name: &str, message: &str, style: Style) -> String {
    let time = at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S%.6fZ");
    let (on, off) = match style {
        Style::Coloured => (level.colour(), "\x1b[0m"),
        Style::Plain => ("", ""),
        Style::Json => {
            let time = time.to_string();
            let line = json!({"timestamp": time, "level": level.name(), "name": name, "event": message});
            return format!("{}\n", printable_json(&line.to_string()));
        }
    };
    let (name, message) = (printable(name), printable(message));
    format!("{time} [{on}{:<9}{off}] {name:<12} {message}\n", level.name())
}

/// The line that says how many lines are missing.
fn dropped(lines: u64, style: Style) -> String {
    let message = format!("{lines} log lines were dropped because nothing read stderr for a while");
    line(Timestamp::now(), Level::Warning, "melisma", &message, style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_looks_as_meltano_writes_it() {
        let at = Timestamp::from_microsecond(1_769_860_800_123_456).expect("in range");
        assert_eq!(
            line(at, Level::Info, "tap-a", "message", Style::Plain),
            "2026-01-31T12:00:00.123456Z [info     ] tap-a        message\n"
        );
    }

    #[test]
    fn a_line_of_json_has_the_fields_that_meltano_gives_it() {
        let at = Timestamp::from_microsecond(1_769_860_800_123_456).expect("in range");
        let line = line(at, Level::Warning, "tap-a", "it is \"so\"", Style::Json);
        let expected = json!({
            "timestamp": "2026-01-31T12:00:00.123456Z", "level": "warning", "name": "tap-a", "event": "it is \"so\"",
        });
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&line).expect("JSON"),
            expected
        );
        assert!(line.ends_with("}\n"), "{line}");
    }

    #[test]
    fn a_line_stays_one_line_without_escape_sequences() {
        let at = Timestamp::from_microsecond(1_769_860_800_123_456).expect("in range");
        for (style, colours) in [(Style::Plain, 0), (Style::Coloured, 9), (Style::Json, 0)] {
            let line = line(
                at,
                Level::Error,
                "tap\u{1b}[2J",
                "s\u{1b}]0;x\u{7}\n2026 FAKE\r\u{9b}31m\u{202e}",
                style,
            );
            let line = line.strip_suffix('\n').expect("one line");
            let rest = line.replacen("\u{1b}[31m", "", 1).replacen("\u{1b}[0m", "", 1);
            assert_eq!(rest.len(), line.len() - colours);
            assert!(
                rest.chars().all(melisma_sdk::internal::printable::is_printable),
                "{line}"
            );
        }
    }
}
