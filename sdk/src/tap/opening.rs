//! Which streams a run reads, and how: what the catalog asks for, held against what the source has.
//!
//! A catalog is older than the run: since it was discovered a table was renamed, a column dropped, a right revoked. What
//! it asks for and cannot have is left out; the run reads all the rest, and then ends with an error that names what it
//! left out, so that no run that says that it is complete has read less than was selected. With `strict` it ends before
//! anything is read.

use std::collections::HashSet;

use melisma_engine::{Error, Result, error::show};
use serde_json::Value;

use super::catalog::{Catalog, Entry};
use super::plan;
use super::progress::Order;
use super::selection::Selection;
use super::stream::{Method, Stream};

/// What the session knows of a stream before it is read.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) name: Box<str>,
    /// The tap's schema: it gives the positions of a row's cells.
    pub(super) own_schema: Value,
    /// The catalog's schema, or the tap's.
    pub(super) schema: Value,
    pub(super) selection: Selection,
    pub(super) key: Vec<Box<str>>,
    pub(super) method: Method,
    pub(super) replication_key: Option<Box<str>>,
    pub(super) order: Order,
}

/// The streams to sync, and where the catalog and the source disagree.
#[derive(Debug, Default)]
pub(super) struct Openings {
    pub(super) streams: Vec<Opening>,
    /// What is selected and cannot be read: `stream orders`, `column note of stream orders`.
    pub(super) left_out: Vec<String>,
    /// What is read otherwise than the catalog says.
    notes: Vec<String>,
}

/// So many are named in an error.
const NAMED: usize = 20;

impl Openings {
    /// Says where the catalog and the source disagree; an error when that is asked for (`strict`).
    pub(super) fn report(&self, strict: bool) -> Result<()> {
        if strict && self.streams.is_empty() && self.left_out.is_empty() {
            return Err(Error::config("the catalog selects no stream"));
        }
        if strict && !(self.left_out.is_empty() && self.notes.is_empty()) {
            let left_out = self.left_out.iter().map(|what| format!("{what} cannot be read"));
            let all: Vec<String> = left_out.chain(self.notes.iter().cloned()).collect();
            return Err(Error::config(format!(
                "the catalog does not fit the source: {}",
                list(&all)
            )));
        }
        for what in &self.left_out {
            log::warn!("{}", warning(what));
        }
        for note in &self.notes {
            log::warn!("{note}");
        }
        if self.streams.is_empty() && self.left_out.is_empty() {
            log::warn!("no stream is selected");
        }
        Ok(())
    }
}

/// What is said of what is left out.
pub(super) fn warning(what: &str) -> String {
    format!(
        "the catalog selects {what}, which the source does not have, or not for this user: it is left out"
    )
}

/// `property note of stream orders`
pub(super) fn property_of(property: &str, stream: &str) -> String {
    format!("property {} of stream {}", show_name(property), show_name(stream))
}

/// How a run ends in which everything was read but this.
pub(super) fn end(left_out: &[String]) -> Result<()> {
    if left_out.is_empty() {
        return Ok(());
    }
    Err(Error::config(format!(
        "not everything that the catalog selects was read: the source does not have, or not for this user, {}; all else \
         was read. Discover the catalog again, or deselect what is gone",
        list(left_out)
    )))
}

fn list(all: &[String]) -> String {
    let named = all.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
    match all.len().checked_sub(NAMED) {
        None | Some(0) => named,
        Some(more) => format!("{named}; and {more} more"),
    }
}

/// The streams to sync, each with what the catalog says of it; when `testing`, those that are not selected, too.
pub(super) fn open(streams: &[Stream], catalog: Option<&Catalog>, testing: bool) -> Result<Openings> {
    let own = Catalog::of(streams);
    let catalog = catalog.unwrap_or(&own);
    let mut openings = Openings::default();
    // A database has ten thousand tables: none of them may look through all others.
    let names: HashSet<&str> = streams.iter().map(|stream| &*stream.name).collect();
    let (given, own) = (catalog.by_id(), own.by_id());
    for entry in catalog.entries() {
        if !names.contains(entry.id()) && entry.selection().is_selected(&[]) {
            openings
                .left_out
                .push(format!("stream {}", show_name(entry.id())));
        }
    }
    for stream in streams {
        let entry = given.get(&*stream.name).copied();
        let selected = entry.is_some_and(|entry| entry.selection().is_selected(&[]));
        if let Some(entry) = entry
            .or_else(|| own.get(&*stream.name).copied())
            .filter(|_| selected || testing)
        {
            let opened = openings.add(stream.clone(), entry);
            opened.map_err(|error| error.in_stream(&stream.name))?;
        }
    }
    Ok(openings)
}

