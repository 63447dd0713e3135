//! Rows that wait for their row group, in memory or in a temporary file.
//!
//! All streams together have a number of bytes in memory (an eighth of `memory_budget_bytes`). When they take more, the
//! rows of the largest go to one temporary file, and come back when their row group is written. With few streams that
//! never happens: a row group is complete before.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};

use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_select::concat::concat_batches;
use melisma_sdk::arrow::array::RecordBatch;
use melisma_sdk::arrow::schema::ArrowError;
use melisma_sdk::files::{Files, Piece, Scratch};
use melisma_sdk::{Error, Result};

/// What a column of a batch takes beside its values: its array, and the counts and sizes of its buffers.
const COLUMN: usize = 256;

/// What files may have in memory however small the budget is: a file for each row group would be worse.
const LEAST_METADATA: usize = 1 << 20;

/// What the streams of a run share.
#[derive(Debug)]
pub(crate) struct Memory {
    files: Arc<Files>,
    /// Bytes that waiting rows may take.
    limit: usize,
    used: AtomicUsize,
    streams: Mutex<Vec<Weak<Rows>>>,
    /// Made when it is needed.
    scratch: Mutex<Option<Scratch>>,
    /// Bytes that a row group may take while it is encoded.
    group_limit: usize,
    /// Row groups that may be encoded at the same time, less those that are.
    encoders: Mutex<usize>,
    encoded: Condvar,
    /// Bytes that files which are not complete have in memory.
    pub(crate) metadata: AtomicUsize,
}

impl Memory {
    /// Rows take as much while they wait as while they are encoded, by as many threads.
    pub(crate) fn new(files: Arc<Files>, limit: usize, encoders: usize) -> Arc<Self> {
        Arc::new(Self {
            files,
            limit,
            group_limit: (limit / encoders.max(1)).max(1),
            used: AtomicUsize::new(0),
            streams: Mutex::default(),
            scratch: Mutex::default(),
            encoders: Mutex::new(encoders.max(1)),
            encoded: Condvar::new(),
            metadata: AtomicUsize::new(0),
        })
    }

    /// Whether files have so much in memory that one with a row group had better be complete.
    pub(crate) fn is_full_of_metadata(&self) -> bool {
        self.metadata.load(Ordering::Relaxed) > (self.limit / 2).max(LEAST_METADATA)
    }

    /// Bytes that a row group may take.
    pub(crate) fn group_limit(&self) -> usize {
        self.group_limit
    }

    /// The rows of one more stream.
    pub(crate) fn rows(self: &Arc<Self>) -> Arc<Rows> {
        let rows = Arc::new(Rows {
            memory: Arc::clone(self),
            bytes: AtomicUsize::new(0),
            waiting: Mutex::default(),
        });
        lock(&self.streams).push(Arc::downgrade(&rows));
        rows
    }

