//! `melisma runs`: what ran, from Meltano's table of runs and melisma's own next to it.

use std::process::Output;

use serde_json::{Value, json};

use crate::support::{Folder, assert_code, signal, stderr};

/// A project whose tap says what it has counted, and whose target fails for `TARGET_X_END=3`.
fn project() -> Folder {
    let folder = Folder::new();
    folder.write(
        "meltano.yml",
        "plugins:
  extractors:
  - {name: tap-x, namespace: tap_x, executable: ./tap-x, config: {steps: ['records:3', 'state:{\"n\":3}']},
     settings: [{name: steps, kind: array}]}
  loaders:
  - {name: target-x, namespace: target_x, executable: ./target-x, settings: [{name: end, kind: integer}]}
",
    );
    folder.write_plugins();
    folder
}

fn run(folder: &Folder, id: &str, end: &str, more: &[&str]) -> Output {
    let args = [&["run", "--state-id", id], more, &["tap-x", "target-x"]].concat();
    folder.melisma(&args).env("TARGET_X_END", end).output().unwrap()
}

fn ok(folder: &Folder, args: &[&str]) -> String {
    let output = folder.melisma(&[&["runs"], args].concat()).output().unwrap();
    assert_code(&output, 0);
    String::from_utf8(output.stdout).unwrap()
}

fn listed(folder: &Folder, args: &[&str]) -> Vec<Value> {
    let text = ok(folder, &[args, &["--format", "json"]].concat());
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["version"], 1);
    document["runs"].as_array().unwrap().clone()
}

