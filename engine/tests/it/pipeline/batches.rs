//! What is handed over and committed when.

use melisma_engine::pipeline::{Limits, Options};
use melisma_engine::sink::CommitMode;

use super::kit::{Script, Scripted};

fn by_rows(rows: usize) -> Options {
    Options {
        limits: Limits {
            rows,
            ..Limits::default()
        },
        ..Options::default()
    }
}

#[test]
fn commits_by_rows_and_at_the_end_and_tells_the_last_state_byte_for_byte() {
    let script = Script::default()
        .schema("a", 0)
        .records("a", 7)
        .raw(r#"{"type":"STATE","value": {"x" : 1.0e2, "é":[] } }"#);
    let destination = Scripted::default();
    let (summary, result) = destination.run(script.input(), &by_rows(3));
    result.unwrap();
    script.check_all_in(&destination);
    let world = destination.world();
    assert_eq!(
        world.events,
        [
            "a open",
            "a write 3",
            "a commit",
            "a write 3",
            "a commit",
            "a write 1",
            "a commit",
            "a finish"
        ]
    );
    assert_eq!(world.emitted, [r#"{"x" : 1.0e2, "é":[] }"#]);
    assert_eq!(
        (
            summary.lines,
            summary.records,
            summary.states,
            summary.states_emitted
        ),
        (9, 7, 1, 1)
    );
    let stream = &summary.streams[0];
    assert_eq!(
        (
            stream.stream.as_str(),
            stream.records,
            stream.committed,
            stream.commits
        ),
        ("a", 7, 7, 3)
    );
    assert_eq!(summary.bytes, script.text.len() as u64);
}

#[test]
fn commits_by_bytes() {
    let script = Script::default().schema("a", 0).records("a", 100);
    let options = Options {
        limits: Limits {
            bytes: 200,
            ..Limits::default()
        },
        ..Options::default()
    };
    let destination = Scripted::default();
    destination.run(script.input(), &options).1.unwrap();
    script.check_all_in(&destination);
    let commits = destination
        .world()
        .events
        .iter()
        .filter(|event| *event == "a commit")
        .count();
    assert!((10..=50).contains(&commits), "{commits}");
}

#[test]
fn a_large_commit_is_written_in_pieces() {
    let script = Script::default().schema("a", 0).records("a", 20_000);
    let destination = Scripted::default();
    destination.run(script.input(), &by_rows(1_000_000)).1.unwrap();
    script.check_all_in(&destination);
    let world = destination.world();
    let writes = world
        .events
        .iter()
        .filter(|event| event.starts_with("a write"))
        .count();
    let commits = world.events.iter().filter(|event| *event == "a commit").count();
    assert!(writes >= 3, "{writes}");
    assert_eq!(commits, 1);
}

#[test]
fn a_changed_schema_and_activate_version_are_barriers_for_their_stream_alone() {
    let script = Script::default()
        .schema("a", 0)
        .schema("b", 0)
        .records("a", 2)
        .records("b", 2)
        .schema("a", 1)
        .records("a", 1)
        .activate("a", 7)
        .records("a", 1)
        .state();
    let destination = Scripted::default();
    destination.run(script.input(), &by_rows(100)).1.unwrap();
    script.check_all_in(&destination);
    let world = destination.world();
    let of_a: Vec<_> = world
        .events
        .iter()
        .filter(|event| event.starts_with('a'))
        .collect();
    assert_eq!(
        of_a,
        [
            "a open",
            "a write 2",
            "a commit",
            "a schema 2",
            "a write 1",
            "a commit",
            "a activate 7",
            "a write 1",
            "a commit",
            "a finish"
        ]
    );
    let of_b: Vec<_> = world
        .events
        .iter()
        .filter(|event| event.starts_with('b'))
        .collect();
    assert_eq!(of_b, ["b open", "b write 2", "b commit", "b finish"]);
}

#[test]
fn the_same_schema_again_is_nothing() {
    let spelled_differently = r#"{"schema": {"properties": {"id": {"type": "integer"}}}, "type": "SCHEMA", "stream": "a", "key_properties": ["id"]}"#;
    let script = Script::default()
        .schema("a", 0)
        .record("a")
        .schema("a", 0)
        .record("a")
        .raw(spelled_differently)
        .record("a")
        .raw(spelled_differently);
    let destination = Scripted::default();
    destination.run(script.input(), &by_rows(100)).1.unwrap();
    assert_eq!(
        destination.world().events,
        ["a open", "a write 3", "a commit", "a finish"]
    );
}

#[test]
fn a_state_interval_of_zero_commits_at_each_state() {
    let script = Script::default()
        .schema("a", 0)
        .schema("b", 0)
        .record("a")
        .state()
        .record("b")
        .state()
        .state()
        .record("a");
    let destination = Scripted::default();
    let options = Options {
        state_interval: std::time::Duration::ZERO,
        ..by_rows(100)
    };
    destination.run(script.input(), &options).1.unwrap();
    script.check_all_in(&destination);
    let world = destination.world();
    assert_eq!(world.emitted.last(), script.last_state.as_ref());
    assert_eq!(
        world.events,
        [
            "a open",
            "b open",
            "a write 1",
            "a commit",
            "b write 1",
            "b commit",
            "a write 1",
            "a commit",
            "a finish",
            "b finish"
        ]
    );
}

#[test]
fn what_commits_at_the_end_tells_nothing_before() {
    let script = Script::default()
        .schema("a", 0)
        .records("a", 5)
        .state()
        .schema("a", 1)
        .schema("empty", 0)
        .state()
        .records("a", 5)
        .activate("a", 1)
        .state();
    let destination = Scripted::default();
    let options = Options {
        commit: CommitMode::AtEnd,
        state_interval: std::time::Duration::ZERO,
        ..by_rows(2)
    };
    destination.run(script.input(), &options).1.unwrap();
    script.check_all_in(&destination);
    let world = destination.world();
    assert_eq!(world.emitted, [script.last_state.unwrap()]);
    let of_a: Vec<_> = world
        .events
        .iter()
        .filter(|event| event.starts_with("a "))
        .map(|event| &event[2..])
        .collect();
    assert_eq!(
        of_a,
        [
            "open",
            "write 2",
            "write 2",
            "write 1",
            "schema 2",
            "write 2",
            "write 2",
            "write 1",
            "activate 1",
            "commit",
            "finish"
        ]
    );
    assert!(world.events.contains(&"empty finish".to_owned()));
}

#[test]
fn an_input_without_anything_is_fine() {
    let destination = Scripted::default();
    let (summary, result) = destination.run(std::io::empty(), &Options::default());
    result.unwrap();
    assert_eq!((summary.lines, summary.states_emitted), (0, 0));
}
