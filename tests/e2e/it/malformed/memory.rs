//! A destination in memory, and what a run over it came to.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use melisma_engine::pipeline::{self, ActivateVersion, Limits, Options};
use melisma_engine::rows::{RowBatch, Rows};
use melisma_engine::schema::{DataType, StreamSchema};
use melisma_engine::sink::{Destination, Sink};
use melisma_engine::{Error, Result};
use melisma_properties::decode::is_cell_of;
use melisma_properties::reference;

/// Rows that are durable, by stream, each as the text of its record.
pub(super) type Held = BTreeMap<String, Vec<String>>;

#[derive(Default)]
struct World {
    held: Held,
    emitted: Vec<Told>,
}

/// A STATE that was emitted.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) value: String,
    /// How many rows of each stream were durable then.
    pub(super) held: BTreeMap<String, usize>,
}

/// What a run came to.
pub(super) struct Outcome {
    pub(super) result: Result<()>,
    pub(super) held: Held,
    pub(super) emitted: Vec<Told>,
}

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<World>>);

impl Memory {
    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Small batches and every STATE at once: what there is to get wrong happens within a few lines.
pub(super) fn options() -> Options {
    Options {
        limits: Limits {
            rows: 3,
            ..Limits::default()
        },
        state_interval: Duration::ZERO,
        activate_version: ActivateVersion::Ignore,
        ..Options::default()
    }
}

/// Runs the pipeline over these bytes.
pub(super) fn run(input: &[u8]) -> Outcome {
    run_on(Cursor::new(input.to_vec()), &options())
}

pub(super) fn run_on(input: impl Read + Send + 'static, options: &Options) -> Outcome {
    let memory = Memory::default();
    let (_, result) = pipeline::run(input, memory.clone(), &memory, options, &(), &());
    let world = std::mem::take(&mut *memory.world());
    Outcome {
        result,
        held: world.held,
        emitted: world.emitted,
    }
}

/// Stands for stdout.
impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let line = std::str::from_utf8(bytes).expect("UTF-8");
        let value = line.strip_suffix('\n').expect("a whole line").to_owned();
        let mut world = self.world();
        let held = world
            .held
            .iter()
            .map(|(stream, rows)| (stream.clone(), rows.len()))
            .collect();
        world.emitted.push(Told { value, held });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Destination for Memory {
    type Plan = StreamSchema;
    type Encoder = Rows;
    type Worker = ();
    type Sink = MemorySink;

    fn plan(&self, schema: &Arc<StreamSchema>, _: Option<&Arc<StreamSchema>>) -> Result<Arc<StreamSchema>> {
        Ok(Arc::clone(schema))
    }

    fn encoder(&self, schema: &Arc<StreamSchema>) -> Result<Rows> {
        Ok(Rows::new(schema))
    }

    fn worker(&self) -> Result<()> {
        Ok(())
    }

    fn sink(&self, (): &mut (), schema: &Arc<StreamSchema>) -> Result<MemorySink> {
        Ok(MemorySink {
            memory: self.clone(),
            stream: schema.stream.to_string(),
            open: Vec::new(),
        })
    }
}

struct MemorySink {
    memory: Memory,
    stream: String,
    open: Vec<String>,
}

impl Sink for MemorySink {
    type Batch = RowBatch;
    type Plan = StreamSchema;
    type Worker = ();

    /// Takes the rows, if their cells are what a naive reader of JSON finds in their records.
    fn write(&mut self, (): &mut (), batch: RowBatch) -> Result<()> {
        for row in batch.rows() {
            let text = row.record();
            // Records of a megabyte are not read a second time.
            let record = (text.len() < 1 << 16)
                .then(|| reference::parse(text, 128))
                .flatten();
            for (column, cell) in batch.schema().columns.iter().zip(row.cells()) {
                let integer = matches!(column.data_type, DataType::Integer { .. });
                let is_right = record
                    .as_ref()
                    .is_none_or(|record| is_cell_of(&cell, record.get(&column.name), integer));
                if !is_right {
                    return Err(Error::bug(format!("{}: {cell:?} in {text}", column.name)));
                }
            }
            self.open.push(text.to_owned());
        }
        Ok(())
    }

    fn commit(&mut self, (): &mut ()) -> Result<()> {
        let rows = std::mem::take(&mut self.open);
        let mut world = self.memory.world();
        world.held.entry(self.stream.clone()).or_default().extend(rows);
        Ok(())
    }

    fn change_plan(&mut self, (): &mut (), _: &Arc<StreamSchema>) -> Result<()> {
        Ok(())
    }
}
