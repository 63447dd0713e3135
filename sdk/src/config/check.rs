//! Checking values against the settings' JSON Schema, and casting those that came as text.

use melisma_engine::error::show;
use serde_json::{Map, Value};

use super::foreign::asks_nothing;
use super::schema;
use crate::names::{near, show_name};
use crate::secret::MASK;

/// Collects what is wrong, so that one run tells all of it.
#[derive(Debug, Default)]
pub(super) struct Checker {
    /// What makes the config unusable: setting, what was expected, what was found.
    pub(super) errors: Vec<String>,
    /// Unknown and ignored settings.
    pub(super) warnings: Vec<String>,
    /// The secrets' values, to keep them out of later messages.
    pub(super) secrets: Vec<String>,
}

impl Checker {
    /// Checks the members of an object; unknown ones and nulls are left out.
    pub(super) fn object(
        &mut self,
        schema: &Map<String, Value>,
        given: Map<String, Value>,
        at: &str,
    ) -> Map<String, Value> {
        let properties = schema::properties(schema);
        let Some(properties) = properties else {
            return self.free_object(schema, given, at);
        };
        let mut checked = Map::new();
        let mut unknown = Vec::new();
        for (name, value) in given {
            let Some((name, property)) = known(properties, &name) else {
                if !schema::takes_others(schema) {
                    unknown.push(name);
                } else if !value.is_null() {
                    checked.insert(name, value);
                }
                continue;
            };
            if value.is_null() {
                continue;
            }
            if let Some(value) = self.value(property, value, &join(at, name)) {
                if let Some(why) = schema::ignored(property)
                    && !asks_nothing(&value)
                {
                    let warning = format!("{} is ignored: {why}", join(at, name));
                    // By two of its names it is still one setting.
                    if !self.warnings.contains(&warning) {
                        self.warnings.push(warning);
                    }
                }
                checked.insert(name.to_owned(), value);
            }
        }
        for name in schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            let failed = self
                .errors
                .iter()
                .any(|error| error.starts_with(&format!("{}:", join(at, name))));
            if checked.contains_key(name) || failed {
                continue;
            }
            // A typo in the name of what is missing is the mistake, not that it is missing.
            let typo = unknown
                .iter()
                .position(|given| near(properties.keys().map(String::as_str), given) == Some(name));
            self.errors.push(match typo {
                Some(typo) => format!(
                    "{}: unknown setting, did you mean {name}?",
                    show_name(&join(at, &unknown.remove(typo)))
                ),
                None => format!("{}: required, but not given", join(at, name)),
            });
        }
        for name in unknown {
            self.unknown(properties, &name, at);
        }
        checked
    }

    /// Takes the values of secrets out of what is said of other settings: one password may be in two places, one of them
    /// wrong.
    pub(super) fn hide_secrets(&mut self) {
        for text in self.errors.iter_mut().chain(&mut self.warnings) {
            for secret in &self.secrets {
                if text.contains(secret.as_str()) {
                    *text = text.replace(secret.as_str(), MASK);
                }
            }
        }
    }

    /// An object with free keys; the schema may say what its values are.
    fn free_object(
        &mut self,
        schema: &Map<String, Value>,
        given: Map<String, Value>,
        at: &str,
    ) -> Map<String, Value> {
        match schema.get("additionalProperties") {
            Some(values @ Value::Object(_)) => given
                .into_iter()
                .filter_map(|(name, value)| {
                    let value = self.value(values, value, &join(at, &name))?;
                    Some((name, value))
                })
                .collect(),
            _ => given,
        }
    }

    fn unknown(&mut self, properties: &Map<String, Value>, name: &str, at: &str) {
        let near = near(properties.keys().map(String::as_str), name);
        let name = join(at, name);
        self.warnings.push(match near {
            Some(known) => format!(
                "unknown setting {}; did you mean {}?",
                show(&name),
                join(at, known)
            ),
            None => format!("unknown setting {}", show(&name)),
        });
    }

    /// A value that the schema does not take. It is shown unless a secret is in the schema or below it: what stands in
    /// the place of an object with a password may be a URL that has the password.
    fn misfit(&mut self, schema: &Map<String, Value>, value: &Value, at: &str) {
        let found = if schema::reaches_secret(schema) {
            String::new()
        } else {
            format!(", found {}", show(&value.to_string()))
        };
        self.errors
            .push(format!("{at}: expected {}{found}", expected(schema)));
    }

    /// Checks one value; casts it when it came as text. `None` when it is wrong, which is then among the errors.
    fn value(&mut self, schema: &Value, value: Value, at: &str) -> Option<Value> {
        let Value::Object(schema) = schema else {
            return Some(value);
        };
        if let Some(branches) = branches(schema) {
            return self.any_of(schema, branches, value, at);
        }
        let secret = schema::is_secret(schema);
        if let Value::String(text) = &value
            && secret
            && text.len() > 3
        {
            self.secrets.push(text.clone());
        }
        let Some(value) = cast(schema, value.clone()).filter(|value| fits(schema, value)) else {
            self.misfit(schema, &value, at);
            return None;
        };
        match value {
            Value::Object(map) => {
                let before = self.errors.len();
                let map = self.object(schema, map, at);
                (self.errors.len() == before).then_some(Value::Object(map))
            }
            Value::Array(items) => {
                let before = self.errors.len();
                let item = schema.get("items").cloned().unwrap_or(Value::Bool(true));
                let items = items.into_iter().enumerate();
                let items = items
                    .filter_map(|(i, value)| self.value(&item, value, &format!("{at}[{i}]")))
                    .collect();
                (self.errors.len() == before).then_some(Value::Array(items))
            }
            value => Some(value),
        }
    }

    /// The first branch that takes the value as it is, else the first that takes it cast.
    fn any_of(
        &mut self,
        schema: &Map<String, Value>,
        branches: &[Value],
        value: Value,
        at: &str,
    ) -> Option<Value> {
        let real: Vec<&Value> = branches.iter().filter(|branch| !is_null_type(branch)).collect();
        if let [only] = real.as_slice() {
            return self.value(only, value, at);
        }
        let mut cast = None;
        for branch in real {
            let mut trial = Self::default();
            let Some(taken) = trial.value(branch, value.clone(), at) else {
                continue;
            };
            let same = taken == value;
            if same || cast.is_none() {
                cast = Some((taken, trial));
            }
            if same {
                break;
            }
        }
        if let Some((taken, trial)) = cast {
            self.warnings.extend(trial.warnings);
            self.secrets.extend(trial.secrets);
            return Some(taken);
        }
        match tagged(branches, &value) {
            // It says which of the branches it is, and so what is wrong with it.
            Some(branch) => {
                self.value(branch, value, at);
            }
            None => self.misfit(schema, &value, at),
        }
        None
    }
}

