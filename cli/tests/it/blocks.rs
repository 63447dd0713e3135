//! Several blocks in one run: pairs, mappings, commands and jobs.

use std::fs;
use std::process::Stdio;

use serde_json::json;

use crate::support::{Folder, TAP, TARGET, assert_code, signal, stderr};

/// A test double of a mapper: changes `i` by `add`, and may fail.
const MAPPER: &str = r#"
import json, sys
config = json.load(open(sys.argv[sys.argv.index("--config") + 1]))
records = 0
for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "RECORD":
        records += 1
        if records == config.get("fail_after"):
            sys.exit(config.get("code", 5))
        message["record"]["i"] += config.get("add", 0)
        line = json.dumps(message) + "\n"
    sys.stdout.write(line)
    sys.stdout.flush()
sys.exit(config.get("end", 0))
"#;

/// A project with one tap, a mapper with several mappings, a target and a utility.
fn project() -> Folder {
    let folder = Folder::new();
    let here = folder.path().display().to_string();
    for (name, code) in [("tap", TAP), ("target", TARGET), ("mapper", MAPPER)] {
        folder.write(&format!("bin/{name}"), &format!("#!/usr/bin/env python3\n{code}"));
        folder.executable(&format!("bin/{name}"));
    }
    folder.write("bin/tool", "#!/bin/sh\necho \"tool $*\"\necho \"to stderr\" >&2\necho \"$TOOL_LEVEL $VIRTUAL_ENV\" >> tool.ran\n");
    folder.write(".meltano/utilities/tool/venv/bin/tool", &folder.read("bin/tool"));
    folder.write(
        ".meltano/utilities/tool/venv/bin/other",
        "#!/bin/sh\nexit ${1:-9}\n",
    );
    folder.write(
        ".meltano/utilities/tool/venv/bin/sleepy",
        "#!/bin/sh\necho ready > ready\nexec sleep 600\n",
    );
    for name in [
        "bin/tool",
        ".meltano/utilities/tool/venv/bin/tool",
        ".meltano/utilities/tool/venv/bin/other",
        ".meltano/utilities/tool/venv/bin/sleepy",
    ] {
        folder.executable(name);
    }
    // Fails once, after a row and its STATE; then it resumes from there.
    folder.script(
        "bin/flaky",
        "case \"$*\" in *--state*) n=2 ;; *) n=1 ;; esac\nrow $n; state $n\n[ $n = 2 ] || exit 4\n",
    );
    // Each of the two ends only while the other runs.
    for (name, other) in [("one", "two"), ("two", "one")] {
        let meet = format!(": > {name}\nwhile [ ! -e {other} ]; do sleep 0.05; done\nrow 1; state 1\n");
        folder.script(&format!("bin/{name}"), &meet);
    }
    folder.write(
        "meltano.yml",
        &format!(
            r#"version: 1
auto_install: false
default_environment: dev
environments: [{{name: dev}}]
plugins:
  extractors:
  - name: tap-f
    namespace: tap_f
    executable: ./bin/tap
    capabilities: [state]
    config: {{here: {here}}}
  - {{name: tap-bad, inherit_from: tap-f, config: {{steps: ["records:1", "exit:4"]}}}}
  - {{name: tap-slow, inherit_from: tap-f, config: {{steps: ["records:1", "state:{{\"n\":1}}", "sleep:600"]}}}}
  - {{name: tap-flaky, namespace: flaky, executable: ./bin/flaky, capabilities: [state]}}
  - {{name: tap-one, namespace: one, executable: ./bin/one}}
  - {{name: tap-two, namespace: two, executable: ./bin/two}}
  loaders:
  - {{name: target-f, namespace: target_f, executable: ./bin/target, config: {{here: {here}}}}}
  mappers:
  - name: mapper
    namespace: mapper
    executable: ./bin/mapper
    config: {{add: 1000}}
    mappings:
    - {{name: one, config: {{add: 1}}}}
    - {{name: ten, config: {{add: 10, "a.b": {{"c.d": $MELTANO_EXTRACTOR_NAME}}}}}}
    - {{name: breaks, config: {{fail_after: 2}}}}
    - {{name: ends-badly, config: {{end: 6}}}}
  utilities:
  - name: tool
    namespace: tool
    pip_url: tool
    executable: tool
    config: {{level: high}}
    commands:
      go: --level "$TOOL_LEVEL" x
      broken: a $UNSET_VARIABLE
      fails: {{args: "7", executable: other}}
      waits: {{args: "", executable: sleepy}}
jobs:
- {{name: nightly, tasks: ["tap-f one target-f", [tap-f, target-f], "tool:go"]}}
- {{name: weekly, tasks: [nightly]}}
"#
        ),
    );
    folder
}

