//! Random inputs, limits and faults against the oracle.

use std::time::Duration;

use melisma_engine::Kind;
use melisma_engine::pipeline::{Limits, OnInvalid, Options};
use melisma_engine::sink::CommitMode;
use proptest::prelude::*;

use super::kit::{Op, Script, Scripted, Trouble};

#[derive(Clone, Debug)]
enum Event {
    Records(usize, usize),
    State,
    Schema(usize, usize),
    Activate(usize),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0usize..6, 1usize..5).prop_map(|(stream, n)| Event::Records(stream, n)),
        3 => Just(Event::State),
        1 => (0usize..6, 0usize..3).prop_map(|(stream, more)| Event::Schema(stream, more)),
        1 => (0usize..6).prop_map(Event::Activate),
    ]
}

fn fault() -> impl Strategy<Value = (usize, Op, usize, Trouble)> {
    let op = prop::sample::select(vec![
        Op::Encoder,
        Op::Open,
        Op::Write,
        Op::Commit,
        Op::Schema,
        Op::Activate,
        Op::Finish,
    ]);
    let trouble = prop::sample::select(vec![Trouble::Reject, Trouble::FailAfter]);
    (0usize..6, op, 0usize..4, trouble)
}

fn options() -> impl Strategy<Value = Options> {
    (
        1usize..8,
        prop::sample::select(vec![1usize, 100, 1 << 20]),
        1usize..4,
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(rows, bytes, writers, eager, tiny)| Options {
            limits: Limits {
                rows,
                bytes,
                ..Limits::default()
            },
            state_interval: if eager {
                Duration::ZERO
            } else {
                Duration::from_millis(1)
            },
            memory_budget: if tiny { 200 } else { 1 << 20 },
            writers,
            ..Options::default()
        })
}

fn script(streams: usize, events: &[Event]) -> Script {
    let name = |n: usize| format!("s{}", n % streams);
    let script = (0..streams).fold(Script::default(), |script, n| script.schema(&name(n), 0));
    events.iter().fold(script, |script, event| match *event {
        Event::Records(stream, n) => script.records(&name(stream), n),
        Event::State => script.state(),
        Event::Schema(stream, more) => script.schema(&name(stream), more),
        Event::Activate(stream) => script.activate(&name(stream), 1),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn told_states_cover_committed_rows_alone(
        streams in 1usize..6,
        events in proptest::collection::vec(event(), 0..60),
        faults in proptest::collection::vec(fault(), 0..3),
        options in options(),
        at_end in any::<bool>(),
    ) {
        let script = script(streams, &events);
        let mut destination = Scripted::default();
        for (stream, op, after, trouble) in faults {
            destination = destination.fault(&format!("s{stream}"), op, after, trouble);
        }
        let commit = if at_end { CommitMode::AtEnd } else { CommitMode::PerStream };
        let options = Options { commit, ..options };
        // `run` fails the test when an emitted STATE covers what is not committed.
        let (summary, result) = destination.run(script.input(), &options);
        // Whatever fails, no ticket is lost: that would be a bug, and silence the STATEs that are covered.
        prop_assert!(!matches!(&result, Err(error) if error.kind() == Kind::Bug), "{:?}", result);
        if result.is_ok() {
            script.check_all_in(&destination);
            let world = destination.world();
            prop_assert_eq!(world.emitted.last(), script.last_state.as_ref());
            let distinct: std::collections::HashSet<_> = world.emitted.iter().collect();
            prop_assert_eq!(distinct.len(), world.emitted.len());
            prop_assert_eq!(summary.states_emitted, world.emitted.len() as u64);
            drop(world);
            for stream in &summary.streams {
                prop_assert_eq!(stream.committed, stream.records);
            }
        }
    }

    /// What is refused on the decoding thread, in whatever way, ends the run as a line that is no message does: what came
    /// before it is committed, and the last STATE before it emitted.
    #[test]
    fn a_refusal_leaves_what_came_before_it_committed_and_its_state_emitted(
        streams in 1usize..6,
        before in proptest::collection::vec(event(), 0..60),
        refused in refusal(),
        after in proptest::collection::vec(event(), 0..10),
        options in options(),
        together in any::<bool>(),
        by_plan in any::<bool>(),
    ) {
        let good = script(streams, &before);
        let destination = match refused {
            // The plans and encoders of the streams before it are made.
            Refusal::NewStream | Refusal::ChangedSchema => {
                let made = good.schemas("s0");
                let stream = if refused == Refusal::NewStream { "new" } else { "s0" };
                let after = if refused == Refusal::NewStream { 0 } else { made };
                let op = if by_plan { Op::Plan } else { Op::Encoder };
                Scripted::default().fault(stream, op, after, Trouble::Reject)
            }
            _ => Scripted::default(),
        };
        let folder = tempfile::tempdir().expect("a folder");
        let commit = if together { CommitMode::AtStates } else { CommitMode::PerStream };
        let mut options = Options { commit, ..options };
        let bad = match refused {
            Refusal::NewStream => good.clone().schema("new", 0),
            Refusal::ChangedSchema => good.clone().schema("s0", 9),
            Refusal::Line => good.clone().raw("no message"),
            Refusal::Record => good.clone().raw(r#"{"type":"RECORD","stream":"s0","record":{"id":"x"}}"#),
            Refusal::NoSchema => good.clone().raw(r#"{"type":"RECORD","stream":"unknown","record":{}}"#),
            Refusal::Schema => good.clone().raw(r#"{"type":"SCHEMA","stream":"s0","schema":{"properties":7},"key_properties":[]}"#),
            Refusal::Batch => good.clone().raw(r#"{"type":"BATCH","stream":"s0","encoding":{},"manifest":[]}"#),
            Refusal::DeadLetters => {
                options.on_invalid = OnInvalid::DeadLetter(folder.path().join("dead.jsonl"));
                options.dead_letter_max_bytes = 1;
                good.clone().raw(r#"{"type":"RECORD","stream":"s0","record":{"id":"x"}}"#)
            }
        };
        let mut input = bad.text.clone();
        input.push_str(&script(streams, &after).text);
        let (_, result) = destination.run(std::io::Cursor::new(input.into_bytes()), &options);
        let error = result.expect_err("it was refused");
        prop_assert_ne!(error.kind(), Kind::Bug, "{}", error);
        if !together {
            good.check_all_in(&destination);
            let world = destination.world();
            prop_assert_eq!(world.emitted.last(), good.last_state.as_ref());
        }
    }
}

/// What ends a run on the decoding thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    NewStream,
    ChangedSchema,
    Line,
    Record,
    NoSchema,
    Schema,
    Batch,
    DeadLetters,
}

fn refusal() -> impl Strategy<Value = Refusal> {
    prop::sample::select(vec![
        Refusal::NewStream,
        Refusal::ChangedSchema,
        Refusal::Line,
        Refusal::Record,
        Refusal::NoSchema,
        Refusal::Schema,
        Refusal::Batch,
        Refusal::DeadLetters,
    ])
}
