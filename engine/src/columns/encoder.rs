//! Columns as an encoder: rows in, record batches out.

use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};

use super::Columns;
use super::absent::Absent;
use super::column::Column;
use super::copied::CopiedFields;
use crate::cell::Row;
use crate::copied;
use crate::encode::Encoder;
use crate::error::{Error, Result};

impl Encoder for Columns {
    type Batch = RecordBatch;

    const READS_TEXT: bool = true;

    fn columns(&mut self) -> Option<&mut Columns> {
        Some(self)
    }

    fn push(&mut self, row: &Row<'_>) -> Result<()> {
        if row.taken.0 {
            return self.push_left(row);
        }
        self.roll_back_open();
        for (at, (column, cell)) in self.columns.iter_mut().zip(&row.cells).enumerate() {
            if let Err(refused) = column.push(cell, row)
                && !column.replace(&refused)
            {
                return Err(self.refuse(at, &refused));
            }
        }
        self.note_absent(row.cells.iter().enumerate())?;
        self.rows += 1;
        Ok(())
    }

    fn takes_copied(&mut self, fields: &[copied::Column]) -> bool {
        self.copied = CopiedFields::of(self, fields);
        self.copied.is_some()
    }

    fn push_copied(&mut self, fields: &str, row: &Row<'_>) -> Result<bool> {
        self.roll_back_open();
        let Some(mut copied) = self.copied.take() else {
            return Ok(false);
        };
        let pushed = copied.push(self, fields, row);
        self.copied = Some(copied);
        pushed
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn bytes(&self) -> usize {
        let absent = self.absent.as_ref().map_or(0, Absent::bytes);
        self.columns.iter().map(Column::bytes).sum::<usize>() + absent
    }

    fn finish(&mut self) -> Result<RecordBatch> {
        self.roll_back_open();
        self.warn_replaced();
        let rows = std::mem::take(&mut self.rows);
        let mut arrays = self
            .columns
            .iter_mut()
            .map(Column::finish)
            .collect::<Result<Vec<_>>>()?;
        if let Some(absent) = &mut self.absent {
            arrays.push(Arc::new(absent.finish()?));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)
            .map_err(|error| Error::bug("columns that do not fit their schema").with_source(error))
    }
}
