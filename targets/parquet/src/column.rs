//! A column of a file: how its rows are encoded, row group after row group.
//!
//! A dictionary has each different value once. Where hardly a value comes twice, all of that is work for nothing, and bytes
//! for nothing in the file. So a column whose dictionary saves less than a fifth of the bytes is written without one, in
//! the next row groups of its file, too.

use std::io::{self, Write};
use std::sync::Arc;

use bytes::Bytes;
use melisma_sdk::arrow::array::ArrayRef;
use melisma_sdk::arrow::schema::{FieldRef, Schema, SchemaRef};
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use parquet::basic::Type as PhysicalType;
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::properties::WriterPropertiesPtr;
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor, Type, TypePtr};

use crate::dictionary::{self, Outcome};

/// A column alone.
pub(crate) struct Column {
    /// Its schema of Arrow.
    schema: SchemaRef,
    /// And that of Parquet.
    root: TypePtr,
    /// Its first leaf; a struct has more.
    leaf: Option<ColumnDescPtr>,
    /// Whether it is worth a dictionary.
    has_dictionary: bool,
}

/// The properties of a file, with dictionaries and without.
pub(crate) struct Properties {
    pub(crate) with_dictionary: WriterPropertiesPtr,
    pub(crate) plain: WriterPropertiesPtr,
}

impl Column {
    /// The column of this field, in a schema of this name.
    pub(crate) fn new(schema: &str, arrow: &FieldRef, parquet: &TypePtr) -> Result<Self, ParquetError> {
        let root = Type::group_type_builder(schema).with_fields(vec![Arc::clone(parquet)]);
        let root = Arc::new(root.build()?);
        let leaves = SchemaDescriptor::new(Arc::clone(&root));
        Ok(Self {
            schema: Arc::new(Schema::new(vec![Arc::clone(arrow)])),
            root,
            leaf: leaves.columns().first().cloned(),
            has_dictionary: true,
        })
    }

    /// Encodes its rows of a row group.
    pub(crate) fn encode(&self, arrays: &[ArrayRef], properties: &Properties) -> Result<Chunk, ParquetError> {
        let mut has_dictionary = self.has_dictionary;
        if let Some(leaf) = self.leaf.as_ref().filter(|_| has_dictionary) {
            match dictionary::encode(arrays, leaf, &properties.with_dictionary)? {
                Outcome::Encoded(bytes, close) => return Ok(Chunk::Dictionary(bytes, close)),
                Outcome::TooManyValues => has_dictionary = false,
                Outcome::Other => {}
            }
        }
        let properties = if has_dictionary {
            &properties.with_dictionary
        } else {
            &properties.plain
        };
        let mut leaves = self.encoders(properties)?;
        for array in arrays {
            let values = compute_leaves(self.schema.field(0), array)?;
            for (leaf, values) in leaves.iter_mut().zip(&values) {
                leaf.write(values)?;
            }
        }
        let leaves = leaves.into_iter().map(ArrowColumnWriter::close);
        Ok(Chunk::Leaves {
            leaves: leaves.collect::<Result<_, _>>()?,
            has_dictionary,
        })
    }

    /// The next row groups are encoded as it has paid in this one.
    pub(crate) fn learn(&mut self, has_paid: bool) {
        self.has_dictionary &= has_paid;
    }

    /// The encoders of the parquet crate, of which a struct has several. They are those of a file that has this column
    /// only: nothing but its schema is used.
    fn encoders(&self, properties: &WriterPropertiesPtr) -> Result<Vec<ArrowColumnWriter>, ParquetError> {
        let root = Arc::clone(&self.root);
        let alone = SerializedFileWriter::new(io::sink(), root, Arc::clone(properties))?;
        ArrowRowGroupWriterFactory::new(&alone, Arc::clone(&self.schema)).create_column_writers(0)
    }
}

/// A column of a row group, encoded.
pub(crate) enum Chunk {
    /// By [`dictionary`].
    Dictionary(Bytes, Box<ColumnCloseResult>),
    /// By the parquet crate.
    Leaves {
        leaves: Vec<ArrowColumnChunk>,
        has_dictionary: bool,
    },
}

impl Chunk {
    /// Whether dictionaries have saved enough.
    pub(crate) fn has_paid(&self) -> bool {
        match self {
            Self::Dictionary(..) => true,
            Self::Leaves {
                leaves,
                has_dictionary,
            } => *has_dictionary && leaves.iter().any(|leaf| has_paid(&leaf.close().metadata)),
        }
    }

    pub(crate) fn append_to<W: Write + Send>(
        self,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<(), ParquetError> {
        match self {
            Self::Dictionary(bytes, close) => group.append_column(&bytes, *close),
            Self::Leaves { leaves, .. } => leaves
                .into_iter()
                .try_for_each(|leaf| leaf.append_to_row_group(group)),
        }
    }
}

/// Whether the dictionary that the parquet crate has made is worth it, as far as that is known.
fn has_paid(chunk: &ColumnChunkMetaData) -> bool {
    plain_bytes(chunk).is_none_or(|plain| dictionary::pays(chunk.uncompressed_size(), plain))
}

/// The bytes of the values as they are; `None` where that is unknown.
fn plain_bytes(chunk: &ColumnChunkMetaData) -> Option<i64> {
    chunk.dictionary_page_offset()?;
    let nulls = chunk.statistics().and_then(Statistics::null_count_opt);
    let values = chunk.num_values() - i64::try_from(nulls.unwrap_or(0)).ok()?;
    let each = match chunk.column_type() {
        PhysicalType::BOOLEAN => return None,
        PhysicalType::INT32 | PhysicalType::FLOAT => 4,
        PhysicalType::INT64 | PhysicalType::DOUBLE => 8,
        PhysicalType::INT96 => 12,
        PhysicalType::FIXED_LEN_BYTE_ARRAY => chunk.column_descr().type_length().into(),
        // Each has its length before it.
        PhysicalType::BYTE_ARRAY => return Some(chunk.unencoded_byte_array_data_bytes()? + 4 * values),
    };
    Some(each * values)
}
