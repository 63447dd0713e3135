//! Mutants of the files around a run: the project, a catalog, a state, a config.

use std::fs;
use std::process::Command;

use melisma_properties::mutate::{Random, mutate};
use tempfile::TempDir;

use crate::harness::{melisma, run};

/// Mutants of each file.
const MUTANTS: usize = 120;
/// What a run may end with, whatever its files hold: success, a run that failed, usage, bad input, a peer that is not
/// there, input or output, another try, configuration. Not 70, a bug.
const CODES: [i32; 8] = [0, 1, 64, 65, 69, 74, 75, 78];

const PROJECT: &str = "version: 1
default_environment: dev
project_id: 5ad2e5c9-0f1e-4b1b-9d8b-6a1f3f4b9f10
environments:
- name: dev
  config:
    plugins:
      extractors:
      - name: tap-csv
        config:
          files:
          - {entity: a, path: a.csv, keys: [id]}
plugins:
  extractors:
  - name: tap-csv
    select: ['a.*', '!a.note']
    metadata:
      a: {replication-method: FULL_TABLE}
    settings:
    - {name: files, kind: array}
  loaders:
  - name: target-jsonl
    config: {destination_path: \"${OUT}\", validate_records: true}
env:
  OUT: out
";
const CONFIG: &str =
    r#"{"files":[{"entity":"a","path":"a.csv","keys":["id"],"delimiter":","}],"add_metadata_columns":false}"#;
const CATALOG: &str = r#"{"streams":[{"tap_stream_id":"a","stream":"a","key_properties":["id"],"schema":{"type":"object","properties":{"id":{"type":["string","null"]},"note":{"type":["string","null"]}}},"metadata":[{"breadcrumb":[],"metadata":{"selected":true,"replication-method":"FULL_TABLE"}},{"breadcrumb":["properties","note"],"metadata":{"selected":false}}]}]}"#;
const STATE: &str = r#"{"bookmarks":{"a":{"replication_key":"_sdc_source_file_mtime","replication_key_value":"2026-01-01T00:00:00Z","partitions":[]}},"currently_syncing":null}"#;

/// A folder with good files.
fn folder() -> TempDir {
    let folder = TempDir::new().expect("a folder");
    for (name, text) in [
        ("meltano.yml", PROJECT),
        ("config.json", CONFIG),
        ("catalog.json", CATALOG),
        ("state.json", STATE),
        ("a.csv", "id,note\n1,x\n2,y\n"),
    ] {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

/// Runs `args` with one file mutated, again and again.
fn check(file: &str, good: &str, args: &[&str]) {
    let mut random = Random::new(good.len() as u64);
    let folder = folder();
    let command = || {
        let mut command = Command::new(melisma());
        command.args(args).current_dir(folder.path());
        command
    };
    run(&mut command(), b"").ok();
    for n in 0..MUTANTS {
        let mut mutant = good.as_bytes().to_vec();
        mutate(&mut random, &mut mutant, CATALOG.as_bytes());
        fs::write(folder.path().join(file), &mutant).expect("a file");
        let outcome = run(&mut command(), b"");
        let code = outcome.code.unwrap_or(-1);
        let is_fine = CODES.contains(&code) && !outcome.stderr.contains("panicked");
        assert!(
            is_fine,
            "mutant {n}, exit {code}: {}\n{}",
            mutant.escape_ascii(),
            outcome.stderr
        );
    }
}

#[test]
fn of_meltano_yml_end_with_a_documented_code() {
    check("meltano.yml", PROJECT, &["run", "tap-csv", "target-jsonl"]);
}

#[test]
fn of_configs_end_with_a_documented_code() {
    check("config.json", CONFIG, &["tap-csv", "--config", "config.json"]);
}

#[test]
fn of_catalogs_end_with_a_documented_code() {
    check(
        "catalog.json",
        CATALOG,
        &["tap-csv", "--config", "config.json", "--catalog", "catalog.json"],
    );
}

#[test]
fn of_states_end_with_a_documented_code() {
    check(
        "state.json",
        STATE,
        &["tap-csv", "--config", "config.json", "--state", "state.json"],
    );
}
