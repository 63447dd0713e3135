//! Extras: keys that a plugin has in `meltano.yml` next to its `config:`, and that the runner uses itself.
//!
//! They are resolved like settings, under names that begin with `_`.

use serde_json::{Map, Value, json};

use super::setting::{self, Setting};
use super::setting_kind::SettingKind;
use crate::plugin_kind::PluginKind;

/// The extras of a definition: those that every plugin of the kind has, with the definition's own defaults, then all other
/// keys of the definition.
pub(super) fn of_definition(kind: PluginKind, defaults: &Map<String, Value>) -> Vec<Setting> {
    let mut extras = of_kind(kind);
    for extra in &mut extras {
        if let Some(value) = defaults.get(&extra.name).filter(|value| !value.is_null()) {
            extra.value = Some(value.clone());
        }
    }
    let more = setting::of_keys(&extras, defaults, true);
    extras.extend(more);
    extras
}

fn of_kind(kind: PluginKind) -> Vec<Setting> {
    let log_parser = extra("_log_parser", SettingKind::Plain, json!("singer-sdk"));
    match kind {
        PluginKind::Extractor => {
            let mut metadata = extra("_metadata", SettingKind::Object, json!({}));
            metadata.aliases = vec!["metadata".to_owned()];
            let mut schema = extra("_schema", SettingKind::Object, json!({}));
            for nested in [&mut metadata, &mut schema] {
                nested.processor = Some("nest_object".to_owned());
            }
            vec![
                log_parser,
                Setting::new("_catalog", SettingKind::Plain),
                Setting::new("_state", SettingKind::Plain),
                extra(
                    "_load_schema",
                    SettingKind::Plain,
                    json!("$MELTANO_EXTRACTOR_NAMESPACE"),
                ),
                extra("_select", SettingKind::Array, json!(["*.*"])),
                metadata,
                schema,
                extra("_select_filter", SettingKind::Array, json!([])),
                extra("_use_cached_catalog", SettingKind::Boolean, json!(true)),
            ]
        }
        PluginKind::Loader => vec![
            log_parser,
            extra("_dialect", SettingKind::Plain, json!("$MELTANO_LOADER_NAMESPACE")),
        ],
        PluginKind::Mapper => {
            let mut mappings = extra("_mappings", SettingKind::Array, json!({}));
            mappings.aliases = vec!["mappings".to_owned()];
            let mut name = Setting::new("_mapping_name", SettingKind::Plain);
            name.aliases = vec!["mapping_name".to_owned()];
            vec![log_parser, mappings, name]
        }
        PluginKind::File => {
            let mut update = extra("_update", SettingKind::Object, json!({}));
            update.aliases = vec!["update".to_owned()];
            vec![update]
        }
        _ => Vec::new(),
    }
}

fn extra(name: &str, kind: SettingKind, default: Value) -> Setting {
    Setting {
        value: Some(default),
        ..Setting::new(name, kind)
    }
}
