//! The log configuration that a plugin gets.

use std::ffi::OsString;

use melisma_sdk::Result;
use serde_json::json;

use super::context::RunContext;
use crate::level::Level;

/// The variable by which Meltano hands a log configuration to a plugin.
pub(super) const VARIABLE: &str = "SINGER_SDK_LOG_CONFIG";

/// Writes a Python logging configuration, which plugins of the Meltano SDK and ours understand; returns the variable for
/// the plugin's process. A `structured` plugin logs JSON lines, which keep their level and their fields.
pub(super) fn write(name: &str, structured: bool, context: &RunContext) -> Result<(&'static str, OsString)> {
    let formatter = if structured {
        json!({"()": "singer_sdk.logging.StructuredFormatter"})
    } else {
        json!({"format": "%(message)s"})
    };
    let level = if context.console.shows(Level::Debug) {
        "DEBUG"
    } else {
        "INFO"
    };
    let config = json!({
        "version": 1,
        "disable_existing_loggers": false,
        "formatters": {"default": formatter},
        "handlers": {"default": {"class": "logging.StreamHandler", "formatter": "default", "stream": "ext://sys.stderr"}},
        "root": {"level": level, "handlers": ["default"]},
    });
    let file = format!("{name}.singer_sdk_logging.json");
    let path = context.dir.write(&file, &format!("{config:#}"))?;
    Ok((VARIABLE, path.into()))
}
