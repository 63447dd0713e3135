//! Which column a key names, by the order in which keys came before.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::json::{Syntax, skip, unescape};
use crate::schema::{Metadata, StreamSchema};

/// The column of a property that the schema does not have.
pub(super) const OUTSIDE: usize = usize::MAX;
/// How many keys are looked ahead when the expected one does not come.
const AHEAD: usize = 4;
/// How many properties outside the schema are remembered.
const MAX_OUTSIDE: usize = 1000;

/// The keys of a stream's records.
#[derive(Debug)]
pub(super) struct Keys {
    /// The keys in the order in which they came first.
    steps: Vec<Step>,
    /// The step that is expected next.
    next: usize,
    names: HashMap<Box<str>, Known, RandomState>,
    /// Whether looking ahead has paid of late.
    ahead: i8,
    unknown: Option<String>,
    outside: usize,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    column: usize,
    /// The key's place in `steps`, once it came.
    step: Option<usize>,
}

/// A key as it came: `"name": ` with its quotes, colon and white space.
#[derive(Debug)]
struct Step {
    text: Box<[u8]>,
    column: usize,
    /// The first 16 bytes of the text, and which bits of them count: most keys are compared by these alone.
    start: u128,
    mask: u128,
}

impl Step {
    fn new(text: &[u8], column: usize) -> Self {
        let mut start = [0; 16];
        let short = text.len().min(16);
        start[..short].copy_from_slice(&text[..short]);
        let mask = u128::MAX.checked_shr(128 - 8 * short as u32).unwrap_or(0);
        Self {
            text: text.into(),
            column,
            start: u128::from_le_bytes(start),
            mask,
        }
    }

    /// Whether the text stands at `at`.
    #[inline]
    fn is_at(&self, bytes: &[u8], at: usize) -> bool {
        let rest = bytes.get(at..).unwrap_or_default();
        match rest.first_chunk() {
            Some(start) => {
                (u128::from_le_bytes(*start) ^ self.start) & self.mask == 0
                    && (self.text.len() <= 16 || rest.starts_with(&self.text))
            }
            None => rest.starts_with(&self.text),
        }
    }
}

impl Keys {
    pub(super) fn new(schema: &StreamSchema) -> Self {
        let mut names = HashMap::with_capacity_and_hasher(schema.columns.len(), RandomState::default());
        for (column, found) in schema.columns.iter().enumerate() {
            // What the target fills in by itself is not read from the record, but for the one that is passed on.
            let ours = found
                .metadata
                .is_some_and(|metadata| metadata != Metadata::DeletedAt);
            let column = if ours { OUTSIDE } else { column };
            names.insert(found.name.clone(), Known { column, step: None });
        }
        Self {
            steps: Vec::new(),
            next: 0,
            names,
            ahead: 1,
            unknown: None,
            outside: 0,
        }
    }

    /// Starts a new record.
    #[inline]
    pub(super) fn rewind(&mut self) {
        self.next = 0;
    }

    /// The column of the key at `at`, and where its value starts, or white space before it.
    #[inline]
    pub(super) fn next(&mut self, text: &str, at: usize) -> Result<(usize, usize), Syntax> {
        let bytes = text.as_bytes();
        if let Some(step) = self.steps.get(self.next)
            && step.is_at(bytes, at)
        {
            self.next += 1;
            return Ok((step.column, at + step.text.len()));
        }
        self.miss(text, at)
    }

    #[inline(never)]
    fn miss(&mut self, text: &str, at: usize) -> Result<(usize, usize), Syntax> {
        let bytes = text.as_bytes();
        if self.ahead > 0 {
            for skipped in 1..=AHEAD {
                if let Some(step) = self.steps.get(self.next + skipped)
                    && step.is_at(bytes, at)
                {
                    self.next += skipped + 1;
                    self.ahead = (self.ahead + 1).min(16);
                    return Ok((step.column, at + step.text.len()));
                }
            }
            self.ahead -= 1;
        }
        let at = skip::space(bytes, at);
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
        let column = if escaped {
            let mut name = String::new();
            unescape(raw, &mut name);
            self.find(&name, &bytes[at..value])
        } else {
            self.find(raw, &bytes[at..value])
        };
        Ok((column, value))
    }

    /// Looks a name up, and puts `written` into the order of keys when it has no place there yet.
    fn find(&mut self, name: &str, written: &[u8]) -> usize {
        if let Some(known) = self.names.get_mut(name) {
            let column = known.column;
            match known.step {
                Some(step) => {
                    let place = &mut self.steps[step];
                    if *place.text != *written {
                        *place = Step::new(written, column);
                    }
                    self.next = step + 1;
                }
                None => {
                    known.step = Some(self.steps.len());
                    self.learn(written, column);
                }
            }
            return column;
        }
        if self.outside < MAX_OUTSIDE {
            self.outside += 1;
            self.unknown = Some(name.to_owned());
            self.names.insert(
                name.into(),
                Known {
                    column: OUTSIDE,
                    step: Some(self.steps.len()),
                },
            );
            self.learn(written, OUTSIDE);
        }
        OUTSIDE
    }

    fn learn(&mut self, written: &[u8], column: usize) {
        self.steps.push(Step::new(written, column));
        self.next = self.steps.len();
    }

    /// The name outside the schema that the last lookup saw for the first time.
    pub(super) fn take_unknown(&mut self) -> Option<String> {
        self.unknown.take()
    }
}

/// The name of the key at `at`, for errors.
pub(super) fn name_at(text: &str, at: usize) -> String {
    let bytes = text.as_bytes();
    let at = skip::space(bytes, at);
    let mut name = String::new();
    if let Ok((end, _)) = skip::string(bytes, at + 1) {
        unescape(text.get(at + 1..end - 1).unwrap_or_default(), &mut name);
    }
    name
}
