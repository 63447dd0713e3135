//! tap-csv.

use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Probe, Subject, every_setting_does_something, observe, probe, tested};
use crate::harness::{melisma, run};

/// A tap on the file `s.csv` of a new folder.
struct Csv;

impl Subject for Csv {
    fn observe(&self, config: &Value, input: Option<&str>) -> String {
        let folder = TempDir::new().expect("a folder");
        let name = folder.path().display().to_string();
        let path = folder.path().join("config.json");
        std::fs::write(&path, config.to_string().replace("FOLDER", &name)).expect("written");
        std::fs::write(folder.path().join("s.csv"), input.unwrap_or("id,a\n1,x\n2,é\n")).expect("written");
        std::fs::write(
            folder.path().join("entries.json"),
            r#"[{"entity":"listed","path":"s.csv","keys":[]}]"#,
        )
        .expect("written");
        let mut command = Command::new(melisma());
        command
            .args(["tap-csv", "--config"])
            .arg(path)
            .current_dir(&folder);
        observe::outcome(&run(&mut command, b""), &[&name])
    }
}

fn probes() -> Vec<Probe> {
    let typed = json!({"infer_types": true});
    let late = format!("id,a\n{}x,y\n", "1,2\n".repeat(20));
    let entry = |more: Value| {
        let entry = super::over(&json!({"entity": "s", "path": "FOLDER/s.csv", "keys": []}), &more);
        json!({"files": [entry]})
    };
    vec![
        probe("files[].entity", "other"),
        probe("files[].path", "FOLDER/none.csv"),
        probe("files[].keys", json!(["id"])),
        probe("files[].encoding", "latin-1"),
        probe("files[].delimiter", ";"),
        probe("files[].doublequote", false).on("id,a\n1,\"x\"\"y\"\n"),
        probe("files[].escapechar", "\\").on("id,a\n1,x\\,y\n"),
        probe("files[].quotechar", "'").on("id,a\n1,'x'\n"),
        probe("files[].skipinitialspace", true).on("id,a\n1, x\n"),
        probe("files[].strict", true).on("id,a\n1,\"x\"y\n"),
        probe("files[].compression", "gzip"),
        probe("files[].skip_rows", 1),
        probe("files[].has_header", false),
        probe("files[].header", json!(["b", "c"])),
        probe("files[].duplicate_headers", "suffix").on("a,a\n1,2\n"),
        probe("files[].ragged", "pad").on("id,a\n1\n"),
        probe("files[].null_values", json!(["x"])),
        probe("csv_files_definition", "FOLDER/entries.json").given(json!({"files": null})),
        probe("add_metadata_columns", true),
        probe("infer_types", true),
        probe("infer_rows", 2).given(typed.clone()).on(late.clone()),
        probe("on_type_mismatch", "text")
            .given(super::over(&typed, &json!({"infer_rows": 2})))
            .on(late),
        probe("incremental", true),
        probe("max_row_bytes", 3),
        tested(
            "strict",
            "a_catalog_that_selects_nothing_is_an_error_in_a_strict_run_alone",
        ),
    ]
    .into_iter()
    .map(|probe| {
        if probe.given.get("files").is_some() {
            probe
        } else {
            let given = super::over(&entry(json!({})), &probe.given);
            probe.given(given)
        }
    })
    .collect()
}

#[test]
fn every_setting_of_tap_csv_does_something() {
    every_setting_does_something("tap-csv", &json!({}), &Csv, &probes());
}
