//! A file and its row groups, which are encoded column by column.
//!
//! An encoder of a column takes some 200 KB before it has seen a value, and more than 1 MB once it compresses: for a
//! row group whose columns are all encoded at the same time, and for one open row group a stream, that is gigabytes
//! where streams and columns are many. So rows wait as Arrow columns until their row group is complete; then each
//! column has its encoder in turn, a few of them at a time where there are cores for it.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::{iter, thread};

use melisma_sdk::arrow::array::{ArrayRef, RecordBatch};
use melisma_sdk::arrow::schema::SchemaRef;
use melisma_sdk::files::Partial;
use melisma_sdk::{Error, Kind, Result};
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

use crate::column::{Chunk, Column, Properties};
use crate::rows::size;

/// Row groups that are smaller are encoded where they are: a thread would take longer to start than it saves.
pub(crate) const WORTH_A_THREAD: usize = 1 << 20;

/// Each column that is encoded takes more than 1 MB, which no setting counts.
const MOST_THREADS: usize = 4;

/// What a column of a row group leaves in memory until its file is complete: statistics, offsets, sizes.
const METADATA: usize = 1 << 10;

/// A file under its temporary name, and the row groups that it has so far.
pub(crate) struct OpenFile {
    writer: SerializedFileWriter<Partial>,
    columns: Vec<Column>,
    properties: Properties,
    groups: usize,
}

impl OpenFile {
    /// Begins a file with these columns.
    pub(crate) fn begin(file: Partial, columns: &SchemaRef, properties: WriterProperties) -> Result<Self> {
        let path = file.path().to_owned();
        let begin = || -> Result<Self, ParquetError> {
            // It knows how Arrow's schema becomes Parquet's, and puts both into the file.
            let plain = properties.clone().into_builder();
            let plain = Arc::new(plain.set_dictionary_enabled(false).build());
            let writer = ArrowWriter::try_new(file, Arc::clone(columns), Some(properties))?;
            let (writer, _) = writer.into_serialized_writer()?;
            let with_dictionary = Arc::clone(writer.properties());
            let root = writer.schema_descr().root_schema();
            let fields = columns.fields().iter().zip(root.get_fields());
            let columns = fields
                .map(|(arrow, parquet)| Column::new(root.name(), arrow, parquet))
                .collect::<Result<_, ParquetError>>()?;
            Ok(Self {
                writer,
                columns,
                properties: Properties {
                    with_dictionary,
                    plain,
                },
                groups: 0,
            })
        };
        begin().map_err(|error| cannot_write(&path.display().to_string(), error))
    }

    /// Writes rows as one row group. The rows of a column are gone once it is encoded: those that come next take their memory.
    pub(crate) fn write(&mut self, batches: Vec<RecordBatch>) -> Result<()> {
        let path = self.writer.inner().path().display().to_string();
        self.write_group(batches)
            .map_err(|error| cannot_write(&path, error))
    }

    fn write_group(&mut self, batches: Vec<RecordBatch>) -> Result<(), ParquetError> {
        let (columns, properties) = (&self.columns, &self.properties);
        let (order, threads) = (largest_first(&batches, columns.len()), threads(&batches));
        let rows = by_column(batches, columns.len());
        let encode = |at: usize| {
            let arrays = std::mem::take(&mut *rows[at].lock().unwrap_or_else(PoisonError::into_inner));
            columns[at].encode(&arrays, properties)
        };
        let mut group = self.writer.next_row_group()?;
        let mut have_paid = Vec::with_capacity(columns.len());
        let append = |chunk: Chunk| {
            have_paid.push(chunk.has_paid());
            chunk.append_to(&mut group)
        };
        side_by_side(&order, threads, encode, append)?;
        group.close()?;
        for (column, has_paid) in self.columns.iter_mut().zip(have_paid) {
            column.learn(has_paid);
        }
        self.groups += 1;
        Ok(())
    }

    /// Bytes of memory that the row groups so far take until the file is complete, roughly.
    pub(crate) fn metadata(&self) -> usize {
        self.groups * self.columns.len() * METADATA
    }

    /// Ends the file, which has no name yet.
    pub(crate) fn finish(self) -> Result<Partial> {
        let path = self.writer.inner().path().display().to_string();
        self.writer
            .into_inner()
            .map_err(|error| cannot_write(&path, error))
    }
}

