//! The log configuration that a plugin gets.

use std::ffi::OsString;

use melisma_sdk::Result;
use serde_json::json;

use super::context::RunContext;
use crate::level::Level;

/// The variables by which Meltano hands a log configuration to a plugin of its SDK, and to one of pipelinewise.
const SDK: &str = "SINGER_SDK_LOG_CONFIG";
const PIPELINEWISE: &str = "LOGGING_CONF_FILE";

/// Writes configurations for Python's logging, which plugins of the Meltano SDK, those of pipelinewise, and ours understand;
/// returns the variables for the plugin's process. A `structured` plugin logs JSON lines, which keep their level and their
/// fields.
pub(super) fn write(
    name: &str,
    structured: bool,
    context: &RunContext,
) -> Result<Vec<(&'static str, OsString)>> {
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
    let sections = format!(
        "[loggers]\nkeys=root\n\n[handlers]\nkeys=stderr\n\n[formatters]\nkeys=plain\n\n\
         [logger_root]\nlevel={level}\nhandlers=stderr\n\n\
         [handler_stderr]\nclass=StreamHandler\nargs=(sys.stderr,)\nlevel={level}\nformatter=plain\n\n\
         [formatter_plain]\nformat=%(message)s\n"
    );
    let write = |file: &str, text: &str| context.dir.write(&format!("{name}.{file}"), text);
    Ok(vec![
        (
            SDK,
            write("singer_sdk_logging.json", &format!("{config:#}"))?.into(),
        ),
        (
            PIPELINEWISE,
            write("pipelinewise_logging.conf", &sections)?.into(),
        ),
    ])
}
