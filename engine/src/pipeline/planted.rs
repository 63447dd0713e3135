//! Bugs of the pipeline, planted.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::Receiver;

use super::writer::{Call, Command, What};
use crate::cell::{Cell, Row};
use crate::faults::{bug, has};
use crate::sink::Destination;

/// Whether this is the second batch of the process.
pub(super) fn is_second() -> bool {
    static BATCHES: AtomicU64 = AtomicU64::new(0);
    BATCHES.fetch_add(1, Ordering::Relaxed) == 1
}

/// The commands; of two writes to one stream that wait together the second comes first, if that bug was asked for.
pub(super) fn reordered<D: Destination>(commands: &Receiver<Command<D>>) -> impl Iterator<Item = Command<D>> {
    let mut held = VecDeque::new();
    std::iter::from_fn(move || {
        let next = match held.pop_front() {
            Some(next) => next,
            None => commands.recv().ok()?,
        };
        if !has(&bug::SWAPPED_BATCHES)
            || !matches!(next.what, What::Call(Call::Write(..)))
            || !held.is_empty()
        {
            return Some(next);
        }
        match commands.recv_timeout(Duration::from_millis(20)) {
            Ok(second)
                if second.stream == next.stream && matches!(second.what, What::Call(Call::Write(..))) =>
            {
                held.push_back(next);
                Some(second)
            }
            Ok(second) => {
                held.push_back(second);
                Some(next)
            }
            Err(_) => Some(next),
        }
    })
}

/// Every integer as the float that is nearest.
#[expect(clippy::cast_precision_loss, reason = "this is the bug")]
pub(super) fn through_floats(row: &mut Row<'_>) {
    for cell in &mut row.cells {
        if let Cell::Int(value) = cell {
            *value = *value as f64 as i64;
        }
    }
}
