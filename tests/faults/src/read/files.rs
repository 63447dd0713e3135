//! Rows of JSONL, CSV and Parquet files.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use serde_json::{Value, json};

use super::row;
use crate::rig::Kind;
use crate::source::{Row, Stream};

/// Parquet files that were read: one that has its name does not change any more.
pub type Parts = HashMap<PathBuf, Vec<Row>>;

/// All rows of a stream.
pub(super) fn rows(
    folder: &Path,
    kind: Kind,
    stream: Stream,
    parts: &mut Parts,
    torn: bool,
) -> Result<Vec<Row>, String> {
    let mut found = Vec::new();
    for path in files(folder, stream.name()) {
        match kind {
            Kind::Jsonl => jsonl(&path, torn, &mut found)?,
            Kind::Csv => csv(&path, torn, &mut found)?,
            _ => {
                if !parts.contains_key(&path) {
                    parts.insert(path.clone(), parquet(&path)?);
                }
                found.extend_from_slice(&parts[&path]);
            }
        }
    }
    Ok(found)
}

/// Visible files: `orders.jsonl`, `orders-2026...-000001.parquet`.
fn files(folder: &Path, stream: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.strip_prefix(stream)
                .is_some_and(|rest| rest.starts_with(['.', '-']))
        })
        .collect();
    files.sort();
    files
}

fn bad(path: &Path, what: &str, found: &str) -> String {
    let found: String = found.chars().take(120).collect();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!("P3: {name}: {what}: {found}")
}

fn jsonl(path: &Path, torn: bool, found: &mut Vec<Row>) -> Result<(), String> {
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        if torn && !line.ends_with(b"\n") {
            return Ok(());
        }
        let value: Option<Value> = serde_json::from_slice(line).ok();
        let row = value.as_ref().and_then(row);
        found.push(row.ok_or_else(|| bad(path, "no row", &String::from_utf8_lossy(line)))?);
    }
    Ok(())
}

fn csv(path: &Path, torn: bool, found: &mut Vec<Row>) -> Result<(), String> {
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let ends = bytes.ends_with(b"\n");
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(&*bytes);
    let header = reader
        .headers()
        .map_err(|error| bad(path, "no header", &error.to_string()))?
        .clone();
    let mut records = reader.into_records().peekable();
    while let Some(record) = records.next() {
        let last = records.peek().is_none();
        let row = record
            .ok()
            .filter(|record| record.len() == header.len())
            .and_then(|record| {
                let cells = header
                    .iter()
                    .zip(record.iter())
                    .map(|(name, cell)| (name.to_owned(), cell_of(name, cell)));
                row(&Value::Object(cells.collect()))
            });
        match row {
            // A row that was cut short may look whole.
            _ if torn && last && !ends => {}
            Some(row) => found.push(row),
            None if torn && last => {}
            None => return Err(bad(path, "no row", &format!("record {}", found.len() + 1))),
        }
    }
    Ok(())
}

/// A CSV cell as JSON.
fn cell_of(name: &str, cell: &str) -> Value {
    match name {
        "n" | "id" | "big" | "price" => serde_json::from_str(cell).unwrap_or(Value::Null),
        "flag" => match cell.to_lowercase().as_str() {
            "true" => json!(true),
            "false" => json!(false),
            _ => Value::Null,
        },
        _ if cell.is_empty() => Value::Null,
        _ => json!(cell),
    }
}

fn parquet(path: &Path) -> Result<Vec<Row>, String> {
    let cannot = |error: &dyn std::fmt::Display| bad(path, "no Parquet file", &error.to_string());
    let file = File::open(path).map_err(|error| cannot(&error))?;
    let reader = SerializedFileReader::new(file).map_err(|error| cannot(&error))?;
    let rows = reader.get_row_iter(None).map_err(|error| cannot(&error))?;
    let mut found = Vec::new();
    for record in rows {
        let record = record.map_err(|error| cannot(&error))?;
        let cells = record
            .get_column_iter()
            .map(|(name, field)| (name.clone(), field_of(field)));
        let value = Value::Object(cells.collect());
        found.push(row(&value).ok_or_else(|| bad(path, "no row", &value.to_string()))?);
    }
    Ok(found)
}

fn field_of(field: &Field) -> Value {
    match field {
        Field::Bool(value) => json!(value),
        Field::Long(value) | Field::TimestampMicros(value) => json!(value),
        Field::Double(value) => json!(value),
        Field::Str(value) => json!(value),
        _ => Value::Null,
    }
}
