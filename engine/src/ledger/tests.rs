//! The ledger against a naive model: random schedules, and all short ones.

use proptest::prelude::*;

use super::*;
use crate::error::Kind;

/// Remembers everything and looks at all of it every time.
#[derive(Default)]
struct Model {
    /// Per unit: its number and whether it is durable.
    units: Vec<(u64, bool)>,
    states: Vec<u64>,
    told: Option<u64>,
    lost: bool,
}

impl Model {
    fn low(&self, next: u64) -> u64 {
        self.units
            .iter()
            .filter(|unit| !unit.1)
            .map(|unit| unit.0)
            .min()
            .unwrap_or(next)
    }

    fn take(&mut self) -> Option<u64> {
        let covered = |s: u64| self.units.iter().all(|&(unit, durable)| unit > s || durable);
        let newest = self.states.iter().copied().filter(|&s| covered(s)).max();
        let fresh = newest.filter(|&s| self.told.is_none_or(|told| s > told));
        self.told = fresh.or(self.told);
        fresh
    }
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Open,
    State,
    Take,
    /// The n-th open ticket, counted round.
    Commit(usize),
    Abandon(usize),
    Drop(usize),
}

/// Runs both over the same events and compares after each; returns how many tickets are open at the end.
fn compare(events: &[Event], streams: usize) -> usize {
    let mut ledger = Ledger::new();
    let mut model = Model::default();
    let mut tickets: Vec<Ticket> = Vec::new();
    for (seq, event) in (1u64..).zip(events) {
        let next = ledger.next;
        match *event {
            Event::Open => {
                tickets.push(ledger.open(seq, tickets.len() % streams));
                model.units.push((seq, false));
            }
            Event::State => {
                ledger.state(seq, &seq.to_string());
                model.states.push(seq);
            }
            Event::Take if model.lost => assert_eq!(ledger.take().unwrap_err().kind(), Kind::Bug),
            Event::Take => {
                let told = ledger.take().unwrap();
                assert!(told.iter().all(|state| state.value == state.seq.to_string()));
                assert_eq!(told.map(|state| state.seq), model.take(), "{events:?}");
            }
            _ if tickets.is_empty() => {}
            Event::Commit(n) => {
                let ticket = tickets.remove(n % tickets.len());
                model
                    .units
                    .iter_mut()
                    .find(|unit| unit.0 == ticket.seq())
                    .unwrap()
                    .1 = true;
                ledger
                    .commit(
                        ticket,
                        Tally {
                            received: 3,
                            written: 2,
                            refused: 1,
                        },
                    )
                    .unwrap();
            }
            Event::Abandon(n) => ledger.abandon(tickets.remove(n % tickets.len())),
            Event::Drop(n) => {
                drop(tickets.remove(n % tickets.len()));
                model.lost = true;
            }
        }
        let seen = if matches!(event, Event::Open | Event::State) {
            seq + 1
        } else {
            next
        };
        assert_eq!(ledger.low(), model.low(seen), "{events:?}");
        assert!(ledger.pending.len() <= ledger.in_flight() + 1, "{events:?}");
        let bytes: usize = ledger.pending.iter().map(|state| state.value.len()).sum();
        assert_eq!(ledger.pending_bytes(), bytes);
    }
    let durable = model.units.iter().filter(|unit| unit.1).count() as u64;
    let received: u64 = ledger.tallies().iter().map(|tally| tally.received).sum();
    assert_eq!(received, durable * 3);
    let open = tickets.len();
    for ticket in tickets {
        ledger.abandon(ticket);
    }
    open
}

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
