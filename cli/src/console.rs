//! What a person, or a log collector, sees on stderr: one line each, in Meltano's console format.

use std::io::{self, IsTerminal};

use clap::ValueEnum;
use indicatif::MultiProgress;
use jiff::{Timestamp, tz::TimeZone};
use melisma_sdk::printable::{printable, printable_json};
use serde_json::json;

use crate::stderr::Stderr;

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

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// As Meltano's console writes them.
    #[default]
    Text,
    /// One JSON object each, with the fields of Meltano's JSON format.
    Json,
}

/// Which lines are shown, and how: what `melisma run` takes.
#[derive(clap::Args)]
pub(crate) struct LogArgs {
    /// Show lines of this level and above
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log_level: Level,
    /// Show warnings and errors only, and no progress
    #[arg(short, long, conflicts_with_all = ["verbose", "log_level"])]
    quiet: bool,
    /// Show details, the plugins' METRIC lines among them
    #[arg(short, long, conflicts_with = "log_level")]
    verbose: bool,
    /// How lines are written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
}

impl LogArgs {
    fn threshold(&self) -> Level {
        match (self.quiet, self.verbose) {
            (true, _) => Level::Warning,
            (_, true) => Level::Debug,
            _ => self.log_level,
        }
    }
}

/// Where log lines go. On a terminal they go above the progress bars.
///
/// Every line is escaped here, whoever wrote it: it stays one line, and a terminal obeys nothing in it.
pub(crate) struct Console {
    threshold: Level,
    bars: Option<MultiProgress>,
    style: Style,
    stderr: Stderr,
}

/// How a line is written.
#[derive(Clone, Copy)]
enum Style {
    Plain,
    Coloured,
    Json,
}

impl Console {
    /// Stderr, for the lines that are asked for.
    pub(crate) fn new(args: &LogArgs) -> Self {
        let terminal =
            io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let coloured = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let threshold = args.threshold();
        // Bars among JSON would be noise, and who wants warnings only wants no bars.
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

    /// The progress bars, when stderr is a terminal. They are only touched by what is given to [`draw`](Self::draw).
    pub(crate) fn bars(&self) -> Option<&MultiProgress> {
        self.bars.as_ref()
    }

    /// Draws on the thread that writes: a terminal that is held holds nobody else up.
    pub(crate) fn draw(&self, drawing: impl FnOnce() + Send + 'static) {
        self.stderr.draw(drawing);
    }

    /// Waits until everything is written, unless nobody reads it.
    pub(crate) fn flush(&self) {
        self.stderr.flush();
    }

    /// Whether lines of this level are shown.
    pub(crate) fn shows(&self, level: Level) -> bool {
        level >= self.threshold && self.threshold != Level::Disabled
    }

    /// Writes one line, and never waits for whoever reads it.
    pub(crate) fn log(&self, level: Level, name: &str, message: &str) {
        if self.shows(level) {
            self.stderr
                .write(line(Timestamp::now(), level, name, message, self.style));
        }
    }

    /// Writes a line of a plugin's, which waits when it writes more than is read.
    pub(crate) fn relay(&self, level: Level, name: &str, message: &str) {
        if self.shows(level) {
            self.stderr
                .write_relayed(line(Timestamp::now(), level, name, message, self.style));
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

/// The line that says how many are missing.
fn dropped(lines: u64, style: Style) -> String {
    let message = format!("{lines} log lines were dropped, because nothing had read stderr for a while");
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
    fn a_line_stays_one_line_and_a_terminal_obeys_nothing_in_it() {
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
            assert!(rest.chars().all(melisma_sdk::printable::is_printable), "{line}");
        }
    }
}
