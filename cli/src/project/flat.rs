//! Dotted keys: a tree of objects as flat names, and back.

use serde_json::{Map, Value};

/// The leaves of `map` by dotted name, in order. Lists and empty objects are leaves.
pub(crate) fn flatten(map: &Map<String, Value>) -> Vec<(String, Value)> {
    let mut leaves = Vec::new();
    walk(map, "", &mut leaves);
    leaves
}

fn walk(map: &Map<String, Value>, prefix: &str, leaves: &mut Vec<(String, Value)>) {
    for (key, value) in map {
        let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            Value::Object(inner) if !inner.is_empty() => walk(inner, &name, leaves),
            leaf => leaves.push((name, leaf.clone())),
        }
    }
}

/// The tree of dotted names; `\.` is a dot inside a key. Of two values for one place the later counts.
pub(crate) fn nest(leaves: impl IntoIterator<Item = (String, Value)>) -> Map<String, Value> {
    let mut root = Map::new();
    for (name, value) in leaves {
        let keys = split(&name);
        let Some((last, path)) = keys.split_last() else { continue };
        let mut at = &mut root;
        for key in path {
            let slot = at.entry(key.clone()).or_insert_with(|| Value::Object(Map::new()));
            if !slot.is_object() {
                *slot = Value::Object(Map::new());
            }
            let Value::Object(inner) = slot else { break };
            at = inner;
        }
        match (at.get_mut(last), value) {
            // A default object under leaves that were set one by one.
            (Some(Value::Object(old)), Value::Object(new)) => {
                for (key, value) in new {
                    old.entry(key).or_insert(value);
                }
            }
            (_, value) => {
                at.insert(last.clone(), value);
            }
        }
    }
    root
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
        let Value::Object(map) = json!({"a": {"b": 1, "c": {}}, "d.e": [1], r"f\.g": 2}) else { panic!("an object") };
        let leaves = flatten(&map);
        let names: Vec<_> = leaves.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a.b", "a.c", "d.e", r"f\.g"]);
        assert_eq!(Value::Object(nest(leaves)), json!({"a": {"b": 1, "c": {}}, "d": {"e": [1]}, "f.g": 2}));
    }
}
