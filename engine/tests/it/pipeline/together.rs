//! Commits of all streams together, at STATEs (`CommitMode::AtStates`).

use std::time::Duration;

use melisma_engine::Kind;
use melisma_engine::pipeline::{Limits, Options};
use melisma_engine::sink::CommitMode;

use super::kit::{Op, Script, Scripted, Trouble};

fn options(rows: usize, interval: Duration) -> Options {
    Options {
        limits: Limits {
            rows,
            ..Limits::default()
        },
        state_interval: interval,
        commit: CommitMode::AtStates,
        ..Options::default()
    }
}

fn script() -> Script {
    let mut script = Script::default().schema("a", 0).schema("b", 0).state();
    for round in 0..6 {
        script = script.records("a", 3).records("b", 2).state().record("b");
        if round == 3 {
            script = script.schema("a", 1).activate("b", 1).state();
        }
    }
    script.state()
}

#[test]
fn every_commit_holds_exactly_what_its_state_covers() {
    for (rows, interval, every) in [
        (1, Duration::ZERO, true),
        (5, Duration::MAX, false),
        (10_000, Duration::MAX, false),
    ] {
        let script = script();
        let destination = Scripted::default();
        // The kit's sinks check each STATE that they are handed against their rows.
        destination
            .run(script.input(), &options(rows, interval))
            .1
            .unwrap();
        script.check_all_in(&destination);
        let world = destination.world();
        assert_eq!(world.stored.last(), script.last_state.as_ref());
        assert_eq!(world.emitted.last(), script.last_state.as_ref());
        let mut stored = world.stored.clone();
        stored.dedup();
        assert_eq!(stored.len() >= 9, every, "{stored:?}");
    }
}

#[test]
fn an_empty_state_takes_no_states_place() {
    let script = Script::default().schema("a", 0).records("a", 1).state();
    let last = script.last_state.clone();
    let script = script.raw(r#"{"type":"STATE","value":{}}"#);
    let destination = Scripted::default();
    destination
        .run(script.input(), &options(10, Duration::MAX))
        .1
        .unwrap();
    assert_eq!(destination.world().stored, Vec::from_iter(last));
}

/// Many taps end in `{}` because they have no bookmarks: nothing was ever committed of them.
#[test]
fn an_empty_state_covers_the_records_before_it() {
    for empty in ["{}", "{ }", "null"] {
        let script = Script::default()
            .schema("a", 0)
            .schema("b", 0)
            .records("a", 2)
            .raw(&format!(r#"{{"type":"STATE","value":{empty}}}"#))
            .records("b", 3)
            .raw(&format!(r#"{{"type":"STATE","value":{empty}}}"#));
        let destination = Scripted::default();
        destination
            .run(script.input(), &options(1, Duration::ZERO))
            .1
            .unwrap();
        script.check_all_in(&destination);
        let world = destination.world();
        assert!(world.stored.is_empty() && world.emitted.is_empty(), "{empty}");
        drop(world);
        let more = script.record("a");
        let error = Scripted::default()
            .run(more.input(), &options(1, Duration::ZERO))
            .1
            .unwrap_err();
        assert!(error.to_string().contains("the 1 record behind"), "{error}");
    }
}

#[test]
fn rows_behind_the_last_state_are_not_committed_by_a_run_that_fails() {
    let script = Script::default()
        .schema("a", 0)
        .records("a", 3)
        .state()
        .records("a", 3)
        .raw("no message");
    let destination = Scripted::default();
    let failed = destination.run(script.input(), &options(1, Duration::ZERO)).1;
    assert!(failed.is_err());
    assert_eq!(destination.committed("a").len(), 3);
    assert_eq!(destination.world().emitted, [script.last_state.unwrap()]);
}

/// The STATE came to the first sink when the others did not have their rows yet: a crash between the two lost them.
#[test]
fn the_last_state_waits_for_the_rows_of_every_stream() {
    let script = Script::default()
        .schema("a", 0)
        .schema("b", 0)
        .records("a", 3)
        .records("b", 3)
        .state();
    let destination = Scripted::default();
    // The kit's sinks check each STATE against what all sinks were given.
    destination
        .run(script.input(), &options(100, Duration::MAX))
        .1
        .unwrap();
    script.check_all_in(&destination);
}

/// The other streams went on to commit, with STATEs that covered the failed stream's rows.
#[test]
fn no_state_is_stored_after_a_stream_has_failed() {
    for op in [Op::Open, Op::Write, Op::Schema, Op::Activate] {
        for trouble in [Trouble::Reject, Trouble::FailAfter] {
            let destination = Scripted::default().fault("b", op, 0, trouble);
            let mut script = Script::default().schema("a", 0).schema("b", 0);
            script = script
                .records("a", 1)
                .records("b", 1)
                .schema("b", 1)
                .activate("b", 1);
            for _ in 0..5 {
                script = script.records("a", 3).records("b", 2).state();
            }
            let failed = destination.run(script.input(), &options(1, Duration::ZERO)).1;
            assert!(failed.is_err(), "{op:?}");
            let stored = destination.world().stored.len();
            assert_eq!(
                stored, 0,
                "{op:?} {trouble:?}: the first STATE covers rows of the failed stream"
            );
            assert_eq!(destination.committed("a").len(), 0, "{op:?} {trouble:?}");
        }
    }
}

/// An input that was cut between two records looks like one that has ended: rows behind its last STATE were committed
/// with that STATE, and came again with the next run.
#[test]
fn rows_behind_the_last_state_are_not_committed_at_the_end() {
    let script = Script::default()
        .schema("a", 0)
        .schema("b", 0)
        .records("a", 3)
        .state()
        .records("a", 1)
        .records("b", 2);
    for rows in [1, 100] {
        let destination = Scripted::default();
        let error = destination
            .run(script.input(), &options(rows, Duration::ZERO))
            .1
            .unwrap_err();
        assert_eq!(error.kind(), Kind::Input);
        assert!(error.to_string().contains("the 3 records behind"), "{error}");
        assert_eq!(
            (destination.committed("a").len(), destination.committed("b").len()),
            (3, 0)
        );
        assert_eq!(
            destination.world().emitted,
            Vec::from_iter(script.last_state.clone())
        );
    }
}