    /// Waits until a row group may be encoded.
    pub(crate) fn encoder(self: &Arc<Self>) -> Turn {
        let mut free = lock(&self.encoders);
        while *free == 0 {
            free = self.encoded.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= 1;
        Turn(Arc::clone(self))
    }

    /// When rows take more than they may, those of the largest streams go to the disk until they take half of it.
    pub(crate) fn relieve(&self) -> Result<()> {
        if self.used.load(Ordering::Relaxed) <= self.limit {
            return Ok(());
        }
        let mut largest: Vec<(usize, Arc<Rows>)> = {
            let mut streams = lock(&self.streams);
            streams.retain(|rows| rows.strong_count() > 0);
            let living = streams.iter().filter_map(Weak::upgrade);
            living
                .map(|rows| (rows.bytes.load(Ordering::Relaxed), rows))
                .collect()
        };
        largest.sort_unstable_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
        for (bytes, rows) in largest {
            if bytes == 0 || self.used.load(Ordering::Relaxed) <= self.limit / 2 {
                break;
            }
            rows.spill()?;
        }
        Ok(())
    }

    fn write(&self, batch: &RecordBatch) -> Result<Piece> {
        let mut scratch = lock(&self.scratch);
        if scratch.is_none() {
            *scratch = Some(self.files.scratch()?);
        }
        let scratch = scratch
            .as_mut()
            .ok_or_else(|| Error::bug("a temporary file was made, but is not there"))?;
        scratch.add(|out| {
            let mut writer =
                StreamWriter::try_new(out, &batch.schema()).map_err(|error| broken("write", error))?;
            writer
                .write(batch)
                .and_then(|()| writer.finish())
                .map_err(|error| broken("write", error))
        })
    }

    fn read(&self, piece: &Piece) -> Result<Vec<RecordBatch>> {
        let mut scratch = lock(&self.scratch);
        let scratch = scratch
            .as_mut()
            .ok_or_else(|| Error::bug("a temporary file is gone"))?;
        scratch.take(piece, |from| {
            let reader = StreamReader::try_new(from, None).map_err(|error| broken("read", error))?;
            reader
                .collect::<Result<_, _>>()
                .map_err(|error| broken("read", error))
        })
    }
}

/// What a batch takes in memory.
pub(crate) fn size(batch: &RecordBatch) -> usize {
    batch.get_array_memory_size() + batch.num_columns() * COLUMN
}

/// The right to encode a row group.
#[derive(Debug)]
pub(crate) struct Turn(Arc<Memory>);

impl Drop for Turn {
    fn drop(&mut self) {
        *lock(&self.0.encoders) += 1;
        self.0.encoded.notify_one();
    }
}

/// The rows of one stream that are in no row group yet.
#[derive(Debug)]
pub(crate) struct Rows {
    memory: Arc<Memory>,
    /// Those in memory.
    bytes: AtomicUsize,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Older than those in memory.
    on_disk: Vec<Piece>,
    in_memory: Vec<RecordBatch>,
    rows: usize,
    /// All of them.
    bytes: usize,
}

impl Rows {
    /// Adds rows that take `bytes`; returns how many rows and bytes there are.
    pub(crate) fn push(&self, batch: RecordBatch, bytes: usize) -> (usize, usize) {
        let mut waiting = lock(&self.waiting);
        waiting.rows += batch.num_rows();
        waiting.bytes += bytes;
        waiting.in_memory.push(batch);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.memory.used.fetch_add(bytes, Ordering::Relaxed);
        (waiting.rows, waiting.bytes)
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        lock(&self.waiting).rows
    }

    /// Takes all rows out, in their order.
    pub(crate) fn take(&self) -> Result<Vec<RecordBatch>> {
        let Waiting {
            on_disk, in_memory, ..
        } = {
            let mut waiting = lock(&self.waiting);
            self.forget();
            std::mem::take(&mut *waiting)
        };
        let mut batches = Vec::with_capacity(on_disk.len() + in_memory.len());
        for piece in &on_disk {
            batches.append(&mut self.memory.read(piece)?);
        }
        batches.extend(in_memory);
        Ok(batches)
    }

    /// Brings the rows in memory to the disk.
    fn spill(&self) -> Result<()> {
        let mut waiting = lock(&self.waiting);
        let piece = match waiting.in_memory.as_slice() {
            [] => return Ok(()),
            [only] => self.memory.write(only)?,
            [first, ..] => {
                let one = concat_batches(&first.schema(), &waiting.in_memory);
                self.memory.write(
                    &one.map_err(|error| Error::bug("batches of one stream do not fit").with_source(error))?,
                )?
            }
        };
        waiting.on_disk.push(piece);
        waiting.in_memory = Vec::new();
        self.forget();
        Ok(())
    }

    /// None is in memory any more.
    fn forget(&self) {
        let bytes = self.bytes.swap(0, Ordering::Relaxed);
        self.memory.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        self.forget();
    }
}

fn broken(what: &str, error: ArrowError) -> Error {
    match error {
        ArrowError::IoError(_, error) => Error::io(format!("cannot {what} a temporary file"), error),
        error => Error::bug(format!("cannot {what} rows in a temporary file")).with_source(error),
    }
}

/// Counts and lists are whole after every statement, so a panic elsewhere leaves nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
