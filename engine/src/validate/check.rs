//! Runs compiled checks on one value.

use std::collections::HashMap;

use serde_json::Value;

use super::Violations;
use super::node::{LengthChecks, Node, NumberChecks, ObjectChecks};
use crate::cell::{Cell, Text};
use crate::decimal::Decimal;
use crate::error::show;
use crate::json::skip;
use crate::schema::types::Types;

impl Node {
    /// Checks a value: `cell` as decoded, `json` the same as it stands in the line from `at` on.
    pub(crate) fn check(&self, cell: &Cell<'_>, json: &str, at: usize, violations: &mut Violations) {
        let types = types_of(cell, json);
        let integer = self.types.has(Types::INTEGER) && is_integral(cell);
        if !(integer || self.types.has(types)) {
            let expected = self.types.describe();
            return violations.add(at, format!("expected {expected}, found {}", show(json)));
        }
        if self.unchecked.has(types) {
            return;
        }
        if let Some(values) = &self.values
            && !values.iter().any(|value| is_equal(cell, value, json))
        {
            let expected = values.iter().map(Value::to_string).collect::<Vec<_>>().join(", ");
            violations.add(
                at,
                format!("expected one of {}, found {}", show(&expected), show(json)),
            );
        }
        match cell {
            Cell::Int(_) | Cell::Number(_) => {
                if let Some(checks) = &self.number {
                    checks.check(json, at, violations);
                }
            }
            Cell::Text(text) => {
                if let Some(checks) = &self.length {
                    checks.check(text, json, at, violations);
                }
            }
            Cell::Json(_) => self.check_nested(json, at, violations),
            Cell::Absent | Cell::Null | Cell::Bool(_) => {}
        }
        if let Some(rest) = &self.rest {
            rest.check(json, at, violations);
        }
    }

    fn check_nested(&self, json: &str, at: usize, violations: &mut Violations) {
        match (&self.object, &self.items) {
            (Some(checks), _) if json.starts_with('{') => checks.check(json, at, violations),
            (_, Some(items)) if json.starts_with('[') => check_items(items, json, at, violations),
            _ => {}
        }
    }
}

impl NumberChecks {
    fn check(&self, json: &str, at: usize, violations: &mut Violations) {
        // More digits than can be compared exactly: nothing is claimed about such a number.
        let Some(number) = Decimal::parse(json) else {
            return;
        };
        if let Some((bound, excluded)) = self.minimum
            && (number < bound || excluded && number == bound)
        {
            let than = if excluded { "more than" } else { "at least" };
            violations.add(at, format!("expected {than} {}, found {}", bound, show(json)));
        }
        if let Some((bound, excluded)) = self.maximum
            && (number > bound || excluded && number == bound)
        {
            let than = if excluded { "less than" } else { "at most" };
            violations.add(at, format!("expected {than} {}, found {}", bound, show(json)));
        }
        if let Some(step) = self.multiple_of
            && number.is_multiple_of(step) == Some(false)
        {
            violations.add(at, format!("expected a multiple of {step}, found {}", show(json)));
        }
    }
}

impl LengthChecks {
    fn check(&self, text: &Text<'_>, json: &str, at: usize, violations: &mut Violations) {
        // A character takes at least one byte, escaped or not: most strings are short enough without counting.
        if self.minimum.is_none() && self.maximum.is_none_or(|most| text.raw.len() <= most) {
            return;
        }
        let length = text.to_text().chars().count();
        if let Some(most) = self.maximum
            && length > most
        {
            violations.add(
                at,
                format!(
                    "expected at most {most} characters, found {length}: {}",
                    show(json)
                ),
            );
        }
        if let Some(least) = self.minimum
            && length < least
        {
            violations.add(
                at,
                format!(
                    "expected at least {least} characters, found {length}: {}",
                    show(json)
                ),
            );
        }
    }
}

impl ObjectChecks {
    /// Checks an object whose syntax has been checked. Of two members with one name the last counts.
    fn check(&self, json: &str, at: usize, violations: &mut Violations) {
        let before = violations.found().len();
        self.walk(json, at, violations, None);
        // Who has duplicates, and of these wrong ones, is rare enough to be walked through again.
        if violations.found().len() > before
            && let Some(last) = last_of_each(json)
        {
            violations.truncate(before);
            self.walk(json, at, violations, Some(&last));
        }
    }

