//! Dotted keys: nested objects as flat names such as `a.b.c`, and back. `\.` is a dot inside a key.

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
            Value::Object(inner)
                if !inner.is_empty() && crate::project::big_integer::of_map(inner).is_none() =>
            {
                walk(inner, &name, leaves);
            }
            leaf => leaves.push((name, leaf.clone())),
        }
    }
}

/// Nests values by their dotted names. Of two values for one place the first takes precedence, as in Meltano.
///
/// # Errors
/// The key that has a value although other names continue it.
pub(crate) fn nest(leaves: impl IntoIterator<Item = (String, Value)>) -> Result<Map<String, Value>, String> {
    nest_with(leaves, |key| key.replace("\\.", "."))
}

/// The same for a config file: settings with dotted names come after the objects that contain them, which then have each
/// value twice; the dotted duplicates are removed.
pub(crate) fn nest_config(
    leaves: impl IntoIterator<Item = (String, Value)>,
) -> Result<Map<String, Value>, String> {
    let mut map = nest_with(leaves, str::to_owned)?;
    remove_dotted(&mut map);
    Ok(map)
}

fn nest_with(
    leaves: impl IntoIterator<Item = (String, Value)>,
    key_of: impl Fn(&str) -> String,
) -> Result<Map<String, Value>, String> {
    let mut root = Map::new();
    for (name, value) in leaves {
        let mut keys: Vec<String> = split(&name).into_iter().map(&key_of).collect();
        let last = keys.pop().unwrap_or_default();
        let mut cursor = &mut root;
        for key in keys {
            let inner = cursor
                .entry(key.clone())
                .or_insert_with(|| Value::Object(Map::new()));
            cursor = inner.as_object_mut().ok_or(key)?;
        }
        cursor.entry(last).or_insert(value);
    }
    Ok(root)
}

fn remove_dotted(map: &mut Map<String, Value>) {
    for key in map.keys().cloned().collect::<Vec<_>>() {
        let Some(mut value) = (if split(&key).len() > 1 || key.contains("\\.") {
            map.shift_remove(&key)
        } else {
            map.get_mut(&key).map(Value::take)
        }) else {
            continue;
        };
        if split(&key).len() > 1 {
            continue;
        }
        if let Value::Object(inner) = &mut value {
            remove_dotted(inner);
        }
        map.insert(key.replace("\\.", "."), value);
    }
}

/// The parts of a dotted name, with their escapes.
pub(crate) fn split(name: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, _) in name
        .match_indices('.')
        .filter(|(at, _)| !name[..*at].ends_with('\\'))
    {
        parts.push(&name[start..at]);
        start = at + 1;
    }
    parts.push(&name[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(map) => map,
            _ => panic!("an object"),
        }
    }

    #[test]
    fn flat_and_back() {
        let leaves = flatten(&object(json!({"a": {"b": 1, "c": {}}, "d.e": [1], r"f\.g": 2})));
        let names: Vec<_> = leaves.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a.b", "a.c", "d.e", r"f\.g"]);
        assert_eq!(
            nest(leaves).map(Value::Object),
            Ok(json!({"a": {"b": 1, "c": {}}, "d": {"e": [1]}, "f.g": 2}))
        );
    }

    #[test]
    fn the_first_value_of_a_place_counts_and_a_value_has_nothing_below_it() {
        let nested = |value: Value| nest(object(value)).map(|map| Value::Object(map).to_string());
        assert_eq!(
            nested(json!({"a": {"b": 1}, "a.b": 2, "a.c": 3})),
            Ok(r#"{"a":{"b":1,"c":3}}"#.to_owned())
        );
        assert_eq!(nested(json!({"a": 1, "a.b": 2})), Err("a".to_owned()));
    }

    #[test]
    fn a_config_file_has_no_dotted_duplicates() {
        let flat = object(
            json!({"o": {"b.c": 1, r"d\.e": {r"f\.g": 2}, "h": 3}, "o.b.c": 1, r"x\.y": 4, "z": [{"p.q": 5}]}),
        );
        assert_eq!(
            nest_config(flat).map(|map| Value::Object(map).to_string()),
            Ok(r#"{"o":{"h":3,"b":{"c":1},"d.e":{"f.g":2}},"z":[{"p.q":5}],"x.y":4}"#.to_owned())
        );
    }
}
