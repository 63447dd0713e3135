//! The selected columns of a table: the expressions that select them, and the writers of their values.

use melisma_postgres::identifier;
use melisma_sdk::{Error, Output, Result, show};

use crate::config::Config;
use crate::copy::Tuple;
use crate::decode::{Decoder, Wrong};
use crate::depth::{self, Depth};
use crate::discovery::Table;

/// The columns that records are made of.
#[derive(Debug)]
pub(crate) struct Columns {
    /// What stands between `select` and `from`; the table is `t`.
    pub(crate) list: String,
    /// For each property of the stream, in its order.
    slots: Vec<Slot>,
    /// Those that are arrays.
    depths: Vec<Depth>,
}

#[derive(Debug)]
struct Slot {
    name: Box<str>,
    /// `None`: not selected.
    decoder: Option<Decoder>,
}

impl Columns {
    /// Those that the catalog selects.
    pub(crate) fn new(table: &Table, output: &Output<'_>, settings: &Config) -> Self {
        let mut list = String::new();
        let mut slots = Vec::with_capacity(table.columns.len());
        let mut depths = Vec::new();
        let mut place = 0;
        for (column, property) in table.columns.iter().zip(output.columns()) {
            let mut decoder = None;
            if property.selected {
                let (kind, schema) = (&column.kind, &property.schema);
                depths.extend(Depth::of(place, &column.name, kind, schema, &settings.values));
                place += 1;
                if !list.is_empty() {
                    list.push_str(", ");
                }
                list.push_str("t.");
                list.push_str(&identifier(&column.name));
                list.push_str(column.kind.cast().unwrap_or_default());
                decoder = Some(Decoder::of(&column.kind, &settings.values));
            }
            let name = column.name.as_str().into();
            slots.push(Slot { name, decoder });
        }
        Self { list, slots, depths }
    }

    /// What makes two of them write the same of a row.
    pub(crate) fn identity(&self) -> String {
        format!("{} {:?}", self.list, self.slots)
    }

    /// Where a column is among the values of a row, when it is selected.
    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        let mut selected = self.slots.iter().filter(|slot| slot.decoder.is_some());
        selected.position(|slot| *slot.name == *name)
    }

    /// Writes the record of a row.
    #[inline]
    pub(crate) fn write(&self, mut tuple: Tuple<'_>, output: &mut Output<'_>) -> Result<()> {
        if !self.depths.is_empty() {
            depth::admit(&self.depths, tuple, output)?;
        }
        let mut row = output.row();
        for slot in &self.slots {
            let Some(decoder) = &slot.decoder else {
                row.absent();
                continue;
            };
            let Some(value) = tuple.next() else {
                row.null();
                continue;
            };
            let mut written = Ok(());
            row.write(|out| written = decoder.write(value, out));
            if let Err(wrong) = written {
                return Err(slot.wrong(&wrong));
            }
        }
        row.end()
    }
}

impl Slot {
    #[cold]
    fn wrong(&self, wrong: &Wrong) -> Error {
        Error::input(format!("column {}: {}", show(&self.name), wrong.0))
    }
}
