//! `logging.yaml`: which log lines go where, as Meltano's `cli.log_config` names it.
//!
//! The file is a configuration for Python's `logging.config.dictConfig`. Only Python can do all that one can say; this
//! reads what says something about the log of a run: levels, Meltano's formatters, stderr and files. What is not
//! understood is named: it ends the command when the user has named the file, and is a warning for the `logging.yaml`
//! that a project happens to have.

use std::fs::{self, File, OpenOptions};
use std::path::Path;
use std::sync::Arc;

use melisma_sdk::{Error, Result, show};
use serde_json::{Map, Value};

use crate::level::Level;
use crate::log_style::Style;
use crate::project::read_yaml;

/// Where Meltano's formatters are: `meltano.core.logging.json_formatter`, and in its module.
const MODULES: [&str; 2] = ["meltano.core.logging.", "meltano.core.logging.formatters."];
/// The handlers for stderr: that of Python, and that of Meltano for consoles without Unicode.
const STREAMS: [&str; 2] = [
    "logging.StreamHandler",
    "meltano.core.logging.utils.SafeStreamHandler",
];

/// Where log lines go, which, and how they look there.
#[derive(Clone)]
pub(crate) struct Sink {
    pub(crate) threshold: Level,
    pub(crate) style: Style,
    pub(crate) to: To,
}

/// A place for log lines.
#[derive(Clone)]
pub(crate) enum To {
    Stderr,
    File(Arc<File>),
}

/// What a file says, and warnings about what it says besides.
pub(crate) struct LogConfig {
    pub(crate) sinks: Vec<Sink>,
    pub(crate) warnings: Vec<String>,
}

/// Reads the file that the user has named, or one that is there; `None` when there is none and none was named.
pub(crate) fn read(path: &Path, is_named: bool) -> Result<Option<LogConfig>> {
    let other = match path.extension().and_then(|extension| extension.to_str()) {
        Some("yaml") => path.with_extension("yml"),
        Some("yml") => path.with_extension("yaml"),
        _ => path.to_owned(),
    };
    let path = if !path.exists() && other.exists() {
        &other
    } else {
        path
    };
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !is_named => return Ok(None),
        Err(error) => return Err(Error::config(format!("cannot read {}", path.display())).with_source(error)),
    };
    let document = read_yaml(path, &text)?;
    let mut reader = Reader {
        path,
        is_named,
        warnings: Vec::new(),
    };
    let sinks = reader.sinks(&document)?;
    Ok(Some(LogConfig {
        sinks,
        warnings: reader.warnings,
    }))
}

struct Reader<'a> {
    path: &'a Path,
    is_named: bool,
    warnings: Vec<String>,
}

