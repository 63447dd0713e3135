//! The log of a run on stderr: lines in the formats of Meltano, and progress bars on a terminal.

use std::fs::File;
use std::io::{self, IsTerminal, Write as _};
use std::sync::Arc;

use clap::ValueEnum;
use indicatif::MultiProgress;
use jiff::{Timestamp, tz::TimeZone};
use melisma_sdk::internal::printable::{printable, printable_json};
use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

use crate::args::{LogArgs, LogFormat};
use crate::level::Level;
use crate::stderr::Stderr;

impl LogArgs {
    fn threshold(&self, setting: &impl Fn(&str) -> Result<Option<String>>) -> Result<Level> {
        Ok(match (self.quiet, self.verbose, self.log_level) {
            (true, ..) => Level::Warning,
            (_, true, _) => Level::Debug,
            (.., Some(level)) => level,
            _ => one_of("cli.log_level", setting)?.unwrap_or(Level::Info),
        })
    }

    fn format(&self, setting: &impl Fn(&str) -> Result<Option<String>>) -> Result<LogFormat> {
        match self.log_format {
            Some(format) => Ok(format),
            None => Ok(one_of("cli.log_format", setting)?.unwrap_or_default()),
        }
    }
}

/// A setting of the project that is one of a few words.
fn one_of<T: ValueEnum>(name: &str, setting: &impl Fn(&str) -> Result<Option<String>>) -> Result<Option<T>> {
    let Some(text) = setting(name)?.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let known = || {
        let values = T::value_variants()
            .iter()
            .filter_map(ValueEnum::to_possible_value);
        let names: Vec<String> = values.map(|value| value.get_name().to_owned()).collect();
        names.join(", ")
    };
    match T::from_str(&text, true) {
        Ok(value) => Ok(Some(value)),
        Err(_) => Err(Error::config(format!(
            "{name}: expected one of {}, found {}",
            known(),
            melisma_sdk::show(&text)
        ))),
    }
}

/// Writes log lines to stderr; on a terminal, above the progress bars.
///
/// Every line is escaped here, including those of plugins: it stays one line, and has no escape sequence for a terminal.
#[derive(Clone)]
pub(crate) struct Console {
    threshold: Level,
    bars: Option<MultiProgress>,
    style: Style,
    stderr: Stderr,
    /// The log file of one run, which gets the same lines.
    file: Option<Arc<File>>,
    /// What JSON lines have besides their message.
    bound: Map<String, Value>,
}

/// The look of a line.
#[derive(Clone, Copy)]
enum Style {
    Plain,
    Coloured,
    Json,
    KeyValue,
    Message,
}

impl Console {
    /// A console for the lines that `args` ask for, or else the settings of the project.
    pub(crate) fn new(args: &LogArgs, setting: impl Fn(&str) -> Result<Option<String>>) -> Result<Self> {
        let (threshold, format) = (args.threshold(&setting)?, args.format(&setting)?);
        let terminal =
            io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let coloured = (terminal || set("FORCE_COLOR")) && !set("NO_COLOR");
        // Bars between lines for machines would break them, and with `--quiet` they are not wanted.
        let for_people = matches!(
            format,
            LogFormat::Text | LogFormat::Colored | LogFormat::Uncolored
        );
        let bars = (terminal && for_people && threshold <= Level::Info).then(MultiProgress::new);
        let style = match format {
            LogFormat::Json => Style::Json,
            LogFormat::KeyValue => Style::KeyValue,
            LogFormat::Plain => Style::Message,
            LogFormat::Text | LogFormat::Colored if coloured => Style::Coloured,
            LogFormat::Text | LogFormat::Colored | LogFormat::Uncolored => Style::Plain,
        };
        let dropped = match style {
            Style::Json => |lines| dropped(lines, Style::Json),
            Style::KeyValue => |lines| dropped(lines, Style::KeyValue),
            Style::Message => |lines| dropped(lines, Style::Message),
            Style::Plain | Style::Coloured => |lines| dropped(lines, Style::Plain),
        };
        Ok(Self {
            threshold,
            stderr: Stderr::start(bars.clone(), dropped),
            bars,
            style,
            file: None,
            bound: Map::new(),
        })
    }

