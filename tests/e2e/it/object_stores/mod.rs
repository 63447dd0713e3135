//! States in object stores: real clients against servers that stand in for Amazon S3, Google Cloud Storage and Azure.

mod refusals;
mod servers;

use std::fs;

use serde_json::{Value, json};

use crate::harness::run;
use crate::system_database::Project;
pub(crate) use servers::{Place, Store};

const ID: &str = "dev:tap-f-to-target-jsonl";

fn project(place: &Place) -> Project {
    Project::new(&place.settings).with(&place.vars)
}

/// What `melisma state ...` prints.
fn state(project: &Project, args: &[&str]) -> String {
    let outcome = run(&mut project.melisma(&[&["state"], args].concat()), b"").ok();
    String::from_utf8(outcome.stdout).expect("UTF-8")
}

fn singer_state(project: &Project, id: &str) -> Value {
    let text = state(project, &["get", id]);
    serde_json::from_str::<Value>(&text).expect("JSON")["singer_state"].take()
}

fn each(test: impl Fn(Store, &Place) + Sync) {
    each_of(&Store::ALL, test);
}

fn each_of(stores: &[Store], test: impl Fn(Store, &Place) + Sync) {
    std::thread::scope(|scope| {
        for &store in stores {
            let test = &test;
            scope.spawn(move || test(store, &store.place()));
        }
    });
}

#[test]
fn a_run_resumes_from_a_store_and_the_commands_show_and_change_what_is_there() {
    each(|store, place| {
        let project = project(place);
        assert_eq!(state(&project, &["list"]), "", "{store:?}");
        for rows in [3, 6] {
            let outcome = run(&mut project.command(&[]), b"").ok();
            assert!(outcome.stderr.contains(&place.location), "{}", outcome.stderr);
            assert_eq!(project.rows(), rows, "{store:?}");
            assert_eq!(singer_state(&project, ID), json!({"n": rows}));
        }
        let both = Project::new(&place.settings).with(&place.vars);
        assert_eq!(
            state(&both, &["list"]),
            format!("{ID}\n"),
            "a project elsewhere sees it"
        );
        state(
            &project,
            &[
                "set",
                "--force",
                "dev:x",
                r#"{"singer_state": {"big": 12345678901234567890123}}"#,
            ],
        );
        state(&project, &["merge", "dev:x", r#"{"singer_state": {"a": 1.0}}"#]);
        assert_eq!(
            state(&both, &["get", "dev:x"]),
            "{\"singer_state\":{\"big\":12345678901234567890123,\"a\":1.0}}\n",
            "{store:?}"
        );
        state(&project, &["copy", "--force", ID, "dev:copied"]);
        state(&project, &["move", "--force", "dev:x", "dev:moved to"]);
        let listed = format!("dev:copied\ndev:moved to\n{ID}\n");
        assert_eq!(state(&both, &["list"]), listed, "{store:?}");
        let exported = state(&project, &["export"]);
        state(&project, &["clear", "--force", "--all"]);
        assert_eq!(state(&both, &["list"]), "", "{store:?}");
        fs::write(project.path("all.json"), exported).expect("written");
        state(&project, &["import", "all.json"]);
        assert_eq!(state(&both, &["list"]), listed, "{store:?}");
        assert_eq!(singer_state(&both, "dev:copied"), json!({"n": 6}));
    });
}

#[test]
fn objects_are_where_meltano_has_them() {
    each(|store, place| {
        let project = project(place);
        let theirs = r#"{"completed": {"singer_state": {"n": 40}}, "partial": {}}"#;
        store.put(place, &format!("{ID}/state.json"), theirs);
        // Neither of these is the state of an id.
        store.put(place, "deeper/than/that/state.json", theirs);
        store.put(place, "other/lock.json", "1");
        assert_eq!(state(&project, &["list"]), format!("{ID}\n"), "{store:?}");
        run(&mut project.command(&[]), b"").ok();
        let mut ids = project.ids();
        ids.sort_unstable();
        assert_eq!(ids, [41, 42, 43], "{store:?}");
    });
}

#[test]
fn a_lock_is_waited_for_and_an_old_one_is_taken_over() {
    each(|store, place| {
        let mut place = place.clone();
        place.settings = place.settings.replace(
            "lock_retry_seconds: 0.2",
            "lock_retry_seconds: 0.2, lock_timeout_seconds: 2",
        );
        let project = project(&place);
        let lock = format!("{ID}/lock");
        store.put(&place, &lock, "1000000000.5");
        run(&mut project.command(&[]), b"").ok();
        let now = jiff::Timestamp::now().as_second();
        store.put(&place, &lock, &format!("{now}.25"));
        state(&project, &["set", "--force", ID, r#"{"singer_state": {"n": 9}}"#]);
        let waited = jiff::Timestamp::now().as_second() - now;
        assert!(
            waited >= 2,
            "{store:?}: the lock of another process was not respected"
        );
        assert_eq!(singer_state(&project, ID), json!({"n": 9}), "{store:?}");
    });
}

/// Containers often have a system database each, and share only the states.
#[test]
fn of_two_runs_with_databases_of_their_own_the_second_to_store_is_refused() {
    each(|store, place| {
        let (slow, quick) = (project(place), project(place));
        let live = slow.waiting(|| singer_state(&slow, ID) == json!({"n": 1}));
        run(&mut quick.command(&[]), b"").ok();
        fs::remove_file(slow.path("wait")).expect("removed");
        live.finish().fails(75, &[ID, "was changed by another process"]);
        assert_eq!(
            singer_state(&slow, ID),
            json!({"n": 4}),
            "{store:?}: nothing was overwritten"
        );
        run(&mut slow.command(&[]), b"").ok();
        assert_eq!(singer_state(&quick, ID), json!({"n": 7}), "{store:?}");
    });
}

/// Not on Google's: the server that stands in for it ignores the condition of a request that creates a lock.
#[test]
fn changes_at_the_same_time_are_made_one_after_the_other() {
    each_of(&[Store::S3, Store::Azure], |store, place| {
        let projects: Vec<Project> = (0..6).map(|_| project(place)).collect();
        std::thread::scope(|scope| {
            for (number, project) in projects.iter().enumerate() {
                scope.spawn(move || {
                    let part = format!(r#"{{"singer_state": {{"k{number}": {number}}}}}"#);
                    state(project, &["merge", ID, &part]);
                });
            }
        });
        let expected: Value = (0..6)
            .map(|number| (format!("k{number}"), Value::from(number)))
            .collect();
        assert_eq!(singer_state(&projects[0], ID), expected, "{store:?}");
    });
}
