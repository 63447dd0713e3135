//! What is known of each page of a column chunk, so that readers can skip it.

use parquet::basic::BoundaryOrder;
use parquet::column::page::PageWriteSpec;
use parquet::file::metadata::{ColumnIndexBuilder, LevelHistogram, OffsetIndexBuilder};
use parquet::schema::types::ColumnDescPtr;

use super::value::{LENGTH, Value};

/// The least and the greatest number of a page.
type Bounds = Option<(u32, u32)>;

/// What is known of each page, so that readers can skip it.
pub(super) struct Index {
    columns: ColumnIndexBuilder,
    offsets: OffsetIndexBuilder,
    last: Bounds,
    is_ascending: bool,
    is_descending: bool,
    /// Bytes of all texts.
    pub(super) text_bytes: i64,
}

impl Index {
    pub(super) fn new(leaf: &ColumnDescPtr) -> Self {
        Self {
            columns: ColumnIndexBuilder::new(leaf.physical_type()),
            offsets: OffsetIndexBuilder::new(),
            last: None,
            is_ascending: true,
            is_descending: true,
            text_bytes: 0,
        }
    }

    /// Adds a page of `rows` rows; `numbers` are those of their values in the dictionary, whose order is that of the values.
    pub(super) fn add<V: Value>(&mut self, values: &[V], numbers: &[u32], rows: usize, spec: &PageWriteSpec) {
        let nulls = rows - numbers.len();
        let bounds = numbers.iter().min().copied().zip(numbers.iter().max().copied());
        let value = |number: u32| values[number as usize];
        let (least, most) = bounds
            .map(|(least, most)| (value(least).least(), value(most).most()))
            .unwrap_or_default();
        let nans = V::NAN_COUNT.map(u64::cast_signed);
        self.columns
            .append(bounds.is_none(), least, most, long(nulls), nans);
        self.columns
            .append_histograms(&None, &levels(nulls, numbers.len()));
        self.offsets.append_row_count(long(rows));
        // A page has at most 20,000 numbers.
        let size = (spec.compressed_size as u32).cast_signed();
        self.offsets
            .append_offset_and_size(spec.offset.cast_signed(), size);
        if V::IS_TEXT {
            let length = |number: &u32| values[*number as usize].size() - LENGTH;
            let bytes = long(numbers.iter().map(length).sum());
            self.offsets.append_unencoded_byte_array_data_bytes(Some(bytes));
            self.text_bytes += bytes;
        }
        if let (Some(last), Some(new)) = (self.last, bounds) {
            self.is_ascending &= last.0 <= new.0 && last.1 <= new.1;
            self.is_descending &= last.0 >= new.0 && last.1 >= new.1;
        }
        self.last = bounds.or(self.last);
    }

    pub(super) fn finish(mut self) -> (ColumnIndexBuilder, OffsetIndexBuilder) {
        self.columns
            .set_boundary_order(match (self.is_ascending, self.is_descending) {
                // All bounds the same is ascending, too.
                (true, _) => BoundaryOrder::ASCENDING,
                (false, true) => BoundaryOrder::DESCENDING,
                (false, false) => BoundaryOrder::UNORDERED,
            });
        (self.columns, self.offsets)
    }
}

/// A count as metadata has it.
#[expect(clippy::cast_possible_wrap, reason = "of what is in memory")]
pub(super) fn long(count: usize) -> i64 {
    count as i64
}

/// How many rows have no value, and how many have one.
pub(super) fn levels(nulls: usize, values: usize) -> Option<LevelHistogram> {
    let mut histogram = LevelHistogram::try_new(1)?;
    histogram.increment_by(0, long(nulls));
    histogram.increment_by(1, long(values));
    Some(histogram)
}
