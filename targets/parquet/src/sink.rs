//! The files of one stream.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use melisma_sdk::arrow::array::RecordBatch;
use melisma_sdk::arrow::schema::SchemaRef;
use melisma_sdk::files::{Partial, Parts};
use melisma_sdk::{ColumnOptions, Columns, Error, Kind, Result, Sink, StreamSchema};
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

/// Writes one stream.
pub struct ParquetSink {
    names: Names,
    properties: WriterProperties,
    options: ColumnOptions,
    /// The columns of the rows that come next.
    columns: SchemaRef,
    open: Option<ArrowWriter<Partial>>,
    /// Complete files that appear at the end.
    waiting: Vec<Partial>,
}

/// What files are called, and so when they appear.
pub(crate) enum Names {
    /// One for each commit.
    Parts(Parts),
    /// One in place of another, at the end; more when the columns change.
    Replace(PathBuf),
}

impl ParquetSink {
    pub(crate) fn new(
        names: Names,
        properties: WriterProperties,
        options: ColumnOptions,
        schema: &Arc<StreamSchema>,
    ) -> Self {
        let columns = Arc::clone(Columns::new(schema, options).schema());
        Self {
            names,
            properties,
            options,
            columns,
            open: None,
            waiting: Vec::new(),
        }
    }

    fn writer(&mut self) -> Result<&mut ArrowWriter<Partial>> {
        if self.open.is_none() {
            let file = match &mut self.names {
                Names::Parts(parts) => parts.begin()?,
                Names::Replace(path) => Partial::create(&numbered(path, self.waiting.len() + 1))?,
            };
            let path = file.path().to_owned();
            let writer = ArrowWriter::try_new(file, Arc::clone(&self.columns), Some(self.properties.clone()))
                .map_err(|error| cannot_write(&path, error))?;
            self.open = Some(writer);
        }
        self.open
            .as_mut()
            .ok_or_else(|| Error::bug("a file was opened, but is not open"))
    }

    /// Ends the open file. It has no name yet.
    fn close(&mut self) -> Result<Option<Partial>> {
        let Some(writer) = self.open.take() else {
            return Ok(None);
        };
        let path = writer.inner().path().to_owned();
        writer
            .into_inner()
            .map(Some)
            .map_err(|error| cannot_write(&path, error))
    }
}

impl Sink for ParquetSink {
    type Batch = RecordBatch;

    fn write(&mut self, batch: RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let writer = self.writer()?;
        let result = writer.write(&batch);
        result.map_err(|error| cannot_write(writer.inner().path(), error))
    }

    fn commit(&mut self) -> Result<()> {
        match self.names {
            Names::Parts(_) => self.close()?.map_or(Ok(()), Partial::publish),
            Names::Replace(_) => Ok(()),
        }
    }

    /// A file has one set of columns: the next rows go to a new one.
    fn change_schema(&mut self, schema: &Arc<StreamSchema>) -> Result<()> {
        let columns = Arc::clone(Columns::new(schema, self.options).schema());
        if columns == self.columns {
            return Ok(());
        }
        match (self.close()?, &self.names) {
            (None, _) => {}
            (Some(file), Names::Parts(_)) => file.publish()?,
            (Some(file), Names::Replace(_)) => self.waiting.push(file),
        }
        self.columns = columns;
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        let Names::Replace(path) = &self.names else {
            return self.commit();
        };
        let path = path.clone();
        if self.waiting.is_empty() {
            // No rows is what there is now: a file says so.
            self.writer()?;
        }
        let last = self.close()?;
        self.waiting.extend(last);
        let files = self.waiting.len();
        for file in self.waiting.drain(..) {
            file.publish()?;
        }
        remove_after(&path, files)
    }
}

/// The first file has the stream's own name, the second of `orders.parquet` is `orders.2.parquet`.
fn numbered(path: &Path, number: usize) -> PathBuf {
    if number == 1 {
        return path.to_owned();
    }
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!(".{number}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// Removes the files beyond `files` that an earlier run has made, whose columns had changed more often.
fn remove_after(path: &Path, files: usize) -> Result<()> {
    for number in files + 1.. {
        let old = numbered(path, number);
        match fs::remove_file(&old) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            Err(error) => return Err(Error::io(format!("cannot remove {}", old.display()), error)),
        }
    }
    Ok(())
}

fn cannot_write(path: &Path, error: ParquetError) -> Error {
    Error::new(Kind::Io, format!("cannot write {}", path.display())).with_source(error)
}
