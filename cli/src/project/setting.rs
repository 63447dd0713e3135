//! Definitions of settings.

use serde_json::{Map, Value};

use super::setting_kind::SettingKind;
use crate::dotted_keys::flatten;

/// The definition of one setting.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) name: String,
    pub(crate) kind: SettingKind,
    /// The default.
    pub(crate) value: Option<Value>,
    /// An additional variable that the value is exported as. It is never read.
    pub(crate) env: Option<String>,
    /// Additional variables that are read and exported. One that begins with `!` is read as the opposite, and not exported.
    pub(crate) env_aliases: Vec<String>,
    pub(crate) aliases: Vec<String>,
    /// The values that a setting of the kind `options` may have.
    pub(crate) options: Vec<Value>,
    pub(crate) processor: Option<String>,
    pub(crate) post_processor: Option<String>,
    /// Whether its value is a secret.
    pub(crate) sensitive: bool,
    /// Whether its value is one of this place alone, and so belongs into `.env`.
    pub(crate) env_specific: bool,
    /// Whether it is a key of a `config:` that no definition knows.
    pub(crate) undeclared: bool,
    pub(crate) label: Option<String>,
    pub(crate) description: Option<String>,
}

impl Setting {
    /// A setting without a default.
    pub(super) fn new(name: &str, kind: SettingKind) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            value: None,
            env: None,
            env_aliases: Vec::new(),
            aliases: Vec::new(),
            options: Vec::new(),
            processor: None,
            post_processor: None,
            sensitive: false,
            env_specific: false,
            undeclared: false,
            label: None,
            description: None,
        }
    }

    /// Whether it is an extra: a key of the plugin next to its `config:`.
    pub(crate) fn is_extra(&self) -> bool {
        self.name.starts_with('_')
    }
}

/// The settings that a block defines.
pub(super) fn of_block(block: &Map<String, Value>) -> Vec<Setting> {
    let list = block.get("settings").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(setting).collect()
}

/// Settings for the keys of `config` that have no definition among `known`. With `as_defaults`, the values are their defaults.
pub(super) fn of_keys(known: &[Setting], config: &Map<String, Value>, as_defaults: bool) -> Vec<Setting> {
    flatten(config)
        .into_iter()
        .filter(|(key, _)| known.iter().all(|setting| setting.name != *key))
        .map(|(key, value)| Setting {
            value: (as_defaults && !value.is_null()).then(|| value.clone()),
            undeclared: !as_defaults,
            ..Setting::new(&key, SettingKind::of(&value))
        })
        .collect()
}

fn setting(definition: &Value) -> Option<Setting> {
    let text = |key: &str| definition.get(key).and_then(Value::as_str).map(str::to_owned);
    let flag = |key: &str| definition.get(key) == Some(&Value::Bool(true));
    let list = |key: &str| {
        definition
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let texts = |key: &str| list(key).filter_map(Value::as_str).map(str::to_owned).collect();
    let kind = text("kind");
    let kind = match kind.as_deref() {
        None | Some("") => SettingKind::Plain,
        // Old spellings of a flag of their own, which is then the kind of plain text.
        Some("hidden") if flag("hidden") => SettingKind::Plain,
        Some("password" | "oauth") if flag("sensitive") => SettingKind::Plain,
        Some(kind) => SettingKind::parse(kind),
    };
    Some(Setting {
        name: text("name")?,
        kind,
        value: definition.get("value").filter(|value| !value.is_null()).cloned(),
        env: text("env"),
        env_aliases: texts("env_aliases"),
        aliases: texts("aliases"),
        options: list("options")
            .filter_map(|option| option.get("value").cloned())
            .collect(),
        processor: text("value_processor"),
        post_processor: text("value_post_processor"),
        sensitive: flag("sensitive") || matches!(text("kind").as_deref(), Some("password" | "oauth")),
        env_specific: flag("env_specific"),
        undeclared: false,
        label: text("label"),
        description: text("description"),
    })
}