impl Reader<'_> {
    fn sinks(&mut self, document: &Map<String, Value>) -> Result<Vec<Sink>> {
        let root = match (document.get("root"), part(document, "loggers").get("")) {
            (Some(root), _) | (None, Some(root)) => root.as_object().cloned().unwrap_or_default(),
            (None, None) => Map::new(),
        };
        for (name, _) in part(document, "loggers")
            .iter()
            .filter(|(name, _)| !name.is_empty())
        {
            self.warn(&format!(
                "loggers.{name} is ignored: there are no loggers of Python here"
            ));
        }
        for name in document.keys().filter(|name| {
            ![
                "version",
                "disable_existing_loggers",
                "formatters",
                "handlers",
                "loggers",
                "root",
            ]
            .contains(&&***name)
        }) {
            self.refuse(&format!("{name} is not supported"))?;
        }
        // Python's level of a root logger that has none.
        let lowest = self.level(root.get("level"), "root", Level::Warning)?;
        let (formatters, handlers) = (part(document, "formatters"), part(document, "handlers"));
        let mut sinks = Vec::new();
        for name in root
            .get("handlers")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let name = name.as_str().unwrap_or_default();
            let Some(handler) = handlers.get(name).and_then(Value::as_object) else {
                self.refuse(&format!("root.handlers: there is no handler {}", show(name)))?;
                continue;
            };
            if let Some(sink) = self.sink(name, handler, lowest, formatters)? {
                sinks.push(sink);
            }
        }
        let to_stderr = sinks.iter().filter(|sink| matches!(sink.to, To::Stderr)).count();
        if to_stderr > 1 {
            self.refuse("two handlers for stderr are not supported")?;
            let mut is_first = true;
            sinks.retain(|sink| !matches!(sink.to, To::Stderr) || std::mem::take(&mut is_first));
        }
        Ok(sinks)
    }

    fn sink(
        &mut self,
        name: &str,
        handler: &Map<String, Value>,
        lowest: Level,
        formatters: &Map<String, Value>,
    ) -> Result<Option<Sink>> {
        let at = format!("handlers.{name}");
        let text = |key: &str| handler.get(key).and_then(Value::as_str);
        let class = text("class").unwrap_or_default();
        let to = if STREAMS.contains(&class) {
            // Python's default for a stream is stderr, too.
            match text("stream") {
                None | Some("ext://sys.stderr") => To::Stderr,
                Some(stream) => {
                    self.refuse(&format!(
                        "{at}.stream: expected ext://sys.stderr, found {}; stdout is for what commands answer",
                        show(stream)
                    ))?;
                    return Ok(None);
                }
            }
        } else if class == "logging.FileHandler" {
            let Some(file) = text("filename") else {
                self.refuse(&format!("{at}: a FileHandler needs a filename"))?;
                return Ok(None);
            };
            let replaces = text("mode").is_some_and(|mode| mode.starts_with('w'));
            let opened = OpenOptions::new()
                .create(true)
                .append(!replaces)
                .write(true)
                .truncate(replaces)
                .open(file);
            match opened {
                Ok(file) => To::File(Arc::new(file)),
                Err(error) => {
                    self.refuse(&format!("{at}: cannot open {file}: {error}"))?;
                    return Ok(None);
                }
            }
        } else {
            self.refuse(&format!(
                "{at}.class: {} is not supported; logging.StreamHandler and logging.FileHandler are",
                show(class)
            ))?;
            return Ok(None);
        };
        for key in handler.keys().filter(|key| {
            ![
                "class",
                "level",
                "formatter",
                "stream",
                "filename",
                "mode",
                "encoding",
                "delay",
            ]
            .contains(&&***key)
        }) {
            self.refuse(&format!("{at}.{key} is not supported"))?;
        }
        let style = match text("formatter") {
            Some(formatter) => self.style(formatter, formatters)?,
            // As a handler of Python without a formatter.
            None => Style::Message,
        };
        let threshold = self.level(handler.get("level"), &at, Level::Debug)?.max(lowest);
        Ok(Some(Sink { threshold, style, to }))
    }

    fn style(&mut self, name: &str, formatters: &Map<String, Value>) -> Result<Style> {
        let Some(formatter) = formatters.get(name).and_then(Value::as_object) else {
            self.refuse(&format!("there is no formatter {}", show(name)))?;
            return Ok(Style::Plain);
        };
        let at = format!("formatters.{name}");
        let factory = formatter.get("()").and_then(Value::as_str).unwrap_or_default();
        let function = MODULES
            .iter()
            .filter_map(|module| factory.strip_prefix(module))
            .find(|function| !function.contains('.'));
        let is_set = |key: &str| {
            formatter
                .get(key)
                .is_some_and(|value| *value == Value::Bool(true))
        };
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let (style, known): (Style, &[&str]) = match function {
            Some("console_log_formatter") if is_set("colors") && !no_color => (Style::Coloured, &["colors"]),
            Some("console_log_formatter") => (Style::Plain, &["colors"]),
            Some("json_formatter") => match formatter.get("preset").and_then(Value::as_str) {
                None => (Style::Json, &["preset", "dict_tracebacks"]),
                Some("google-cloud-logging") => (Style::GoogleJson, &["preset", "dict_tracebacks"]),
                Some(preset) => {
                    self.refuse(&format!("{at}.preset: {} is not supported", show(preset)))?;
                    (Style::Json, &["preset", "dict_tracebacks"])
                }
            },
            Some("key_value_formatter") => (Style::KeyValue, &[]),
            Some("logfmt_formatter") => (Style::Logfmt, &[]),
            Some("plain_formatter") => (Style::Message, &[]),
            _ => {
                let found = if factory.is_empty() {
                    "a format of Python"
                } else {
                    factory
                };
                self.refuse(&format!(
                    "{at}: expected one of Meltano's formatters (console_log_formatter, json_formatter, key_value_formatter, \
                     logfmt_formatter, plain_formatter), found {}",
                    show(found)
                ))?;
                return Ok(Style::Plain);
            }
        };
        for key in formatter
            .keys()
            .filter(|key| *key != "()" && !known.contains(&&***key))
        {
            self.warn(&format!("{at}.{key} is ignored"));
        }
        Ok(style)
    }

    fn level(&mut self, level: Option<&Value>, at: &str, default: Level) -> Result<Level> {
        let found = match level {
            None | Some(Value::Null) => return Ok(default),
            Some(Value::String(name)) if name == "NOTSET" => Some(Level::Debug),
            Some(Value::String(name)) => Level::parse(name),
            Some(number) => number.as_u64().map(of_number),
        };
        if let Some(level) = found {
            return Ok(level);
        }
        let text = level.map(Value::to_string).unwrap_or_default();
        self.refuse(&format!("{at}.level: {} is no level", show(&text)))?;
        Ok(default)
    }

    fn refuse(&mut self, what: &str) -> Result<()> {
        if self.is_named {
            return Err(Error::config(format!("{}: {what}", self.path.display())));
        }
        self.warn(what);
        Ok(())
    }

    fn warn(&mut self, what: &str) {
        self.warnings.push(format!("{}: {what}", self.path.display()));
    }
}

/// A level by its number in Python; one between two of them shows what the higher one does.
fn of_number(number: u64) -> Level {
    match number {
        0..=10 => Level::Debug,
        11..=20 => Level::Info,
        21..=30 => Level::Warning,
        31..=40 => Level::Error,
        41..=50 => Level::Critical,
        _ => Level::Disabled,
    }
}

fn part<'a>(document: &'a Map<String, Value>, name: &str) -> &'a Map<String, Value> {
    static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    document.get(name).and_then(Value::as_object).unwrap_or(&NONE)
}
