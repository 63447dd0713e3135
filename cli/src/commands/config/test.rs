//! `config test`: does the plugin work with its settings.

use std::process::ExitCode;

use melisma_sdk::{Error, Result};
use serde_json::{Value, json};

use super::super::install_first::install_first;
use super::super::open_project::open_for_edits;
use super::super::output::print;
use super::super::plugin_arg::PluginArg;
use crate::args::{AutoInstallArgs, ProjectArgs};
use crate::plugin_kind::PluginKind;
use crate::run::Single;

/// The stream that a target is tested with, as Meltano names it.
const STREAM: &str = "meltano_test_stream";

/// Runs a tap until its first record, or a target with one record.
pub(super) fn run(plugin: &PluginArg, install: AutoInstallArgs, globals: &ProjectArgs) -> Result<ExitCode> {
    let project = open_for_edits(globals)?;
    let plugin = plugin.load(&project)?;
    if let Some(code) = install_first(install, &project, std::slice::from_ref(&plugin), globals)? {
        return Ok(code);
    }
    let single = Single::new(&project, &plugin, globals)?;
    match plugin.kind {
        PluginKind::Extractor => {
            let mut found = false;
            single.read_messages(None, |message| {
                let kind = message.get("type").and_then(Value::as_str);
                found = matches!(kind, Some("RECORD" | "BATCH"));
                found
            })?;
            if !found {
                return Err(Error::config(format!(
                    "{} wrote no record; `melisma select {} --list` shows what is selected",
                    plugin.name, plugin.name
                )));
            }
        }
        PluginKind::Loader => single.write_messages(&messages())?,
        kind => {
            return Err(Error::config(format!(
                "{}: taps and targets can be tested, but a plugin of the kind {} cannot",
                plugin.name,
                kind.singular()
            )));
        }
    }
    print("Plugin configuration is valid")?;
    Ok(ExitCode::SUCCESS)
}

fn messages() -> [Value; 3] {
    let properties = json!({
        "id": {"type": "integer"},
        "name": {"type": "string"},
        "created_at": {"type": "string", "format": "date-time"},
    });
    let record = json!({"id": 1, "name": "a record of a test", "created_at": "2025-09-29T00:00:00Z"});
    [
        json!({"type": "SCHEMA", "stream": STREAM, "schema": {"type": "object", "properties": properties},
               "key_properties": ["id"]}),
        json!({"type": "RECORD", "stream": STREAM, "record": record}),
        json!({"type": "STATE", "value": {"bookmarks": {STREAM: {"last_record": 1}}}}),
    ]
}
