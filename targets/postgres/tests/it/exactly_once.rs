//! `state_in_target`: rows and the STATE that covers them, in one transaction.

use std::io::Write as _;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::driver::{Target, record, schema, state, text};

const ROWS: u32 = 4000;

/// The input of a tap that starts behind row `from`: two streams without keys, a STATE now and then, at odd places.
fn input(from: u32) -> Vec<Value> {
    let integer = json!({"id": {"type": "integer"}});
    let mut lines = vec![
        schema("a", integer.clone(), &[]),
        schema("b", integer.clone(), &[]),
    ];
    for id in from..ROWS {
        lines.push(record(if id % 3 == 0 { "a" } else { "b" }, json!({"id": id})));
        if id % 7 == 0 {
            lines.push(state(json!({"at": id + 1})));
        }
        if id == ROWS / 2 {
            lines.push(schema(
                "a",
                json!({"id": {"type": "integer"}, "x": {"type": "string"}}),
                &[],
            ));
        }
    }
    lines.push(state(json!({"at": ROWS})));
    lines
}

#[test]
fn killed_runs_lose_no_row_and_double_none() {
    let target = Target::new(
        json!({"state_in_target": true, "state_id": "t", "state_interval_seconds": 0.01, "batch_size_rows": 50}),
    );
    let mut runs = 0;
    loop {
        let held = target.sql("select to_regclass('_melisma_state') is not null");
        let at = if held == "t" {
            target.sql("select state::json->>'at' from _melisma_state where state_id = 't'")
        } else {
            String::new()
        };
        let from: u32 = at.parse().unwrap_or(0);
        if from == ROWS {
            break;
        }
        let mut child = target.start();
        let mut stdin = child.stdin();
        let lines = input(from);
        // Slower than it could be, so that a kill finds it at work; a few runs are killed, the last is let go.
        let feeder = thread::spawn(move || {
            for piece in lines.chunks(100) {
                if stdin.write_all(text(piece).as_bytes()).is_err() {
                    return;
                }
                thread::sleep(Duration::from_millis(5));
            }
        });
        if runs < 4 {
            thread::sleep(Duration::from_millis(120 + 60 * runs));
            child.kill();
        } else {
            child.end().ok();
        }
        feeder.join().expect("fed");
        runs += 1;
        assert!(runs < 10, "no end");
    }
    let rows = "select count(*), count(distinct id), min(id), max(id) from (select id from a union all select id from b) r";
    assert_eq!(target.sql(rows), format!("{ROWS}|{ROWS}|0|{}", ROWS - 1));
}

#[test]
fn the_states_bytes_are_the_taps() {
    let target = Target::new(json!({"state_in_target": true}));
    let integer = json!({"id": {"type": "integer"}});
    let states = target.load(&[
        schema("a", integer, &["id"]),
        record("a", json!({"id": 1})),
        state(json!({"it's": [1.50, "é"]})),
    ]);
    assert_eq!(
        target.sql("select state_id, state from _melisma_state"),
        format!("default|{}", states[0])
    );
    let mut target = target;
    target
        .with(json!({"state_in_target": true, "load_method": "overwrite"}))
        .fail(&[], 78, &["state_in_target"]);
}
