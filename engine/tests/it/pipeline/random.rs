//! Random inputs, limits and faults against the oracle.

use std::time::Duration;

use melisma_engine::pipeline::{Limits, Options};
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
        let options = Options { commits_at_end: at_end, ..options };
        // `run` fails the test when a told STATE covers what is not committed.
        let (summary, result) = destination.run(script.input(), &options);
        if result.is_ok() {
            script.check_all_in(&destination);
            let world = destination.world();
            prop_assert_eq!(world.told.last(), script.last_state.as_ref());
            let distinct: std::collections::HashSet<_> = world.told.iter().collect();
            prop_assert_eq!(distinct.len(), world.told.len());
            prop_assert_eq!(summary.states_told, world.told.len() as u64);
            drop(world);
            for stream in &summary.streams {
                prop_assert_eq!(stream.committed, stream.records);
            }
        }
    }
}
