//! Dotted keys: nested objects as flat names such as `a.b.c`, and back.

use serde_json::{Map, Value};

/// The leaves of `map` with their dotted names, in order. Lists and empty objects are leaves.
pub(crate) fn flatten(map: &Map<String, Value>) -> Vec<(String, Value)> {
    let mut leaves = Vec::new();
    walk(map, "", &mut leaves);
    leaves
}

fn walk(map: &Map<String, Value>, prefix: &str, leaves: &mut Vec<(String, Value)>) {
    for (key, value) in map {
        let name = if prefix.is_empty() {
            key.clone()
        } else {
            format!("{prefix}.{key}")
        };
        match value {
            Value::Object(inner) if !inner.is_empty() => walk(inner, &name, leaves),
            leaf => leaves.push((name, leaf.clone())),
        }
    }
}

/// Nests values by their dotted names; `\.` is a dot inside a key. Of two values for one place the later takes precedence.
pub(crate) fn nest(leaves: impl IntoIterator<Item = (String, Value)>) -> Map<String, Value> {
    let mut root = Map::new();
    for (name, value) in leaves {
        insert(&mut root, &split(&name), value);
    }
    root
}

fn insert(map: &mut Map<String, Value>, keys: &[String], value: Value) {
    let Some((key, rest)) = keys.split_first() else {
        return;
    };
    if !rest.is_empty() {
        let slot = map.entry(key.clone()).or_insert(Value::Null);
        let mut inner = match slot.take() {
            Value::Object(inner) => inner,
            _ => Map::new(),
        };
        insert(&mut inner, rest, value);
        *slot = Value::Object(inner);
        return;
    }
    match (map.get_mut(key), value) {
        // Leaves that were set one by one take precedence over the members of an object.
        (Some(Value::Object(old)), Value::Object(new)) => {
            for (key, value) in new {
                old.entry(key).or_insert(value);
            }
        }
        (_, value) => {
            map.insert(key.clone(), value);
        }
    }
}

/// The keys of a dotted name.
pub(crate) fn split(name: &str) -> Vec<String> {
    let mut keys = vec![String::new()];
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.peek() == Some(&'.') => {
                chars.next();
                push(&mut keys, '.');
            }
            '.' => keys.push(String::new()),
            c => push(&mut keys, c),
        }
    }
    keys
}

fn push(keys: &mut [String], c: char) {
    if let Some(last) = keys.last_mut() {
        last.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn flat_and_back() {
        let Value::Object(map) = json!({"a": {"b": 1, "c": {}}, "d.e": [1], r"f\.g": 2}) else {
            panic!("an object")
        };
        let leaves = flatten(&map);
        let names: Vec<_> = leaves.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a.b", "a.c", "d.e", r"f\.g"]);
        assert_eq!(
            Value::Object(nest(leaves)),
            json!({"a": {"b": 1, "c": {}}, "d": {"e": [1]}, "f.g": 2})
        );
    }
}
