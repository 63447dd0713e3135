//! Extras: keys that a plugin has in `meltano.yml` next to its `config:`, and that the runner uses itself.
//!
//! They are resolved like settings, under names that begin with `_`.

use serde_json::{Map, Value};

use super::cast::SettingKind;
use super::plugin::Plugin;
use super::setting::Setting;
use crate::plugin_kind::PluginKind;

/// The definitions of the extras of a plugin.
pub(super) fn extra_settings(plugin: &Plugin) -> Vec<Setting> {
    let text = SettingKind::Text;
    let own: &[(&str, SettingKind, Option<Value>)] = match plugin.kind {
        PluginKind::Extractor => &[
            ("_catalog", text, None),
            ("_state", text, None),
            (
                "_load_schema",
                text,
                Some(Value::from("$MELTANO_EXTRACTOR_NAMESPACE")),
            ),
            ("_select", SettingKind::Array, Some(Value::from(vec!["*.*"]))),
            ("_metadata", SettingKind::Object, Some(Value::Object(Map::new()))),
            ("_schema", SettingKind::Object, Some(Value::Object(Map::new()))),
            (
                "_select_filter",
                SettingKind::Array,
                Some(Value::Array(Vec::new())),
            ),
            (
                "_use_cached_catalog",
                SettingKind::Boolean,
                Some(Value::Bool(true)),
            ),
        ],
        PluginKind::Loader => &[("_dialect", text, Some(Value::from("$MELTANO_LOADER_NAMESPACE")))],
        PluginKind::Mapper => &[
            ("_mappings", SettingKind::Array, None),
            ("_mapping_name", text, None),
        ],
        _ => &[],
    };
    own.iter()
        .map(|(name, kind, value)| Setting {
            value: plugin.defaults.get(*name).cloned().or_else(|| value.clone()),
            ..Setting::new(name, *kind)
        })
        .collect()
}
