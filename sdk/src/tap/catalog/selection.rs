//! Which streams and properties a catalog selects: the rules of singer.md section 7.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// The rules of one stream. A breadcrumb is a path such as `["properties", "a"]`; the stream itself is `[]`.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    rules: HashMap<Vec<String>, Rule>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Rule {
    inclusion: Inclusion,
    selected: Option<bool>,
    by_default: Option<bool>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Inclusion {
    #[default]
    Available,
    Automatic,
    Unsupported,
}

impl Selection {
    /// The rules in a catalog entry: its metadata, then the old flags `selected` and `inclusion` on the entry and
    /// in its schema, where the metadata says nothing.
    pub(in crate::tap) fn of(entry: &Map<String, Value>) -> Self {
        let mut selection = Self::default();
        for item in entry
            .get("metadata")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let breadcrumb = item
                .get("breadcrumb")
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            let breadcrumb = breadcrumb.filter_map(Value::as_str).map(str::to_owned).collect();
            if let Some(metadata) = item.get("metadata").and_then(Value::as_object) {
                selection.rules.insert(breadcrumb, Rule::of(metadata));
            }
        }
        selection.add_legacy(entry, &[]);
        if let Some(schema) = entry.get("schema").and_then(Value::as_object) {
            selection.add_legacy_nodes(schema, &mut Vec::new());
        }
        selection
    }

    /// Whether the stream, or the property at this breadcrumb, is selected.
    pub fn is_selected(&self, breadcrumb: &[&str]) -> bool {
        if self.rules.is_empty() {
            return true;
        }
        let parent = breadcrumb
            .len()
            .checked_sub(1)
            .map(|last| &breadcrumb[..last.saturating_sub(1)]);
        let parent = parent.map(|parent| self.is_selected(parent));
        if parent == Some(false) {
            return false;
        }
        let Some(rule) = self.rule(breadcrumb) else {
            let Some(last) = breadcrumb.len().checked_sub(1) else {
                return false;
            };
            return self.is_selected(&breadcrumb[..last]);
        };
        match rule.inclusion {
            Inclusion::Unsupported => false,
            Inclusion::Automatic => true,
            Inclusion::Available => rule.selected.or(rule.by_default).or(parent).unwrap_or(false),
        }
    }

    /// The top-level properties that are selected by name.
    pub(in crate::tap) fn chosen(&self) -> impl Iterator<Item = &str> {
        self.rules
            .iter()
            .filter_map(|(breadcrumb, rule)| match breadcrumb.as_slice() {
                [properties, name] if properties == "properties" && rule.selected == Some(true) => {
                    Some(name.as_str())
                }
                _ => None,
            })
    }

    /// Whether the property can never be read.
    pub(in crate::tap) fn is_unsupported(&self, breadcrumb: &[&str]) -> bool {
        self.rule(breadcrumb)
            .is_some_and(|rule| rule.inclusion == Inclusion::Unsupported)
    }

    fn rule(&self, breadcrumb: &[&str]) -> Option<&Rule> {
        let breadcrumb: Vec<String> = breadcrumb.iter().map(|&part| part.to_owned()).collect();
        self.rules.get(&breadcrumb)
    }

    fn add_legacy(&mut self, node: &Map<String, Value>, breadcrumb: &[String]) {
        let legacy = Rule::of(node);
        if legacy.selected.is_none() && legacy.inclusion == Inclusion::Available {
            return;
        }
        let rule = self.rules.entry(breadcrumb.to_vec()).or_default();
        rule.selected = rule.selected.or(legacy.selected);
        if rule.inclusion == Inclusion::Available {
            rule.inclusion = legacy.inclusion;
        }
    }

    fn add_legacy_nodes(&mut self, schema: &Map<String, Value>, breadcrumb: &mut Vec<String>) {
        self.add_legacy(schema, breadcrumb);
        for (name, property) in schema
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let Some(property) = property.as_object() else {
                continue;
            };
            breadcrumb.extend(["properties".to_owned(), name.clone()]);
            self.add_legacy_nodes(property, breadcrumb);
            breadcrumb.truncate(breadcrumb.len() - 2);
        }
        if let Some(items) = schema.get("items").and_then(Value::as_object) {
            breadcrumb.push("items".to_owned());
            self.add_legacy_nodes(items, breadcrumb);
            breadcrumb.pop();
        }
    }
}

