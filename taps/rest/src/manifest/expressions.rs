//! What expressions about a record can name, and the record itself among it.

use serde_json::{Map, Value};

use super::jinja::{self, Names, Scope};

/// What expressions about a record can name.
pub(super) const RECORD: Names<'static> = &[
    "next_page_token",
    "path",
    "property",
    "record",
    "stream_interval",
    "stream_partition",
    "stream_slice",
    "value",
];

/// The scope with a record.
pub(super) fn with_record(scope: &Scope, record: &Map<String, Value>) -> Scope {
    scope
        .clone()
        .with("record", jinja::value(&Value::Object(record.clone())))
}
