//! The files of one stream.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};

use melisma_sdk::arrow::array::RecordBatch;
use melisma_sdk::arrow::schema::SchemaRef;
use melisma_sdk::files::{Partial, Parts};
use melisma_sdk::{ColumnOptions, Columns, Error, Result, Sink, StreamSchema};
use parquet::file::properties::WriterProperties;

use crate::group::{OpenFile, WORTH_A_THREAD};
use crate::numbered::Numbered;
use crate::rows::{Memory, Rows, size};

/// How files are made, for all streams.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    pub(crate) columns: ColumnOptions,
    pub(crate) properties: WriterProperties,
    /// The most rows of a row group.
    pub(crate) group_rows: usize,
    /// The bytes, in memory, after which a row group ends.
    pub(crate) group_bytes: usize,
}

/// Writes one stream.
pub struct ParquetSink {
    names: Names,
    form: Form,
    memory: Arc<Memory>,
    /// The schema of the rows that come next. Its columns are made anew for each file: kept for every stream, they would
    /// take more than the rows of most.
    schema: Arc<StreamSchema>,
    rows: Arc<Rows>,
    open: Open,
    /// What the open file has in memory, as the others know it.
    metadata: usize,
    /// Complete files that appear at the commit.
    waiting: Vec<Partial>,
}

/// The file that row groups go to.
enum Open {
    None,
    Idle(Box<OpenFile>),
    /// A row group is being encoded, while the next rows come.
    Busy(JoinHandle<Result<OpenFile>>),
}

/// What files are called, and so when they appear.
pub(crate) enum Names {
    /// One for each commit.
    Parts(Parts),
    /// One in place of another, at the end; more when the columns change.
    Replace(Numbered),
}

impl ParquetSink {
    pub(crate) fn new(names: Names, form: Form, memory: &Arc<Memory>, schema: &Arc<StreamSchema>) -> Self {
        Self {
            names,
            form,
            memory: Arc::clone(memory),
            schema: Arc::clone(schema),
            rows: memory.rows(),
            open: Open::None,
            metadata: 0,
            waiting: Vec::new(),
        }
    }

    fn columns(&self, schema: &Arc<StreamSchema>) -> SchemaRef {
        Arc::clone(Columns::new(schema, self.form.columns).schema())
    }

    /// The open file, or a new one; no row group of it is being encoded then.
    fn file(&mut self) -> Result<OpenFile> {
        match std::mem::replace(&mut self.open, Open::None) {
            Open::Idle(file) => Ok(*file),
            Open::Busy(thread) => join(thread),
            Open::None => {
                let file = match &mut self.names {
                    Names::Parts(parts) => parts.begin()?,
                    Names::Replace(names) => Partial::create(&names.next_path()?)?,
                };
                OpenFile::begin(file, &self.columns(&self.schema), self.form.properties.clone())
            }
        }
    }

    /// Writes the rows that wait as a row group; with `behind`, while the next ones come.
    fn write_group(&mut self, behind: bool) -> Result<()> {
        if self.rows.len() == 0 {
            return Ok(());
        }
        let mut file = self.file()?;
        self.count(&file);
        if file.metadata() > 0 && self.memory.is_full_of_metadata() {
            // Row groups of many columns: what is known of them takes more memory than the rows.
            self.waiting.push(file.finish()?);
            file = self.file()?;
            self.count(&file);
        }
        let turn = self.memory.encoder();
        let batches = self.rows.take()?;
        if !behind {
            file.write(batches)?;
            self.open = Open::Idle(Box::new(file));
            return Ok(());
        }
        let encode = move || {
            let _turn = turn;
            file.write(batches).map(|()| file)
        };
        let thread = thread::Builder::new().name("row-group".to_owned()).spawn(encode);
        let thread = thread.map_err(|error| Error::io("cannot start a thread that encodes", error))?;
        self.open = Open::Busy(thread);
        Ok(())
    }

    /// Tells the other streams what the open file has in memory.
    fn count(&mut self, file: &OpenFile) {
        let known = std::mem::replace(&mut self.metadata, file.metadata());
        self.memory.metadata.fetch_add(self.metadata, Ordering::Relaxed);
        self.memory.metadata.fetch_sub(known, Ordering::Relaxed);
    }

    /// Ends the open file with the rows that wait.
    fn close(&mut self) -> Result<()> {
        self.write_group(false)?;
        if !matches!(self.open, Open::None) {
            let file = self.file()?;
            self.waiting.push(file.finish()?);
        }
        self.memory
            .metadata
            .fetch_sub(std::mem::take(&mut self.metadata), Ordering::Relaxed);
        Ok(())
    }

    fn publish(&mut self) -> Result<()> {
        self.waiting.drain(..).try_for_each(Partial::publish)
    }
}

fn join(thread: JoinHandle<Result<OpenFile>>) -> Result<OpenFile> {
    thread
        .join()
        .unwrap_or_else(|_| Err(Error::bug("a thread that encodes panicked")))
}

impl Sink for ParquetSink {
    type Batch = RecordBatch;
    type Plan = StreamSchema;
    type Worker = ();

    fn write(&mut self, (): &mut (), mut batch: RecordBatch) -> Result<()> {
        let row = size(&batch) / batch.num_rows().max(1);
        while batch.num_rows() > 0 {
            let room = self.form.group_rows.saturating_sub(self.rows.len()).max(1);
            let taken = batch.num_rows().min(room);
            let rest = batch.slice(taken, batch.num_rows() - taken);
            let (rows, bytes) = self.rows.push(batch.slice(0, taken), row * taken);
            if rows >= self.form.group_rows || bytes >= self.form.group_bytes {
                self.write_group(bytes >= WORTH_A_THREAD)?;
            }
            batch = rest;
        }
        self.memory.relieve()
    }

    fn commit(&mut self, (): &mut ()) -> Result<()> {
        match self.names {
            Names::Parts(_) => self.close().and_then(|()| self.publish()),
            Names::Replace(_) => Ok(()),
        }
    }

    /// A file has one set of columns: the next rows go to a new one.
    fn change_plan(&mut self, (): &mut (), schema: &Arc<StreamSchema>) -> Result<()> {
        if self.columns(schema) != self.columns(&self.schema) {
            self.close()?;
            if let Names::Parts(_) = self.names {
                self.publish()?;
            }
        }
        self.schema = Arc::clone(schema);
        Ok(())
    }

    fn finish(&mut self, worker: &mut ()) -> Result<()> {
        if let Names::Parts(_) = self.names {
            return self.commit(worker);
        }
        self.close()?;
        if self.waiting.is_empty() {
            // No rows is what there is now: a file says so.
            let file = self.file()?;
            self.waiting.push(file.finish()?);
        }
        self.publish()?;
        match &self.names {
            Names::Replace(names) => names.remove_others(),
            Names::Parts(_) => Ok(()),
        }
    }
}

impl Drop for ParquetSink {
    /// No thread writes to a file that is given up.
    fn drop(&mut self) {
        if let Open::Busy(thread) = std::mem::replace(&mut self.open, Open::None) {
            let _ = join(thread);
        }
        self.memory.metadata.fetch_sub(self.metadata, Ordering::Relaxed);
    }
}
