//! Checks a definition against its JSON Schema: unknown keys, with what was meant, and values of another kind.

use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

/// Fails at the first value that the schema does not have in its place.
pub(super) fn check(schema: &Value, value: &Value, place: &str) -> Result<()> {
    let schema = branch(schema, value);
    expect_type(schema, value, place)?;
    if let Some(allowed) = words(schema)
        && let Some(word) = value.as_str()
        && !allowed.contains(&word)
    {
        let hint = near(allowed.iter().copied(), word).map(|near| format!("; did you mean {near}?"));
        let (hint, allowed) = (hint.unwrap_or_default(), allowed.join(", "));
        return Err(wrong(
            place,
            &format!("expected one of {allowed}, found {word}{hint}"),
        ));
    }
    match value {
        Value::Object(members) => check_members(schema, members, place),
        Value::Array(items) => {
            let Some(item) = schema.get("items") else {
                return Ok(());
            };
            let mut all = items.iter().enumerate();
            all.try_for_each(|(at, value)| check(item, value, &format!("{place}[{at}]")))
        }
        _ => Ok(()),
    }
}

fn check_members(schema: &Value, members: &Map<String, Value>, place: &str) -> Result<()> {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        // Names of the author's own, whose values have a form.
        let all = schema.get("additionalProperties").filter(|all| all.is_object());
        return all.map_or(Ok(()), |all| {
            let mut members = members.iter();
            members.try_for_each(|(name, value)| check(all, value, &join(place, name)))
        });
    };
    for (name, value) in members {
        let at = join(place, name);
        match properties.get(name) {
            // Left empty in YAML: as if it were not there.
            Some(_) if value.is_null() => {}
            Some(property) => check(property, value, &at)?,
            None => {
                let known = properties.keys().map(String::as_str);
                let hint = match near(known.clone(), name) {
                    Some(near) => format!("did you mean {near}?"),
                    None => format!("there are {}", known.collect::<Vec<_>>().join(", ")),
                };
                return Err(wrong(&at, &format!("unknown key; {hint}")));
            }
        }
    }
    let required = schema.get("required").and_then(Value::as_array);
    let missing = required.into_iter().flatten().filter_map(Value::as_str);
    match missing
        .into_iter()
        .find(|name| members.get(*name).is_none_or(Value::is_null))
    {
        Some(name) => Err(wrong(&join(place, name), "required, but not given")),
        None => Ok(()),
    }
}

/// Of several schemas, the one for this kind of value.
fn branch<'s>(schema: &'s Value, value: &Value) -> &'s Value {
    let branches = ["anyOf", "oneOf"]
        .iter()
        .find_map(|word| schema.get(word)?.as_array());
    let fits = |branch: &&Value| types(branch).is_none_or(|types| types.contains(&kind(value)));
    match branches {
        // The words of an enum with docs are one branch each.
        Some(branches) if words(schema).is_none() => branches
            .iter()
            .find(fits)
            .map_or(schema, |inner| branch(inner, value)),
        _ => schema,
    }
}

fn expect_type(schema: &Value, value: &Value, place: &str) -> Result<()> {
    let branches = || {
        ["anyOf", "oneOf"]
            .iter()
            .find_map(|word| schema.get(word)?.as_array())
    };
    let expected = match (types(schema), branches()) {
        (Some(types), _) => types,
        (None, Some(branches)) => branches.iter().filter_map(types).flatten().collect(),
        (None, None) => return Ok(()),
    };
    let found = kind(value);
    let fits = expected.contains(&found) || (found == "integer" && expected.contains(&"number"));
    if fits || expected.is_empty() {
        return Ok(());
    }
    let named: Vec<&str> = expected
        .iter()
        .filter(|name| **name != "null")
        .map(|name| shown(name))
        .collect();
    Err(wrong(
        place,
        &format!("expected {}, found {}", named.join(" or "), shown(found)),
    ))
}

/// The kinds of values that a schema is for, unless it is for all.
fn types(schema: &Value) -> Option<Vec<&str>> {
    match schema.get("type") {
        Some(Value::String(one)) => Some(vec![one]),
        Some(Value::Array(many)) => Some(many.iter().filter_map(Value::as_str).collect()),
        _ => words(schema).map(|_| vec!["string"]),
    }
}

/// The words that a schema allows.
fn words(schema: &Value) -> Option<Vec<&str>> {
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return Some(words.iter().filter_map(Value::as_str).collect());
    }
    let branches = schema.get("oneOf").and_then(Value::as_array)?;
    branches
        .iter()
        .map(|branch| branch.get("const")?.as_str())
        .collect()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn shown(kind: &str) -> &'static str {
    match kind {
        "null" => "nothing",
        "boolean" => "true or false",
        "number" => "a number",
        "integer" => "a whole number",
        "string" => "a text",
        "array" => "a list",
        _ => "an object",
    }
}

pub(super) fn join(place: &str, name: &str) -> String {
    if place.is_empty() {
        name.to_owned()
    } else {
        format!("{place}.{name}")
    }
}

pub(super) fn wrong(place: &str, why: &str) -> Error {
    Error::config(format!("{place}: {why}"))
}

/// The known name that an unknown one is most like, when it is like one.
pub(crate) fn near<'a>(known: impl IntoIterator<Item = &'a str>, name: &str) -> Option<&'a str> {
    let like = known
        .into_iter()
        .map(|known| (strsim::jaro_winkler(known, name), known));
    let like = like.filter(|(score, _)| *score > 0.8);
    like.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, known)| known)
}
