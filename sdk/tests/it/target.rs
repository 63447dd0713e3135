use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use melisma_sdk::plugin::{Io, Package};
use melisma_sdk::target::{LoadMethod, StandardConfig, run_target_on};
use melisma_sdk::{Cell, Destination, Error, Result, RowBatch, Rows, Sink, StreamSchema, Target};
use serde::Deserialize;
use serde_json::{Value, json};

/// Writes rows as JSON arrays of texts.
#[derive(Deserialize, schemars::JsonSchema)]
struct Config {
    /// Where the files go.
    folder: PathBuf,
}

struct Arrays(PathBuf);

struct ArraysSink(File);

const PACKAGE: Package = Package {
    name: "target-arrays",
    version: "7.8.9",
};

impl Target for Arrays {
    type Config = Config;

    fn open(config: Config, standard: &mut StandardConfig) -> Result<Self> {
        match standard.load_method {
            LoadMethod::AppendOnly => Ok(Self(config.folder)),
            other => Err(Error::config(format!(
                "load_method: expected append-only, found {other:?}"
            ))),
        }
    }

    fn defaults() -> StandardConfig {
        StandardConfig {
            batch_size_rows: 1234,
            ..StandardConfig::default()
        }
    }
}

impl Destination for Arrays {
    type Plan = StreamSchema;
    type Encoder = Rows;
    type Worker = ();
    type Sink = ArraysSink;

    fn plan(&self, schema: &Arc<StreamSchema>, _: Option<&Arc<StreamSchema>>) -> Result<Arc<StreamSchema>> {
        Ok(Arc::clone(schema))
    }

    fn worker(&self) -> Result<()> {
        Ok(())
    }

    fn encoder(&self, schema: &Arc<StreamSchema>) -> Result<Rows> {
        Ok(Rows::new(schema))
    }

    fn sink(&self, (): &mut (), schema: &Arc<StreamSchema>) -> Result<ArraysSink> {
        Ok(ArraysSink(File::create(self.0.join(&*schema.stream))?))
    }
}

impl Sink for ArraysSink {
    type Batch = RowBatch;
    type Plan = StreamSchema;
    type Worker = ();

    fn write(&mut self, (): &mut (), batch: RowBatch) -> Result<()> {
        for row in batch.rows() {
            let cells: Vec<_> = row
                .cells()
                .map(|cell| match cell {
                    Cell::Text(text) => text.to_text().into_owned(),
                    Cell::Int(number) => number.to_string(),
                    other => format!("{other:?}"),
                })
                .collect();
            writeln!(self.0, "{}", json!(cells))?;
        }
        Ok(())
    }

    fn commit(&mut self, (): &mut ()) -> Result<()> {
        Ok(self.0.sync_all()?)
    }

    fn change_plan(&mut self, (): &mut (), _: &Arc<StreamSchema>) -> Result<()> {
        Ok(())
    }
}

#[derive(Clone, Default)]
struct Stdout(Arc<Mutex<Vec<u8>>>);

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Runs the target in a folder; returns its exit code and stdout.
fn run(folder: &Path, settings: &Value, args: &[&str], input: &str) -> (u8, String) {
    run_signalled(folder, settings, args, input, None)
}

fn run_signalled(
    folder: &Path,
    settings: &Value,
    args: &[&str],
    input: &str,
    signal: Option<i32>,
) -> (u8, String) {
    let mut config = json!({"folder": folder});
    for (name, value) in settings.as_object().expect("settings") {
        config[name] = value.clone();
    }
    let path = folder.join("config.json");
    fs::write(&path, config.to_string()).expect("writable");
    let words = ["target-arrays", "--config"].map(OsString::from).into_iter();
    let words = words
        .chain([path.into_os_string()])
        .chain(args.iter().map(OsString::from));
    let stdout = Stdout::default();
    let io = Io::buffers(
        std::io::Cursor::new(input.to_owned().into_bytes()),
        stdout.clone(),
    );
    if let Some(signal) = signal {
        io.stop.request(signal);
    }
    let code = run_target_on::<Arrays>(PACKAGE, words, io);
    let bytes = stdout.0.lock().expect("no panic").clone();
    (code, String::from_utf8(bytes).expect("UTF-8"))
}

const INPUT: &str = r#"{"type":"SCHEMA","stream":"a","schema":{"properties":{"id":{"type":"integer"},"t":{"type":["null","string"]}}},"key_properties":["id"]}
{"type":"RECORD","stream":"a","record":{"id":1,"t":"x\u00e9"},"version":5,"time_extracted":"2026-01-02T03:04:05+00:00"}
{"type":"STATE","value":{"n" : 1}}
{"type":"RECORD","stream":"a","record":{"id":2}}
{"type":"STATE","value":{"n" : 2}}
"#;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn written(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("a")).expect("a file");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

#[test]
fn records_become_rows_and_state_is_told_as_it_came() {
    let folder = folder();
    let (code, stdout) = run(folder.path(), &json!({}), &[], INPUT);
    assert_eq!((code, stdout.as_str()), (0, "{\"n\" : 2}\n"));
    assert_eq!(
        written(folder.path()),
        [json!(["1", "xé"]), json!(["2", "Absent"])]
    );
}

