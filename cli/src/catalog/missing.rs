//! Streams and properties that a project names and that the tap does not have, which are mostly typos.

use serde_json::Value;

use super::apply::id_of;
use super::rules::Rules;

/// A warning for each stream and property that a rule names without wildcards and `catalog` lacks. Before the rules are applied:
/// a rule for a schema adds what it names.
pub(crate) fn missing(catalog: &Value, rules: &Rules) -> Vec<String> {
    let streams: Vec<_> = catalog
        .get("streams")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .collect();
    let mut warnings = Vec::new();
    for (stream, properties) in rules.metadata.iter().filter_map(|rule| rule.named()) {
        let warning = match streams.iter().find(|other| id_of(other) == stream) {
            None => format!("Stream `{stream}` was not found in the catalog"),
            Some(found) => {
                let exact = properties.iter().take_while(|part| !part.contains('*'));
                let is_there = exact.clone().try_fold(found.get("schema"), |schema, part| {
                    Some(schema?.get("properties")?.get(part))
                });
                let short = exact.count() == 0 || properties.iter().any(String::is_empty);
                let is_rule_of_schema = rules
                    .schema
                    .iter()
                    .any(|rule| rule.stream == stream && properties.first() == Some(&rule.property));
                if short || is_rule_of_schema || is_there.flatten().is_some() {
                    continue;
                }
                format!(
                    "Property `{}` was not found in the schema of stream `{stream}`",
                    properties.join(".")
                )
            }
        };
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }
    warnings
}
