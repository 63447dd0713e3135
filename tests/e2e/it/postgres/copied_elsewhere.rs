//! Rows that go from tap-postgres to files and to other databases as lines of COPY: what they make there is what records
//! make.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use melisma_testing::postgres::{Database, server};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::copied::EVERY_TYPE;
use super::settings;
use crate::harness::{Outcome, melisma, output_files, parquet_rows, parquet_schema, read_again, run};
use crate::settings::{duckdb, sqlite};

/// What the two ways made of a table, each in a folder of its own.
struct Both {
    records: (TempDir, Outcome),
    copied: (TempDir, Outcome),
}

/// A database with the table.
fn database(source: &str) -> Database<'static> {
    let database = server().database();
    database.sql(source);
    database
}

impl Both {
    fn run(database: &Database, tap: &Value, target: &str, more: &Value) -> Self {
        let way = |copied: bool| {
            let folder = TempDir::new().expect("a folder");
            let outcome = load(database, tap, (target, more), folder.path(), copied);
            (folder, outcome)
        };
        let (records, copied) = (way(false), way(true));
        assert_eq!(
            records.1.code, copied.1.code,
            "{}\n{}",
            records.1.stderr, copied.1.stderr
        );
        let handed_over =
            |outcome: &Outcome| outcome.stderr.contains("rows are handed over as lines of COPY");
        assert!(
            !handed_over(&records.1) && handed_over(&copied.1),
            "{}",
            copied.1.stderr
        );
        Self { records, copied }
    }

    /// Both ended well, and are the same to `read`.
    #[track_caller]
    fn same<T: PartialEq + std::fmt::Debug>(&self, read: impl Fn(&Path) -> T) {
        assert_eq!(self.copied.1.code, Some(0), "{}", self.copied.1.stderr);
        assert_eq!(
            read(self.records.0.path()),
            read(self.copied.0.path()),
            "{}",
            self.copied.1.stderr
        );
    }
}

/// `melisma run` from the database into `out` in the folder.
fn load(
    database: &Database,
    tap: &Value,
    (target, more): (&str, &Value),
    folder: &Path,
    copied: bool,
) -> Outcome {
    let mut from = settings(
        database,
        json!({"filter_schemas": "src", "invalid_date_handling": "null"}),
    );
    let mut to = json!({});
    for (settings, more) in [(&mut from, tap), (&mut to, more)] {
        for (name, value) in more.as_object().expect("settings") {
            settings[name] = value.clone();
        }
    }
    fs::write(folder.join("tap.json"), from.to_string()).expect("written");
    fs::write(folder.join("target.json"), to.to_string()).expect("written");
    let mut command = Command::new(melisma());
    command
        .current_dir(folder)
        .env("MELISMA_COPIED_ROWS", if copied { "1" } else { "0" })
        .args(["--log-level", "debug", "run", "tap-postgres --config tap.json"])
        .arg(format!("{target} --config target.json"));
    run(&mut command, b"")
}

/// json keeps what was written: white space, line ends, escapes.
const JSON_AS_IT_CAME: &str = r#"
alter table src.t add j json;
update src.t set j = (array['null', ' null ', E'{"a":\n 1}', '"\u0041"', '[ 1.50, null]', '"null"'])[1 + id % 6]::json
where id <= 300;
"#;

#[test]
fn json_lines_are_the_same_to_the_byte() {
    let database = database(EVERY_TYPE);
    database.sql(JSON_AS_IT_CAME);
    for tap in [json!({}), json!({"use_singer_decimal": true})] {
        let both = Both::run(
            &database,
            &tap,
            "target-jsonl",
            &json!({"destination_path": "out"}),
        );
        both.same(|folder| {
            let texts = output_files(folder)
                .into_iter()
                .map(|file| fs::read_to_string(file).expect("text"));
            texts.collect::<Vec<_>>()
        });
    }
}

#[test]
fn json_lines_with_our_own_columns_have_the_same_values() {
    let database = database(EVERY_TYPE);
    let target = json!({"destination_path": "out", "add_record_metadata": true});
    Both::run(&database, &json!({}), "target-jsonl", &target).same(|folder| {
        let text = fs::read_to_string(&output_files(folder)[0]).expect("text");
        let rows = text.lines().map(|line| {
            let mut row: Value = serde_json::from_str(line).expect("JSON");
            let members = row.as_object_mut().expect("an object");
            // What tells the time.
            for (name, value) in members.iter_mut() {
                if name.starts_with("_sdc_") && !value.is_null() {
                    *value = json!("set");
                }
            }
            row
        });
        rows.collect::<Vec<_>>()
    });
}

