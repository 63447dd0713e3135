//! The different values of a column, by number.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::value::Value;

/// How many values are found without their hash.
const RECENT: usize = 4096;

/// No value has this number: a dictionary is far smaller.
const NONE: u32 = u32::MAX;

/// Numbers the different values of a column in the order in which they come.
pub(super) struct Distinct<V> {
    pub(super) values: Vec<V>,
    /// Bytes of a dictionary of them.
    pub(super) bytes: usize,
    numbers: HashMap<V, u32, RandomState>,
    /// Values that came lately, each where [`Value::mix`] puts it.
    recent: Box<[(V, u32); RECENT]>,
}

impl<V: Value> Distinct<V> {
    pub(super) fn new() -> Self {
        Self {
            values: Vec::new(),
            bytes: 0,
            numbers: HashMap::default(),
            recent: Box::new([(V::default(), NONE); RECENT]),
        }
    }

    /// The number of a value, which is new or not.
    #[inline]
    pub(super) fn number(&mut self, value: V) -> u32 {
        let place = (value.mix() >> 52) as usize % RECENT;
        let (recent, number) = self.recent[place];
        if recent == value && number != NONE {
            return number;
        }
        self.look_up(value, place)
    }

    #[inline(never)]
    fn look_up(&mut self, value: V, place: usize) -> u32 {
        let next = self.values.len() as u32;
        let number = *self.numbers.entry(value).or_insert(next);
        if number == next {
            self.values.push(value);
            self.bytes += value.size();
        }
        self.recent[place] = (value, number);
        number
    }
}
