//! `meltano run` and `melisma run` in turns on one pipeline, with a kill in the middle: each row arrives once, and Meltano
//! knows of every run.

use std::fs;
use std::path::Path;

use melisma_testing::postgres::server;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::tools::Meltano;
use crate::harness::run;
use crate::object_stores::Store;
use crate::system_database::Project;

const STATE_ID: &str = "dev:tap-f-to-target-jsonl";

/// What Meltano writes to stdout and stderr.
fn ask(meltano: &mut Meltano, project: &Project, args: &[&str]) -> String {
    let log = project.path("meltano.log");
    let mut vars = json!({
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": project.path("home"),
        "XDG_STATE_HOME": project.path("xdg"),
        "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false",
        "NO_COLOR": "1",
    });
    for (name, value) in &project.vars {
        vars[name] = json!(value);
    }
    let request = json!({"folder": project.path(""), "args": args, "vars": vars, "log": log});
    let code = meltano.ask(&request);
    let said = fs::read_to_string(&log).expect("readable");
    assert_eq!(code, 0, "meltano {args:?}: {said}");
    said
}

/// The JSON that follows the log lines.
fn json_of(said: &str) -> Value {
    let lines: Vec<&str> = said.lines().collect();
    let begin = lines.iter().position(|line| line.starts_with('{')).expect(said);
    serde_json::from_str(&lines[begin..].join("\n")).expect(said)
}

/// Ten runs in turns. The sixth, of melisma, is killed after its first row, and the next one resumes there.
fn alternate(settings: &str, is_stored: impl Fn(u64) -> bool) {
    alternate_in(&Project::new(settings), is_stored);
}

fn alternate_in(project: &Project, is_stored: impl Fn(u64) -> bool) {
    let mut meltano = Meltano::start();
    let mut rows = 0;
    for turn in 0..10 {
        match turn {
            5 => {
                project.waiting(|| is_stored(rows + 1)).kill();
                fs::remove_file(project.path("wait")).expect("removed");
                rows += 1;
                // Meltano would wait five minutes before it takes over.
                run(&mut project.command(&[]), b"").ok();
                rows += 3;
                continue;
            }
            turn if turn % 2 == 0 => {
                ask(
                    &mut meltano,
                    project,
                    &["run", "--no-install", "tap-f", "target-jsonl"],
                );
            }
            _ => {
                run(&mut project.command(&[]), b"").ok();
            }
        }
        rows += 3;
        assert_eq!(
            project.rows(),
            usize::try_from(rows).expect("few"),
            "after turn {turn}"
        );
    }
    let mut ids: Vec<u64> = project.ids();
    ids.sort_unstable();
    assert_eq!(ids, (1..=rows).collect::<Vec<_>>(), "each row once");
    let state = json_of(&ask(&mut meltano, project, &["state", "get", STATE_ID]));
    assert_eq!(state, json!({"singer_state": {"n": rows}}));
    let ours = run(&mut project.melisma(&["state", "get", STATE_ID]), b"")
        .ok()
        .stdout;
    assert_eq!(
        state,
        serde_json::from_slice::<Value>(&ours).expect("JSON"),
        "both show the same"
    );
    let logs = json_of(&ask(
        &mut meltano,
        project,
        &["logs", "list", "--format", "json", "--limit", "20"],
    ));
    let runs = logs["runs"].as_array().expect("runs");
    let states: Vec<&str> = runs.iter().filter_map(|run| run["state"].as_str()).collect();
    // The newest comes first.
    let mut expected = ["SUCCESS"; 11];
    expected[5] = "FAIL";
    assert_eq!(states, expected);
    assert!(runs.iter().all(|run| run["job_name"] == STATE_ID), "{runs:?}");
    let ours = runs[0]["log_id"].as_str().expect("an id");
    let log = ask(&mut meltano, project, &["logs", "show", ours]);
    assert!(log.contains("melisma      run completed"), "{log}");
}

#[test]
fn runs_of_both_in_turns_lose_and_repeat_nothing_on_sqlite() {
    let folder = TempDir::new().expect("a folder");
    let database = folder.path().join("system.db");
    alternate(&format!("database_uri: sqlite:///{}", database.display()), |n| {
        melisma_processes::sqlite(&database, "select completed_state from state")[0][0]
            .contains(&format!("{{\"n\":{n}}}"))
    });
}

#[test]
fn runs_of_both_in_turns_lose_and_repeat_nothing_on_postgres() {
    let database = server().database();
    let url = database.url().replacen("postgresql:", "postgresql+psycopg:", 1);
    alternate(&format!("database_uri: {url}"), |n| {
        database
            .sql("select completed_state from state")
            .contains(&format!("{{\"n\":{n}}}"))
    });
}

#[test]
fn runs_of_both_in_turns_lose_and_repeat_nothing_with_a_file_backend() {
    let states = TempDir::new().expect("a folder");
    let file = states.path().join(STATE_ID).join("state.json");
    let has = |file: &Path, n: u64| {
        fs::read_to_string(file).is_ok_and(|text| text.contains(&format!("{{\"n\":{n}}}")))
    };
    let settings = format!("state_backend: {{uri: 'file://{}'}}", states.path().display());
    alternate(&settings, |n| has(&file, n));
}

/// Each store in turn: Meltano finds what melisma has stored there, and the reverse.
fn alternate_on(store: Store) {
    let place = store.place();
    let project = Project::new(&place.settings).with(&place.vars);
    alternate_in(&project, |n| {
        let state = run(&mut project.melisma(&["state", "get", STATE_ID]), b"")
            .ok()
            .stdout;
        String::from_utf8_lossy(&state).contains(&format!("{{\"n\":{n}}}"))
    });
}

#[test]
fn runs_of_both_in_turns_lose_and_repeat_nothing_on_s3() {
    alternate_on(Store::S3);
}

#[test]
fn runs_of_both_in_turns_lose_and_repeat_nothing_on_azure() {
    alternate_on(Store::Azure);
}