impl Openings {
    fn add(&mut self, stream: Stream, entry: Entry<'_>) -> Result<()> {
        let own_key = || stream.replication_key.clone();
        let replication_key = entry.replication_key().map(Into::into).or_else(own_key);
        let method = entry
            .replication_method(stream.default_method())?
            .unwrap_or_else(|| stream.method_with(replication_key.as_deref()));
        check_method(method, &stream, replication_key.as_deref())?;
        let replication_key = replication_key.filter(|_| method != Method::FullTable);
        let selection = entry.selection();
        let selection = if selection.is_selected(&[]) {
            selection
        } else {
            Selection::default()
        };
        let key = entry.key_properties().unwrap_or_else(|| stream.key.clone());
        let needed: Vec<&str> = key.iter().chain(&replication_key).map(|name| &**name).collect();
        let mut schema = entry.schema().cloned().unwrap_or_else(|| stream.schema.clone());
        let name = show_name(&stream.name);
        log_added(&schema, &stream.schema, &name);
        let gone = remove_gone(&mut schema, &stream.schema, &selection, &needed);
        if let Some(needed) = gone.iter().find(|gone| needed.contains(&gone.as_str())) {
            self.left_out.push(format!(
                "stream {name}, because it is keyed by its property {}",
                show_name(needed)
            ));
            return Ok(());
        }
        let gone = gone.iter().map(|gone| property_of(gone, &stream.name));
        self.left_out.extend(gone);
        self.correct(&mut schema, &stream, &selection, &needed);
        let order = match (stream.manual_bookmark, stream.sorted) {
            (true, _) => Order::Manual,
            (_, true) => Order::Sorted {
                check: stream.check_sorted,
            },
            _ => Order::Unsorted,
        };
        self.streams.push(Opening {
            key,
            name: stream.name,
            own_schema: stream.schema,
            schema,
            selection,
            method,
            replication_key,
            order,
        });
        Ok(())
    }

    /// Puts what the tap knows better into the catalog's schema, and notes it where it is selected.
    fn correct(&mut self, schema: &mut Value, stream: &Stream, selection: &Selection, needed: &[&str]) {
        let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
        let Some(properties) = properties else { return };
        for (name, schema, why) in &stream.corrections {
            let Some(property) = properties.get_mut(&**name) else {
                continue;
            };
            property.clone_from(schema);
            if needed.contains(&&**name) || selection.is_selected(&["properties", name]) {
                let (stream, name) = (show_name(&stream.name), show_name(name));
                self.notes
                    .push(format!("stream {stream}: property {name}: {why}"));
            }
        }
    }
}

fn check_method(method: Method, stream: &Stream, replication_key: Option<&str>) -> Result<()> {
    match method {
        Method::LogBased if !stream.log_based => Err(Error::config(
            "replication method: LOG_BASED is asked for, but this tap cannot read the stream that way; \
             choose FULL_TABLE or INCREMENTAL in the catalog",
        )),
        Method::Incremental if replication_key.is_none() => Err(Error::config(
            "replication method: INCREMENTAL needs a replication key in the catalog",
        )),
        _ => Ok(()),
    }
}

/// Takes out of the catalog's schema what the source has no more; returns which of it is selected. `needed` is selected
/// whatever the catalog says.
fn remove_gone(schema: &mut Value, own: &Value, selection: &Selection, needed: &[&str]) -> Vec<String> {
    let has = own.get("properties").and_then(Value::as_object);
    let Some(has) = has.filter(|_| plan::closed(own)) else {
        return Vec::new();
    };
    let is_gone = |name: &&String| !has.contains_key(*name);
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    let Some(properties) = properties else {
        return Vec::new();
    };
    let known: Vec<String> = properties.keys().filter(is_gone).cloned().collect();
    properties.retain(|name, _| has.contains_key(name));
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.retain(|name| !known.iter().any(|known| name == known));
    }
    let selected = known
        .into_iter()
        .filter(|name| needed.contains(&name.as_str()) || selection.is_selected(&["properties", name]));
    let mut gone: Vec<String> = selected.collect();
    // Selected by name, although the catalog's schema does not have it either.
    for name in selection.chosen() {
        if !has.contains_key(name) && !gone.iter().any(|gone| gone == name) {
            gone.push(name.to_owned());
        }
    }
    gone
}

/// Properties that the catalog's schema lacks are not read, as in the Meltano SDK: a hint to who looks for them.
fn log_added(schema: &Value, own: &Value, stream: &str) {
    fn properties(schema: &Value) -> Option<&serde_json::Map<String, Value>> {
        schema.get("properties").and_then(Value::as_object)
    }
    let (Some(given), Some(has)) = (properties(schema), properties(own)) else {
        return;
    };
    let added: Vec<String> = has
        .keys()
        .filter(|name| !given.contains_key(*name))
        .cloned()
        .collect();
    if !added.is_empty() {
        log::info!(
            "stream {stream}: the catalog does not know these properties, which are not read: {}",
            list(&added)
        );
    }
}

/// A name as it is, unless it is long or has control characters.
fn show_name(name: &str) -> String {
    if name.len() <= 120 && !name.contains(|c: char| c.is_control()) {
        name.to_owned()
    } else {
        show(name)
    }
}
