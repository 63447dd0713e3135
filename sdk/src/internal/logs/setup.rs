//! Which shape and level the environment asks for.

use std::fs;

use log::LevelFilter;
use serde_json::Value;

use super::Shape;
use crate::config::Environment;

/// `<PLUGIN>_LOGLEVEL` takes precedence over `LOGLEVEL`, and both over the level in the log config.
pub(super) fn choose(prefix: &str, environment: &Environment) -> (Shape, LevelFilter) {
    let text = ["SINGER_SDK_LOG_CONFIG", "LOGGING_CONF_FILE"]
        .into_iter()
        .find_map(|name| environment.get(name).filter(|path| !path.is_empty()))
        .and_then(|path| fs::read_to_string(path).ok());
    let (shape, configured) = text.as_deref().map_or((Shape::Plain, None), log_config);
    let named = environment
        .get(&format!("{prefix}_LOGLEVEL"))
        .or_else(|| environment.get("LOGLEVEL"));
    (
        shape,
        named.and_then(level).or(configured).unwrap_or(LevelFilter::Info),
    )
}

/// Reads what counts in a Python logging config: JSON (dictConfig) or the older ini form (fileConfig).
fn log_config(text: &str) -> (Shape, Option<LevelFilter>) {
    let Ok(config) = serde_json::from_str::<Value>(text) else {
        let shape = if text.contains("StructuredFormatter") {
            Shape::Structured
        } else {
            Shape::Plain
        };
        let root = text
            .split("[logger_root]")
            .nth(1)
            .and_then(|rest| rest.split('[').next());
        let words = root
            .into_iter()
            .flat_map(str::lines)
            .filter_map(|line| line.split_once('='));
        let level = words
            .filter(|(name, _)| name.trim() == "level")
            .find_map(|(_, word)| level(word));
        return (shape, level);
    };
    let formatters = config.get("formatters").and_then(Value::as_object);
    let structured = formatters.into_iter().flatten().any(|(_, formatter)| {
        ["class", "()"]
            .into_iter()
            .filter_map(|key| formatter.get(key)?.as_str())
            .any(|class| class.ends_with("StructuredFormatter"))
    });
    let shape = if structured {
        Shape::Structured
    } else {
        Shape::Plain
    };
    let root = config.get("root").or_else(|| config.get("loggers")?.get(""));
    (
        shape,
        root.and_then(|root| root.get("level")?.as_str()).and_then(level),
    )
}

/// Python's names of levels.
fn level(word: &str) -> Option<LevelFilter> {
    Some(match word.trim().to_ascii_uppercase().as_str() {
        "TRACE" | "NOTSET" => LevelFilter::Trace,
        "DEBUG" => LevelFilter::Debug,
        "INFO" => LevelFilter::Info,
        "WARN" | "WARNING" => LevelFilter::Warn,
        "ERROR" | "CRITICAL" | "FATAL" => LevelFilter::Error,
        "OFF" => LevelFilter::Off,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_structured_formatter_in_the_config_means_json() {
        let config = r#"{"version": 1, "formatters": {"s": {"()": "singer_sdk.logging.StructuredFormatter"}},
                         "root": {"level": "WARNING", "handlers": ["console"]}}"#;
        assert_eq!(log_config(config), (Shape::Structured, Some(LevelFilter::Warn)));
        let config =
            r#"{"formatters": {"s": {"class": "logging.Formatter"}}, "loggers": {"": {"level": "debug"}}}"#;
        assert_eq!(log_config(config), (Shape::Plain, Some(LevelFilter::Debug)));
    }

    #[test]
    fn reads_the_level_of_the_ini_form() {
        let config = "[loggers]\nkeys=root\n[logger_root]\nlevel=ERROR\nhandlers=stderr\n[handler_stderr]\nlevel=INFO\n";
        assert_eq!(log_config(config), (Shape::Plain, Some(LevelFilter::Error)));
    }

    #[test]
    fn the_plugins_own_level_goes_first() {
        let environment =
            |pairs: &[(&'static str, &'static str)]| Environment::new(pairs.iter().copied(), ".");
        let both = environment(&[("TAP_X_LOGLEVEL", "debug"), ("LOGLEVEL", "error")]);
        assert_eq!(choose("TAP_X", &both), (Shape::Plain, LevelFilter::Debug));
        assert_eq!(choose("TAP_Y", &both), (Shape::Plain, LevelFilter::Error));
        assert_eq!(
            choose("TAP_X", &environment(&[])),
            (Shape::Plain, LevelFilter::Info)
        );
    }
}
