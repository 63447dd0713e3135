//! The log of a run on stderr: lines in the formats of Meltano, and progress bars on a terminal.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, IsTerminal, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use indicatif::MultiProgress;
use jiff::Timestamp;
use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

use crate::args::{LogArgs, LogFormat};
use crate::level::Level;
use crate::log_style::{Line, Style};
use crate::logging_yaml::{self, LogConfig, Sink, To};
use crate::signals::Signals;
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

/// The name that lines of melisma itself have.
const OWN_NAME: &str = "melisma";
/// Meltano's default for `cli.log_config`.
const LOGGING_YAML: &str = "logging.yaml";

/// Writes log lines to stderr, on a terminal above the progress bars, and to files.
///
/// Every line is escaped on its way, including those of plugins: it stays one line, and has no escape sequence for a
/// terminal.
#[derive(Clone)]
pub(crate) struct Console {
    sinks: Arc<Vec<Sink>>,
    bars: Option<MultiProgress>,
    stderr: Stderr,
    /// The log file of one run, which gets the same lines.
    file: Option<Arc<File>>,
    /// What melisma's own lines begin with, when several pairs run at once.
    label: Option<Arc<str>>,
    /// What lines for machines have besides their message.
    bound: Map<String, Value>,
}

impl Console {
    /// A console for the lines that `args` ask for, or else the settings of the project, or its `logging.yaml`.
    pub(crate) fn new(args: &LogArgs, setting: impl Fn(&str) -> Result<Option<String>>) -> Result<Self> {
        let terminal =
            io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let config = log_config(args, &setting)?;
        let (sinks, warnings) = match config {
            Some(config) => (config.sinks, config.warnings),
            None => (vec![stderr_sink(args, &setting, terminal)?], Vec::new()),
        };
        let to_stderr = sinks.iter().find(|sink| matches!(sink.to, To::Stderr));
        // Bars between lines for machines would break them, and with `--quiet` they are not wanted.
        let has_bars = to_stderr.is_some_and(|sink| {
            terminal && matches!(sink.style, Style::Plain | Style::Coloured) && sink.threshold <= Level::Info
        });
        let bars = has_bars.then(MultiProgress::new);
        let style = to_stderr.map_or(Style::Plain, |sink| sink.style);
        let console = Self {
            stderr: Stderr::start(bars.clone(), move |lines| dropped(lines, style)),
            sinks: Arc::new(sinks),
            bars,
            file: None,
            label: None,
            bound: Map::new(),
        };
        for warning in warnings {
            console.warn(&warning);
        }
        Ok(console)
    }

    /// The console of one run: its lines also go to `file`, and have `bound` for machines.
    pub(crate) fn of_run(&self, file: Option<File>, bound: Map<String, Value>) -> Self {
        Self {
            file: file.map(Arc::new),
            ..self.with(bound)
        }
    }

    /// The same with more that lines for machines have.
    pub(crate) fn with(&self, more: Map<String, Value>) -> Self {
        let mut console = self.clone();
        console.bound.extend(more);
        console
    }

