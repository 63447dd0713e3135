//! Discovers the columns of a stream from the headers and first rows of its files.

use std::collections::HashMap;

use melisma_sdk::{Error, Result, json};
use serde_json::{Map, Value};

use crate::config::{Config, Ragged};
use crate::entry::Entry;
use crate::infer::{Guess, Kind};
use crate::reader::{Flow, Reader};
use crate::{files, header};

/// The path of the file that a record comes from.
pub(crate) const FILE: &str = "_sdc_source_file";
/// When that file was last modified.
pub(crate) const MODIFIED: &str = "_sdc_source_file_mtime";
/// The number of the row in its file; the first row after the header is 1.
pub(crate) const LINE: &str = "_sdc_source_lineno";
/// The cells beyond the header's.
pub(crate) const EXTRA: &str = "_sdc_extra";

/// The JSON Schema of the entry's stream; `None` when none of its files has a column.
///
/// The columns are those of all files together, in the order in which they are first seen.
pub(crate) fn schema(entry: &Entry, settings: &Config) -> Result<Option<Value>> {
    let columns = columns(entry, settings)?;
    if columns.is_empty() {
        return Ok(None);
    }
    let mut properties = Map::new();
    if settings.add_metadata_columns {
        properties.insert(FILE.into(), Kind::Text.schema());
    }
    if settings.add_metadata_columns || settings.incremental {
        properties.insert(MODIFIED.into(), Kind::DateTime.schema());
    }
    if settings.add_metadata_columns {
        properties.insert(LINE.into(), Kind::Integer.schema());
    }
    let entity = &entry.settings.entity;
    for (name, guess) in &columns {
        if properties.insert(name.clone(), guess.kind().schema()).is_some() {
            return Err(Error::config(format!(
                "files: entity {entity}: the files have a column {name}, which add_metadata_columns or incremental adds too"
            )));
        }
    }
    if entry.settings.ragged == Ragged::Extra {
        let schema = json!({"type": ["array", "null"], "items": {"type": "string"}});
        if properties.insert(EXTRA.into(), schema).is_some() {
            return Err(Error::config(format!(
                "files: entity {entity}: the files have a column {EXTRA}, which ragged adds too"
            )));
        }
    }
    if let Some(key) = entry
        .settings
        .keys
        .iter()
        .find(|&key| !properties.contains_key(key))
    {
        let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        return Err(Error::config(format!(
            "files: entity {entity}: keys: expected a column {key}, found {}",
            melisma_sdk::show(&names.join(", "))
        )));
    }
    Ok(Some(json!({"type": "object", "properties": properties})))
}

fn columns(entry: &Entry, settings: &Config) -> Result<Vec<(String, Guess)>> {
    let mut columns: Vec<(String, Guess)> = Vec::new();
    // Files can have tens of thousands of columns: none of them may look through all others.
    let mut known: HashMap<String, usize> = HashMap::new();
    for file in files::list(&entry.settings)?.found {
        let mut reader = entry.open(&file)?;
        let Some(names) = header::read(&mut reader, &entry.settings)? else {
            log::warn!("{}: is empty", reader.file());
            continue;
        };
        let places: Vec<usize> = names
            .into_iter()
            .map(|name| match known.get(&name) {
                Some(&place) => place,
                None => {
                    known.insert(name.clone(), columns.len());
                    columns.push((name, Guess::default()));
                    columns.len() - 1
                }
            })
            .collect();
        if settings.infer_types {
            sample(&mut reader, entry, settings.infer_rows, &places, &mut columns)?;
        }
    }
    Ok(columns)
}

/// Looks at the first `rows` rows, or at all if that is 0.
fn sample(
    reader: &mut Reader,
    entry: &Entry,
    rows: u64,
    places: &[usize],
    columns: &mut [(String, Guess)],
) -> Result<()> {
    let mut seen = 0;
    reader.read(|record| {
        for (at, &place) in places.iter().enumerate() {
            if let Some(cell) = record.cell(at)
                && !cell.text().is_empty()
                && !entry.nulls.contain(&cell)
            {
                columns[place].1.add(cell.text());
            }
        }
        seen += 1;
        Ok(if seen == rows { Flow::Stop } else { Flow::Next })
    })
}
