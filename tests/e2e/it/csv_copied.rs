//! Rows that go from tap-csv to files and to databases as lines of COPY: what they make there is what records make.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use melisma_testing::postgres::server;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Outcome, melisma, output_files, parquet_rows, parquet_schema, read_again, run};
use crate::settings::{duckdb, sqlite};

/// Cells that CSV, COPY and JSON write differently, of every type that is inferred.
fn rows() -> String {
    let texts = [
        "plain",
        "",
        "\"\"",
        "\\N",
        "\\",
        "tab\there",
        "\"a \"\"quoted\"\" one\"",
        "\"two\nlines\"",
        "\"with, comma\"",
        "é漢😀",
        "null",
        "'x'",
        "\u{1}control",
    ];
    let mut csv = "id,whole,number,yes,day,at,note\n".to_owned();
    for id in 0..2000_i64 {
        let any = |among: &[&str]| among[usize::try_from(id).unwrap_or_default() % among.len()].to_owned();
        let _ = writeln!(
            csv,
            "{id},{},{},{},{},{},{}",
            any(&[
                "0",
                "-7",
                "",
                "123456789012345678",
                "-1234567890123456789",
                "9223372036854775807"
            ]),
            any(&[
                "1.50",
                "-0",
                "0.1",
                "1e3",
                "",
                "12345678901234.56789",
                "5",
                "1e-320",
                "-2.5E+10"
            ]),
            any(&["true", "False", "", "TRUE"]),
            any(&["2024-02-29", "", "0001-01-01", "9999-12-31"]),
            any(&["2024-02-29T12:30:00Z", "2024-02-29 23:59:59.123456+05:30", ""]),
            any(&texts),
        );
    }
    csv
}

/// Runs both ways, each in a folder of its own with these files.
struct Both([(TempDir, Outcome); 2]);

impl Both {
    fn run(files: &[(&str, &str)], tap: &Value, target: &str, settings: &Value) -> Self {
        Self(["0", "1"].map(|copied| {
            let folder = TempDir::new().expect("a folder");
            fs::create_dir(folder.path().join("in")).expect("a folder");
            for (name, text) in files {
                fs::write(folder.path().join("in").join(name), text).expect("written");
            }
            let mut from =
                json!({"infer_types": true, "files": [{"entity": "t", "path": "in", "keys": ["id"]}]});
            for (name, value) in tap.as_object().expect("settings") {
                let of_files = matches!(name.as_str(), "ragged" | "null_values");
                let settings = if of_files {
                    &mut from["files"][0]
                } else {
                    &mut from
                };
                settings[name] = value.clone();
            }
            fs::write(folder.path().join("tap.json"), from.to_string()).expect("written");
            fs::write(folder.path().join("target.json"), settings.to_string()).expect("written");
            let mut command = Command::new(melisma());
            command
                .current_dir(folder.path())
                .env("MELISMA_COPIED_ROWS", copied)
                .args(["--log-level", "debug", "run", "tap-csv --config tap.json"])
                .arg(format!("{target} --config target.json"));
            let outcome = run(&mut command, b"");
            (folder, outcome)
        }))
    }

    /// Both end alike, and are the same to `read`; only one of them hands rows over.
    #[track_caller]
    fn same<T: PartialEq + std::fmt::Debug>(&self, read: impl Fn(&Path) -> T) {
        let [(records, one), (copied, other)] = &self.0;
        assert_eq!(one.code, other.code, "{}\n{}", one.stderr, other.stderr);
        let handed_over =
            |outcome: &Outcome| outcome.stderr.contains("rows are handed over as lines of COPY");
        assert!(!handed_over(one) && handed_over(other), "{}", other.stderr);
        assert_eq!(read(records.path()), read(copied.path()), "{}", other.stderr);
    }
}

fn texts(folder: &Path) -> Vec<String> {
    let texts = output_files(folder)
        .into_iter()
        .map(|file| fs::read_to_string(file).expect("text"));
    texts.collect()
}

fn parquet(folder: &Path) -> Vec<(Value, Vec<Value>)> {
    let read = |file: PathBuf| (json!(parquet_schema(&file)), parquet_rows(&file));
    output_files(folder).into_iter().map(read).collect()
}

