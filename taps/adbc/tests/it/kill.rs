//! A run that is killed, and the next one.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::database::{ALL, Database};
use crate::run::{Run, incremental};

#[test]
fn a_run_that_is_killed_and_resumes_from_its_last_state_misses_no_row() {
    let numbers = "with recursive n (i) as (select 1 union all select i + 1 from n where i < 60000)";
    let fill = format!("insert into t {numbers} select i, i / 7, 'row ' || i from n");
    for kind in ALL {
        let database = Database::new(
            kind,
            &[
                "create table t (id integer primary key, k integer, v varchar)",
                &fill,
            ],
        );
        let catalog = incremental(&database, "k");
        let folder = database.folder.path();
        let mut seen = vec![false; 60_001];
        let mut state = Value::Null;
        for states in [2, 4, 1] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_tap-adbc"));
            for (name, value) in [
                ("config", &database.adbc_config()),
                ("catalog", &catalog),
                ("state", &state),
            ] {
                if value.is_null() {
                    continue;
                }
                let path = folder.join(name);
                std::fs::write(&path, value.to_string()).expect("written");
                command.arg(format!("--{name}")).arg(path);
            }
            let mut tap = command
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .expect("started");
            let lines = BufReader::new(tap.stdout.take().expect("piped")).lines();
            let mut left = states;
            for line in lines.map_while(Result::ok) {
                let message: Value = serde_json::from_str(&line).expect("a whole line");
                if message["type"] == "RECORD" {
                    let id = message["record"]["id"].as_u64().expect("a number");
                    seen[usize::try_from(id).expect("fits")] = true;
                }
                if message["type"] == "STATE" {
                    state = message["value"].clone();
                    left -= 1;
                }
                if left < 0 {
                    break;
                }
            }
            tap.kill().expect("killed");
            tap.wait().expect("ended");
        }
        let at = &state["bookmarks"]["main-t"]["replication_key_value"];
        assert!(
            at.as_u64().is_some_and(|at| at > 100),
            "{kind:?}: killed in the middle: {state}"
        );
        let last = Run::on(&database, &json!({}))
            .catalog(&catalog)
            .state(&state)
            .go()
            .ok();
        for id in last.values("main-t", "id") {
            let id = id.as_u64().expect("a number");
            seen[usize::try_from(id).expect("fits")] = true;
        }
        assert!(last.records("main-t").len() < 60_000, "{kind:?}: it resumed");
        assert_eq!(seen.iter().filter(|seen| **seen).count(), 60_000, "{kind:?}");
    }
}
