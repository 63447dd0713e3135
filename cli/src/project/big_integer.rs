//! Integers beyond 64 bits, such as account numbers, which a JSON value of this program cannot hold as a number.
//!
//! Such an integer is an object with one reserved key and its digits, until the file for the plugin is written: then the
//! digits are written as they are.

use serde_json::{Map, Value, json};

const KEY: &str = "$integer";

/// The value of an optional sign and decimal digits.
pub(crate) fn parse(digits: &str) -> Value {
    if let Ok(value) = digits.parse::<i64>() {
        return Value::from(value);
    }
    if let Ok(value) = digits.parse::<u64>() {
        return Value::from(value);
    }
    let (sign, digits) = digits
        .strip_prefix('-')
        .map_or(("", digits), |digits| ("-", digits));
    json!({KEY: format!("{sign}{}", digits.trim_start_matches('0'))})
}

/// The digits of such an integer; `None` for every other value.
pub(crate) fn digits(value: &Value) -> Option<&str> {
    of_map(value.as_object()?)
}

/// The same for the members of an object.
pub(crate) fn of_map(map: &Map<String, Value>) -> Option<&str> {
    map.get(KEY).filter(|_| map.len() == 1)?.as_str()
}
