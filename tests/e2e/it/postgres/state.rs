//! `state_in_target`: the run goes on from what the target holds.

use std::process::Command;

use melisma_testing::postgres::server;
use serde_json::json;

use super::{Configs, load, settings};
use crate::harness::{Outcome, melisma, run};

#[test]
fn rows_without_keys_come_once_though_the_stored_state_was_lost() {
    let database = server().database();
    let configs = Configs::new();
    let folder = configs.0.path();
    std::fs::write(folder.join("a.csv"), "n\n1\n2\n3\n").expect("written");
    let tap = json!({ "incremental": true, "files": [{ "entity": "a", "path": folder.join("a.csv"), "keys": [] }] });
    let target = settings(
        &database,
        json!({ "state_in_target": true, "default_target_schema": "s" }),
    );
    for (name, settings) in [("tap", &tap), ("target", &target)] {
        std::fs::write(folder.join(format!("{name}.json")), settings.to_string()).expect("written");
    }
    let state = folder.join("state.json");
    let pair = || -> Outcome {
        let mut command = Command::new(melisma());
        command.args(["run", "--state"]).arg(&state).current_dir(folder);
        run(
            command.args([
                "tap-csv --config tap.json",
                "target-postgres --config target.json",
            ]),
            b"",
        )
        .ok()
    };
    let count = || database.sql("select count(*) from s.a");

    pair();
    assert_eq!(count(), "3");
    let held = database.sql("select state_id, state::jsonb is not null from s._melisma_state");
    let (id, same) = held.split_once('|').expect("two columns");
    assert!(
        id.starts_with("tap-csv-to-target-postgres-") && same == "t",
        "{held}"
    );

    // As after a crash between the target's commit and the runner's store.
    std::fs::remove_file(&state).expect("there was one");
    pair();
    assert_eq!(count(), "3", "the target's own state says what is there");

    let mut ask = Command::new(melisma());
    ask.args(["target-postgres", "--stored-state", "--config"])
        .arg(folder.join("target.json"));
    let emitted = run(&mut ask, b"").ok();
    assert_eq!(emitted.stdout, b"", "nothing under the default id");
}

/// `{"type":"STATE","value":{}}` is how many taps end that have no bookmarks.
#[test]
fn an_empty_state_covers_the_rows_before_it_and_is_not_stored() {
    let schema = r#"{"type":"SCHEMA","stream":"t","schema":{"properties":{"id":{"type":"integer"}}},"key_properties":[]}"#;
    let row = |id: u64| format!(r#"{{"type":"RECORD","stream":"t","record":{{"id":{id}}}}}"#);
    let state = |value: &str| format!(r#"{{"type":"STATE","value":{value}}}"#);
    for (empty, behind, stored) in [
        // Alone; null; one that has a name and no bookmark is a STATE like others.
        (state("{}"), None, ""),
        (state(" { } "), None, ""),
        (state("null"), None, ""),
        (state(r#"{"bookmarks":{}}"#), None, r#"{"bookmarks":{}}"#),
        // Behind one that says something, which stays.
        (state("{}"), Some(state(r#"{"at":1}"#)), r#"{"at":1}"#),
    ] {
        let database = server().database();
        let settings = settings(
            &database,
            json!({ "state_in_target": true, "default_target_schema": "s" }),
        );
        let lines: Vec<String> = [schema.to_owned(), row(1)]
            .into_iter()
            .chain(behind)
            .chain([row(2), empty])
            .collect();
        load(&settings, (lines.join("\n") + "\n").as_bytes());
        assert_eq!(
            database.sql("select id from s.t order by id"),
            "1\n2",
            "{lines:?}"
        );
        assert_eq!(
            database.sql("select state from s._melisma_state"),
            stored,
            "{lines:?}"
        );

        // The next run has no trouble with what is there.
        load(
            &settings,
            format!("{schema}\n{}\n{}\n", row(3), state("{}")).as_bytes(),
        );
        assert_eq!(database.sql("select count(*) from s.t"), "3");
    }
}

#[test]
fn without_a_state_behind_the_last_record_nothing_is_committed_and_the_error_says_why() {
    let schema = r#"{"type":"SCHEMA","stream":"t","schema":{"properties":{"id":{"type":"integer"}}},"key_properties":[]}"#;
    let row = r#"{"type":"RECORD","stream":"t","record":{"id":1}}"#;
    let database = server().database();
    let settings = settings(
        &database,
        json!({ "state_in_target": true, "default_target_schema": "s" }),
    );
    let configs = Configs::new();
    let outcome = configs.ours(
        "target-postgres",
        &settings,
        format!("{schema}\n{row}\n").as_bytes(),
    );
    outcome.fails(
        65,
        &[
            "expected a STATE behind the last RECORD",
            "state_in_target",
            "the 1 record behind",
        ],
    );
    assert_eq!(database.sql("select to_regclass('s.t') is null"), "t");
    // No records are covered by no STATE.
    load(&settings, format!("{schema}\n").as_bytes());
    assert_eq!(database.sql("select count(*) from s.t"), "0");
}

/// A SCHEMA that the table cannot follow ended the run with "records were lost", and no STATE was emitted.
#[test]
fn a_schema_that_cannot_be_applied_leaves_what_came_before_it_committed_and_its_state_emitted() {
    let schema = |kind: &str| {
        format!(
            r#"{{"type":"SCHEMA","stream":"t","schema":{{"properties":{{"v":{{"type":"{kind}"}}}}}},"key_properties":[]}}"#
        )
    };
    let row = |v: u64| format!(r#"{{"type":"RECORD","stream":"t","record":{{"v":{v}}}}}"#);
    let state = |at: u64| format!(r#"{{"type":"STATE","value":{{"at":{at}}}}}"#);
    for rows in [1, 1000] {
        let database = server().database();
        let settings = settings(
            &database,
            json!({ "default_target_schema": "s", "schema_evolution": "error", "batch_size_rows": rows }),
        );
        let lines: Vec<String> = [schema("integer")]
            .into_iter()
            .chain((1..=4).flat_map(|at| [row(at), state(at)]))
            .chain([schema("string"), row(5), state(5)])
            .collect();
        let configs = Configs::new();
        let outcome = configs.ours("target-postgres", &settings, (lines.join("\n") + "\n").as_bytes());
        assert_ne!(outcome.code, Some(70), "{}", outcome.stderr);
        assert_ne!(outcome.code, Some(0), "{}", outcome.stderr);
        assert!(!outcome.stderr.contains("lost"), "{}", outcome.stderr);
        assert_eq!(outcome.states().last().map(String::as_str), Some(r#"{"at":4}"#));
        assert_eq!(database.sql("select count(*) from s.t"), "4");
    }
}
