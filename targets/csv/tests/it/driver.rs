//! A target without a process around it: rows in, files out.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use melisma_sdk::files::Lines;
use melisma_sdk::target::{StandardConfig, Target};
use melisma_sdk::{Cell, CommitMode, Destination, Encoder, Result, Row, Sink, StreamSchema};
use serde_json::{Value, json};
use target_csv::{CsvSink, Plan, TargetCsv};

/// Opens the target on a folder, with more settings.
pub(crate) fn open(folder: &Path, settings: &Value) -> Result<TargetCsv> {
    let mut config = json!({"destination_path": folder});
    for (name, value) in settings.as_object().expect("settings") {
        config[name] = value.clone();
    }
    let config = serde_json::from_value(config).expect("settings that parse");
    TargetCsv::open(config, &mut StandardConfig::default())
}

/// The schema of a stream whose columns may hold anything.
pub(crate) fn schema(stream: &str, columns: &[&str]) -> Arc<StreamSchema> {
    let properties: serde_json::Map<String, Value> =
        columns.iter().map(|&name| (name.to_owned(), json!({}))).collect();
    let text = json!({"type": "object", "properties": properties}).to_string();
    let schema = StreamSchema::compile::<&str>(stream, &text, &[], &[]).expect("a schema");
    Arc::new(schema)
}

pub(crate) type Step<'a> = (&'a [&'a str], &'a [&'a [Cell<'a>]]);

/// Runs one stream: for each step its columns, then its rows, with a commit after each.
pub(crate) fn run(target: &TargetCsv, stream: &str, steps: &[Step<'_>]) -> Result<()> {
    // The decoding thread may be ahead of the writing thread: all batches are made before the sink is.
    let mut batches: Vec<(Arc<Plan>, Lines)> = Vec::new();
    for (columns, rows) in steps {
        let schema = schema(stream, columns);
        let previous = batches.last().map(|(plan, _)| plan);
        let plan = target.plan(&schema, previous)?;
        let mut encoder = target.encoder(&plan)?;
        for cells in *rows {
            encoder.push(&Row {
                cells: cells.to_vec(),
                ..Row::default()
            })?;
        }
        batches.push((plan, encoder.finish()?));
    }
    let mut sink: Option<CsvSink> = None;
    for (plan, batch) in batches {
        let sink = match &mut sink {
            Some(sink) => {
                sink.change_plan(&mut (), &plan)?;
                sink
            }
            None => sink.insert(target.sink(&mut (), &plan)?),
        };
        sink.write(&mut (), batch)?;
        if target.commit_mode() == CommitMode::PerStream {
            sink.commit(&mut ())?;
        }
    }
    sink.map_or(Ok(()), |mut sink| {
        sink.commit(&mut ())?;
        sink.finish(&mut ())
    })
}

/// Every file in the folder, hidden ones too, sorted by name.
pub(crate) fn files(folder: &Path) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| {
            let entry = entry.expect("an entry");
            let text = String::from_utf8_lossy(&fs::read(entry.path()).expect("a file")).into_owned();
            (entry.file_name().into_string().expect("UTF-8"), text)
        })
        .collect();
    files.sort();
    files
}

/// The one file in the folder.
pub(crate) fn only(folder: &Path) -> String {
    let mut files = files(folder);
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0).1
}
