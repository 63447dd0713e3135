//! A file and its row groups, which are encoded one column after another.
//!
//! An encoder of a column takes some 200 KB before it has seen a value, and more than 1 MB once it compresses: for a
//! row group whose columns are all encoded at the same time, and for one open row group a stream, that is gigabytes
//! where streams and columns are many. So rows wait as Arrow columns until their row group is complete; then each
//! column has its encoder in turn.

use std::io;
use std::sync::Arc;

use melisma_sdk::arrow::array::RecordBatch;
use melisma_sdk::arrow::schema::{Schema, SchemaRef};
use melisma_sdk::files::Partial;
use melisma_sdk::{Error, Kind, Result};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowRowGroupWriterFactory, compute_leaves};
use parquet::errors::ParquetError;
use parquet::file::properties::{WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{Type, TypePtr};

/// What a column of a row group leaves in memory until its file is complete: statistics, offsets, sizes.
const METADATA: usize = 1 << 10;

/// A file under its temporary name, and the row groups that it has so far.
pub(crate) struct OpenFile {
    writer: SerializedFileWriter<Partial>,
    /// Each column alone, as a schema of Arrow and one of Parquet.
    columns: Vec<(SchemaRef, TypePtr)>,
    groups: usize,
}

impl OpenFile {
    /// Begins a file with these columns.
    pub(crate) fn begin(file: Partial, columns: &SchemaRef, properties: WriterProperties) -> Result<Self> {
        let path = file.path().to_owned();
        let begin = || -> Result<Self, ParquetError> {
            // It knows how Arrow's schema becomes Parquet's, and puts both into the file.
            let writer = ArrowWriter::try_new(file, Arc::clone(columns), Some(properties))?;
            let (writer, _) = writer.into_serialized_writer()?;
            let root = writer.schema_descr().root_schema();
            let alone = |field: &TypePtr| {
                let root = Type::group_type_builder(root.name()).with_fields(vec![Arc::clone(field)]);
                root.build().map(Arc::new)
            };
            let fields = columns.fields().iter().zip(root.get_fields());
            let columns = fields
                .map(|(arrow, parquet)| Ok((Arc::new(Schema::new(vec![Arc::clone(arrow)])), alone(parquet)?)))
                .collect::<Result<_, ParquetError>>()?;
            Ok(Self {
                writer,
                columns,
                groups: 0,
            })
        };
        begin().map_err(|error| cannot_write(&path.display().to_string(), error))
    }

    /// Writes rows as one row group.
    pub(crate) fn write(&mut self, batches: &[RecordBatch]) -> Result<()> {
        let path = self.writer.inner().path().display().to_string();
        self.write_group(batches)
            .map_err(|error| cannot_write(&path, error))
    }

    fn write_group(&mut self, batches: &[RecordBatch]) -> Result<(), ParquetError> {
        let properties = Arc::clone(self.writer.properties());
        let mut group = self.writer.next_row_group()?;
        for (at, (schema, root)) in self.columns.iter().enumerate() {
            let mut leaves = encoders(schema, root, &properties)?;
            for batch in batches {
                let values = compute_leaves(schema.field(0), batch.column(at))?;
                for (leaf, values) in leaves.iter_mut().zip(&values) {
                    leaf.write(values)?;
                }
            }
            for leaf in leaves {
                leaf.close()?.append_to_row_group(&mut group)?;
            }
        }
        group.close()?;
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

/// The encoders of one column; a struct has several. They are those of a file that has this column only: nothing but
/// its schema is used.
fn encoders(
    schema: &SchemaRef,
    root: &TypePtr,
    properties: &WriterPropertiesPtr,
) -> Result<Vec<parquet::arrow::arrow_writer::ArrowColumnWriter>, ParquetError> {
    let alone = SerializedFileWriter::new(io::sink(), Arc::clone(root), Arc::clone(properties))?;
    ArrowRowGroupWriterFactory::new(&alone, Arc::clone(schema)).create_column_writers(0)
}

fn cannot_write(path: &str, error: ParquetError) -> Error {
    Error::new(Kind::Io, format!("cannot write {path}")).with_source(error)
}
