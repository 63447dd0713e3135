//! Which values of a column are null.

use arrow_buffer::{BooleanBufferBuilder, NullBuffer};

/// Nothing is kept until the first null comes.
#[derive(Debug, Default)]
pub(super) struct Nulls {
    valid: Option<BooleanBufferBuilder>,
}

impl Nulls {
    /// A value that is none.
    #[inline]
    pub(super) fn add_valid(&mut self) {
        if let Some(valid) = &mut self.valid {
            valid.append(true);
        }
    }

    /// A null after `rows` values.
    pub(super) fn add_null(&mut self, rows: usize) {
        let valid = self.valid.get_or_insert_with(|| {
            let mut valid = BooleanBufferBuilder::new(rows + 1);
            valid.append_n(rows, true);
            valid
        });
        valid.append(false);
    }

    /// Forgets the values from `rows` on.
    pub(super) fn truncate(&mut self, rows: usize) {
        if let Some(valid) = &mut self.valid {
            valid.truncate(rows.min(valid.len()));
        }
    }

    /// Takes the bits out.
    pub(super) fn finish(&mut self) -> Option<NullBuffer> {
        self.valid.take().map(|mut valid| NullBuffer::new(valid.finish()))
    }
}
