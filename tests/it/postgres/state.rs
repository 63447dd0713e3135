//! `state_in_target`: the run goes on from what the target holds.

use std::process::Command;

use melisma_testing::postgres::server;
use serde_json::json;

use super::{Configs, settings};
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
    let told = run(&mut ask, b"").ok();
    assert_eq!(told.stdout, b"", "nothing under the default id");
}