    /// The same for one of several pairs that run at once: melisma's own lines say for people which one.
    pub(crate) fn labelled(&self, label: &str) -> Self {
        Self {
            label: Some(label.into()),
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
        self.stderr.flush(|| false);
    }

    /// The same at the end, when nothing else is left to do. The first signal was for the plugins, if it came before; one that
    /// comes now, and a second one that was not taken yet, is for the wait: the reader of the log may be slow.
    pub(crate) fn flush_at_the_end(&self, signals: &Signals) {
        if !signals.has_answered() {
            signals.take();
        }
        self.stderr.flush(|| signals.take().is_some());
    }

    /// Whether lines of this level are shown anywhere.
    pub(crate) fn shows(&self, level: Level) -> bool {
        self.sinks.iter().any(|sink| sink.shows(level))
    }

    /// Writes one line without waiting for the reader of stderr.
    pub(crate) fn log(&self, level: Level, name: &str, message: &str) {
        if let Some(line) = self.line(level, name, message, &self.bound) {
            self.stderr.write(line);
        }
    }

    /// Writes a line of a plugin, with fields of its own for machines. Waits while stderr is behind, so that a plugin that
    /// logs much slows down.
    pub(crate) fn relay(&self, level: Level, name: &str, message: &str, fields: &Map<String, Value>) {
        let line = if fields.is_empty() {
            self.line(level, name, message, &self.bound)
        } else {
            let mut all = self.bound.clone();
            for (key, value) in fields {
                all.entry(key).or_insert_with(|| value.clone());
            }
            self.line(level, name, message, &all)
        };
        if let Some(line) = line {
            self.stderr.write_relayed(line);
        }
    }

    /// Writes a line for machines alone: what it says, people have read in other lines.
    pub(crate) fn event(&self, level: Level, event: &str, fields: Map<String, Value>) {
        let mut all = self.bound.clone();
        all.extend(fields);
        let line = self.to_sinks(level, OWN_NAME, event, &all, |style| !style.is_for_people());
        if let Some(line) = line {
            self.stderr.write(line);
        }
    }

    /// The line for stderr, if it is shown there; to files it is written here.
    fn line(&self, level: Level, name: &str, message: &str, fields: &Map<String, Value>) -> Option<String> {
        if let Some(file) = self.file.as_ref().filter(|_| self.shows(level)) {
            // A log that cannot be written does not end a run.
            let line = Style::Plain.write(&Line {
                at: Timestamp::now(),
                level,
                name,
                message,
                fields: &Map::new(),
            });
            let _ = (&**file).write_all(line.as_bytes());
        }
        self.to_sinks(level, name, message, fields, |_| true)
    }

    fn to_sinks(
        &self,
        level: Level,
        name: &str,
        message: &str,
        fields: &Map<String, Value>,
        wanted: impl Fn(Style) -> bool,
    ) -> Option<String> {
        let at = Timestamp::now();
        let labelled = match &self.label {
            Some(label) if name == OWN_NAME => Cow::Owned(format!("{label}: {message}")),
            _ => Cow::Borrowed(message),
        };
        let mut for_stderr = None;
        for sink in self
            .sinks
            .iter()
            .filter(|sink| sink.shows(level) && wanted(sink.style))
        {
            let line = sink.style.write(&Line {
                at,
                level,
                name,
                message: if sink.style.is_for_people() {
                    &labelled
                } else {
                    message
                },
                fields,
            });
            match &sink.to {
                To::Stderr => for_stderr = Some(line),
                To::File(file) => {
                    let _ = (&**file).write_all(line.as_bytes());
                }
            }
        }
        for_stderr
    }

    /// An informational line of melisma itself.
    pub(crate) fn info(&self, message: &str) {
        self.log(Level::Info, OWN_NAME, message);
    }

    /// A warning of melisma itself.
    pub(crate) fn warn(&self, message: &str) {
        self.log(Level::Warning, OWN_NAME, message);
    }

    /// An error of melisma itself.
    pub(crate) fn error(&self, message: &str) {
        self.log(Level::Error, OWN_NAME, message);
    }

    /// A detail of melisma itself.
    pub(crate) fn debug(&self, message: &str) {
        self.log(Level::Debug, OWN_NAME, message);
    }
}

impl Sink {
    fn shows(&self, level: Level) -> bool {
        level >= self.threshold && self.threshold != Level::Disabled
    }
}

/// The log configuration that the user names, or the `logging.yaml` of this folder.
fn log_config(
    args: &LogArgs,
    setting: &impl Fn(&str) -> Result<Option<String>>,
) -> Result<Option<LogConfig>> {
    let set = match &args.log_config {
        Some(path) => Some(path.clone()),
        None => setting("cli.log_config")?
            .filter(|path| !path.is_empty())
            .map(PathBuf::from),
    };
    let Some(path) = set else { return Ok(None) };
    let is_named = args.log_config.is_some() || path != Path::new(LOGGING_YAML);
    let mut config = logging_yaml::read(&path, is_named)?;
    if let Some(config) = &mut config {
        let ignored = [
            ("--log-level", args.log_level.is_some()),
            ("--log-format", args.log_format.is_some()),
            ("--quiet", args.quiet),
            ("--verbose", args.verbose),
        ];
        // As in Meltano, where the file decides alone.
        for (option, _) in ignored.iter().filter(|(_, given)| *given) {
            let warning = format!("{option} is ignored: {} decides", path.display());
            config.warnings.push(warning);
        }
    }
    Ok(config)
}

/// Stderr, as the options and the settings want it.
fn stderr_sink(
    args: &LogArgs,
    setting: &impl Fn(&str) -> Result<Option<String>>,
    terminal: bool,
) -> Result<Sink> {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let coloured = (terminal || set("FORCE_COLOR")) && !set("NO_COLOR");
    let style = match args.format(setting)? {
        LogFormat::Json => Style::Json,
        LogFormat::KeyValue => Style::KeyValue,
        LogFormat::Plain => Style::Message,
        LogFormat::Text | LogFormat::Colored if coloured => Style::Coloured,
        LogFormat::Text | LogFormat::Colored | LogFormat::Uncolored => Style::Plain,
    };
    Ok(Sink {
        threshold: args.threshold(setting)?,
        style,
        to: To::Stderr,
    })
}

/// The line that says how many lines are missing.
fn dropped(lines: u64, style: Style) -> String {
    style.write(&Line {
        at: Timestamp::now(),
        level: Level::Warning,
        name: OWN_NAME,
        message: &format!("{lines} log lines were dropped because nothing read stderr for a while"),
        fields: &Map::new(),
    })
}
