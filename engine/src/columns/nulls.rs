//! The validity bitmap of a column: which of its values are null.

use arrow_buffer::{BooleanBufferBuilder, NullBuffer};

/// Runs of nulls: those that came last are only counted, and nothing more is kept until one comes.
#[derive(Debug, Default)]
pub(super) struct Nulls {
    /// Bits for the values and nulls up to the last null that is not pending.
    valid: Option<BooleanBufferBuilder>,
    pending: usize,
}

impl Nulls {
    #[inline]
    pub(super) fn add(&mut self) {
        self.pending += 1;
    }

    /// Nulls after the last value, for which the column has no values yet.
    #[inline]
    pub(super) fn pending(&self) -> usize {
        self.pending
    }

    /// Notes that nulls are pending no more: they stand after `rows` values and nulls.
    pub(super) fn settle(&mut self, rows: usize) {
        let pending = std::mem::take(&mut self.pending);
        let valid = self
            .valid
            .get_or_insert_with(|| BooleanBufferBuilder::new(rows + pending));
        valid.append_n(rows.saturating_sub(valid.len()), true);
        valid.append_n(pending, false);
    }

    /// Forgets all from the row `to` on; `settled` rows are not pending.
    pub(super) fn truncate(&mut self, to: usize, settled: usize) {
        self.pending = self.pending.min(to.saturating_sub(settled));
        if let Some(valid) = &mut self.valid {
            valid.truncate(to.min(valid.len()));
        }
    }

    /// Takes the bits for `rows` values and nulls out; none may be pending.
    pub(super) fn finish(&mut self, rows: usize) -> Option<NullBuffer> {
        self.valid.take().map(|mut valid| {
            valid.append_n(rows.saturating_sub(valid.len()), true);
            NullBuffer::new(valid.finish())
        })
    }
}
