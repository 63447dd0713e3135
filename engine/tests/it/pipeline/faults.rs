//! Sinks that fail in every call and every way.

use std::time::Duration;

use melisma_engine::Kind;
use melisma_engine::pipeline::{Limits, Options};
use melisma_engine::sink::CommitMode;

use super::kit::{Op, Script, Scripted, Trouble};

/// Two streams, each with every kind of call.
fn script() -> Script {
    let mut script = Script::default().schema("a", 0).schema("b", 0);
    for n in 0..4 {
        script = script
            .records("b", 1)
            .state()
            .records("a", 3)
            .records("b", 2)
            .state()
            .record("a");
        if n == 2 {
            script = script
                .schema("a", 1)
                .state()
                .record("a")
                .activate("a", 1)
                .record("a")
                .state();
        }
    }
    script
}

fn options(writers: usize) -> Options {
    Options {
        limits: Limits {
            rows: 2,
            ..Limits::default()
        },
        state_interval: Duration::ZERO,
        writers,
        ..Options::default()
    }
}

const OPS: [Op; 6] = [
    Op::Open,
    Op::Write,
    Op::Commit,
    Op::Schema,
    Op::Activate,
    Op::Finish,
];

#[test]
fn a_failure_ends_the_run_and_state_stays_behind_what_is_durable() {
    for writers in [1, 2] {
        for op in OPS {
            for trouble in [Trouble::Reject, Trouble::FailAfter] {
                for after in 0..3 {
                    let fires = after == 0 || matches!(op, Op::Write | Op::Commit);
                    let destination = Scripted::default().fault("a", op, after, trouble);
                    // `run` fails the test when an emitted STATE covers what is not committed.
                    let (summary, result) = destination.run(script().input(), &options(writers));
                    let case = format!("{writers} writers, {op:?} {trouble:?} after {after}");
                    match result {
                        Err(error) => {
                            assert!(fires, "{case}: {error}");
                            assert_eq!(error.kind(), Kind::Unavailable, "{case}: {error}");
                            assert_eq!(error.stream(), Some("a"), "{case}");
                        }
                        Ok(()) => assert!(!fires, "{case}"),
                    }
                    if fires && op != Op::Finish {
                        assert_ne!(
                            destination.world().emitted.last(),
                            script().last_state.as_ref(),
                            "{case}"
                        );
                    }
                    // What the failed stream had committed is a start of its records, without gaps.
                    let rows = destination.committed("a");
                    let start: Vec<_> = (0..rows.len()).map(|id| format!(r#"{{"id":{id}}}"#)).collect();
                    assert_eq!(rows, start, "{case}");
                    let reported: u64 = summary.streams.iter().map(|stream| stream.committed).sum();
                    let durable = rows.len() + destination.committed("b").len();
                    assert!(reported <= durable as u64, "{case}");
                }
            }
        }
    }
}

#[test]
fn a_panic_is_a_bug_and_silences_state() {
    for writers in [1, 2] {
        for op in OPS {
            let destination = Scripted::default().fault("a", op, 0, Trouble::Panic);
            let (_, result) = destination.run(script().input(), &options(writers));
            let error = result.unwrap_err();
            assert_eq!(error.kind(), Kind::Bug, "{op:?}: {error}");
            // A sink is finished when all of its thread is committed and emitted already; another thread may be behind.
            let all_told = destination.world().emitted.last() == script().last_state.as_ref();
            assert!(!all_told || op == Op::Finish, "{op:?}");
            assert!(all_told || op != Op::Finish || writers > 1, "{op:?}");
        }
    }
}

#[test]
fn what_other_streams_have_is_still_committed_after_a_failure() {
    let script = Script::default()
        .schema("a", 0)
        .schema("b", 0)
        .record("b")
        .state()
        .records("b", 4)
        .record("a")
        .schema("a", 1);
    let destination = Scripted::default().fault("a", Op::Commit, 0, Trouble::Reject);
    let options = Options {
        state_interval: Duration::from_hours(1),
        ..Options::default()
    };
    let (_, result) = destination.run(script.input(), &options);
    assert_eq!(result.unwrap_err().to_string(), "stream a: scripted: Reject");
    assert_eq!(destination.committed("b").len(), 5);
    // It came before the first record of the stream that failed, so it may be emitted.
    assert_eq!(destination.world().emitted, [script.last_state.unwrap()]);
}

/// The ticket of the barrier was lost with the encoder that could not be made: a bug, and no STATE at all.
#[test]
fn a_schema_that_cannot_be_applied_is_refused_as_a_bad_line_is() {
    for writers in [1, 2] {
        let good = Script::default()
            .schema("a", 0)
            .schema("b", 0)
            .records("a", 5)
            .records("b", 3)
            .state();
        for stream in ["a", "new"] {
            let script = good.clone().schema(stream, 2).records(stream, 1);
            let made = good.schemas(stream);
            let destination = Scripted::default().fault(stream, Op::Encoder, made, Trouble::Reject);
            let error = destination.run(script.input(), &options(writers)).1.unwrap_err();
            assert_eq!((error.kind(), error.stream()), (Kind::Unavailable, Some(stream)));
            good.check_all_in(&destination);
            assert_eq!(
                destination.world().emitted.last(),
                good.last_state.as_ref(),
                "{stream}"
            );
        }
    }
}

#[test]
fn a_failure_at_the_end_of_a_replacing_run_tells_nothing() {
    for op in [Op::Write, Op::Commit, Op::Finish] {
        let destination = Scripted::default().fault("b", op, 0, Trouble::Reject);
        let options = Options {
            commit: CommitMode::AtEnd,
            ..options(1)
        };
        let (_, result) = destination.run(script().input(), &options);
        assert_eq!(result.unwrap_err().kind(), Kind::Unavailable, "{op:?}");
        assert!(destination.world().emitted.is_empty(), "{op:?}");
    }
}