#[test]
fn a_run_is_listed_with_what_it_moved_and_how_it_ended() {
    let folder = project();
    let none = ok(&folder, &[]);
    assert!(none.starts_with("No runs found."), "{none}");
    assert!(listed(&folder, &[]).is_empty());
    assert!(
        !folder.join(".meltano/meltano.db").exists(),
        "a list makes no database"
    );
    assert_code(&run(&folder, "a", "0", &[]), 0);
    assert_code(&run(&folder, "b", "3", &["--retries", "1"]), 1);

    let runs = listed(&folder, &[]);
    assert_eq!(runs.len(), 3, "each attempt is a run: {runs:#?}");
    let (newest, oldest) = (&runs[0], &runs[2]);
    assert_eq!(
        (&newest["state_id"], &newest["outcome"]),
        (&json!("b"), &json!("failed"))
    );
    assert_eq!(newest["error"], "Loader failed (exit code 3)");
    assert_eq!(
        (&newest["report"]["attempt"], &runs[1]["report"]["attempt"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(newest["run_id"], runs[1]["run_id"]);
    assert_eq!(
        (&oldest["outcome"], &oldest["error"]),
        (&json!("success"), &Value::Null)
    );
    let report = &oldest["report"];
    let amount = json!({"records": 3, "bytes": 3 * "{\"type\": \"RECORD\", \"stream\": \"s\", \"record\": {\"i\": 0}}\n".len()});
    assert_eq!(
        report["streams"],
        json!([{"stream": "s", "tap_output": amount, "target_input": amount, "written_records": null}])
    );
    let all = report["target_input"]["bytes"].as_u64().unwrap();
    assert!(
        all > amount["bytes"].as_u64().unwrap(),
        "SCHEMA and STATE count, too"
    );
    assert_eq!(report["target_input"]["records"], 3);
    assert_eq!(
        (&report["states"]["emitted"], &report["states"]["stored"]),
        (&json!(1), &json!(1))
    );
    let ended = json!([
        {"role": "tap", "name": "tap-x", "exit_code": 0, "signal": null},
        {"role": "target", "name": "target-x", "exit_code": 0, "signal": null},
    ]);
    assert_eq!(report["processes"], ended);
    assert_eq!(newest["report"]["processes"][1]["exit_code"], 3);
    assert_eq!(
        report["samples"]["records"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_u64)
            .sum::<u64>(),
        3
    );

    let text = ok(&folder, &["--limit", "1"]);
    let line = text.lines().nth(1).unwrap();
    assert!(line.contains("failed") && text.lines().count() == 2, "{text}");
    assert!(!text.contains('█'), "there is no terminal");
    for (args, expected) in [
        (&["--state-id", "a"][..], 1),
        (&["--state", "fail"], 2),
        (&["--state", "SUCCESS"], 1),
        (&["--state", "running"], 0),
        (&["--state", "fail", "--state-id", "a"], 0),
        (&["--limit", "2"], 2),
    ] {
        assert_eq!(listed(&folder, args).len(), expected, "{args:?}");
    }
}

#[test]
fn a_run_is_found_by_the_beginning_of_its_id() {
    let folder = project();
    assert_code(&run(&folder, "a", "0", &[]), 0);
    assert_code(&run(&folder, "b", "3", &[]), 1);
    let runs = listed(&folder, &[]);
    let id = runs[0]["run_id"].as_str().unwrap();
    let shown = ok(&folder, &["show", &id[..35], "--log"]);
    for part in [
        &format!("Run:        {id}\n"),
        "State id:   b\n",
        "Pair:       tap-x > target-x\n",
        "Outcome:    failed: Loader failed (exit code 3)\n",
        "Exit codes: tap-x 0, target-x 3\n",
        "STREAM  TAP  TARGET",
        "Loader failed",
        &format!("xdg-state/meltano/log/elt/b/{id}/elt.log"),
    ] {
        assert!(shown.contains(part), "{part:?} is not in {shown}");
    }
    assert_eq!(
        listed(&folder, &["show", &id.replace('-', "")]),
        [runs[0].clone()]
    );
    // Runs of the same second have the same beginning.
    let other = runs[1]["run_id"].as_str().unwrap();
    let common = id.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    for (asked, said) in [
        (&id[..common.clamp(1, 8)], other),
        ("00000000", "00000000"),
        ("x", "\"x\""),
        ("%", "\"%\""),
    ] {
        let output = folder.melisma(&["runs", "show", asked]).output().unwrap();
        assert_code(&output, 78);
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
    }
}

/// A row that another program has written, and what is next to a row that is not its own.
#[test]
fn runs_of_meltano_are_listed_with_what_meltano_records() {
    let folder = project();
    assert_code(&run(&folder, "a", "0", &[]), 0);
    // As a database of an older melisma is, with a run of Meltano.
    folder.query("drop table melisma_runs");
    folder.query(
        "insert into runs (job_name, state, started_at, ended_at, payload, payload_flags, run_id, \"trigger\") values
         ('m', 'FAIL', '2026-01-31 12:00:00.000000', '2026-01-31 12:01:30.500000', '{\"error\": \"Loader failed\"}', 0, '019a9f0e5a537f2c8d5e2f1c6f1a2b3c', null)",
    );
    let runs = listed(&folder, &[]);
    assert_eq!(
        (runs.len(), &runs[0]["report"], &runs[1]["report"]),
        (2, &Value::Null, &Value::Null)
    );
    let id = "019a9f0e-5a53-7f2c-8d5e-2f1c6f1a2b3c";
    let expected = json!({"run_id": id, "state_id": "m", "outcome": "failed", "error": "Loader failed", "trigger": null,
        "started_at": "2026-01-31T12:00:00+00:00", "ended_at": "2026-01-31T12:01:30.500000+00:00", "duration_seconds": 90.5,
        "records_per_second": null, "log": folder.join(&format!("xdg-state/meltano/log/elt/m/{id}/elt.log")), "report": null});
    assert_eq!(runs[1], expected);
    let shown = ok(&folder, &["show", id]);
    assert!(
        shown.contains("not recorded: this is a run of Meltano"),
        "{shown}"
    );
    assert!(shown.contains("(not there)"), "{shown}");
    // The table is back, and the next run has a row in it.
    assert_code(&run(&folder, "a", "0", &[]), 0);
    assert_eq!(listed(&folder, &["--limit", "1"])[0]["report"]["version"], 1);
    // An id may be given again after a row was deleted.
    folder.query(
        "update runs set run_id = '019a9f0e5a537f2c8d5e2f1c6f1a2b3d' where id = (select max(id) from runs)",
    );
    assert_eq!(listed(&folder, &["--limit", "1"])[0]["report"], Value::Null);
    folder.query("update melisma_runs set report = 'no JSON'");
    assert_eq!(listed(&folder, &[]).len(), 3);
}

/// Its numbers are recorded while it runs, so that a kill leaves the last ones.
#[test]
fn a_run_that_was_killed_is_dead_and_has_its_last_numbers() {
    let folder = project();
    folder.write(
        "steps.json",
        r#"["records:5", "state:{\"n\":5}", "touch:ready", "sleep:60"]"#,
    );
    let steps = folder.read("steps.json");
    let mut command = folder.melisma(&["run", "--state-id", "k", "tap-x", "target-x"]);
    let mut child = command.env("TAP_X_STEPS", steps).spawn().unwrap();
    folder.wait_for("ready");
    let records = || {
        let runs = listed(&folder, &["--state", "running"]);
        runs.first().map(|run| {
            (
                run["outcome"].clone(),
                run["report"]["target_input"]["records"].clone(),
            )
        })
    };
    melisma_processes::wait_for("the first record", || {
        (records() == Some((json!("running"), json!(5)))).then_some(())
    });
    signal(&child, "KILL");
    child.wait().unwrap();
    assert_eq!(records(), Some((json!("dead"), json!(5))));
    let shown = &listed(&folder, &[])[0];
    assert!(shown["error"].as_str().unwrap().contains("killed"), "{shown}");
    assert_eq!(shown["duration_seconds"], Value::Null, "its end is unknown");
    // The next run of the id records the end, and the numbers stay.
    assert_code(&run(&folder, "k", "0", &[]), 0);
    let runs = listed(&folder, &[]);
    assert_eq!(
        (&runs[1]["outcome"], &runs[1]["report"]["target_input"]["records"]),
        (&json!("failed"), &json!(5))
    );
}

#[test]
fn a_terminal_gets_the_rate_as_a_line() {
    let folder = project();
    assert_code(&run(&folder, "a", "0", &[]), 0);
    for (locale, line) in [("C.UTF-8", "█"), ("C", "#")] {
        for args in [
            &["runs"][..],
            &[
                "runs",
                "show",
                &listed(&folder, &[])[0]["run_id"].as_str().unwrap()[..20],
            ],
        ] {
            let mut command = folder.on_a_terminal(args);
            let output = command
                .env("LC_ALL", locale)
                .env("NO_COLOR", "1")
                .output()
                .unwrap();
            let screen = String::from_utf8(output.stdout).unwrap();
            assert!(
                screen.contains(line) && !screen.contains('\u{1b}'),
                "{locale}: {screen}"
            );
            assert!(locale != "C" || !screen.contains('█'), "{screen}");
        }
    }
}