#[test]
fn files_are_the_same_whatever_the_cells_hold() {
    let rows = rows();
    // Columns in another order, and one that is missing: there a record lacks the property.
    let other = "note,id,whole,number,yes,day\nx,5000,1,2,true,2024-01-01\n,5001,,,,\n";
    // Fewer and more cells than the header has.
    let ragged = "id,whole,number,yes,day,at,note\n6000,1\n6001,2,3,false,2024-01-01,,y,z\n";
    let files = [("a.csv", rows.as_str()), ("b.csv", other), ("c.csv", ragged)];
    for tap in [
        json!({"ragged": "truncate"}),
        json!({"ragged": "truncate", "null_values": ["null", "0.1", "plain"]}),
        json!({"ragged": "truncate", "infer_types": false}),
        json!({"ragged": "extra"}),
    ] {
        let extra = tap["ragged"] == "extra";
        let out = json!({"destination_path": "out"});
        let with_metadata = json!({"destination_path": "out", "numbers": "text", "integers": "text"});
        let both = Both::run(&files, &tap, "target-jsonl", &out);
        if extra {
            // The cells beyond the header are a column of their own, so all rows are records.
            assert!(
                !both.0[1].1.stderr.contains("rows are handed over"),
                "{}",
                both.0[1].1.stderr
            );
            assert_eq!(texts(both.0[0].0.path()), texts(both.0[1].0.path()));
            continue;
        }
        both.same(texts);
        Both::run(&files, &tap, "target-parquet", &out).same(parquet);
        Both::run(&files, &tap, "target-parquet", &with_metadata).same(parquet);
    }
}

#[test]
fn a_column_that_becomes_text_is_announced_again() {
    let mut csv = "id,n\n".to_owned();
    for id in 0..30_000 {
        let n = if id == 25_000 {
            "12a".to_owned()
        } else {
            (id * 2).to_string()
        };
        let _ = writeln!(csv, "{id},{n}");
    }
    for mismatch in ["text", "error"] {
        let tap = json!({"on_type_mismatch": mismatch});
        let out = json!({"destination_path": "out"});
        for target in ["target-jsonl", "target-parquet"] {
            let both = Both::run(&[("t.csv", &csv)], &tap, target, &out);
            match target {
                "target-jsonl" => both.same(texts),
                _ => both.same(parquet),
            }
        }
    }
}

#[test]
fn a_key_that_is_null_is_what_it_is_in_a_record() {
    let csv = "id,day\n1,2024-01-01\n,2024-01-02\n3,\n";
    let files = json!({"destination_path": "out"});
    Both::run(&[("t.csv", csv)], &json!({}), "target-parquet", &files).same(parquet);
    let database = json!({"path": "out.db", "driver": duckdb(), "load_method": "upsert"});
    let both = Both::run(&[("t.csv", csv)], &json!({}), "target-duckdb", &database);
    both.same(|_| ());
    for (_, outcome) in &both.0 {
        assert_eq!(outcome.code, Some(65), "{}", outcome.stderr);
        assert!(
            outcome.stderr.contains("because it is a key, found null"),
            "{}",
            outcome.stderr
        );
    }
}

#[test]
fn databases_get_the_same_rows() {
    let rows = rows();
    for (name, path, driver) in [("duckdb", "path", duckdb()), ("sqlite", "database", sqlite())] {
        for method in ["append-only", "upsert"] {
            let target = json!({
                path: "out.db", "driver": driver, "load_method": method, "add_record_metadata": false,
            });
            let both = Both::run(
                &[("a.csv", &rows)],
                &json!({}),
                &format!("target-{name}"),
                &target,
            );
            both.same(|folder| {
                let settings = json!({path: "out.db", "driver": driver});
                let rows = read_again(&format!("tap-{name}"), &settings, folder);
                assert_eq!(rows.iter().filter(|row| row.contains("\"RECORD\"")).count(), 2000);
                rows
            });
        }
    }
}

/// target-postgres takes tuples, which tap-csv has none of; asked for lines, it takes those.
#[test]
fn postgres_gets_the_same_rows_as_lines() {
    let rows = rows();
    let tables = ["0", "lines"].map(|way| {
        let database = server().database();
        let folder = TempDir::new().expect("a folder");
        let tap = json!({"infer_types": true, "files": [{"entity": "t", "path": "t.csv", "keys": ["id"]}]});
        let target = json!({
            "sqlalchemy_url": database.url(), "default_target_schema": "s", "add_record_metadata": false,
        });
        fs::write(folder.path().join("t.csv"), &rows).expect("written");
        fs::write(folder.path().join("tap.json"), tap.to_string()).expect("written");
        fs::write(folder.path().join("target.json"), target.to_string()).expect("written");
        let mut command = Command::new(melisma());
        command
            .current_dir(folder.path())
            .env("MELISMA_COPIED_ROWS", way)
            .args(["--log-level", "debug", "run", "tap-csv --config tap.json"])
            .arg("target-postgres --config target.json");
        let outcome = run(&mut command, b"").ok();
        assert_eq!(
            outcome.stderr.contains("rows are handed over as lines of COPY"),
            way == "lines",
            "{}",
            outcome.stderr
        );
        database.sql("select t::text from s.t t order by id")
    });
    assert_eq!(tables[0].lines().count(), tables[1].lines().count());
    assert_eq!(tables[0], tables[1]);
}
