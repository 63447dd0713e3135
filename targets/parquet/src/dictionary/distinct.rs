//! The different values of a column, by number.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::value::Value;

/// How many values are found without their hash.
const RECENT: usize = 4096;

/// Numbers the different values of a column in the order in which they come.
pub(super) struct Distinct<V> {
    pub(super) values: Vec<V>,
    /// Bytes of a dictionary of them.
    pub(super) bytes: usize,
    numbers: HashMap<V, u32, RandomState>,
    /// The numbers of values that came lately, each where [`Value::mix`] puts it.
    recent: Box<[u32; RECENT]>,
}

impl<V: Value> Distinct<V> {
    pub(super) fn new() -> Self {
        Self {
            values: Vec::new(),
            bytes: 0,
            numbers: HashMap::default(),
            recent: Box::new([0; RECENT]),
        }
    }

    /// The number of a value, which is new or not.
    #[inline]
    pub(super) fn number(&mut self, value: V) -> u32 {
        let place = (value.mix() >> 52) as usize % RECENT;
        let number = self.recent[place];
        if self.values.get(number as usize) == Some(&value) {
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
        self.recent[place] = number;
        number
    }
}
