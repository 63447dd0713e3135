//! Which regular expressions can be checked.

use jsonschema::Draft;
use serde_json::json;

/// Whether a pattern is one that can be checked.
pub(crate) fn takes_pattern(pattern: &str) -> bool {
    let schema = json!({"pattern": pattern});
    jsonschema::options()
        .with_draft(Draft::Draft7)
        .build(&schema)
        .is_ok()
}
