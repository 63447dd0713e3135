//! Reading files back as JSON rows.

use std::fs::File;
use std::path::Path;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use serde_json::{Map, Value, json};

/// Every line of a JSONL file; a line that is no JSON is an error.
pub(crate) fn jsonl_rows(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).expect("a text file");
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
