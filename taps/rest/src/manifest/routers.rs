//! Partitions: lists of values, and records of other streams.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use melisma_sdk::{Error, Result};
use minijinja::value::Value as Jinja;
use serde_json::{Map, Value};

use super::jinja::{self, Scope, Templates};
use super::part::Part;
use super::places::at;
use super::said::{Place, Said};
use crate::python;

/// A part of a stream that is read on its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Slice {
    pub(super) partition: Map<String, Value>,
    pub(super) window: Map<String, Value>,
    pub(super) extra: Map<String, Value>,
}

impl Slice {
    /// With what expressions name it by.
    pub(super) fn scope(&self, scope: &Scope) -> Scope {
        let mut all = self.partition.clone();
        all.extend(self.window.clone());
        let object = |members: &Map<String, Value>| Value::Object(members.clone());
        all.insert("extra_fields".to_owned(), object(&self.extra));
        all.insert("partition".to_owned(), object(&self.partition));
        all.insert("_partition".to_owned(), object(&self.partition));
        all.insert("cursor_slice".to_owned(), object(&self.window));
        let value = jinja::value(&Value::Object(all));
        let mut scope = scope.clone();
        for name in ["stream_slice", "stream_partition", "stream_interval"] {
            scope = scope.with(name, value.clone());
        }
        for (name, value) in &self.extra {
            scope = scope.with_own(name, jinja::value(value));
        }
        scope.with("next_page_token", Jinja::from(()))
    }
}

/// A partition router.
pub(super) enum Router {
    List {
        field: String,
        values: Vec<Value>,
        option: Option<Place>,
    },
    Parents(Vec<Parent>),
}

/// What takes records as parents, with their partitions.
pub(super) type TakeParent<'t> = dyn FnMut(Map<String, Value>, &Map<String, Value>) -> Result<()> + 't;

/// A stream whose records are parents.
pub(super) trait ParentStream: Send + Sync {
    fn name(&self) -> &str;

    /// Hands all records since a bookmark to who reads them as parents; returns the latest moment.
    fn each_record(
        &self,
        found: &Found,
        bookmark: Option<&Value>,
        take: &mut TakeParent<'_>,
    ) -> Result<Option<Value>>;
}

/// A `ParentStreamConfig`.
pub(super) struct Parent {
    stream: Arc<dyn ParentStream>,
    key: Vec<String>,
    field: String,
    extra: Vec<Vec<String>>,
    option: Option<Place>,
    pub(super) incremental: bool,
    /// What makes it another one.
    id: String,
}

/// What parents were found in this run, so that each is read once for all of its children.
#[derive(Clone, Default)]
pub(super) struct Found(Arc<Mutex<HashMap<String, Arc<Vec<Slice>>>>>);

/// The moments that the parents of incremental children have reached, by their names: those of the last run, and those of
/// this one.
#[derive(Default)]
pub(super) struct Reached {
    pub(super) before: Map<String, Value>,
    pub(super) now: Map<String, Value>,
}

impl Router {
    pub(super) fn list(part: &Part<'_>, templates: &Templates, scope: &Scope) -> Result<Self> {
        let values = match part.get("values") {
            Some(Value::Array(values)) => values.clone(),
            Some(Value::String(_)) => match part
                .text(templates, "values", &[])?
                .map(|text| text.value(scope))
                .transpose()?
            {
                Some(Value::Array(values)) => values,
                // The letters of a text, in Python.
                Some(Value::String(text)) if text.is_empty() => Vec::new(),
                _ => return Err(part.refuse("values", "is no list")),
            },
            _ => return Err(part.missing("values")),
        };
        let option = part
            .child("request_option")?
            .map(|option| Place::of(&option, templates))
            .transpose()?;
        Ok(Self::List {
            field: part
                .text(templates, "cursor_field", &[])?
                .ok_or_else(|| part.missing("cursor_field"))?
                .text(scope)?,
            values,
            option,
        })
    }

    /// The names of the extra fields, which expressions may name alone.
    pub(super) fn extra_names(&self) -> Vec<String> {
        match self {
            Self::List { .. } => Vec::new(),
            Self::Parents(parents) => parents
                .iter()
                .flat_map(|parent| parent.extra.iter().map(|path| path.join(".")))
                .collect(),
        }
    }

    fn slices(&self, found: &Found, reached: &mut Reached) -> Result<Vec<Slice>> {
        match self {
            Self::List { field, values, .. } => Ok(values
                .iter()
                .map(|value| {
                    let mut partition = Map::new();
                    partition.insert(field.clone(), value.clone());
                    Slice {
                        partition,
                        ..Slice::default()
                    }
                })
                .collect()),
            Self::Parents(parents) => {
                let mut all = Vec::new();
                for parent in parents {
                    all.extend(parent.slices(found, reached)?.iter().cloned());
                }
                Ok(all)
            }
        }
    }

