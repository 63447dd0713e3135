//! Finds the column of a key, by the order in which keys came in earlier records.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::key::Key;
use super::step::{Places, Step};
use super::undeclared::Undeclared;
use super::window::{self, Window};
use crate::json::{Syntax, skip, unescape};
use crate::schema::types::Types;
use crate::schema::{Metadata, StreamSchema};

/// The column of a property that the schema does not have.
pub(super) const OUTSIDE: usize = usize::MAX;
/// The same where it is not left out.
pub(super) const KEPT: usize = usize::MAX - 1;
/// No step is expected.
const NONE: usize = usize::MAX;
/// How many properties outside the schema are remembered.
const MAX_OUTSIDE: usize = 1000;
/// How many bytes their names may take together.
const MAX_OUTSIDE_BYTES: usize = 1 << 20;
/// Bytes of a key beyond its name, spelled as long as can be, that are still remembered with it.
const SPARE: usize = 64;
/// Up to this number of keys a new one is inserted where it came, between the others: each such key costs a walk over
/// all.
const MAX_INSERTED: usize = 2000;

/// The keys of a stream's records.
#[derive(Debug)]
pub(super) struct Keys {
    /// The keys in the order in which they came.
    steps: Vec<Step>,
    /// The step that is expected next; [`NONE`] while records have their keys in so different orders that none is
    /// worth expecting, and `next` counts instead.
    expected: usize,
    next: usize,
    /// Steps by the bytes of their keys; made anew at the next record when `stale`.
    places: Places,
    stale: bool,
    /// How often a key was new or newly spelled.
    changes: usize,
    /// Keys of the record in hand that were not the expected ones.
    misses: usize,
    /// No key of the record in hand came before one that it came after in others: none can have come twice.
    ordered: bool,
    names: HashMap<Box<str>, Known, RandomState>,
    /// The column of a property that the schema does not have.
    undeclared: usize,
    unknown: Option<String>,
    outside: usize,
    outside_bytes: usize,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    key: Key,
    /// The key's place in `steps`, once it came.
    step: Option<usize>,
}

impl Keys {
    /// The keys of a schema; `unchecked` has the types of each column that need no look at the value.
    pub(super) fn new(schema: &StreamSchema, unchecked: &[Types], undeclared: Undeclared) -> Self {
        let undeclared = match undeclared {
            Undeclared::Keep | Undeclared::Collect => KEPT,
            Undeclared::Drop | Undeclared::Refuse => OUTSIDE,
        };
        let mut names = HashMap::with_capacity_and_hasher(schema.columns.len(), RandomState::default());
        for ((column, found), unchecked) in schema.columns.iter().enumerate().zip(unchecked) {
            let key = Key {
                column: match found.metadata {
                    None | Some(Metadata::DeletedAt) => column,
                    Some(Metadata::Undeclared) => KEPT,
                    // What the target fills in by itself is not read from the record.
                    Some(_) => OUTSIDE,
                },
                unchecked: *unchecked,
            };
            names.insert(found.name.clone(), Known { key, step: None });
        }
        Self {
            steps: Vec::new(),
            expected: 0,
            next: 0,
            places: Places::default(),
            stale: false,
            changes: 0,
            misses: 0,
            ordered: true,
            names,
            undeclared,
            unknown: None,
            outside: 0,
            outside_bytes: 0,
        }
    }

    /// The keys in the order in which they came.
    #[inline]
    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// A number that is another one whenever a key was new or newly spelled.
    #[inline]
    pub(super) fn changes(&self) -> usize {
        self.changes
    }

    /// Starts a new record.
    #[inline]
    pub(super) fn rewind(&mut self) {
        self.next = 0;
        self.ordered = true;
        // A wrong expectation costs a mispredicted branch, as much as the search for a key.
        let disordered = self.misses > 2 + self.steps.len() / 16;
        self.expected = if disordered { NONE } else { 0 };
        self.misses = 0;
        if self.stale {
            self.stale = false;
            // There is one such list for each stream, and they grew key by key.
            self.steps.shrink_to_fit();
            self.places = Places::new(&self.steps);
        }
    }

    /// Whether no key of the record in hand can have come twice.
    #[inline]
    pub(super) fn are_ordered(&self) -> bool {
        self.ordered
    }

    /// The key at the start of a window, if it is spelled as before, and its length up to the value.
    #[inline]
    pub(super) fn known_key(&mut self, window: &Window) -> Option<(Key, usize)> {
        if let Some(step) = self.steps.get(self.expected)
            && step.is_in(window)
        {
            self.expected += 1;
            return Some((step.key, step.length()));
        }
        self.search(window)
    }