#[test]
fn parquet_files_have_the_same_columns_and_values() {
    let database = database(EVERY_TYPE);
    database.sql(JSON_AS_IT_CAME);
    for tap in [json!({}), json!({"use_singer_decimal": true})] {
        for more in [
            json!({}),
            json!({"numbers": "text", "integers": "decimal"}),
            json!({"invalid_values": "null"}),
        ] {
            let mut target = json!({"destination_path": "out"});
            for (name, value) in more.as_object().expect("settings") {
                target[name] = value.clone();
            }
            Both::run(&database, &tap, "target-parquet", &target).same(|folder| {
                let read = |file: PathBuf| (parquet_schema(&file), parquet_rows(&file));
                output_files(folder).into_iter().map(read).collect::<Vec<_>>()
            });
        }
    }
}

#[test]
fn databases_by_their_drivers_get_the_same_rows() {
    let database = database(EVERY_TYPE);
    for (name, path, driver) in [("duckdb", "path", duckdb()), ("sqlite", "database", sqlite())] {
        for method in ["append", "upsert", "overwrite"] {
            let target = json!({
                path: "out.db", "driver": driver, "load_method": method, "add_record_metadata": false,
            });
            let both = Both::run(&database, &json!({}), &format!("target-{name}"), &target);
            both.same(|folder| {
                read_again(
                    &format!("tap-{name}"),
                    &json!({path: "out.db", "driver": driver}),
                    folder,
                )
            });
        }
    }
}

#[test]
fn a_null_in_the_key_is_refused_wherever_it_goes() {
    let source = "create schema src; create table src.t (id int, v text, unique (id));
        insert into src.t values (1, 'a'), (null, 'b')";
    let database = database(source);
    for target in ["target-jsonl", "target-parquet"] {
        let both = Both::run(&database, &json!({}), target, &json!({"destination_path": "out"}));
        let refused = |outcome: &Outcome| outcome.stderr.contains("id: expected a value");
        assert_eq!(
            refused(&both.records.1),
            refused(&both.copied.1),
            "{}",
            both.copied.1.stderr
        );
    }
}

#[test]
fn a_value_that_no_column_holds_is_refused_as_in_a_record() {
    let source = "create schema src; create table src.t (id int primary key, n numeric);
        insert into src.t values (1, 1.5), (2, 1e400), (3, -1e309), (4, 2)";
    let database = database(source);
    for on_invalid in ["fail", "skip", "dead_letter"] {
        let target = json!({
            "destination_path": "out", "on_invalid": on_invalid, "dead_letter_path": "letters.jsonl",
        });
        let both = Both::run(&database, &json!({}), "target-parquet", &target);
        let said = |outcome: &Outcome| outcome.stderr.contains("a number in the range of 64-bit floats");
        assert!(
            said(&both.records.1) && said(&both.copied.1),
            "{}",
            both.copied.1.stderr
        );
        if on_invalid == "fail" {
            assert_eq!(both.copied.1.code, Some(65));
            continue;
        }
        both.same(|folder| {
            let letters = fs::read_to_string(folder.join("letters.jsonl")).unwrap_or_default();
            // As texts: the numbers are beyond what most readers of JSON hold.
            let records = letters.lines().map(|line| {
                let letter: Value = serde_json::from_str(line).expect("JSON");
                let message = letter["message"].as_str().expect("the message");
                let record = message.split(",\"time_extracted\"").next().unwrap_or_default();
                record.trim_end_matches('}').to_owned()
            });
            let records: Vec<String> = records.collect();
            if on_invalid == "dead_letter" {
                assert_eq!(records.len(), 2);
                assert!(records[0].contains("{\"id\":2,\"n\":1000"), "{}", records[0]);
            }
            let rows: Vec<Value> = output_files(folder)
                .iter()
                .flat_map(|file| parquet_rows(file))
                .collect();
            (records, rows)
        });
    }
}