    pub(super) fn put(&self, said: &mut Said, slice: &Slice, scope: &Scope) -> Result<()> {
        let options: Vec<(&Option<Place>, &String)> = match self {
            Self::List { field, option, .. } => vec![(option, field)],
            Self::Parents(parents) => parents
                .iter()
                .map(|parent| (&parent.option, &parent.field))
                .collect(),
        };
        for (option, field) in options {
            if let (Some(place), Some(value)) = (
                option,
                slice
                    .partition
                    .get(field)
                    .filter(|value| jinja::python_truth(value)),
            ) {
                place.put(said, value.clone(), scope)?;
            }
        }
        Ok(())
    }
}

/// All partitions: the product of those of all routers, each once.
pub(super) fn product(routers: &[Router], found: &Found, reached: &mut Reached) -> Result<Vec<Slice>> {
    let mut all = vec![Slice::default()];
    for router in routers {
        let slices = router.slices(found, reached)?;
        let with = |before: &Slice| {
            let before = before.clone();
            slices.iter().map(move |slice| {
                let mut both = before.clone();
                // Of two with the same name the first counts.
                for (target, source) in [
                    (&mut both.partition, &slice.partition),
                    (&mut both.extra, &slice.extra),
                ] {
                    for (name, value) in source {
                        target.entry(name.clone()).or_insert_with(|| value.clone());
                    }
                }
                both
            })
        };
        all = all.iter().flat_map(with).collect();
    }
    Ok(all)
}

/// Each partition once: parents may have the same child.
pub(super) fn unique(slices: Vec<Slice>) -> Vec<Slice> {
    let mut seen = HashSet::new();
    let mut slices = slices;
    slices.retain(|slice| seen.insert(Value::Object(slice.partition.clone()).to_string()));
    slices
}

impl Parent {
    pub(super) fn of(
        part: &Part<'_>,
        templates: &Templates,
        scope: &Scope,
        stream: Arc<dyn ParentStream>,
    ) -> Result<Self> {
        let text = |name: &str| {
            part.text(templates, name, &[])?
                .ok_or_else(|| part.missing(name))?
                .text(scope)
        };
        let mut extra = Vec::new();
        for path in part
            .get("extra_fields")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let path = path
                .as_array()
                .ok_or_else(|| part.refuse("extra_fields", "is no list of paths"))?;
            let path = path.iter().map(|name| {
                part.compile(templates, &python::str(name), "extra_fields", &[])?
                    .text(scope)
            });
            extra.push(path.collect::<Result<Vec<_>>>()?);
        }
        let key = text("parent_key")?;
        let stream_id = part.get("stream").map(Value::to_string).unwrap_or_default();
        let field = text("partition_field")?;
        Ok(Self {
            stream,
            id: format!("{key} {field} {extra:?} {stream_id}"),
            key: key.split('/').map(str::to_owned).collect(),
            field,
            extra,
            option: part
                .child("request_option")?
                .map(|option| Place::of(&option, templates))
                .transpose()?,
            incremental: part.flag("incremental_dependency"),
        })
    }

    /// A partition for each record of the parent.
    fn slices(&self, found: &Found, reached: &mut Reached) -> Result<Arc<Vec<Slice>>> {
        let id = if self.incremental { None } else { Some(&self.id) };
        if let Some(known) = id.and_then(|id| {
            found
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get(id)
                .cloned()
        }) {
            return Ok(known);
        }
        let before = reached
            .before
            .get(self.stream.name())
            .filter(|_| self.incremental)
            .cloned();
        let mut slices = Vec::new();
        let latest = self
            .stream
            .each_record(found, before.as_ref(), &mut |record, partition| {
                let record = Value::Object(record);
                let Some(value) = at(&record, &self.key).filter(|value| !value.is_null()) else {
                    log::debug!(
                        "stream {}: a record without {} is no parent",
                        self.stream.name(),
                        self.key.join("/")
                    );
                    return Ok(());
                };
                let mut slice = Slice::default();
                slice.partition.insert(self.field.clone(), value.clone());
                slice
                    .partition
                    .insert("parent_slice".to_owned(), Value::Object(partition.clone()));
                for path in &self.extra {
                    let value = at(&record, path).cloned().unwrap_or_default();
                    slice.extra.insert(path.join("."), value);
                }
                slices.push(slice);
                Ok(())
            });
        let latest = latest.map_err(|error: Error| error.in_stream(self.stream.name()))?;
        if let (true, Some(latest)) = (self.incremental, latest.or(before)) {
            reached.now.insert(self.stream.name().to_owned(), latest);
        }
        let slices = Arc::new(slices);
        if let Some(id) = id {
            found
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(id.clone(), Arc::clone(&slices));
        }
        Ok(slices)
    }
}
