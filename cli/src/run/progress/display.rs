//! The terminal, shared by pairs that run at once: each has lines of its own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::bars::Bars;
use crate::console::Console;

/// With more pairs than this each has one line, so that all fit on a screen.
const DETAILED: usize = 4;

/// The lines of all pairs; clones share them.
#[derive(Clone)]
pub(crate) struct Display(Option<Arc<Shared>>);

struct Shared {
    /// Only the console's thread draws them.
    bars: Arc<Mutex<Bars>>,
    /// The lines of each pair, by its place among the blocks: a name and a text each.
    sections: Mutex<BTreeMap<usize, Vec<(String, String)>>>,
}

/// How much a pair may show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// It is alone.
    All,
    /// Under its name, with this many streams.
    Streams(usize),
    OneLine,
}

impl Display {
    /// That of a console; without a terminal nothing is shown.
    pub(crate) fn new(console: &Console) -> Self {
        Self(console.bars().map(|all| {
            Arc::new(Shared {
                bars: Arc::new(Mutex::new(Bars::new(all))),
                sections: Mutex::default(),
            })
        }))
    }

    /// Whether there is a terminal.
    pub(super) fn is_shown(&self) -> bool {
        self.0.is_some()
    }

    /// A pair begins to show something. It has one empty line at first, so that the others make room for it.
    pub(super) fn begin(&self, pair: usize) {
        if let Some(shared) = &self.0 {
            lock(&shared.sections).entry(pair).or_default();
        }
    }

    /// How much each pair may show now, of at most this many streams.
    pub(super) fn room(&self, most: usize) -> Room {
        let pairs = self.0.as_ref().map_or(1, |shared| lock(&shared.sections).len());
        match pairs {
            0 | 1 => Room::All,
            2..=DETAILED => Room::Streams((most / pairs / 2).max(1)),
            _ => Room::OneLine,
        }
    }

    /// Replaces the lines of a pair; those of the others stay.
    pub(super) fn show(&self, pair: usize, lines: Vec<(String, String)>, console: &Console) {
        if let Some(shared) = &self.0 {
            let mut sections = lock(&shared.sections);
            sections.insert(pair, lines);
            draw(shared, &sections, console);
        }
    }

    /// Removes the lines of a pair.
    pub(super) fn end(&self, pair: usize, console: &Console) {
        if let Some(shared) = &self.0 {
            let mut sections = lock(&shared.sections);
            sections.remove(&pair);
            draw(shared, &sections, console);
        }
    }
}

/// Draws all pairs: the console drops an older drawing for a newer one, so each must be whole. The sections are locked, so
/// that drawings are queued in the order of what they show.
fn draw(shared: &Shared, sections: &BTreeMap<usize, Vec<(String, String)>>, console: &Console) {
    let lines: Vec<(String, String)> = sections.values().flatten().cloned().collect();
    let bars = Arc::clone(&shared.bars);
    console.draw(move || {
        let mut bars = lock(&bars);
        if lines.is_empty() {
            bars.clear();
        } else {
            bars.show(&lines);
        }
    });
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