    /// Walks the members; only those at the places of `last`, if that is given.
    fn walk(
        &self,
        json: &str,
        at: usize,
        violations: &mut Violations,
        last: Option<&HashMap<String, usize>>,
    ) {
        let bytes = json.as_bytes();
        let mut seen = 0_u128;
        let mut next = skip::space(bytes, 1);
        while bytes.get(next) == Some(&b'"') {
            let Ok((end, escaped)) = skip::string(bytes, next + 1) else {
                return;
            };
            let raw = &json[next + 1..end - 1];
            let start = skip::space(bytes, skip::space(bytes, end) + 1);
            let Ok(stop) = skip::skip_value(bytes, start) else {
                return;
            };
            let name = Text::new(raw, escaped).to_text();
            let property = self.properties.get(&*name);
            seen |= property.map_or(0, |property| property.required);
            if last.is_some_and(|last| last.get(&*name) != Some(&next)) {
                // Another one follows.
            } else if let Some(node) = property.and_then(|property| property.node.as_ref()) {
                let value = &json[start..stop];
                violations.within(&name, |violations| node.check_json(value, at + start, violations));
            } else if self.closed {
                violations.add(
                    at + next,
                    format!(
                        "expected no property outside the schema, found \"{}\"",
                        show(&name)
                    ),
                );
            }
            next = skip::space(bytes, stop);
            if bytes.get(next) == Some(&b',') {
                next = skip::space(bytes, next + 1);
            }
        }
        for (bit, name) in self.required.iter().enumerate() {
            if seen & (1 << bit) == 0 {
                violations.add(
                    at,
                    format!("expected the required property \"{}\", found none", show(name)),
                );
            }
        }
    }
}

/// Where the last member of each name stands; `None` when no name is there twice.
#[cold]
fn last_of_each(json: &str) -> Option<HashMap<String, usize>> {
    let bytes = json.as_bytes();
    let mut last = HashMap::new();
    let mut twice = false;
    let mut next = skip::space(bytes, 1);
    while bytes.get(next) == Some(&b'"') {
        let (end, escaped) = skip::string(bytes, next + 1).ok()?;
        let raw = &json[next + 1..end - 1];
        let name = Text::new(raw, escaped).to_text().into_owned();
        twice |= last.insert(name, next).is_some();
        let start = skip::space(bytes, skip::space(bytes, end) + 1);
        next = skip::space(bytes, skip::skip_value(bytes, start).ok()?);
        if bytes.get(next) == Some(&b',') {
            next = skip::space(bytes, next + 1);
        }
    }
    twice.then_some(last)
}

impl Node {
    /// Checks a value that is not a cell yet, its syntax checked.
    fn check_json(&self, json: &str, at: usize, violations: &mut Violations) {
        let cell = Cell::of_json(json);
        self.check(&cell, json, at, violations);
    }
}

fn check_items(items: &Node, json: &str, at: usize, violations: &mut Violations) {
    let bytes = json.as_bytes();
    let mut next = skip::space(bytes, 1);
    let mut index = 0;
    while bytes.get(next).is_some_and(|byte| *byte != b']') {
        let Ok(stop) = skip::skip_value(bytes, next) else {
            return;
        };
        let start = next;
        violations.at_index(index, |violations| {
            items.check_json(&json[start..stop], at + start, violations);
        });
        index += 1;
        next = skip::space(bytes, stop);
        if bytes.get(next) == Some(&b',') {
            next = skip::space(bytes, next + 1);
        }
    }
}

fn types_of(cell: &Cell<'_>, json: &str) -> Types {
    match cell {
        Cell::Absent => Types::NONE,
        Cell::Null => Types::NULL,
        Cell::Bool(_) => Types::BOOLEAN,
        Cell::Int(_) => Types::INTEGER,
        Cell::Number(_) => Types::FRACTION,
        Cell::Text(_) => Types::STRING,
        Cell::Json(_) if json.starts_with('{') => Types::OBJECT,
        Cell::Json(_) => Types::ARRAY,
    }
}

/// Whether a number in another spelling is an integer: `1.0`, `1e3`, or one beyond 64 bits (JSON Schema since draft 6).
fn is_integral(cell: &Cell<'_>) -> bool {
    match cell {
        Cell::Number(digits) => {
            digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
                || Decimal::parse(digits).is_some_and(Decimal::is_integral)
        }
        _ => false,
    }
}

/// Whether a value is the one of an `enum`. Numbers are equal when their values are: 1.0 is 1.
fn is_equal(cell: &Cell<'_>, value: &Value, json: &str) -> bool {
    match (cell, value) {
        (Cell::Null, Value::Null) => true,
        (Cell::Bool(found), Value::Bool(expected)) => found == expected,
        (Cell::Int(_) | Cell::Number(_), Value::Number(expected)) => {
            let expected = expected.to_string();
            expected == json
                || Decimal::parse(json).is_some_and(|found| Decimal::parse(&expected) == Some(found))
        }
        (Cell::Text(found), Value::String(expected)) => found.to_text() == *expected,
        (Cell::Json(_), Value::Object(_) | Value::Array(_)) => {
            serde_json::from_str::<Value>(json).is_ok_and(|found| found == *value)
        }
        _ => false,
    }
}
