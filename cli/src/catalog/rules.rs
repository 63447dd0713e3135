//! Rules from the extras of a plugin: which value is set where in the catalog.

use serde_json::{Map, Value};

use super::glob;

/// Sets `key` to `value` in matching metadata.
#[derive(Clone, Debug)]
pub(crate) struct MetadataRule {
    /// Patterns of stream ids.
    streams: Vec<String>,
    /// Whether the rule is for the streams that match none of the patterns.
    negated: bool,
    /// Whether it is a rule of `select` or `metadata`, for one stream, rather than of `select_filter`.
    names_one: bool,
    /// A pattern for the parts of the breadcrumb, joined by dots; empty for the stream itself.
    breadcrumb: String,
    pub(crate) key: String,
    pub(crate) value: Value,
}

impl MetadataRule {
    fn new(stream: &str, breadcrumb: String, key: &str, value: Value) -> Self {
        Self {
            streams: vec![stream.to_owned()],
            negated: false,
            names_one: true,
            breadcrumb,
            key: key.to_owned(),
            value,
        }
    }

    pub(crate) fn is_of_stream(&self, stream: &str) -> bool {
        self.streams.iter().any(|pattern| glob::matches(pattern, stream)) != self.negated
    }

    /// The stream that the rule names without wildcards, and the parts of its property.
    pub(crate) fn named(&self) -> Option<(&str, Vec<String>)> {
        match &self.streams[..] {
            [stream] if self.names_one && !stream.contains('*') => {
                let parts = self.breadcrumb.strip_prefix("properties.");
                let parts = parts.map_or_else(Vec::new, |parts| {
                    parts.split(".properties.").map(str::to_owned).collect()
                });
                Some((stream, parts))
            }
            _ => None,
        }
    }

    pub(crate) fn is_of_breadcrumb(&self, breadcrumb: &str) -> bool {
        if self.breadcrumb.is_empty() {
            breadcrumb.is_empty()
        } else {
            glob::matches(&self.breadcrumb, breadcrumb)
        }
    }
}

/// Replaces the schemas of properties.
#[derive(Clone, Debug)]
pub(crate) struct SchemaRule {
    /// A pattern of stream ids.
    pub(crate) stream: String,
    /// A pattern of their names.
    pub(crate) property: String,
    pub(crate) schema: Value,
}

/// All rules of a plugin in the order in which they are applied: the last match takes precedence.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    pub(crate) schema: Vec<SchemaRule>,
    pub(crate) metadata: Vec<MetadataRule>,
}

impl Rules {
    /// The rules of the extras `select`, `metadata`, `schema` and `select_filter`.
    pub(crate) fn new(
        select: &[String],
        metadata: &Map<String, Value>,
        schema: &Map<String, Value>,
        select_filter: &[String],
    ) -> Self {
        let mut rules = Self {
            schema: schema_rules(schema),
            metadata: select_rules(&["!*.*".to_owned()]),
        };
        rules.metadata.extend(select_rules(select));
        rules.metadata.extend(metadata_rules(metadata));
        rules.metadata.extend(filter_rules(select_filter));
        rules
    }

    /// Rules that select everything.
    pub(crate) fn everything() -> Self {
        Self::new(&["*.*".to_owned()], &Map::new(), &Map::new(), &[])
    }

    /// Only `select_filter`: for a catalog file of the user.
    pub(crate) fn only_filter(select_filter: &[String]) -> Self {
        Self {
            schema: Vec::new(),
            metadata: filter_rules(select_filter),
        }
    }
}

/// `[!]stream[.property[.property...]]`
struct Pattern {
    negated: bool,
    stream: String,
    properties: Option<Vec<String>>,
}

impl Pattern {
    fn parse(text: &str) -> Self {
        let (negated, text) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let dot = text
            .char_indices()
            .find(|&(at, c)| c == '.' && !text[..at].ends_with('\\'))
            .map(|(at, _)| at);
        let (stream, properties) = match dot {
            Some(at) => (
                &text[..at],
                Some(text[at + 1..].split('.').map(str::to_owned).collect()).filter(|_| at + 1 < text.len()),
            ),
            None => (text, None),
        };
        Self {
            negated,
            stream: stream.replace("\\.", "."),
            properties,
        }
    }
}

fn breadcrumb(properties: &[String]) -> String {
    properties
        .iter()
        .map(|property| format!("properties.{property}"))
        .collect::<Vec<_>>()
        .join(".")
}

/// First the rules of all inclusions, then those of all exclusions, whatever their order in the list.
fn select_rules(patterns: &[String]) -> Vec<MetadataRule> {
    let (mut includes, mut excludes) = (Vec::new(), Vec::new());
    for pattern in patterns.iter().map(|pattern| Pattern::parse(pattern)) {
        let value = Value::Bool(!pattern.negated);
        let rule =
            |breadcrumb: String| MetadataRule::new(&pattern.stream, breadcrumb, "selected", value.clone());
        let rules = if pattern.negated {
            &mut excludes
        } else {
            &mut includes
        };
        let star = vec!["*".to_owned()];
        let properties = pattern.properties.as_ref().unwrap_or(&star);
        if !pattern.negated || *properties == star {
            rules.push(rule(String::new()));
        }
        rules.push(rule(breadcrumb(properties)));
        // The parents of an included property are included.
        if !pattern.negated {
            rules.extend((1..properties.len()).map(|length| rule(breadcrumb(&properties[..length]))));
        }
    }
    includes.extend(excludes);
    includes
}

/// Rules from names such as `stream.property.key`.
fn metadata_rules(metadata: &Map<String, Value>) -> Vec<MetadataRule> {
    let mut rules = Vec::new();
    for (name, value) in crate::dotted_keys::flatten(metadata) {
        let parts: Vec<String> = name.split('.').map(str::to_owned).collect();
        if let [stream, properties @ .., key] = &parts[..] {
            rules.push(MetadataRule::new(stream, breadcrumb(properties), key, value));
        }
    }
    rules
}

fn schema_rules(schema: &Map<String, Value>) -> Vec<SchemaRule> {
    let mut rules = Vec::new();
    for (stream, properties) in schema {
        for (property, schema) in properties.as_object().into_iter().flatten() {
            rules.push(SchemaRule {
                stream: stream.clone(),
                property: property.clone(),
                schema: schema.clone(),
            });
        }
    }
    rules
}

/// Deselects the streams that no pattern names, and those that a pattern excludes. Property parts are ignored.
fn filter_rules(patterns: &[String]) -> Vec<MetadataRule> {
    let (excluded, included): (Vec<Pattern>, Vec<Pattern>) = patterns
        .iter()
        .map(|pattern| Pattern::parse(pattern))
        .partition(|pattern| pattern.negated);
    let rule = |patterns: Vec<Pattern>, negated| MetadataRule {
        streams: patterns.into_iter().map(|pattern| pattern.stream).collect(),
        negated,
        names_one: false,
        breadcrumb: String::new(),
        key: "selected".to_owned(),
        value: Value::Bool(false),
    };
    let mut rules = Vec::new();
    if !included.is_empty() {
        rules.push(rule(included, true));
    }
    if !excluded.is_empty() {
        rules.push(rule(excluded, false));
    }
    rules
}
