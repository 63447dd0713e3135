//! The ledger against its naive model, over any schedule: each byte is an event.

use melisma_engine::ledger::model::{Event, compare};

const EVENTS: usize = 400;

/// See the [module](self).
pub fn check(data: &[u8]) {
    let Some((&streams, rest)) = data.split_first() else {
        return;
    };
    let events: Vec<Event> = rest.iter().take(EVENTS).map(|&byte| event(byte)).collect();
    compare(&events, usize::from(streams % 8) + 1);
}

fn event(byte: u8) -> Event {
    let which = usize::from(byte >> 3);
    match byte & 7 {
        0 | 1 => Event::Open,
        2 => Event::State,
        3 => Event::Take,
        4 | 5 => Event::Commit(which),
        6 => Event::Abandon(which),
        // A bug of the program, and rare as such: most schedules should go on.
        _ if which == 0 => Event::Drop(which),
        _ => Event::State,
    }
}