/// Fills in defaults, into nested objects too. Secrets have none that could be read from a schema.
pub(super) fn defaults(schema: &Map<String, Value>, map: &mut Map<String, Value>) {
    for (name, property) in schema::properties(schema).into_iter().flatten() {
        let Some(property) = property.as_object() else {
            continue;
        };
        match map.get_mut(name) {
            Some(Value::Object(inner)) => defaults(property, inner),
            Some(_) => {}
            None => {
                let default = property.get("default").filter(|default| !default.is_null());
                if let Some(default) = default.filter(|_| !schema::reaches_secret(property)) {
                    map.insert(name.clone(), default.clone());
                }
            }
        }
    }
}

/// The branch of a tagged enum that an object names: a property of it is a constant that the object has.
fn tagged<'a>(branches: &'a [Value], value: &Value) -> Option<&'a Value> {
    let given = value.as_object()?;
    let is_named = |branch: &&Value| {
        let properties = branch.as_object().and_then(schema::properties);
        let mut tags = properties
            .into_iter()
            .flatten()
            .filter_map(|(name, property)| Some((name, property.get("const")?)))
            .peekable();
        tags.peek().is_some() && tags.all(|(name, constant)| given.get(name) == Some(constant))
    };
    branches.iter().find(is_named)
}

fn join(at: &str, name: &str) -> String {
    if at.is_empty() {
        name.to_owned()
    } else {
        format!("{at}.{name}")
    }
}

/// The setting of this name, or the one that has it as an alias.
fn known<'a>(properties: &'a Map<String, Value>, name: &str) -> Option<(&'a str, &'a Value)> {
    if let Some((name, property)) = properties.get_key_value(name) {
        return Some((name, property));
    }
    let named = |property: &&'a Value| {
        property
            .as_object()
            .is_some_and(|property| schema::aliases_of(property).any(|alias| alias == name))
    };
    properties
        .iter()
        .find(|(_, property)| named(property))
        .map(|(name, property)| (name.as_str(), property))
}

fn branches(schema: &Map<String, Value>) -> Option<&[Value]> {
    ["anyOf", "oneOf"]
        .into_iter()
        .find_map(|word| schema.get(word)?.as_array())
        .map(Vec::as_slice)
}

