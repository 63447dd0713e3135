//! Members of records by their paths: set, removed, renamed, and all brought to the top.

use melisma_sdk::Result;
use serde_json::{Map, Value};

/// Sets a value, and makes the objects on the way.
pub(super) fn put(record: &mut Map<String, Value>, path: &[String], value: Value) {
    let Some((name, rest)) = path.split_first() else {
        return;
    };
    if rest.is_empty() {
        record.insert(name.clone(), value);
        return;
    }
    let inner = record.entry(name.clone()).or_insert_with(|| Map::new().into());
    match inner {
        Value::Object(inner) => put(inner, rest, value),
        Value::Array(items) => {
            if let Some(Value::Object(item)) = rest[0].parse::<usize>().ok().and_then(|at| items.get_mut(at))
                && rest.len() > 1
            {
                put(item, &rest[1..], value);
            }
        }
        other => {
            let mut made = Map::new();
            put(&mut made, rest, value);
            *other = Value::Object(made);
        }
    }
}

/// Removes what is at a path; `*` is every member or item.
pub(super) fn remove(
    record: &mut Map<String, Value>,
    path: &[String],
    goes: &dyn Fn(&Value) -> Result<bool>,
) -> Result<()> {
    let Some((name, rest)) = path.split_first() else {
        return Ok(());
    };
    if name == "**" {
        let all: Vec<String> = record.keys().cloned().collect();
        for name in all {
            if goes(&record[&name])? {
                record.shift_remove(&name);
            }
        }
        return Ok(());
    }
    let names: Vec<String> = if name == "*" {
        record.keys().cloned().collect()
    } else {
        vec![name.clone()]
    };
    for name in names {
        if rest.is_empty() {
            if let Some(value) = record.get(&name)
                && goes(value)?
            {
                record.shift_remove(&name);
            }
            continue;
        }
        match record.get_mut(&name) {
            Some(Value::Object(inner)) => remove(inner, rest, goes)?,
            Some(Value::Array(items)) => {
                let (at, below) = (rest[0].as_str(), &rest[1..]);
                for (number, item) in items.iter_mut().enumerate() {
                    if at != "*" && at != number.to_string() {
                        continue;
                    }
                    match item {
                        Value::Object(inner) if !below.is_empty() => remove(inner, below, goes)?,
                        item if below.is_empty() && goes(item)? => *item = Value::Null,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

pub(super) fn replaced(record: Map<String, Value>, old: &str, new: &str) -> Map<String, Value> {
    let member = |(name, value): (String, Value)| {
        let value = match value {
            Value::Object(inner) => Value::Object(replaced(inner, old, new)),
            other => other,
        };
        (
            if old.is_empty() {
                name
            } else {
                name.replace(old, new)
            },
            value,
        )
    };
    record.into_iter().map(member).collect()
}

/// All values at the top, by their own names where these are free.
pub(super) fn flat(record: Map<String, Value>, lists: bool) -> Map<String, Value> {
    let mut stack = vec![(Value::Object(record), "_".to_owned())];
    let mut made = Map::new();
    let mut forced = false;
    while let Some((value, parent)) = stack.pop() {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    let name = if forced || made.contains_key(&name) {
                        format!("{parent}.{name}")
                    } else {
                        name
                    };
                    stack.push((value, name));
                }
            }
            Value::Array(items) if lists => {
                for (at, item) in items.into_iter().enumerate() {
                    forced = true;
                    stack.push((item, format!("{parent}.{at}")));
                }
            }
            value => {
                made.insert(parent, value);
            }
        }
    }
    made
}

/// All values at a path with `*`.
pub(super) fn every(value: &Value, path: &[String], found: &mut Vec<Value>) {
    let Some((name, rest)) = path.split_first() else {
        found.push(value.clone());
        return;
    };
    match value {
        Value::Object(members) if name == "*" => members.values().for_each(|value| every(value, rest, found)),
        Value::Array(items) if name == "*" => items.iter().for_each(|item| every(item, rest, found)),
        Value::Object(members) => {
            if let Some(value) = members.get(name) {
                every(value, rest, found);
            }
        }
        Value::Array(items) => {
            if let Some(item) = name.parse::<usize>().ok().and_then(|at| items.get(at)) {
                every(item, rest, found);
            }
        }
        _ => {}
    }
}

/// The value at a path.
pub(super) fn at<'v>(value: &'v Value, path: &[String]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, name| match value {
        Value::Object(members) => members.get(name),
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        _ => None,
    })
}