    /// The console of one run: its lines also go to `file`, and have `bound` as JSON.
    pub(crate) fn of_run(&self, file: Option<File>, bound: Map<String, Value>) -> Self {
        Self {
            file: file.map(Arc::new),
            bound,
            ..self.clone()
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
            self.stderr.write(self.line(level, name, message));
        }
    }

    /// Writes a line of a plugin. Waits while stderr is behind, so that a plugin that logs much slows down.
    pub(crate) fn relay(&self, level: Level, name: &str, message: &str) {
        if self.shows(level) {
            self.stderr.write_relayed(self.line(level, name, message));
        }
    }

    /// The line for stderr; it is written to the log file here.
    fn line(&self, level: Level, name: &str, message: &str) -> String {
        let now = Timestamp::now();
        if let Some(file) = &self.file {
            // A log that cannot be written does not end a run.
            let line = line(now, level, name, message, Style::Plain, &Map::new());
            let _ = (&**file).write_all(line.as_bytes());
        }
        line(now, level, name, message, self.style, &self.bound)
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

/// `2026-01-31T12:00:00.123456Z [info     ] tap-a        message`, or the same in another style, with an end of line.
fn line(
    at: Timestamp,
    level: Level,
    name: &str,
    message: &str,
    style: Style,
    bound: &Map<String, Value>,
) -> String {
    let time = at
        .to_zoned(TimeZone::UTC)
        .strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
        .to_string();
    let (on, off) = match style {
        Style::Coloured => (level.colour(), "\x1b[0m"),
        Style::Plain => ("", ""),
        Style::Json => {
            let mut line = Map::from_iter([
                ("timestamp".to_owned(), Value::from(time)),
                ("level".to_owned(), level.name().into()),
                ("name".to_owned(), name.into()),
                ("event".to_owned(), message.into()),
            ]);
            line.extend(bound.clone());
            return format!("{}\n", printable_json(&Value::Object(line).to_string()));
        }
        Style::KeyValue => {
            let quoted = |text: &str| format!("'{}'", printable(text).replace('\'', "\\'"));
            return format!(
                "timestamp='{time}' level='{}' name={} event={}\n",
                level.name(),
                quoted(name),
                quoted(message)
            );
        }
        Style::Message => return format!("{}\n", printable(message)),
    };
    let (name, message) = (printable(name), printable(message));
    format!("{time} [{on}{:<9}{off}] {name:<12} {message}\n", level.name())
}

/// The line that says how many lines are missing.
fn dropped(lines: u64, style: Style) -> String {
    let message = format!("{lines} log lines were dropped because nothing read stderr for a while");
    line(
        Timestamp::now(),
        Level::Warning,
        "melisma",
        &message,
        style,
        &Map::new(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_line_looks_as_meltano_writes_it() {
        let at = Timestamp::from_microsecond(1_769_860_800_123_456).expect("in range");
        assert_eq!(
            line(at, Level::Info, "tap-a", "message", Style::Plain, &Map::new()),
            "2026-01-31T12:00:00.123456Z [info     ] tap-a        message\n"
        );
    }

    #[test]
    fn a_line_of_json_has_the_fields_that_meltano_gives_it() {
        let at = Timestamp::from_microsecond(1_769_860_800_123_456).expect("in range");
        let line = line(
            at,
            Level::Warning,
            "tap-a",
            "it is \"so\"",
            Style::Json,
            &Map::new(),
        );
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
        for (style, colours) in [
            (Style::Plain, 0),
            (Style::Coloured, 9),
            (Style::Json, 0),
            (Style::KeyValue, 0),
            (Style::Message, 0),
        ] {
            let line = line(
                at,
                Level::Error,
                "tap\u{1b}[2J",
                "s\u{1b}]0;x\u{7}\n2026 FAKE\r\u{9b}31m\u{202e}",
                style,
                &Map::new(),
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
