//! The source of each column of a record (a cell, or metadata), in the order of the stream's schema.

use std::collections::{HashMap, HashSet};

use melisma_sdk::{Error, Output, Result, show};
use serde_json::Value;

use crate::config::{Config, Ragged};
use crate::discover::{EXTRA, FILE, LINE, MODIFIED};
use crate::entry::Entry;
use crate::infer::Kind;

/// Where a column's value comes from, in one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// Nowhere: the column is not selected, or the file does not have it. The record has no such property.
    Absent,
    /// A cell of the row.
    Cell {
        /// Its place in the row.
        at: usize,
        /// What it must be.
        kind: Kind,
    },
    /// The path of the file.
    File,
    /// When the file was last modified.
    Modified,
    /// The number of the row.
    Line,
    /// The cells beyond the header's.
    Extra,
}

#[derive(Debug)]
struct Column {
    name: Box<str>,
    selected: bool,
    source: Source,
    /// A file had it.
    found: bool,
}

#[derive(Clone, Copy, Debug)]
enum Source {
    Cell(Kind),
    Own(Slot),
}

/// The columns of a stream.
#[derive(Debug)]
pub(crate) struct Columns {
    columns: Vec<Column>,
    /// Columns of files that the stream does not have; each is logged once.
    strangers: HashSet<String>,
    /// How many files had a header.
    files: usize,
}

impl Columns {
    /// The columns that the stream has and their types, which the catalog may have changed.
    pub(crate) fn new(output: &Output<'_>, entry: &Entry, settings: &Config) -> Result<Self> {
        let own = |name: &str| match name {
            FILE if settings.add_metadata_columns => Some(Slot::File),
            MODIFIED if settings.add_metadata_columns || settings.incremental => Some(Slot::Modified),
            LINE if settings.add_metadata_columns => Some(Slot::Line),
            EXTRA if entry.settings.ragged == Ragged::Extra => Some(Slot::Extra),
            _ => None,
        };
        let mut columns = Vec::new();
        for column in output.columns() {
            let source = match own(&column.name) {
                Some(slot) => Source::Own(slot),
                None => Source::Cell(kind(&column.schema, &column.name, column.selected)?),
            };
            columns.push(Column {
                name: column.name.clone(),
                selected: column.selected,
                source,
                found: false,
            });
        }
        Ok(Self {
            columns,
            strangers: HashSet::new(),
            files: 0,
        })
    }

    /// Matches the names in a file's header with the columns, and puts a slot for each column into `slots`.
    pub(crate) fn slots(&mut self, file: &str, names: &[String], slots: &mut Vec<Slot>) {
        slots.clear();
        self.files += 1;
        let places: HashMap<&str, usize> = names.iter().map(String::as_str).zip(0..).collect();
        for column in &mut self.columns {
            let slot = match column.source {
                _ if !column.selected => Slot::Absent,
                Source::Own(slot) => slot,
                Source::Cell(kind) => match places.get(&*column.name) {
                    Some(&at) => Slot::Cell { at, kind },
                    None => Slot::Absent,
                },
            };
            column.found |= slot != Slot::Absent;
            slots.push(slot);
        }
        let known: HashSet<&str> = self.columns.iter().map(|column| &*column.name).collect();
        for name in names {
            if !known.contains(name.as_str()) && self.strangers.insert(name.clone()) {
                log::warn!(
                    "{file}: column {}: is not in the catalog, and is left out",
                    show(name)
                );
            }
        }
    }

    /// The selected columns that no file had, unless there was no file.
    pub(crate) fn missing(&self) -> impl Iterator<Item = &str> {
        let missing = |column: &&Column| self.files > 0 && column.selected && !column.found;
        self.columns.iter().filter(missing).map(|column| &*column.name)
    }

    /// The name of a column.
    pub(crate) fn name(&self, column: usize) -> &str {
        &self.columns[column].name
    }

    /// Makes a column text from here on.
    pub(crate) fn widen(&mut self, column: usize) {
        self.columns[column].source = Source::Cell(Kind::Text);
    }
}

fn kind(schema: &Value, name: &str, selected: bool) -> Result<Kind> {
    match Kind::of(schema) {
        Some(kind) => Ok(kind),
        None if !selected => Ok(Kind::Text),
        None => Err(Error::config(format!(
            "column {}: expected a type that a cell can have (string, integer, number, boolean), found {}",
            show(name),
            show(&schema["type"].to_string())
        ))),
    }
}
