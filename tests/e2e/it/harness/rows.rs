//! Reading files back as JSON rows.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use serde_json::{Map, Value, json};

use super::{melisma, run};

/// Every line of a JSONL file; a line that is no JSON is an error.
pub(crate) fn jsonl_rows(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("a text file");
    let parse = |line: &str| {
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{}: {error}: {line}", path.display()))
    };
    text.lines().map(parse).collect()
}

/// Every row of a CSV file with a header, its fields as strings.
pub(crate) fn csv_rows(path: &Path) -> Vec<Value> {
    let mut reader = csv::Reader::from_path(path).expect("a CSV file");
    let header = reader.headers().expect("a header").clone();
    let row = |record: csv::Result<csv::StringRecord>| {
        let record = record.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let cells = header
            .iter()
            .zip(record.iter())
            .map(|(name, cell)| (name.to_owned(), json!(cell)));
        Value::Object(cells.collect())
    };
    reader.records().map(row).collect()
}

/// Every row of a Parquet file. Dates are days, timestamps microseconds since 1970, decimals are their text.
pub(crate) fn parquet_rows(path: &Path) -> Vec<Value> {
    let reader = SerializedFileReader::new(File::open(path).expect("the file opens"))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let rows = reader.get_row_iter(None).expect("rows");
    rows.map(|row| object(&row.expect("a readable row"))).collect()
}

/// The physical and logical type of each column, as the file's schema prints them.
pub(crate) fn parquet_schema(path: &Path) -> String {
    let reader =
        SerializedFileReader::new(File::open(path).expect("the file opens")).expect("a Parquet file");
    let mut text = Vec::new();
    parquet::schema::printer::print_schema(&mut text, reader.metadata().file_metadata().schema());
    String::from_utf8(text).expect("names are UTF-8")
}

fn object(row: &Row) -> Value {
    let cells = row
        .get_column_iter()
        .map(|(name, field)| (name.clone(), value(field)));
    Value::Object(cells.collect::<Map<_, _>>())
}

fn value(field: &Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Bool(value) => json!(value),
        Field::Int(value) | Field::Date(value) => json!(value),
        Field::Long(value) | Field::TimestampMicros(value) | Field::TimeMicros(value) => json!(value),
        Field::Double(value) => json!(value),
        Field::Str(value) => json!(value),
        Field::Group(row) => object(row),
        Field::ListInternal(list) => list.elements().iter().map(value).collect(),
        other => json!(other.to_string()),
    }
}

/// The files of the output, in the order of their names.
pub(crate) fn output_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join("out")).expect("an output");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.retain(|file| file.is_file());
    files.sort();
    files
}

/// The messages of a tap that reads the database again, in an order that does not depend on the way of the rows.
pub(crate) fn read_again(tap: &str, settings: &Value, folder: &Path) -> Vec<String> {
    let config = folder.join("again.json");
    fs::write(&config, settings.to_string()).expect("written");
    let mut command = Command::new(melisma());
    command.current_dir(folder).arg(tap).arg("--config").arg(config);
    let outcome = run(&mut command, b"").ok();
    let text = String::from_utf8(outcome.stdout).expect("text");
    let mut rows: Vec<String> = text
        .lines()
        .filter(|line| !line.contains("\"STATE\""))
        .map(|line| {
            line.split(",\"time_extracted\"")
                .next()
                .unwrap_or_default()
                .to_owned()
        })
        .collect();
    rows.sort();
    rows
}
