//! The encoder trait: turns decoded rows into the batches that a sink writes.

use crate::cell::Row;
use crate::columns::Columns;
use crate::copied;
use crate::error::Result;

/// Turns rows into batches of the form that a sink wants: Arrow columns, COPY text, CSV, raw lines.
///
/// It runs on the decoding thread; the batches it makes go to the writing thread.
pub trait Encoder: Send {
    /// What the sink writes.
    type Batch: Send;

    /// Whether it asks rows for what their strings stand for ([`Row::text`]), which the decoder then finds out by the way.
    const READS_TEXT: bool = false;

    /// Whether it asks for the cells of rows that are [`untouched`](Row::untouched), too. Where it only passes their records
    /// on, they need not have any; those with `_sdc_` columns have them in any case.
    const READS_CELLS: bool = true;

    /// The columns that its rows end in, if they are pushed there as they come: the decoder then puts values right into
    /// them ([`Decoder::decode_into`](crate::decode::Decoder::decode_into)).
    fn columns(&mut self) -> Option<&mut Columns> {
        None
    }

    /// Adds a row.
    ///
    /// An error of [`Kind::Input`](crate::error::Kind::Input) refuses this record alone: the encoder must then be
    /// as if the row had never been there. `on_invalid` decides what becomes of the record.
    fn push(&mut self, row: &Row<'_>) -> Result<()>;

    /// Rows may come as lines of COPY with these fields ([`copied`]). Returns whether they are to come by
    /// [`push_copied`](Encoder::push_copied), and not as records.
    fn takes_copied(&mut self, columns: &[copied::Column]) -> bool {
        let _ = columns;
        false
    }

    /// Adds a row whose fields are those of [`takes_copied`](Encoder::takes_copied). `row` has the `_sdc_` cells, if there
    /// are such columns, and no others. Returns `false` for a row that is to come as a record instead: then it must be as if
    /// the row had never been there. Errors are as those of [`push`](Encoder::push).
    fn push_copied(&mut self, fields: &str, row: &Row<'_>) -> Result<bool> {
        let _ = (fields, row);
        Ok(false)
    }

    /// The same of tuples: whether rows are to come by [`push_tuple`](Encoder::push_tuple) first.
    fn takes_tuples(&mut self, columns: &[copied::Column]) -> bool {
        let _ = columns;
        false
    }

    /// Adds a row that comes as a tuple of [`takes_tuples`](Encoder::takes_tuples)' columns. Returns `false` for one that is
    /// to come as fields or as a record instead, be it that its bytes are no tuple: then it must be as if the row had never
    /// been there. Errors are as those of [`push`](Encoder::push).
    fn push_tuple(&mut self, tuple: &[u8], row: &Row<'_>) -> Result<bool> {
        let _ = (tuple, row);
        Ok(false)
    }

    /// Rows since the last [`finish`](Encoder::finish).
    fn rows(&self) -> usize;

    /// Bytes of memory that the rows since the last [`finish`](Encoder::finish) take, roughly.
    fn bytes(&self) -> usize;

    /// Takes the rows out as a batch.
    fn finish(&mut self) -> Result<Self::Batch>;
}
