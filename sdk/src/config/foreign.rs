//! Settings that the Meltano SDK gives to every plugin and that this one does not have.
//!
//! A config that was made for a plugin of that SDK may have them. Ignoring such a setting is harmless for some, and gets
//! a warning; for others it would write what the user wanted to be hidden, changed or removed, and ends the run. A
//! plugin whose own settings have the name sees to it itself.

use serde_json::{Map, Value};

use super::schema;

/// What becomes of a setting that asks for something.
#[derive(Clone, Copy)]
enum Fate {
    /// The run ends with exit code 78.
    Refused,
    /// The run goes on.
    Ignored,
}

const FOREIGN: &[(&str, Fate, &str)] = &[
    (
        "stream_maps",
        Fate::Refused,
        "streams would be passed on as they are, with everything that the maps hide or remove; use a mapper between the tap and the target",
    ),
    (
        "stream_map_config",
        Fate::Ignored,
        "it has no meaning without stream_maps",
    ),
    (
        "faker_config",
        Fate::Ignored,
        "it has no meaning without stream_maps",
    ),
    (
        "flattening_enabled",
        Fate::Refused,
        "nested objects would be passed on as they are",
    ),
    (
        "flattening_max_depth",
        Fate::Ignored,
        "it has no meaning without flattening_enabled",
    ),
    (
        "flattening_separator",
        Fate::Ignored,
        "it has no meaning without flattening_enabled",
    ),
    (
        "flattening_max_key_length",
        Fate::Ignored,
        "it has no meaning without flattening_enabled",
    ),
    (
        "batch_config",
        Fate::Ignored,
        "rows travel in RECORD messages, not in files of BATCH messages",
    ),
    ("hard_delete", Fate::Refused, "no row would be deleted"),
    (
        "process_activate_version_messages",
        Fate::Ignored,
        "ACTIVATE_VERSION removes nothing here: rows of older versions stay",
    ),
];

/// The names of those settings that the plugin does not have.
pub(super) fn names(own: &Map<String, Value>) -> impl Iterator<Item = &'static str> {
    foreign(own).map(|(name, ..)| *name)
}

fn foreign(own: &Map<String, Value>) -> impl Iterator<Item = &'static (&'static str, Fate, &'static str)> {
    let known = schema::properties(own);
    FOREIGN
        .iter()
        .filter(move |(name, ..)| known.is_none_or(|known| !known.contains_key(*name)))
}

/// Takes them out of what was given; says which end the run, and which are ignored.
pub(super) fn take(own: &Map<String, Value>, given: &mut Map<String, Value>) -> (Vec<String>, Vec<String>) {
    let (mut errors, mut warnings) = (Vec::new(), Vec::new());
    for (name, fate, why) in foreign(own) {
        if given.shift_remove(*name).is_none_or(|value| asks_nothing(&value)) {
            continue;
        }
        match fate {
            Fate::Refused => errors.push(format!("{name}: not supported by this plugin: {why}")),
            Fate::Ignored => warnings.push(format!("{name} is ignored: {why}")),
        }
    }
    (errors, warnings)
}

/// Whether a setting is as good as not given: empty or off, perhaps as text from an environment variable.
pub(super) fn asks_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::String(text) => {
            let text = text.trim().to_ascii_lowercase();
            let off = [
                "", "{}", "[]", "null", "none", "false", "0", "no", "off", "f", "n",
            ];
            off.contains(&text.as_str())
        }
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Bool(true) => false,
    }
}
