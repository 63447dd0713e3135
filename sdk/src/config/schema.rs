//! The JSON Schema of settings, and what it says of each setting.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

/// The JSON Schema of a settings struct, with everything in its place instead of `$ref`.
pub(super) fn of<C: JsonSchema>() -> Map<String, Value> {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    match settings.into_generator().into_root_schema_for::<C>().to_value() {
        Value::Object(schema) => schema,
        _ => Map::new(),
    }
}

/// Adds the properties and required names of `more` to `schema`.
pub(super) fn merge(schema: &mut Map<String, Value>, mut more: Map<String, Value>) {
    if let Some(Value::Object(more)) = more.remove("properties") {
        let properties = schema
            .entry("properties")
            .or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(properties) = properties {
            for (name, property) in more {
                properties.entry(name).or_insert(property);
            }
        }
    }
    if let Some(Value::Array(more)) = more.remove("required") {
        let required = schema
            .entry("required")
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(required) = required {
            for name in more {
                if !required.contains(&name) {
                    required.push(name);
                }
            }
        }
    }
}

/// The properties of an object schema. `Option` of a struct is an `anyOf` with null: its object branch counts.
pub(super) fn properties(schema: &Map<String, Value>) -> Option<&Map<String, Value>> {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        return Some(properties);
    }
    let branches = schema.get("anyOf").and_then(Value::as_array)?;
    let mut objects = branches
        .iter()
        .filter_map(|branch| branch.as_object()?.get("properties")?.as_object());
    let first = objects.next();
    if objects.next().is_some() { None } else { first }
}

/// Why the setting is accepted and ignored, if it is.
pub(super) fn ignored(schema: &Value) -> Option<&str> {
    schema.get("x-ignored").and_then(Value::as_str)
}

/// Whether there may be members that the schema does not name.
pub(super) fn takes_others(schema: &Map<String, Value>) -> bool {
    matches!(
        schema.get("additionalProperties"),
        Some(Value::Bool(true) | Value::Object(_))
    )
}

/// Whether the setting is secret.
pub(super) fn is_secret(schema: &Map<String, Value>) -> bool {
    let says = |schema: &Map<String, Value>| schema.get("secret") == Some(&Value::Bool(true));
    says(schema)
        || schema
            .get("anyOf")
            .and_then(Value::as_array)
            .is_some_and(|branches| branches.iter().filter_map(Value::as_object).any(says))
}

/// Whether the setting is secret, or has a secret anywhere below it.
pub(super) fn reaches_secret(schema: &Map<String, Value>) -> bool {
    fn below(schema: &Value) -> bool {
        match schema {
            Value::Object(members) => {
                members.get("secret") == Some(&Value::Bool(true)) || members.values().any(below)
            }
            Value::Array(items) => items.iter().any(below),
            _ => false,
        }
    }
    schema.get("secret") == Some(&Value::Bool(true)) || schema.values().any(below)
}

/// The other names of a setting (`x-aliases`).
pub(super) fn aliases_of(schema: &Map<String, Value>) -> impl Iterator<Item = &str> {
    schema
        .get("x-aliases")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// One setting as `--about` lists it: nested ones have dotted names.
#[derive(Clone, Debug)]
pub(crate) struct Setting<'a> {
    /// `ssh_tunnel.host`
    pub(crate) name: String,
    /// Whether it must be given.
    pub(crate) required: bool,
    /// Its JSON Schema.
    pub(crate) schema: &'a Map<String, Value>,
}

impl Setting<'_> {
    /// Its default as JSON text, unless it is null or secret.
    pub(crate) fn default(&self) -> Option<String> {
        let default = self.schema.get("default").filter(|default| !default.is_null())?;
        (!is_secret(self.schema)).then(|| default.to_string())
    }

    /// The values that it can have, each with what it does, when they are a fixed few.
    pub(crate) fn values(&self) -> Vec<(&str, String)> {
        let mut values = Vec::new();
        collect_values(self.schema, &mut values);
        values
    }

    /// Its description on one line.
    pub(crate) fn description(&self) -> String {
        description(self.schema)
    }

    /// Its environment variable: plugin and setting in upper case, joined by `_`.
    pub(crate) fn variable(&self, prefix: &str) -> String {
        variable(prefix, &self.name)
    }
}

/// The environment variable of a setting, its name dotted when it is nested.
pub(super) fn variable(prefix: &str, name: &str) -> String {
    format!("{prefix}_{}", name.replace(['-', '.'], "_").to_uppercase())
}

/// The description of a schema, on one line.
fn description(schema: &Map<String, Value>) -> String {
    let text = schema
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The strings that a schema allows. Schemars writes a branch for each variant that has a description.
fn collect_values<'a>(schema: &'a Map<String, Value>, values: &mut Vec<(&'a str, String)>) {
    if let Some(value) = schema.get("const").and_then(Value::as_str) {
        values.push((value, description(schema)));
    }
    let plain = schema.get("enum").and_then(Value::as_array);
    let plain = plain.into_iter().flatten().filter_map(Value::as_str);
    values.extend(plain.map(|value| (value, String::new())));
    for branches in ["oneOf", "anyOf"] {
        let branches = schema.get(branches).and_then(Value::as_array);
        for branch in branches.into_iter().flatten().filter_map(Value::as_object) {
            collect_values(branch, values);
        }
    }
}

/// All settings of a schema that have an environment variable, nested ones after the one that holds them.
pub(crate) fn settings(schema: &Map<String, Value>) -> Vec<Setting<'_>> {
    let mut all = Vec::new();
    collect(schema, "", false, &mut all);
    all
}

/// The same with the settings of each entry of a list: `files[].path`.
pub(crate) fn settings_and_entries(schema: &Map<String, Value>) -> Vec<Setting<'_>> {
    let mut all = Vec::new();
    collect(schema, "", true, &mut all);
    all
}

fn collect<'a>(schema: &'a Map<String, Value>, parent: &str, entries: bool, all: &mut Vec<Setting<'a>>) {
    let Some(properties) = properties(schema) else {
        return;
    };
    let required = schema.get("required").and_then(Value::as_array);
    for (key, property) in properties {
        let Some(schema) = property.as_object() else {
            continue;
        };
        let name = if parent.is_empty() {
            key.clone()
        } else {
            format!("{parent}.{key}")
        };
        let required = required.is_some_and(|names| names.iter().any(|name| name == key));
        all.push(Setting {
            name: name.clone(),
            required,
            schema,
        });
        collect(schema, &name, entries, all);
        if entries && let Some(entry) = schema.get("items").and_then(Value::as_object) {
            collect(entry, &format!("{name}[]"), entries, all);
        }
    }
}
