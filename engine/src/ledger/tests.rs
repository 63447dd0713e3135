//! The ledger against its naive model: random schedules, and all short ones.

use proptest::prelude::*;

use super::model::{Event, compare};
use super::*;
use crate::error::Kind;

/// All schedules of up to `depth` events.
fn exhaust(events: &mut Vec<Event>, depth: usize) -> u64 {
    let open = compare(events, 2);
    if depth == 0 {
        return 1;
    }
    let mut next = vec![Event::Open, Event::State, Event::Take];
    for n in 0..open {
        next.extend([Event::Commit(n), Event::Abandon(n), Event::Drop(n)]);
    }
    let mut schedules = 1;
    for event in next {
        events.push(event);
        schedules += exhaust(events, depth - 1);
        events.pop();
    }
    schedules
}

#[test]
fn agrees_with_the_model_on_all_short_schedules() {
    assert!(exhaust(&mut Vec::new(), 7) > 60_000);
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => Just(Event::Open),
        6 => Just(Event::State),
        4 => Just(Event::Take),
        8 => any::<usize>().prop_map(Event::Commit),
        1 => any::<usize>().prop_map(Event::Abandon),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_model(events in proptest::collection::vec(event(), 0..60), streams in 1usize..=8) {
        compare(&events, streams);
    }

    #[test]
    fn a_lost_ticket_silences_it_for_ever(
        mut events in proptest::collection::vec(event(), 1..40),
        at in any::<prop::sample::Index>(),
        which in any::<usize>(),
    ) {
        events.insert(at.index(events.len()), Event::Drop(which));
        events.push(Event::Take);
        compare(&events, 3);
    }
}

#[test]
fn tells_the_newest_state_below_the_first_unit_in_flight() {
    let mut ledger = Ledger::new();
    ledger.state(1, "a");
    let first = ledger.open(2, 0);
    let second = ledger.open(3, 1);
    ledger.state(4, "b");
    ledger.state(5, "c");
    assert_eq!(ledger.take().unwrap().unwrap().value, "a");
    ledger.commit(second, Tally::default()).unwrap();
    assert_eq!((ledger.take().unwrap(), ledger.low()), (None, 2));
    ledger.commit(first, Tally::default()).unwrap();
    assert_eq!(
        ledger.take().unwrap(),
        Some(State {
            seq: 5,
            value: "c".into()
        })
    );
    assert_eq!((ledger.take().unwrap(), ledger.low()), (None, 6));
}

#[test]
fn what_waits_is_bounded_by_what_is_in_flight() {
    let mut ledger = Ledger::new();
    let slow = ledger.open(0, 0);
    for seq in (1..10_000).step_by(3) {
        let fast = ledger.open(seq, 1);
        ledger.state(seq + 1, "0123456789");
        ledger.commit(fast, Tally::default()).unwrap();
        assert!(ledger.pending_bytes() <= 20);
    }
    ledger.commit(slow, Tally::default()).unwrap();
    assert_eq!(ledger.take().unwrap().unwrap().seq, 9_998);
}

#[test]
fn records_must_add_up() {
    let mut ledger = Ledger::new();
    let ticket = ledger.open(7, 0);
    ledger.state(8, "s");
    let error = ledger
        .commit(
            ticket,
            Tally {
                received: 5,
                written: 3,
                refused: 1,
            },
        )
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "of 5 records since line 7, 3 were written and 1 refused"
    );
    assert_eq!(ledger.take().unwrap_err().kind(), Kind::Bug);
}

#[test]
fn numbers_must_rise() {
    let mut ledger = Ledger::new();
    ledger.state(8, "s");
    let ticket = ledger.open(8, 0);
    assert_eq!(ledger.check().unwrap_err().kind(), Kind::Bug);
    ledger.abandon(ticket);
}
