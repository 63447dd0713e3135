//! The records in an answer: where they are, which are kept, how they are changed.

use melisma_sdk::Result;
use serde_json::{Map, Value};

use super::changes::Change;
use super::expressions::{RECORD, with_record};
use super::jinja::{self, Scope, Templates, Text};
use super::normal;
use super::part::Part;
use super::places::every;
use crate::python;

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
