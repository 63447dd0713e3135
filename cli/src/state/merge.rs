//! Merging JSON objects without changing a value: numbers keep their digits, and keys their order.

use std::collections::HashMap;
use std::fmt;

use melisma_sdk::{Error, Result};
use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of an object, in order. Of two with the same key the last takes precedence, at the position of the first.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Members(Vec::new());
                let mut places = HashMap::new();
                while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
                    members.set(&mut places, key, value);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

impl<'a> Members<'a> {
    fn set(&mut self, places: &mut HashMap<String, usize>, key: String, value: &'a RawValue) {
        if let Some(&place) = places.get(&key) {
            self.0[place].1 = value;
        } else {
            places.insert(key.clone(), self.0.len());
            self.0.push((key, value));
        }
    }

    fn of(json: &'a str) -> Option<Self> {
        if !json.trim_start().starts_with('{') {
            return None;
        }
        serde_json::from_str(json).ok()
    }
}

/// The members of the text of an object, in order; `None` when it is something else.
pub(crate) fn members(json: &str) -> Option<Vec<(String, String)>> {
    let members = Members::of(json)?;
    let text = |(key, value): (String, &RawValue)| (key, value.get().to_owned());
    Some(members.0.into_iter().map(text).collect())
}

/// Merges `over` over `base`: objects are merged member by member, everything else is replaced.
pub(crate) fn merge(base: &str, over: &str) -> String {
    let (Some(base), Some(over)) = (Members::of(base), Members::of(over)) else {
        return over.to_owned();
    };
    let mut over: Vec<Option<(String, &RawValue)>> = over.0.into_iter().map(Some).collect();
    let places: HashMap<String, usize> = over
        .iter()
        .flatten()
        .enumerate()
        .map(|(place, (key, _))| (key.clone(), place))
        .collect();
    let mut out = Vec::new();
    for (key, value) in base.0 {
        match places.get(&key).and_then(|&place| over[place].take()) {
            Some((_, new)) => out.push((key, merge(value.get(), new.get()))),
            None => out.push((key, value.get().to_owned())),
        }
    }
    out.extend(
        over.into_iter()
            .flatten()
            .map(|(key, value)| (key, value.get().to_owned())),
    );
    object(&out)
}

/// The state inside `{"singer_state": ...}`, if there is one.
pub(crate) fn unwrap(wrapped: &str) -> Result<Option<String>> {
    let members: Members<'_> = serde_json::from_str(wrapped)
        .map_err(|error| Error::input("the stored state is not a JSON object").with_source(error))?;
    let state = members
        .0
        .iter()
        .find(|(key, _)| key == "singer_state")
        .map(|(_, value)| value.get());
    Ok(state.filter(|state| !is_empty(state)).map(str::to_owned))
}

/// A state as Meltano stores it: `{"singer_state": ...}`.
pub(crate) fn wrap(state: &str) -> String {
    object(&[("singer_state".to_owned(), state.to_owned())])
}

/// Whether a state is empty: an empty object or null. Such a state must not replace another.
pub(crate) fn is_empty(state: &str) -> bool {
    let state = state.trim();
    state.is_empty() || state == "null" || Members::of(state).is_some_and(|members| members.0.is_empty())
}

/// An object with values that are JSON text already, with the spacing of Python.
pub(crate) fn object(members: &[(String, String)]) -> String {
    let members: Vec<String> = members
        .iter()
        .map(|(key, value)| format!("{}: {value}", serde_json::Value::from(key.as_str())))
        .collect();
    format!("{{{}}}", members.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merges_as_meltano_does() {
        let completed = r#"{"singer_state":{"bookmarks":{"s":{"k":1},"t":{"z":1}}}}"#;
        let partial = r#"{"singer_state":{"bookmarks":{"s":{"k":2}}}}"#;
        assert_eq!(
            merge(completed, partial),
            r#"{"singer_state": {"bookmarks": {"s": {"k": 2}, "t": {"z":1}}}}"#
        );
    }

    #[test]
    fn no_number_changes_and_lists_are_replaced() {
        let base = r#"{"a": 12345678901234567890123, "b": [1], "c": 1}"#;
        assert_eq!(
            merge(base, r#"{"b": [2, 1.10], "d": 1e400}"#),
            r#"{"a": 12345678901234567890123, "b": [2, 1.10], "c": 1, "d": 1e400}"#
        );
    }

    #[test]
    fn of_two_members_with_the_same_key_the_last_takes_precedence() {
        assert_eq!(merge("{}", r#"{"a": 1, "b": 2, "a": 3}"#), r#"{"a": 3, "b": 2}"#);
    }

    #[test]
    fn wrapping_and_unwrapping_keep_the_bytes() {
        let state = r#"{"bookmarks":{"é\u00e9":1.0}}"#;
        assert_eq!(unwrap(&wrap(state)).expect("an object").as_deref(), Some(state));
        assert_eq!(unwrap("{}").expect("an object"), None);
        assert_eq!(unwrap(r#"{"singer_state": {}}"#).expect("an object"), None);
        assert!(unwrap("[]").is_err());
    }

    #[test]
    fn an_empty_state_is_known_as_such() {
        assert!(is_empty(" { } ") && is_empty("null") && is_empty(""));
        assert!(!is_empty(r#"{"bookmarks": {}}"#) && !is_empty("1"));
    }
}
