//! The records in an answer: where they are, which are kept, how they are changed.

use melisma_sdk::Result;
use serde_json::{Map, Value};

use super::changes::Change;
use super::jinja::{self, Names, Scope, Templates, Text};
use super::normal;
use super::part::Part;
use crate::python;

/// What expressions about a record can name.
pub(super) const RECORD: Names<'static> = &[
    "next_page_token",
    "path",
    "property",
    "record",
    "stream_interval",
    "stream_partition",
    "stream_slice",
    "value",
];

/// A `RecordSelector`.
pub(super) struct Selector {
    path: Vec<Text>,
    filter: Option<Text>,
    changes: Vec<Change>,
    changes_first: bool,
    normalized: bool,
}

impl Selector {
    pub(super) fn of(
        part: &Part<'_>,
        templates: &Templates,
        changes: Vec<Change>,
        client_side: bool,
    ) -> Result<Self> {
        let extractor = part.needed("extractor")?;
        let names = extractor
            .get("field_path")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let path = names
            .iter()
            .map(|name| extractor.compile(templates, &python::str(name), "field_path", &[]));
        let filter = part.child("record_filter")?;
        let filter = filter
            .map(|filter| filter.text(templates, "condition", RECORD))
            .transpose()?
            .flatten();
        let normalized = match part.get("schema_normalization") {
            None => false,
            Some(Value::String(word)) if word == "Default" || word == "None" => word == "Default",
            Some(_) => return Err(part.refuse("schema_normalization", "is none that is supported")),
        };
        Ok(Self {
            path: path.collect::<Result<_>>()?,
            filter,
            changes,
            changes_first: part
                .get("transform_before_filtering")
                .and_then(Value::as_bool)
                .unwrap_or(client_side),
            normalized,
        })
    }

    /// The records of a body, before anything is done with them.
    pub(super) fn extract(&self, body: Value, scope: &Scope) -> Result<Vec<Value>> {
        let mut found = Vec::new();
        let bodies = match body {
            Value::Array(items) => items,
            body => vec![body],
        };
        let path = self
            .path
            .iter()
            .map(|name| name.text(scope))
            .collect::<Result<Vec<_>>>()?;
        for body in bodies {
            let extracted = match path.as_slice() {
                [] => Some(body),
                path if path.iter().any(|name| name == "*") => {
                    let mut all = Vec::new();
                    every(&body, path, &mut all);
                    Some(Value::Array(all))
                }
                path => path.iter().try_fold(body, |value, name| step(value, name)),
            };
            match extracted {
                Some(Value::Array(items)) => found.extend(items),
                Some(one) if jinja::python_truth(&one) => found.push(one),
                _ => {}
            }
        }
        Ok(found)
    }

    /// A record as it is written; `None` for one that is filtered out. `fits` is the stream's own filter.
    pub(super) fn select(
        &self,
        mut record: Map<String, Value>,
        scope: &Scope,
        schema: &Value,
        fits: impl Fn(&Map<String, Value>) -> bool,
    ) -> Result<Option<Map<String, Value>>> {
        let keeps = |record: &Map<String, Value>| -> Result<bool> {
            if !fits(record) {
                return Ok(false);
            }
            let Some(filter) = &self.filter else {
                return Ok(true);
            };
            filter.is_true(&with_record(scope, record))
        };
        if self.changes_first {
            self.change(&mut record, scope)?;
        }
        if !keeps(&record)? {
            return Ok(None);
        }
        if !self.changes_first {
            self.change(&mut record, scope)?;
        }
        if self.normalized {
            normal::object(&mut record, schema);
        }
        Ok(Some(record))
    }

    fn change(&self, record: &mut Map<String, Value>, scope: &Scope) -> Result<()> {
        self.changes
            .iter()
            .try_for_each(|change| change.apply(record, scope))
    }
}

/// The scope with a record.
pub(super) fn with_record(scope: &Scope, record: &Map<String, Value>) -> Scope {
    scope
        .clone()
        .with("record", jinja::value(&Value::Object(record.clone())))
}

fn step(value: Value, name: &str) -> Option<Value> {
    match value {
        Value::Object(mut members) => members.shift_remove(name),
        Value::Array(mut items) => {
            let at = name.parse::<usize>().ok().filter(|at| *at < items.len())?;
            Some(items.swap_remove(at))
        }
        _ => None,
    }
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
