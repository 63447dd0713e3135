//! Which streams a run reads, and how: what the catalog asks for, held against what the source has.
//!
//! A catalog is older than the run: since it was discovered a table was renamed, a column dropped, a right revoked. What
//! it asks for and cannot have is left out; the run reads all the rest, and then ends with an error that names what it
//! left out, so that no run that says that it is complete has read less than was selected. With `strict` it ends before
//! anything is read.

use melisma_engine::{Error, Result};
use serde_json::Value;

use super::check;
use super::left_out::{list, property_of, warning};
use super::method::Method;
use super::opening::Opening;
use super::selection::Selection;
use super::stream::{Stream, Sync};
use crate::names::show_name;
use crate::tap::Refused;
use crate::tap::bookmark::progress::Order;
use crate::tap::catalog::{Catalog, Entry};
use crate::tap::projection::schema as projected;

/// A stream and, behind it, those of its children and theirs that are selected.
pub(in crate::tap) struct Family<'t> {
    /// What reads all of them.
    pub(in crate::tap) sync: Sync<'t>,
    pub(in crate::tap) members: Vec<Opening>,
}

/// The streams to sync, and where the catalog and the source disagree.
#[derive(Default)]
pub(in crate::tap) struct Openings<'t> {
    pub(in crate::tap) families: Vec<Family<'t>>,
    /// What is selected and cannot be read: `stream orders`, `column note of stream orders`.
    pub(in crate::tap) left_out: Vec<String>,
    /// What is read otherwise than the catalog says.
    notes: Vec<String>,
}

impl Openings<'_> {
    /// Leaves streams out that the tap cannot read: those that the catalog selects, or all when there is none.
    pub(in crate::tap) fn refuse(&mut self, refused: &[Refused], all: bool) {
        for Refused { name, why } in refused {
            let stream = format!("stream {}", show_name(name));
            let selected = self.left_out.iter_mut().find(|what| **what == stream);
            match selected {
                Some(what) => *what = format!("{stream} ({why})"),
                None if all => self.left_out.push(format!("{stream} ({why})")),
                None => {}
            }
        }
    }

    /// Says where the catalog and the source disagree; an error when that is asked for (`strict`).
    pub(in crate::tap) fn report(&self, strict: bool) -> Result<()> {
        if strict && self.families.is_empty() && self.left_out.is_empty() {
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
        if self.families.is_empty() && self.left_out.is_empty() {
            log::warn!("no stream is selected");
        }
        Ok(())
    }
}

/// The streams to sync, each with what the catalog says of it; when `testing`, those that are not selected, too.
pub(in crate::tap) fn open<'t>(
    streams: Vec<Stream<'t>>,
    catalog: Option<&Catalog>,
    testing: bool,
) -> Result<Openings<'t>> {
    let own = Catalog::of(&streams);
    let catalog = catalog.unwrap_or(&own);
    let mut openings = Openings::default();
    // A database has ten thousand tables: none of them may look through all others.
    let (given, own) = (catalog.by_id(), own.by_id());
    for entry in catalog.entries() {
        if !own.contains_key(entry.id()) && entry.selection().is_selected(&[]) {
            openings
                .left_out
                .push(format!("stream {}", show_name(entry.id())));
        }
    }
    let entry = |name: &str| {
        let entry = given.get(name).copied();
        let selected = entry.is_some_and(|entry| entry.selection().is_selected(&[]));
        let entry = entry.or_else(|| own.get(name).copied());
        entry.filter(|_| selected || testing)
    };
    for mut stream in streams {
        let sync = stream.sync.take();
        let mut members = Vec::new();
        if openings.add_family(stream, &entry, &mut members)? {
            let sync = sync.ok_or_else(|| check::without_sync(&members[0].name))?;
            openings.families.push(Family { sync, members });
        }
    }
    Ok(openings)
}

impl<'t> Openings<'t> {
    /// Adds what is selected of a stream, its children and theirs; whether anything is. A stream that is not selected is a
    /// member all the same when one below it is, which is found only through it.
    fn add_family<'c>(
        &mut self,
        mut stream: Stream<'t>,
        entry: &impl Fn(&str) -> Option<Entry<'c>>,
        members: &mut Vec<Opening>,
    ) -> Result<bool> {
        let children = std::mem::take(&mut stream.children);
        let name = stream.name.clone();
        let opening = match entry(&name) {
            Some(entry) => self
                .opening(&stream, entry)
                .map_err(|error| error.in_stream(&name))?,
            None => None,
        };
        let mut read = opening.is_some();
        let place = members.len();
        let mut opening = opening.unwrap_or_else(|| silent(&stream));
        opening.children = children.iter().map(|child| child.name.clone()).collect();
        members.push(opening);
        for child in children {
            read |= self.add_family(child, entry, members)?;
        }
        if !read {
            members.truncate(place);
        }
        Ok(read)
    }

    /// What the catalog says of a stream; `None` when that cannot be had.
    fn opening(&mut self, stream: &Stream<'_>, entry: Entry<'_>) -> Result<Option<Opening>> {
        let own_key = || stream.replication_key.clone();
        let replication_key = entry.replication_key().map(Into::into).or_else(own_key);
        let method = entry
            .replication_method(stream.default_method())?
            .unwrap_or_else(|| stream.method_with(replication_key.as_deref()));
        check_method(method, stream, replication_key.as_deref())?;
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
            return Ok(None);
        }
        let gone = gone.iter().map(|gone| property_of(gone, &stream.name));
        self.left_out.extend(gone);
        self.correct(&mut schema, stream, &selection, &needed);
        // A tap that sets the bookmark itself knows better what may be a replication key of its source.
        let replication = replication_key.as_deref().filter(|_| !stream.manual_bookmark);
        let replication = replication.map(|key| (key, true));
        check::keys(&schema, &key, replication)?;
        Ok(Some(Opening {
            key,
            schema,
            selection,
            method,
            replication_key,
            silent: false,
            ..silent(stream)
        }))
    }

    /// Puts what the tap knows better into the catalog's schema, and notes it where it is selected.
    fn correct(&mut self, schema: &mut Value, stream: &Stream<'_>, selection: &Selection, needed: &[&str]) {
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

fn check_method(method: Method, stream: &Stream<'_>, replication_key: Option<&str>) -> Result<()> {
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
    let Some(has) = has.filter(|_| projected::closed(own)) else {
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

/// A stream of which nothing is written.
fn silent(stream: &Stream<'_>) -> Opening {
    Opening {
        name: stream.name.clone(),
        own_schema: stream.schema.clone(),
        schema: stream.schema.clone(),
        selection: Selection::default(),
        key: Vec::new(),
        method: Method::FullTable,
        replication_key: None,
        order: match (stream.manual_bookmark, stream.sorted) {
            (true, _) => Order::Manual,
            (_, true) => Order::Sorted {
                check: stream.check_sorted,
            },
            _ => Order::Unsorted,
        },
        own_start_date: stream.own_start_date,
        silent: true,
        children: Vec::new(),
    }
}
