//! A target without a process around it: rows in, files out, read back with the parquet crate's reader.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use melisma_sdk::arrow::array::RecordBatch;
use melisma_sdk::target::{StandardConfig, Target};
use melisma_sdk::{Cell, Destination, Encoder, Result, Row, Sink, StreamSchema};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::ParquetMetaData;
use serde_json::{Value, json};
use target_parquet::{ParquetSink, TargetParquet};

/// Opens the target on a folder, with more settings.
pub(crate) fn open(folder: &Path, settings: &Value) -> Result<TargetParquet> {
    let mut config = json!({"destination_path": folder});
    for (name, value) in settings.as_object().expect("settings") {
        config[name] = value.clone();
    }
    let config = serde_json::from_value(config).expect("settings that parse");
    TargetParquet::open(config, &mut StandardConfig::default())
}

/// The schema of a stream with these properties.
pub(crate) fn schema(properties: &Value) -> Arc<StreamSchema> {
    let text = json!({"type": "object", "properties": properties}).to_string();
    Arc::new(StreamSchema::compile::<&str>("s", &text, &[], &[]).expect("a schema"))
}

/// One SCHEMA with its rows.
pub(crate) type Step<'a> = (Value, &'a [&'a [Cell<'a>]]);

/// Writes each step's rows, with a commit after each.
pub(crate) fn run(target: &TargetParquet, steps: &[Step<'_>]) -> Result<()> {
    let mut sink: Option<ParquetSink> = None;
    for (properties, rows) in steps {
        let schema = schema(properties);
        let sink = match &mut sink {
            Some(sink) => {
                sink.change_plan(&mut (), &schema)?;
                sink
            }
            None => sink.insert(target.sink(&mut (), &schema)?),
        };
        let mut encoder = target.encoder(&schema)?;
        for cells in *rows {
            encoder.push(&Row {
                cells: cells.to_vec(),
                ..Row::default()
            })?;
        }
        sink.write(&mut (), encoder.finish()?)?;
        sink.commit(&mut ())?;
    }
    sink.map_or(Ok(()), |mut sink| sink.finish(&mut ()))
}

/// Every file in the folder, hidden ones too, sorted by name.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    files
}

/// What a file holds, as one batch.
pub(crate) fn read(path: &Path) -> (RecordBatch, Arc<ParquetMetaData>) {
    let file = File::open(path).expect("a file");
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)
        .expect("a Parquet file")
        .with_batch_size(1 << 20);
    let metadata = Arc::clone(builder.metadata());
    let schema = Arc::clone(builder.schema());
    let mut batches: Vec<RecordBatch> = builder
        .build()
        .expect("a reader")
        .collect::<std::result::Result<_, _>>()
        .expect("rows");
    assert!(batches.len() <= 1, "one batch is enough for a test");
    (
        batches.pop().unwrap_or_else(|| RecordBatch::new_empty(schema)),
        metadata,
    )
}
