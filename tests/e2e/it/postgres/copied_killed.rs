//! Rows that travel as lines of COPY, and a process that is killed or fails at a named point: the run is repeated, and no row
//! is missing or other than it was.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use melisma_testing::postgres::{Database, server};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::settings;
use crate::harness::{Outcome, jsonl_rows, melisma, parquet_rows, run};
use crate::settings::duckdb;

/// Rows of the table.
const ROWS: u64 = 3_200;
/// Where it strikes, and how.
const FAULTS: [&str; 8] = [
    "copied.announced:kill",
    "copied.announced:error",
    "copied.row:kill:2500",
    "copied.row:error:2500",
    "decode.batch:kill:3",
    "sink.commit.before:kill:3",
    "sink.commit.after:kill:3",
    "state.tell.after:kill",
];

/// A pipeline into a folder.
struct Pipeline {
    database: Database<'static>,
    folder: TempDir,
    target: &'static str,
}

impl Pipeline {
    fn new(target: &'static str) -> Self {
        let database = server().database();
        // Some rows are read as records: their dates are beyond the years of records.
        database.sql(&format!(
            "create schema src; create table src.t (id bigint primary key, note text, d date);
             insert into src.t select i, repeat(md5(i::text) || E'\\t', 16),
             case when i % 100 = 7 then '-infinity'::date else date '2024-01-01' + (i % 365)::int end
             from generate_series(1, {ROWS}) i"
        ));
        let folder = TempDir::new().expect("a folder");
        let tap = json!({"filter_schemas": "src", "invalid_date_handling": "null", "full_table_range_mb": 1});
        let often =
            json!({"batch_size_rows": 300, "state_interval_seconds": 0.02, "add_record_metadata": false});
        let own = match target {
            "target-postgres" => settings(&database, json!({"default_target_schema": "dst"})),
            "target-duckdb" => json!({"path": "out.duckdb", "driver": duckdb()}),
            _ => json!({"destination_path": "out"}),
        };
        let mut to = often;
        to.as_object_mut()
            .expect("settings")
            .extend(own.as_object().expect("settings").clone());
        fs::write(
            folder.path().join("tap.json"),
            settings(&database, tap).to_string(),
        )
        .expect("written");
        fs::write(folder.path().join("target.json"), to.to_string()).expect("written");
        Self {
            database,
            folder,
            target,
        }
    }

    fn run(&self, fault: Option<&str>) -> Outcome {
        let mut command = Command::new(melisma());
        command
            .current_dir(self.folder.path())
            .args(["--log-level", "debug", "run", "tap-postgres --config tap.json"])
            .arg(format!("{} --config target.json", self.target));
        if let Some(fault) = fault {
            command
                .env("MELISMA_FAULT", fault)
                .env("MELISMA_FAULT_MARK", self.folder.path().join("mark"));
        }
        run(&mut command, b"")
    }

    /// The rows in the target: for each id what the row says, and how often it is there.
    fn rows(&self) -> BTreeMap<u64, (BTreeSet<String>, u64)> {
        let mut rows: BTreeMap<u64, (BTreeSet<String>, u64)> = BTreeMap::new();
        for row in self.read() {
            let (texts, count) = rows.entry(row["id"].as_u64().expect("an id")).or_default();
            texts.insert(row["note"].to_string() + &row["d"].to_string());
            *count += 1;
        }
        rows
    }

    fn read(&self) -> Vec<Value> {
        let folder = self.folder.path();
        match self.target {
            "target-postgres" => {
                let lines = self
                    .database
                    .sql("select row_to_json(t) from (select id, note, d from dst.t) t");
                let row = |line: &str| serde_json::from_str(line).expect("JSON");
                lines.lines().map(row).collect()
            }
            "target-duckdb" => duckdb_rows(folder),
            _ => {
                let entries = fs::read_dir(folder.join("out")).expect("an output");
                let files = entries.map(|entry| entry.expect("a file").path());
                files
                    .filter(|file| file.is_file())
                    .flat_map(|file| match file.extension().and_then(|name| name.to_str()) {
                        Some("jsonl") => jsonl_rows(&file),
                        Some("parquet") => parquet_rows(&file),
                        _ => Vec::new(),
                    })
                    .collect()
            }
        }
    }
}

fn duckdb_rows(folder: &Path) -> Vec<Value> {
    let config = folder.join("again.json");
    let settings = json!({"path": "out.duckdb", "driver": duckdb()});
    fs::write(&config, settings.to_string()).expect("written");
    let mut command = Command::new(melisma());
    command
        .current_dir(folder)
        .arg("tap-duckdb")
        .arg("--config")
        .arg(config);
    let text = String::from_utf8(run(&mut command, b"").ok().stdout).expect("text");
    let messages = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    messages
        .filter(|message| message["type"] == "RECORD")
        .map(|message| message["record"].clone())
        .collect()
}

#[track_caller]
fn no_row_is_missing(target: &'static str) {
    let expected = {
        let undisturbed = Pipeline::new(target);
        let outcome = undisturbed.run(None).ok();
        assert!(
            outcome.stderr.contains("rows are handed over as "),
            "{}",
            outcome.stderr
        );
        undisturbed.rows()
    };
    assert_eq!(expected.len() as u64, ROWS);
    let keyed = matches!(target, "target-postgres" | "target-duckdb");
    // Where the stages are committed, and their rows not.
    let staged = ["sql.staged:kill:3", "sql.staged:error:3"].iter();
    let own = staged.filter(|_| target == "target-duckdb");
    for fault in FAULTS.iter().chain(own) {
        let pipeline = Pipeline::new(target);
        let disturbed = pipeline.run(Some(fault));
        assert_ne!(disturbed.code, Some(0), "{fault}");
        let mark = fs::read_to_string(pipeline.folder.path().join("mark")).unwrap_or_default();
        assert!(!mark.is_empty(), "{fault} was not reached: {}", disturbed.stderr);
        let again = pipeline.run(None).ok();
        for (id, (texts, count)) in &pipeline.rows() {
            assert_eq!(
                Some(texts),
                expected.get(id).map(|(texts, _)| texts),
                "{fault}: row {id}"
            );
            assert!(!keyed || *count == 1, "{fault}: row {id} is there {count} times");
        }
        assert_eq!(pipeline.rows().len() as u64, ROWS, "{fault}: {}", again.stderr);
    }
}

#[test]
fn no_row_is_missing_in_json_lines() {
    no_row_is_missing("target-jsonl");
}

#[test]
fn no_row_is_missing_in_parquet() {
    no_row_is_missing("target-parquet");
}

#[test]
fn no_row_is_missing_or_twice_in_postgres() {
    no_row_is_missing("target-postgres");
}

#[test]
fn no_row_is_missing_or_twice_in_duckdb() {
    no_row_is_missing("target-duckdb");
}
