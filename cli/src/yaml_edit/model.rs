//! The same edits on a value: what the text must mean after an edit.

use serde_json::{Map, Value};

use super::Step;

/// What is at `path`.
pub(super) fn get<'a>(value: &'a Value, path: &[Step]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::Item(index) => value.get(index),
    })
}

/// The number of members of a mapping or a list.
pub(super) fn len(value: &Value) -> usize {
    match value {
        Value::Object(map) => map.len(),
        Value::Array(list) => list.len(),
        _ => 0,
    }
}

/// Sets what is at `path`; `None` when something on the way is neither a mapping nor null.
pub(super) fn set(value: &mut Value, path: &[Step], new: Value) -> Option<()> {
    let Some((step, rest)) = path.split_first() else {
        *value = new;
        return Some(());
    };
    let slot = match step {
        Step::Key(key) => {
            if value.is_null() {
                *value = Value::Object(Map::new());
            }
            value.as_object_mut()?.entry(key.clone()).or_insert(Value::Null)
        }
        Step::Item(index) => {
            if value.is_null() {
                *value = Value::Array(Vec::new());
            }
            let list = value.as_array_mut()?;
            if *index == list.len() {
                list.push(Value::Null);
            }
            list.get_mut(*index)?
        }
    };
    set(slot, rest, new)
}

/// Removes what is at `path`.
pub(super) fn remove(value: &mut Value, path: &[Step]) {
    let Some((step, rest)) = path.split_first() else {
        return;
    };
    match (step, value) {
        (Step::Key(key), Value::Object(map)) if rest.is_empty() => {
            map.shift_remove(key);
        }
        (Step::Item(index), Value::Array(list)) if rest.is_empty() && *index < list.len() => {
            list.remove(*index);
        }
        (Step::Key(key), Value::Object(map)) => {
            if let Some(inner) = map.get_mut(key) {
                remove(inner, rest);
            }
        }
        (Step::Item(index), Value::Array(list)) => {
            if let Some(inner) = list.get_mut(*index) {
                remove(inner, rest);
            }
        }
        _ => {}
    }
}