    /// The step of a key that is not the expected one.
    #[inline(never)]
    fn search(&mut self, window: &Window) -> Option<(Key, usize)> {
        let found = self.places.find(&self.steps, window)?;
        let step = self.steps.get(found)?;
        let answer = (step.key, step.length());
        self.found(found);
        Some(answer)
    }

    /// Notes which step the last key was.
    #[inline]
    fn found(&mut self, step: usize) {
        let next = self.next();
        self.misses += usize::from(step != next);
        self.ordered &= step >= next;
        if self.expected == NONE {
            self.next = step + 1;
        } else {
            self.expected = step + 1;
        }
    }

    /// The step after that of the last key.
    #[inline]
    fn next(&self) -> usize {
        if self.expected == NONE {
            self.next
        } else {
            self.expected
        }
    }

    /// The key at `at`, whatever its spelling, and where its value starts.
    #[inline(never)]
    pub(super) fn parse_key(&mut self, text: &str, at: usize) -> Result<(Key, usize), Syntax> {
        let bytes = text.as_bytes();
        let next = self.next();
        if let Some(step) = self.steps.get(next)
            && window::starts_with(bytes, at, step.text())
        {
            let answer = (step.key, at + step.text().len());
            self.found(next);
            return Ok(answer);
        }
        if bytes.get(at) != Some(&b'"') {
            return Err(Syntax::new(at, "a key in quotes"));
        }
        let (end, escaped) = skip::string(bytes, at + 1)?;
        let colon = skip::space(bytes, end);
        if bytes.get(colon) != Some(&b':') {
            return Err(Syntax::new(colon, "':'"));
        }
        let value = skip::space(bytes, colon + 1);
        let raw = text.get(at + 1..end - 1).unwrap_or_default();
        let key = if escaped {
            let mut name = String::new();
            unescape(raw, &mut name);
            self.find(&name, &bytes[at..value])
        } else {
            self.find(raw, &bytes[at..value])
        };
        Ok((key, value))
    }

    /// Looks a name up, and puts `written` into the order of keys when it has no place there yet.
    fn find(&mut self, name: &str, written: &[u8]) -> Key {
        // White space has no end: a key that is spread wide is not remembered, but found by its name each time.
        let spread = written.len() > 6 * name.len() + SPARE;
        if let Some(known) = self.names.get_mut(name) {
            let key = known.key;
            match known.step {
                _ if spread => self.ordered = false,
                Some(found) => {
                    if *self.steps[found].text() != *written {
                        // Its place in `places` is that of its name: white space does not count there.
                        self.steps[found] = Step::new(written, key);
                        self.changes += 1;
                    }
                    self.found(found);
                }
                None => {
                    let at = self.learn(written, key);
                    if let Some(known) = self.names.get_mut(name) {
                        known.step = Some(at);
                    }
                }
            }
            return key;
        }
        let column = if Metadata::is_name(name) {
            OUTSIDE
        } else {
            self.undeclared
        };
        let key = Key {
            column,
            unchecked: Types::ANY,
        };
        let bytes = self.outside_bytes + written.len();
        if !spread && self.outside < MAX_OUTSIDE && bytes <= MAX_OUTSIDE_BYTES {
            self.outside += 1;
            self.outside_bytes = bytes;
            self.unknown = (column == OUTSIDE).then(|| name.to_owned());
            let step = Some(self.learn(written, key));
            self.names.insert(name.into(), Known { key, step });
        } else {
            self.ordered = false;
        }
        key
    }

    /// Puts a new key after the one that it came after.
    fn learn(&mut self, written: &[u8], key: Key) -> usize {
        let mut at = self.next().min(self.steps.len());
        if self.steps.len() > MAX_INSERTED {
            at = self.steps.len();
        }
        if at < self.steps.len() {
            for step in self.names.values_mut().filter_map(|known| known.step.as_mut()) {
                *step += usize::from(*step >= at);
            }
        }
        self.steps.insert(at, Step::new(written, key));
        self.stale = true;
        self.changes += 1;
        if self.expected == NONE {
            self.next = at + 1;
        } else {
            self.expected = at + 1;
        }
        at
    }

    /// The name outside the schema that the last lookup saw for the first time.
    pub(super) fn take_unknown(&mut self) -> Option<String> {
        self.unknown.take()
    }
}

/// The name of the key at `at`, for errors.
pub(super) fn name_at(text: &str, at: usize) -> String {
    let bytes = text.as_bytes();
    let mut name = String::new();
    if let Ok((end, _)) = skip::string(bytes, at + 1) {
        unescape(text.get(at + 1..end - 1).unwrap_or_default(), &mut name);
    }
    name
}