/// How many columns of a row group are encoded at the same time.
fn threads(batches: &[RecordBatch]) -> usize {
    if batches.iter().map(size).sum::<usize>() < WORTH_A_THREAD {
        return 1;
    }
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    cores.min(MOST_THREADS)
}

/// The arrays of each column.
fn by_column(batches: Vec<RecordBatch>, columns: usize) -> Vec<Mutex<Vec<ArrayRef>>> {
    let count = batches.len();
    let mut rows: Vec<Vec<ArrayRef>> = (0..columns).map(|_| Vec::with_capacity(count)).collect();
    for batch in batches {
        let (_, arrays, _) = batch.into_parts();
        for (column, array) in rows.iter_mut().zip(arrays) {
            column.push(array);
        }
    }
    rows.into_iter().map(Mutex::new).collect()
}

/// The columns, those with the most bytes first: begun last, a long one would keep one thread busy while the others wait.
fn largest_first(batches: &[RecordBatch], columns: usize) -> Vec<usize> {
    let bytes = |at: usize| {
        let of_batch = |batch: &RecordBatch| batch.column(at).get_array_memory_size();
        batches.iter().map(of_batch).sum::<usize>()
    };
    let mut order: Vec<usize> = (0..columns).collect();
    order.sort_by_cached_key(|at| Reverse(bytes(*at)));
    order
}

/// Makes the things of these numbers, from 0 on, on several threads; they are begun in the order of the list, and handed on in
/// the order of their numbers.
fn side_by_side<T: Send>(
    order: &[usize],
    threads: usize,
    make: impl Fn(usize) -> Result<T, ParquetError> + Sync,
    mut take: impl FnMut(T) -> Result<(), ParquetError>,
) -> Result<(), ParquetError> {
    if threads.min(order.len()) < 2 {
        return (0..order.len()).try_for_each(|at| take(make(at)?));
    }
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let (send, results) = mpsc::sync_channel(threads);
        for _ in 0..threads {
            let (send, next, make) = (send.clone(), &next, &make);
            let work = move || {
                let mut places = iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
                // After a failure the receiver is gone.
                while let Some(at) = places.next().and_then(|place| order.get(place))
                    && send.send((*at, make(*at))).is_ok()
                {}
            };
            thread::Builder::new()
                .name("column".to_owned())
                .spawn_scoped(scope, work)?;
        }
        drop(send);
        let (mut early, mut due) = (BTreeMap::new(), 0);
        for (at, thing) in results {
            early.insert(at, thing?);
            while let Some(thing) = early.remove(&due) {
                take(thing)?;
                due += 1;
            }
        }
        Ok(())
    })
}

fn cannot_write(path: &str, error: ParquetError) -> Error {
    Error::new(Kind::Io, format!("cannot write {path}")).with_source(error)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_made_side_by_side_is_taken_in_order() {
        for threads in [1, 2, 7] {
            for count in [0, 1, 2, 20] {
                let make = |at: usize| {
                    // The later ones are sooner ready.
                    thread::sleep(Duration::from_micros(200 * (count - at) as u64));
                    Ok(at)
                };
                let numbers: Vec<usize> = (0..count).collect();
                for order in [numbers.clone(), numbers.iter().rev().copied().collect()] {
                    let mut taken = Vec::new();
                    let take = |at| {
                        taken.push(at);
                        Ok(())
                    };
                    side_by_side(&order, threads, make, take).expect("made");
                    assert_eq!(taken, numbers);
                }
            }
        }
    }

    #[test]
    fn the_first_failure_ends_it() {
        let failed = |at: usize| ParquetError::General(format!("{at} failed"));
        let make = |at: usize| if at == 3 { Err(failed(at)) } else { Ok(at) };
        let order: Vec<usize> = (0..1_000).collect();
        let outcome = side_by_side(&order, 4, make, |_| Ok(()));
        assert!(outcome.expect_err("one failed").to_string().contains("3 failed"));
        let taken = side_by_side(
            &order,
            4,
            Ok,
            |at: usize| if at == 5 { Err(failed(at)) } else { Ok(()) },
        );
        assert!(
            taken
                .expect_err("one was not taken")
                .to_string()
                .contains("5 failed")
        );
    }
}