fn is_null_type(schema: &Value) -> bool {
    schema.get("type").is_some_and(|name| name == "null")
}

/// The names in `type`, without null.
fn types(schema: &Map<String, Value>) -> Vec<&str> {
    let names: Vec<&str> = match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    names.into_iter().filter(|name| *name != "null").collect()
}

/// Text becomes what the setting is, when it is no text. `None` when it cannot.
fn cast(schema: &Map<String, Value>, value: Value) -> Option<Value> {
    let types = types(schema);
    let Value::String(text) = &value else {
        return Some(whole_number(&types, value));
    };
    if types.is_empty() || types.contains(&"string") {
        return Some(value);
    }
    let text = text.trim();
    types.into_iter().find_map(|name| match name {
        "integer" => text
            .parse::<i64>()
            .map(Value::from)
            .or_else(|_| text.parse::<u64>().map(Value::from))
            .ok(),
        "number" => serde_json::from_str(text).ok().filter(Value::is_number),
        "boolean" => boolean(text).map(Value::Bool),
        "object" => serde_json::from_str(text).ok().filter(Value::is_object),
        "array" => array(schema, text),
        _ => None,
    })
}

/// `5.0` for an integer becomes `5`, as JSON Schema counts it.
fn whole_number(types: &[&str], value: Value) -> Value {
    let whole = value
        .as_f64()
        .filter(|x| value.is_f64() && x.fract() == 0.0 && x.abs() < 9e15);
    match whole {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within 53 bits")]
        Some(x) if types.contains(&"integer") && !types.contains(&"number") => Value::from(x as i64),
        _ => value,
    }
}

/// The words of the Meltano SDK for true. It reads everything else as false; here a word that is neither is an
/// error, so that a typo does not turn a setting off.
fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" | "t" | "y" => Some(true),
        "false" | "0" | "no" | "off" | "f" | "n" | "" => Some(false),
        _ => None,
    }
}

/// JSON, or the old form for lists of texts: `a,b,c`.
fn array(schema: &Map<String, Value>, text: &str) -> Option<Value> {
    if text.starts_with('[') {
        return serde_json::from_str(text).ok();
    }
    let items = schema.get("items").and_then(Value::as_object)?;
    types(items).contains(&"string").then(|| {
        text.split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(Value::from)
            .collect()
    })
}

/// Whether the value is of the schema's type and within its bounds.
fn fits(schema: &Map<String, Value>, value: &Value) -> bool {
    let names = types(schema);
    let of_type = names.is_empty()
        || names.iter().any(|name| match *name {
            "string" => value.is_string(),
            "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|x| x.fract() == 0.0),
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            "object" => value.is_object(),
            "array" => value.is_array(),
            _ => false,
        });
    let bound = |word: &str| schema.get(word).and_then(Value::as_f64);
    let within = value.as_f64().is_none_or(|x| {
        bound("minimum").is_none_or(|least| x >= least) && bound("maximum").is_none_or(|most| x <= most)
    });
    let listed = schema
        .get("enum")
        .and_then(Value::as_array)
        .is_none_or(|list| list.contains(value));
    let constant = schema.get("const").is_none_or(|constant| constant == value);
    of_type && within && listed && constant
}

/// What the setting may be, in words.
fn expected(schema: &Map<String, Value>) -> String {
    if let Some(constant) = schema.get("const") {
        return constant.to_string();
    }
    if let Some(list) = schema.get("enum").and_then(Value::as_array) {
        let words: Vec<String> = list
            .iter()
            .filter(|word| !word.is_null())
            .map(Value::to_string)
            .collect();
        return format!("one of {}", words.join(", "));
    }
    if let Some(branches) = branches(schema) {
        let words = branches
            .iter()
            .filter(|branch| !is_null_type(branch))
            .filter_map(Value::as_object);
        return words.map(expected).collect::<Vec<_>>().join(" or ");
    }
    let mut words: Vec<String> = types(schema)
        .into_iter()
        .map(|name| match name {
            "integer" | "object" | "array" => format!("an {name}"),
            name => format!("a {name}"),
        })
        .collect();
    if words.is_empty() {
        words.push("another value".to_owned());
    }
    let mut text = words.join(" or ");
    let bounds: Vec<String> = [("minimum", "at least"), ("maximum", "at most")]
        .into_iter()
        .filter_map(|(word, says)| Some(format!("{says} {}", schema.get(word)?)))
        .collect();
    if !bounds.is_empty() {
        text = format!("{text}, {}", bounds.join(" and "));
    }
    text
}