#[test]
fn the_input_may_be_a_file_and_the_state_is_kept_in_one() {
    let folder = folder();
    let (input, state) = (folder.path().join("in.singer"), folder.path().join("state.json"));
    fs::write(&input, INPUT).expect("writable");
    let paths = [&input, &state].map(|path| path.to_str().expect("UTF-8"));
    let args = ["--input", paths[0], "--state-out", paths[1]];
    let (code, stdout) = run(folder.path(), &json!({}), &args, "not read");
    assert_eq!((code, stdout.as_str()), (0, "{\"n\" : 2}\n"));
    assert_eq!(fs::read_to_string(state).expect("a file"), stdout);
    assert!(!folder.path().join("state.json.new").exists());
}

#[test]
fn metadata_columns_are_added_and_filled() {
    let folder = folder();
    let settings = json!({"add_record_metadata": true});
    assert_eq!(run(folder.path(), &settings, &[], INPUT).0, 0);
    let rows = written(folder.path());
    let cell = |row: usize, column: usize| rows[row][column].as_str().expect("text").to_owned();
    assert_eq!(rows[0].as_array().map(Vec::len), Some(2 + 7));
    assert_eq!(
        (cell(0, 2).as_str(), cell(1, 2).as_str()),
        ("2026-01-02T03:04:05+00:00", "Null")
    );
    assert!(
        cell(0, 3).ends_with("+00:00") && cell(0, 3) >= cell(0, 4),
        "{} {}",
        cell(0, 3),
        cell(0, 4)
    );
    assert_eq!(cell(0, 5), "Null");
    assert!(cell(0, 6).parse::<i64>().expect("a number") >= cell(0, 8).parse().expect("a number"));
    assert_eq!((cell(0, 7).as_str(), cell(1, 7).as_str()), ("5", "Null"));
}

#[test]
fn wrong_input_and_wrong_settings_have_their_exit_codes() {
    let folder = folder();
    let bad = INPUT.replace("\"id\":2", "\"id\":\"two\"");
    assert_eq!(
        run(folder.path(), &json!({}), &[], &bad),
        (65, "{\"n\" : 1}\n".to_owned())
    );
    assert_eq!(
        run(folder.path(), &json!({"on_invalid": "skip"}), &[], &bad),
        (0, "{\"n\" : 2}\n".to_owned())
    );
    for settings in [
        json!({"on_invalid": "dead_letter"}),
        json!({"load_method": "upsert"}),
        json!({"batch_size_rows": 0}),
        json!({"batch_wait_limit_seconds": -1}),
        json!({"max_parallelism": "many"}),
    ] {
        assert_eq!(
            run(folder.path(), &settings, &[], INPUT),
            (78, String::new()),
            "{settings}"
        );
    }
    assert_eq!(
        run(folder.path(), &json!({}), &["--input", "/nonexistent"], "").0,
        78
    );
}

#[test]
fn every_standard_setting_is_taken_also_as_text() {
    let folder = folder();
    let dead = folder.path().join("dead.jsonl");
    let settings = json!({
        "add_record_metadata": "false", "validate_records": "true", "on_invalid": "dead_letter", "dead_letter_path": dead,
        "load_method": "append-only", "batch_size_rows": "1", "batch_size_bytes": 1000, "batch_wait_limit_seconds": 0.5,
        "state_interval_seconds": "0", "memory_budget_bytes": 100_000, "max_line_bytes": 100_000, "max_parallelism": 3,
        "lenient": true, "invalid_line": "warn", "invalid_utf8": "replace", "lone_surrogate": "replace", "nan": "null",
        "process_activate_version_messages": false,
    });
    let input = format!("{INPUT}noise\n").replace("\"id\":2", "\"id\":\"two\"");
    let (code, stdout) = run(folder.path(), &settings, &[], &input);
    assert_eq!((code, stdout.as_str()), (0, "{\"n\" : 1}\n{\"n\" : 2}\n"));
    let letter: Value = serde_json::from_str(&fs::read_to_string(dead).expect("a file")).expect("JSON");
    assert_eq!(
        (letter["line"].as_u64(), letter["stream"].as_str()),
        (Some(4), Some("a"))
    );
}

#[test]
fn about_shows_both_kinds_of_settings_with_the_targets_defaults() {
    let folder = folder();
    let (code, stdout) = run(folder.path(), &json!({}), &["--about", "--format", "json"], "");
    assert_eq!(code, 0);
    let about: Value = serde_json::from_str(&stdout).expect("JSON");
    assert_eq!(about["version"], "7.8.9");
    let settings = &about["settings"]["properties"];
    assert!(settings["folder"].is_object());
    assert_eq!(settings["batch_size_rows"]["default"], 1234);
    assert_eq!(settings["validate_records"]["default"], true);
    assert_eq!(settings["on_invalid"]["default"], "fail");
}

#[test]
fn a_signal_is_in_the_exit_code_unless_zero_is_asked_for() {
    let folder = folder();
    assert_eq!(
        run_signalled(folder.path(), &json!({}), &[], INPUT, Some(15)).0,
        143
    );
    let args = ["--signal-exit-zero"];
    assert_eq!(
        run_signalled(folder.path(), &json!({}), &args, INPUT, Some(15)).0,
        0
    );
}
