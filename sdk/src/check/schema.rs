//! JSON Schema, with the formats that targets read.

use jsonschema::{Draft, Validator};
use melisma_engine::error::show;
use serde_json::Value;

/// The validator of a schema, or what is wrong with the schema.
pub(super) fn compile(schema: &Value) -> Result<Validator, String> {
    let options = jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true);
    options
        .build(schema)
        .map_err(|error| format!("no JSON Schema: {}", show(&error.to_string())))
}

/// The first way in which a record does not fit.
pub(super) fn misfit(validator: &Validator, record: &Value) -> Option<String> {
    let error = validator.iter_errors(record).next()?;
    let place = error.instance_path().to_string();
    let place = place.trim_start_matches('/').replace('/', ".");
    let message = show(&error.to_string());
    Some(if place.is_empty() {
        message
    } else {
        format!("{place}: {message}")
    })
}
