//! Definitions of the built-in plugins, in the form that Meltano Hub and lock files have.

use serde_json::{Map, Value, json};

use super::Builtin;

/// The variant of the built-in plugins, in `meltano.yml` and in the names of lock files.
pub(crate) const VARIANT: &str = "melisma";

impl Builtin {
    /// Its definition, made from what it says of itself with `--about`.
    ///
    /// Defaults are placeholders, not values. Meltano passes the value of a definition to the plugin as if the user had chosen
    /// it, so a lock file would freeze the defaults of one version, and ignored settings would be reported at each run.
    pub(crate) fn definition(&self) -> Map<String, Value> {
        let settings = (self.connector.settings)();
        let properties = settings.schema().get("properties").and_then(Value::as_object);
        let settings: Vec<Value> = properties
            .into_iter()
            .flatten()
            .map(|(name, schema)| setting(name, schema))
            .collect();
        let repository = env!("CARGO_PKG_REPOSITORY");
        let definition = json!({
            "plugin_type": self.kind.plural(),
            "name": self.name,
            "namespace": self.name.replace('-', "_"),
            "variant": VARIANT,
            "label": self.name,
            "docs": format!("{repository}/blob/main/docs/{}.md", self.name),
            "repo": repository,
            "executable": self.name,
            "description": self.about,
            "capabilities": self.capabilities(),
            "settings": settings,
        });
        match definition {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }
}

/// The definition of a setting. What is empty or false is left out, as Meltano does.
fn setting(name: &str, schema: &Value) -> Value {
    let options = options(schema);
    let kind = if options.is_empty() {
        kind(schema)
    } else {
        "options"
    };
    let mut setting = Map::from_iter([("name".to_owned(), name.into())]);
    let mut set = |key: &str, value: Value| setting.insert(key.to_owned(), value);
    if let Some(aliases) = schema.get("x-aliases") {
        set("aliases", aliases.clone());
    }
    set("kind", kind.into());
    if let Some(description) = schema.get("description").and_then(Value::as_str) {
        set(
            "description",
            description
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
                .into(),
        );
    }
    if !options.is_empty() {
        set("options", options.into());
    }
    match schema.get("default") {
        None | Some(Value::Null) => {}
        Some(Value::String(text)) => {
            set("placeholder", text.as_str().into());
        }
        Some(other) => {
            set("placeholder", other.to_string().into());
        }
    }
    if schema.get("x-ignored").is_some() {
        set("hidden", true.into());
    }
    if schema.get("secret") == Some(&Value::Bool(true)) {
        set("sensitive", true.into());
    }
    Value::Object(setting)
}

/// The values to choose from, when there is a list of them.
fn options(schema: &Value) -> Vec<Value> {
    let choices = schema.get("oneOf").and_then(Value::as_array);
    choices
        .into_iter()
        .flatten()
        .filter_map(|choice| {
            let value = choice.get("const")?.as_str()?;
            Some(json!({"label": value, "value": value}))
        })
        .collect()
}

/// The kind of a setting, from its JSON Schema.
fn kind(schema: &Value) -> &'static str {
    let types: Vec<&str> = match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let known = ["boolean", "integer", "number", "array", "object"];
    // Text takes precedence: a setting that may be text needs no cast.
    if types.contains(&"string") {
        return "string";
    }
    known
        .into_iter()
        .find(|kind| types.contains(kind))
        .map_or("string", |kind| match kind {
            "number" => "decimal",
            kind => kind,
        })
}

#[cfg(test)]
mod tests {
    use super::super::find;
    use super::*;

    #[test]
    fn settings_say_what_a_form_needs_to_know() {
        let definition = find("target-postgres").expect("built in").definition();
        let settings = definition["settings"].as_array().expect("a list");
        let of = |name: &str| {
            settings
                .iter()
                .find(|setting| setting["name"] == name)
                .expect("a setting")
        };
        assert_eq!(of("password")["sensitive"], true);
        assert_eq!(of("database")["aliases"], json!(["dbname"]));
        assert_eq!(of("load_method")["kind"], "options");
        assert_eq!(of("load_method")["placeholder"], "append-only");
        assert_eq!(of("batch_size_rows")["kind"], "integer");
        assert!(
            settings.iter().all(|setting| setting.get("value").is_none()),
            "a default is no value"
        );
    }
}
