//! Definitions of settings.

use serde_json::{Map, Value};

use super::cast::SettingKind;

/// The definition of one setting.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) name: String,
    pub(crate) kind: SettingKind,
    /// The default.
    pub(crate) value: Option<Value>,
    /// An additional variable that the value is exported as. It is never read.
    pub(crate) env: Option<String>,
    pub(crate) aliases: Vec<String>,
    pub(crate) processor: Option<String>,
}

impl Setting {
    /// A setting without a default.
    pub(super) fn new(name: &str, kind: SettingKind) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            value: None,
            env: None,
            aliases: Vec::new(),
            processor: None,
        }
    }
}

/// Adds the settings of a definition and of a plugin's own block to those of its parent; one of the same name replaces.
pub(super) fn join(
    mut settings: Vec<Setting>,
    definition: &Map<String, Value>,
    own: &Map<String, Value>,
) -> Vec<Setting> {
    let lists = [definition.get("settings"), own.get("settings")];
    for setting in lists
        .into_iter()
        .flatten()
        .filter_map(Value::as_array)
        .flatten()
        .filter_map(setting)
    {
        match settings.iter_mut().find(|old| old.name == setting.name) {
            Some(old) => *old = setting,
            None => settings.push(setting),
        }
    }
    settings
}

fn setting(definition: &Value) -> Option<Setting> {
    let text = |key: &str| definition.get(key).and_then(Value::as_str).map(str::to_owned);
    let list = |key: &str| {
        definition
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let value = definition.get("value").filter(|value| !value.is_null()).cloned();
    Some(Setting {
        name: text("name")?,
        kind: text("kind")
            .as_deref()
            .map_or(SettingKind::Text, SettingKind::parse),
        value,
        env: text("env"),
        aliases: list("aliases")
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        processor: text("value_processor").or_else(|| text("value_post_processor")),
    })
}
