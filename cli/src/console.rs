//! What a person, or a log collector, sees on stderr: one line each, in Meltano's console format.

use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use indicatif::MultiProgress;
use jiff::{Timestamp, tz::TimeZone};

/// How much a line matters. The names are Python's, as Singer plugins use them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Level {
    Debug,
    Info,
    Warning,
    Error,
    Critical,
    /// As a threshold: nothing at all.
    Disabled,
}

impl Level {
    /// The level of that name, in any case; `warn` and `fatal` too.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "debug" | "trace" => Self::Debug,
            "info" => Self::Info,
            "warning" | "warn" => Self::Warning,
            "error" => Self::Error,
            "critical" | "fatal" => Self::Critical,
            "disabled" => Self::Disabled,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
            Self::Disabled => "disabled",
        }
    }

    /// The escape sequence of its colour.
    fn colour(self) -> &'static str {
        match self {
            Self::Debug => "\x1b[36m",
            Self::Info | Self::Disabled => "\x1b[32m",
            Self::Warning => "\x1b[33m",
            Self::Error | Self::Critical => "\x1b[31m",
        }
    }
}

/// Where log lines go. On a terminal they go above the progress bars.
pub(crate) struct Console {
    threshold: Level,
    bars: Option<MultiProgress>,
    coloured: bool,
}

impl Console {
    /// Stderr, for lines of at least this level.
    pub(crate) fn new(threshold: Level) -> Self {
        let terminal =
            io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        Self {
            threshold,
            bars: terminal.then(MultiProgress::new),
            coloured: terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        }
    }

    /// The progress bars, when stderr is a terminal.
    pub(crate) fn bars(&self) -> Option<&MultiProgress> {
        self.bars.as_ref()
    }

    /// Whether lines of this level are shown.
    pub(crate) fn shows(&self, level: Level) -> bool {
        level >= self.threshold && self.threshold != Level::Disabled
    }

    /// Writes one line. A stderr that can not be written to is no reason to stop a run.
    pub(crate) fn log(&self, level: Level, name: &str, message: &str) {
        if !self.shows(level) {
            return;
        }
        let line = line(Timestamp::now(), level, name, message, self.coloured);
        let write = || {
            let _ = io::stderr().lock().write_all(line.as_bytes());
        };
        match &self.bars {
            Some(bars) => bars.suspend(write),
            None => write(),
        }
    }

    /// A line of melisma's own.
    pub(crate) fn info(&self, message: &str) {
        self.log(Level::Info, "melisma", message);
    }

    /// A warning of melisma's own.
    pub(crate) fn warn(&self, message: &str) {
        self.log(Level::Warning, "melisma", message);
    }
}

/// `2026-01-31T12:00:00.123456Z [info     ] tap-a        message`, with an end of line.
fn line(at: Timestamp, level: Level, name: &str, message: &str, coloured: bool) -> String {
    let time = at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S%.6fZ");
    let (on, off) = if coloured {
        (level.colour(), "\x1b[0m")
    } else {
        ("", "")
    };
    format!("{time} [{on}{:<9}{off}] {name:<12} {message}\n", level.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_looks_as_meltano_writes_it() {
        let at = Timestamp::from_microsecond(1_769_860_800_123_456).expect("in range");
        assert_eq!(
            line(at, Level::Info, "tap-a", "message", false),
            "2026-01-31T12:00:00.123456Z [info     ] tap-a        message\n"
        );
    }
}
