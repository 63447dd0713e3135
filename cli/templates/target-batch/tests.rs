use std::fs::File;
use std::path::Path;

use arrow_ipc::reader::FileReader;
use melisma_sdk::arrow::array::{Array, Float64Array, Int64Array, RecordBatch, StringArray};
use melisma_sdk::{check, json};
use serde_json::Value;

use super::@type@ as Target;

#[test]
fn it_keeps_the_rules_of_a_target() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = folder.path().to_owned();
    let rows = move |stream: &str| Ok(rows(&files, stream));
    let config = json!({"folder": folder.path()});
    check::target::<Target>().config(config).rows(rows).passes();
}

/// The rows of all files of a stream.
fn rows(folder: &Path, stream: &str) -> Vec<Value> {
    let mut rows = Vec::new();
    for entry in folder.read_dir().expect("a folder").flatten() {
        if entry
            .file_name()
            .to_string_lossy()
            .starts_with(&format!("{stream}-"))
        {
            let reader = FileReader::try_new(File::open(entry.path()).expect("a file"), None)
                .expect("an Arrow file");
            rows.extend(reader.flat_map(|batch| objects(&batch.expect("a batch"))));
        }
    }
    rows
}

fn objects(batch: &RecordBatch) -> Vec<Value> {
    let columns = batch.schema();
    let object = |row: usize| {
        let members = columns.fields().iter().zip(batch.columns());
        members
            .map(|(field, column)| (field.name().clone(), value(column, row)))
            .collect()
    };
    (0..batch.num_rows()).map(object).collect()
}

fn value(column: &dyn Array, row: usize) -> Value {
    let any = column.as_any();
    if column.is_null(row) {
        Value::Null
    } else if let Some(column) = any.downcast_ref::<Int64Array>() {
        column.value(row).into()
    } else if let Some(column) = any.downcast_ref::<Float64Array>() {
        column.value(row).into()
    } else {
        any.downcast_ref::<StringArray>()
            .expect("a text")
            .value(row)
            .into()
    }
}
