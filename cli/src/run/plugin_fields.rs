//! What log lines of a plugin have for machines, by Meltano's names.

use serde_json::{Map, Value, json};

/// What a plugin does in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Tap,
    Mapper,
    Target,
    Command,
    /// The tap or the target of `melisma el`, which Meltano describes in another way.
    OfEl(&'static str),
}

impl Role {
    /// The role in `melisma el`, if this is a run of it.
    pub(super) fn or_of_el(self, as_el: bool) -> Self {
        match self {
            Self::Tap if as_el => Self::OfEl("extractor"),
            Self::Target if as_el => Self::OfEl("loader"),
            role => role,
        }
    }

    /// The fields of each line of the plugin of this name.
    pub(super) fn fields(self, name: &str) -> Map<String, Value> {
        let fields = match self {
            Self::Command => json!({"stdio": "stderr", "cmd_type": "command"}),
            Self::OfEl(cmd_type) => json!({"stdio": "stderr", "cmd_type": cmd_type}),
            role => json!({
                "stdio": "stderr", "cmd_type": "elb", "string_id": name,
                "consumer": role != Self::Tap, "producer": role != Self::Target,
            }),
        };
        match fields {
            Value::Object(fields) => fields,
            _ => Map::new(),
        }
    }
}
