//! A naive model of the ledger, and a driver that runs both over the same schedule of events. For tests and fuzz
//! targets.

use super::{Ledger, Tally, Ticket};
use crate::error::Kind;

/// Remembers everything and looks at all of it every time.
#[derive(Default)]
struct Model {
    /// Per unit: its number and whether it is durable.
    units: Vec<(u64, bool)>,
    states: Vec<u64>,
    emitted: Option<u64>,
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
        let fresh = newest.filter(|&s| self.emitted.is_none_or(|emitted| s > emitted));
        self.emitted = fresh.or(self.emitted);
        fresh
    }
}

/// What happens to a ledger.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// A unit begins.
    Open,
    /// A STATE comes.
    State,
    /// The newest STATE that may be emitted is requested.
    Take,
    /// The n-th open ticket, counted round.
    Commit(usize),
    /// Likewise, and its records are known to have failed.
    Abandon(usize),
    /// Likewise, and its records are forgotten: a bug.
    Drop(usize),
}

/// Runs both over the same events and compares after each; returns how many tickets are open at the end.
///
/// # Panics
/// When they differ.
pub fn compare(events: &[Event], streams: usize) -> usize {
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
            Event::Take if model.lost => {
                assert_eq!(ledger.take().expect_err("a lost ticket").kind(), Kind::Bug);
            }
            Event::Take => {
                let emitted = ledger.take().expect("nothing is lost");
                assert!(emitted.iter().all(|state| state.value == state.seq.to_string()));
                assert_eq!(emitted.map(|state| state.seq), model.take(), "{events:?}");
            }
            _ if tickets.is_empty() => {}
            Event::Commit(n) => {
                let ticket = tickets.remove(n % tickets.len());
                model
                    .units
                    .iter_mut()
                    .find(|unit| unit.0 == ticket.seq())
                    .expect("a unit of the model")
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
                    .expect("it adds up");
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