fn out(folder: &Folder) -> Vec<i64> {
    let out = fs::read_to_string(folder.join("out")).unwrap_or_default();
    let number = |line: &str| {
        serde_json::from_str::<serde_json::Value>(line).unwrap()["i"]
            .as_i64()
            .unwrap()
    };
    out.lines().map(number).collect()
}

#[test]
fn a_job_runs_its_pairs_through_mappings_and_its_commands_in_order() {
    let folder = project();
    let output = folder
        .melisma(&["--log_level=info", "run", "nightly"])
        .output()
        .unwrap();
    assert_code(&output, 0);
    assert_eq!(out(&folder), [1, 2, 3, 0, 1, 2]);
    let log = stderr(&output);
    for line in [
        "tool         tool --level high x",
        "tool         to stderr",
        "block 3 of 3: tool:go",
    ] {
        assert!(log.contains(line), "{line}: {log}");
    }
    let venv = folder.join(".meltano/utilities/tool/venv");
    assert_eq!(
        folder.read("tool.ran"),
        format!("high {}\n", venv.canonicalize().unwrap().display())
    );
    let runs = folder.query("select job_name, state, count(distinct run_id) from runs group by 1, 2");
    assert_eq!(
        runs,
        [["dev:tap-f-to-target-f", "SUCCESS", "1"]],
        "one run id for both"
    );
    folder.assert_clean();
}

#[test]
fn mappings_replace_the_config_of_their_mapper_and_follow_each_other() {
    let folder = project();
    let output = folder
        .melisma(&["run", "tap-f", "one", "ten", "target-f"])
        .output()
        .unwrap();
    assert_code(&output, 0);
    assert_eq!(out(&folder), [11, 12, 13]);
    assert_eq!(
        folder.query("select distinct state_id from state"),
        [["dev:tap-f-to-target-f"]]
    );
}

#[test]
fn a_mapper_that_fails_fails_the_run_and_nothing_runs_after_it() {
    for (mapping, message, code) in [
        ("breaks", "Mappers failed (mapper: exit code 5", 1),
        ("ends-badly", "Mappers failed (mapper: exit code 6)", 1),
    ] {
        let folder = project();
        let output = folder
            .melisma(&["run", "tap-f", mapping, "target-f", "tool:go"])
            .output()
            .unwrap();
        assert_code(&output, code);
        assert!(stderr(&output).contains(message), "{}", stderr(&output));
        assert!(
            stderr(&output).contains("1 block was not run"),
            "{}",
            stderr(&output)
        );
        assert!(!folder.join("tool.ran").exists());
        let row = folder.query("select state, payload like '%Mappers failed%' from runs");
        assert_eq!(row, [["FAIL", "1"]]);
        folder.assert_clean();
    }
}

#[test]
fn what_is_wrong_with_a_block_is_known_before_the_first_one_runs() {
    let folder = project();
    for (blocks, said) in [
        (
            &["tap-f", "target-f", "tool:goo"][..],
            "tool has no command \"goo\"; did you mean \"go\"",
        ),
        (
            &["tap-f", "target-f", "tool:broken"],
            "\"$UNSET_VARIABLE\" is empty",
        ),
        (&["tap-f", "target-f", "tap-f"], "tap-f has no target after it"),
        (
            &["tap-f", "target-f", "nothing"],
            "there is no plugin, mapping or job \"nothing\"",
        ),
        (&["tap-f", "mapper", "target-f"], "mapper is a mapper"),
        (
            &["weekly"],
            "\"nightly\" is a job, and stands among the tasks of another",
        ),
    ] {
        let output = folder.melisma(&[&["run"], blocks].concat()).output().unwrap();
        assert_code(&output, 78);
        assert!(stderr(&output).contains(said), "{blocks:?}: {}", stderr(&output));
        assert_eq!(out(&folder), [0; 0], "{blocks:?}");
    }
    folder.assert_clean();
}

