//! What one block says of a plugin: in `meltano.yml`, in an environment, or in a lock file.

use serde_json::{Map, Value};

use super::Command;
use crate::project::spelling;

/// Keys of a plugin's block that are not extras, with spaces between them.
const BLOCK_KEYS: &str = "name inherit_from namespace variant pip_url python executable capabilities settings \
    settings_group_validation commands requires requires_meltano config env hidden label logo_url description";

/// More such keys of a definition: a lock file, or a block with a namespace.
const DEFINITION_KEYS: &str =
    "plugin_type docs repo original deprecated supported_python_versions variants is_default_variant";

/// The `settings_group_validation` of a block.
pub(super) fn groups(block: &Map<String, Value>) -> Option<Vec<Vec<String>>> {
    let groups = block.get("settings_group_validation")?.as_array()?;
    Some(groups.iter().filter_map(|group| texts(Some(group))).collect())
}

/// The `python` of a block, which YAML may take for a number.
pub(super) fn python(block: &Map<String, Value>) -> Option<String> {
    let python = block.get("python").filter(|python| !python.is_null())?;
    Some(spelling::str(python)).filter(|python| !python.is_empty())
}

pub(super) fn texts(list: Option<&Value>) -> Option<Vec<String>> {
    let list = list?.as_array()?;
    Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// The `commands:` of a block. A text is the arguments alone.
pub(super) fn commands(block: &Map<String, Value>) -> impl Iterator<Item = (String, Command)> + '_ {
    let commands = block.get("commands").and_then(Value::as_object);
    commands.into_iter().flatten().filter_map(|(name, value)| {
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let command = match value {
            Value::String(args) => Command {
                args: args.clone(),
                executable: None,
                description: String::new(),
            },
            Value::Object(_) => Command {
                args: text("args").unwrap_or_default(),
                executable: text("executable"),
                description: text("description").unwrap_or_default(),
            },
            _ => return None,
        };
        Some((name.clone(), command))
    })
}

/// The `config:` of a block, and its extras with a `_` before their names.
pub(super) fn config(block: &Map<String, Value>, is_definition: bool) -> Map<String, Value> {
    let mut config = match block.get("config") {
        Some(Value::Object(config)) => config.clone(),
        _ => Map::new(),
    };
    config.extend(extras_of(block, is_definition));
    config
}

pub(super) fn extras_of(
    block: &Map<String, Value>,
    is_definition: bool,
) -> impl Iterator<Item = (String, Value)> + '_ {
    let listed = |keys: &str, key: &str| keys.split_ascii_whitespace().any(|known| known == key);
    block
        .iter()
        .filter(move |(key, _)| !(listed(BLOCK_KEYS, key) || is_definition && listed(DEFINITION_KEYS, key)))
        .map(|(key, value)| (format!("_{key}"), value.clone()))
}