impl Rule {
    fn of(metadata: &Map<String, Value>) -> Self {
        Self {
            inclusion: match metadata.get("inclusion").and_then(Value::as_str) {
                Some("automatic") => Inclusion::Automatic,
                Some("unsupported") => Inclusion::Unsupported,
                _ => Inclusion::Available,
            },
            selected: metadata.get("selected").and_then(flag),
            by_default: metadata.get("selected-by-default").and_then(flag),
        }
    }
}

/// A flag as a boolean or as text; documentation shows `"true"`, and `"false"` means what it says.
fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn selection(entry: &Value) -> Selection {
        Selection::of(entry.as_object().expect("an object"))
    }

    fn with(items: &Value) -> Selection {
        selection(&json!({"metadata": items}))
    }

    #[test]
    fn without_metadata_all_is_selected() {
        assert!(with(&json!([])).is_selected(&[]));
        assert!(with(&json!([])).is_selected(&["properties", "a"]));
    }

    #[test]
    fn a_stream_without_opinion_is_not_selected() {
        let selection = with(&json!([{"breadcrumb": [], "metadata": {"inclusion": "available"}}]));
        assert!(!selection.is_selected(&[]));
        assert!(!selection.is_selected(&["properties", "a"]));
    }

    #[test]
    fn each_rule_in_its_turn() {
        let selection = with(&json!([
            {"breadcrumb": [], "metadata": {"selected": "true", "selected-by-default": false}},
            {"breadcrumb": ["properties", "never"], "metadata": {"inclusion": "unsupported", "selected": true}},
            {"breadcrumb": ["properties", "always"], "metadata": {"inclusion": "automatic", "selected": false}},
            {"breadcrumb": ["properties", "off"], "metadata": {"selected": "False", "selected-by-default": true}},
            {"breadcrumb": ["properties", "default"], "metadata": {"selected-by-default": false}},
            {"breadcrumb": ["properties", "parent"], "metadata": {"inclusion": "available"}},
            {"breadcrumb": ["properties", "off", "properties", "inner"], "metadata": {"inclusion": "automatic"}},
            {"breadcrumb": ["properties", "list", "items", "properties", "x"], "metadata": {"selected": false}},
        ]));
        assert!(selection.is_selected(&[]));
        assert!(!selection.is_selected(&["properties", "never"]));
        assert!(selection.is_selected(&["properties", "always"]));
        assert!(!selection.is_selected(&["properties", "off"]));
        assert!(!selection.is_selected(&["properties", "default"]));
        assert!(selection.is_selected(&["properties", "parent"]));
        assert!(selection.is_selected(&["properties", "missing"]));
        assert!(selection.is_selected(&["properties", "missing", "properties", "deep"]));
        assert!(!selection.is_selected(&["properties", "off", "properties", "inner"]));
        assert!(!selection.is_selected(&["properties", "list", "items", "properties", "x"]));
        assert!(selection.is_selected(&["properties", "list", "items", "properties", "y"]));
    }

    #[test]
    fn a_deselected_stream_has_no_selected_properties() {
        let selection = with(&json!([
            {"breadcrumb": [], "metadata": {"selected": false}},
            {"breadcrumb": ["properties", "id"], "metadata": {"inclusion": "automatic"}},
        ]));
        assert!(!selection.is_selected(&["properties", "id"]));
    }

    #[test]
    fn a_missing_breadcrumb_takes_its_nearest_ancestor() {
        let selection = with(&json!([
            {"breadcrumb": [], "metadata": {"selected": true}},
            {"breadcrumb": ["properties", "a", "properties", "b"], "metadata": {"selected": false}},
        ]));
        assert!(!selection.is_selected(&["properties", "a", "properties", "b", "properties", "c"]));
        assert!(selection.is_selected(&["properties", "a", "properties", "d"]));
    }

    #[test]
    fn old_flags_count_where_metadata_is_silent() {
        assert!(!selection(&json!({"selected": false})).is_selected(&[]));
        assert!(selection(&json!({"selected": true})).is_selected(&["properties", "a"]));
        let nodes = selection(&json!({"schema": {"selected": true, "properties": {
            "a": {"selected": false}, "b": {"inclusion": "automatic"}}}}));
        assert!(nodes.is_selected(&[]));
        assert!(!nodes.is_selected(&["properties", "a"]));
        assert!(nodes.is_selected(&["properties", "b"]));
        let both = selection(
            &json!({"selected": true, "metadata": [{"breadcrumb": [], "metadata": {"selected": false}}]}),
        );
        assert!(!both.is_selected(&[]));
    }
}