#[test]
fn a_failed_block_ends_the_run_with_its_exit_code() {
    let folder = project();
    let output = folder
        .melisma(&["run", "tool:fails", "tap-f", "target-f"])
        .output()
        .unwrap();
    assert_code(&output, 1);
    assert!(
        stderr(&output).contains("tool:fails failed (exit code 7)"),
        "{}",
        stderr(&output)
    );
    let output = folder
        .melisma(&["run", "tap-bad", "target-f", "tap-f", "target-f"])
        .output()
        .unwrap();
    assert_code(&output, 1);
    assert_eq!(out(&folder), [0], "only what tap-bad wrote");
}

#[test]
fn a_dry_run_starts_nothing() {
    let folder = project();
    let output = folder.melisma(&["run", "--dry-run", "nightly"]).output().unwrap();
    assert_code(&output, 0);
    let log = stderr(&output);
    assert!(
        log.contains("block 1 of 3 would be tap-f > mapper > target-f"),
        "{log}"
    );
    assert_eq!(out(&folder), [0; 0]);
    assert!(!folder.join(".meltano/meltano.db").exists());
    folder.assert_clean();
}

#[test]
fn a_signal_and_the_end_of_the_time_reach_a_command() {
    let folder = project();
    let child = folder
        .melisma(&["run", "tool:waits"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    folder.wait_for("ready");
    signal(&child, "TERM");
    assert_code(&child.wait_with_output().unwrap(), 143);
    let timed = folder
        .melisma(&["run", "tool:waits"])
        .env("MELTANO_RUN_TIMEOUT", "1")
        .output()
        .unwrap();
    assert_code(&timed, 1);
    assert!(stderr(&timed).contains("more than 1 s"), "{}", stderr(&timed));
}

#[test]
fn the_end_of_the_time_stops_a_tap_and_keeps_what_the_target_has_confirmed() {
    let folder = project();
    let output = folder
        .melisma(&["run", "--timeout", "2", "tap-slow", "target-f"])
        .output()
        .unwrap();
    assert_code(&output, 1);
    let rows = folder.query("select state, payload from runs");
    assert_eq!(rows[0][0], "FAIL");
    assert!(rows[0][1].contains("more than 2 s"), "{rows:?}");
    let state = folder.query("select completed_state from state");
    assert_eq!(state, [[r#"{"singer_state": {"n":1}}"#]]);
}

#[test]
fn variables_are_options_and_options_take_precedence() {
    let folder = project();
    let run = |vars: &[(&str, &str)], args: &[&str]| {
        let mut command = folder.melisma(&[&["run"], args, &["tap-f", "target-f"]].concat());
        let output = command.envs(vars.iter().copied()).output().unwrap();
        assert_code(&output, 0);
        stderr(&output)
    };
    let id = "0193aaaa-bbbb-7ccc-8ddd-eeeeffff0000";
    run(
        &[
            ("MELTANO_RUN_ID", id),
            ("MELTANO_RUN_STATE_ID_SUFFIX", "a"),
            ("MELTANO_RUN_TIMEOUT", ""),
        ],
        &[],
    );
    run(
        &[("MELTANO_RUN_STATE_ID_SUFFIX", "a")],
        &["--state_id_suffix", "b"],
    );
    run(&[("MELTANO_RUN_NO_STATE_UPDATE", "1")], &[]);
    run(
        &[
            ("MELTANO_RUN_FULL_REFRESH", "true"),
            ("MELTANO_RUN_STATE_ID_SUFFIX", "a"),
        ],
        &[],
    );
    assert_eq!(
        folder.query("select state_id, completed_state, partial_state from state order by 1"),
        [
            [
                "dev:tap-f-to-target-f:a",
                r#"{"singer_state": {"n":3}}"#,
                r#"{"singer_state": {"n":3}}"#
            ],
            ["dev:tap-f-to-target-f:b", r#"{"singer_state": {"n":3}}"#, "{}"],
        ]
    );
    assert_eq!(
        folder.query("select run_id from runs order by id limit 1"),
        [[id.replace('-', "")]]
    );
    assert_eq!(folder.notes("tap.state"), vec![json!(null); 4]);
    run(
        &[
            ("MELTANO_RUN_FULL_REFRESH", "false"),
            ("MELTANO_RUN_STATE_ID_SUFFIX", "a"),
        ],
        &[],
    );
    assert_eq!(folder.notes("tap.state")[4], json!({"n": 3}));
    let quiet = run(&[("MELTANO_CLI_LOG_LEVEL", "error")], &[]);
    assert_eq!(quiet, "");
    let json = run(&[("MELTANO_CLI_LOG_FORMAT", "json")], &[]);
    let line = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let of_pair = json
        .lines()
        .map(line)
        .find(|line| line["event"] == "run completed")
        .unwrap();
    assert_eq!(of_pair["job_name"], "dev:tap-f-to-target-f");
    let last = line(json.lines().last().unwrap());
    assert_eq!(
        (&last["event"], &last["status"]),
        (&json!("Run completed"), &json!("success"))
    );
}

#[test]
fn a_run_of_a_project_has_a_log_file_where_meltano_looks_for_it() {
    let folder = project();
    let id = "0193aaaa-bbbb-7ccc-8ddd-eeeeffff0000";
    let output = folder
        .melisma(&[
            "run",
            "--run-id",
            id,
            "--state-id-suffix",
            "eu west",
            "tap-f",
            "target-f",
        ])
        .output()
        .unwrap();
    assert_code(&output, 0);
    let log = folder.read(&format!(
        "xdg-state/meltano/log/elt/devtap-f-to-target-feu_west/{id}/elt.log"
    ));
    assert!(log.contains("[info     ] melisma      run completed"), "{log}");
}

#[test]
fn a_failed_pair_is_tried_again_from_the_state_that_it_has_reached() {
    let folder = project();
    let output = folder
        .melisma(&["run", "tap-flaky", "target-f"])
        .output()
        .unwrap();
    assert_code(&output, 1);
    folder.query("delete from state");
    fs::remove_file(folder.join("out")).unwrap();
    let output = folder
        .melisma(&["run", "--retries", "2", "tap-flaky", "target-f"])
        .output()
        .unwrap();
    assert_code(&output, 0);
    assert_eq!(out(&folder), [1, 2]);
    assert!(
        stderr(&output).contains("trying again in 1 s (1 of 2)"),
        "{}",
        stderr(&output)
    );
    let states = folder.query("select state from runs order by id");
    assert_eq!(states, [["FAIL"], ["FAIL"], ["SUCCESS"]]);
    folder.assert_clean();
}

#[test]
fn what_a_retry_cannot_change_is_not_tried_again() {
    let folder = project();
    folder.write("bin/tap", "#!/bin/sh\nexit 78\n");
    let output = folder
        .melisma(&["run", "--retries", "2", "tap-f", "target-f"])
        .output()
        .unwrap();
    assert_code(&output, 78);
    assert_eq!(folder.query("select count(*) from runs"), [["1"]]);
}

#[test]
fn pairs_run_at_once_and_one_that_fails_is_the_exit_code() {
    let folder = project();
    let blocks = ["tap-one", "target-f", "tap-two", "target-f", "tool:go"];
    let output = folder
        .melisma(&[&["run", "--parallel", "2", "--timeout", "60"], &blocks[..]].concat())
        .output()
        .unwrap();
    assert_code(&output, 0);
    assert_eq!(out(&folder), [1, 1]);
    assert!(folder.join("tool.ran").exists());
    let runs = folder.query("select count(*), count(distinct run_id), min(state) from runs");
    assert_eq!(runs, [["2", "1", "SUCCESS"]]);
    let output = folder
        .melisma(&[
            "run",
            "--parallel",
            "2",
            "tap-bad",
            "target-f",
            "tap-one",
            "target-f",
            "tool:go",
        ])
        .output()
        .unwrap();
    assert_code(&output, 1);
    assert!(
        stderr(&output).contains("1 block was not run"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_signal_reaches_all_pairs_that_run_at_once() {
    let folder = project();
    folder.write(
        "bin/two",
        &folder
            .read("bin/one")
            .replace(": > one", ": > two")
            .replace("-e two", "-e never"),
    );
    folder.write("bin/one", &folder.read("bin/one").replace("-e two", "-e never"));
    let child = folder
        .melisma(&[
            "run",
            "--parallel",
            "2",
            "tap-one",
            "target-f",
            "tap-two",
            "target-f",
        ])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    folder.wait_for("one");
    folder.wait_for("two");
    signal(&child, "TERM");
    assert_code(&child.wait_with_output().unwrap(), 143);
    assert_eq!(
        folder.query("select count(*) from runs where state = 'FAIL'"),
        [["2"]]
    );
    folder.assert_clean();
}
