//! The rows of a column, each as the number of its value.

use arrow_buffer::NullBuffer;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnDescPtr;

use super::codec::Codec;
use super::distinct::Distinct;
use super::index::long;
use super::pages::Pages;
use super::value::Value;
use super::{Outcome, hybrid, pays};

/// The most bytes of a dictionary: readers keep it in memory while they read the column.
const MOST_BYTES: usize = 1 << 20;

/// The rows of a column.
pub(super) struct Rows<V> {
    distinct: Distinct<V>,
    /// The numbers of the values, without nulls.
    numbers: Vec<u32>,
    /// Which rows have a value; empty as long as all have.
    valid: Vec<bool>,
}

impl<V: Value> Rows<V> {
    pub(super) fn new() -> Self {
        Self {
            distinct: Distinct::new(),
            numbers: Vec::new(),
            valid: Vec::new(),
        }
    }

    /// Adds rows; returns whether the dictionary is still small enough.
    pub(super) fn push(
        &mut self,
        values: impl ExactSizeIterator<Item = V>,
        nulls: Option<&NullBuffer>,
    ) -> bool {
        let (before, added) = (self.len(), values.len());
        let distinct = &mut self.distinct;
        self.numbers.reserve(added);
        if let Some(nulls) = nulls.filter(|nulls| nulls.null_count() > 0) {
            self.valid.resize(before, true);
            self.valid.extend(nulls.iter());
            let values = values
                .zip(nulls.iter())
                .filter_map(|(value, is_valid)| is_valid.then_some(value));
            self.numbers.extend(values.map(|value| distinct.number(value)));
        } else {
            self.numbers.extend(values.map(|value| distinct.number(value)));
            if !self.valid.is_empty() {
                self.valid.resize(before + added, true);
            }
        }
        self.distinct.bytes <= MOST_BYTES
    }

    fn len(&self) -> usize {
        if self.valid.is_empty() {
            self.numbers.len()
        } else {
            self.valid.len()
        }
    }

    pub(super) fn encode(
        mut self,
        leaf: &ColumnDescPtr,
        properties: &WriterProperties,
    ) -> Result<Outcome, ParquetError> {
        let compression = properties.compression(leaf.path());
        let codec = Codec::new(compression)?;
        let has_bounds = self.distinct.values.iter().all(|value| value.is_bound());
        let (Some(codec), true, false) = (codec, has_bounds, self.numbers.is_empty()) else {
            return Ok(Outcome::Other);
        };
        if !self.is_worth_it() {
            return Ok(Outcome::TooManyValues);
        }
        self.sort();
        let pages = Pages::new(&self.distinct.values, codec);
        pages.write(self.len(), &self.numbers, &self.valid, leaf, properties)
    }

    fn is_worth_it(&self) -> bool {
        let values = &self.distinct.values;
        let plain: usize = if V::IS_TEXT {
            self.numbers
                .iter()
                .map(|number| values[*number as usize].size())
                .sum()
        } else {
            self.numbers.len() * V::default().size()
        };
        let numbers = self.numbers.len() * usize::from(hybrid::width(values.len())) / 8;
        pays(long(self.distinct.bytes + numbers), long(plain))
    }

    /// Numbers the values anew, in their order: bounds are then those of the numbers.
    fn sort(&mut self) {
        let values = &mut self.distinct.values;
        let mut order: Vec<u32> = (0..values.len() as u32).collect();
        order.sort_unstable_by(|one, other| values[*one as usize].order(values[*other as usize]));
        let mut places = vec![0; values.len()];
        for (place, number) in order.iter().enumerate() {
            places[*number as usize] = place as u32;
        }
        *values = order.iter().map(|number| values[*number as usize]).collect();
        for number in &mut self.numbers {
            *number = places[*number as usize];
        }
    }
}
