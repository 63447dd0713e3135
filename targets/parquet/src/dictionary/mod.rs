//! Column chunks with a dictionary, encoded here.
//!
//! Most columns hold few different values: flags, dates, prices of a list, keys of another table. The encoder of the parquet
//! crate looks each value up by the hash of its bytes and compares each with the least and the greatest so far, which was a third
//! of what all columns of a file cost. Here a value that was seen lately is found without its hash, and what is known of
//! the order of values is asked of the dictionary, once it is complete. Headers of pages, metadata and the file are the parquet
//! crate's; columns without a dictionary, and types that are rare, are its own encoders'.

mod codec;
mod distinct;
mod hybrid;
mod index;
mod pages;
mod rows;
#[cfg(test)]
mod tests;
mod value;

use bytes::Bytes;
use melisma_sdk::arrow::array::cast::AsArray;
use melisma_sdk::arrow::array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float64Type, Int64Type, Time64MicrosecondType,
    TimestampMicrosecondType,
};
use melisma_sdk::arrow::array::{Array, ArrayRef};
use melisma_sdk::arrow::schema::{DataType, TimeUnit};
use parquet::basic::Type;
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnDescPtr;

use rows::Rows;
use value::{Double, Value};

/// What became of a column.
pub(crate) enum Outcome {
    /// Its bytes, and what the row group has to know of them.
    Encoded(Bytes, Box<ColumnCloseResult>),
    /// It has too many different values for a dictionary to save much.
    TooManyValues,
    /// It has a type, or values, that only the parquet crate's encoder writes.
    Other,
}

/// Of fewer bytes it is not concluded that a dictionary saves little.
const ENOUGH: i64 = 64 << 10;

/// Whether a dictionary saves at least a fifth of the bytes that the values take without one, before compression. So it
/// counts as long as there is little to go by.
pub(crate) fn pays(bytes: i64, plain: i64) -> bool {
    plain < ENOUGH || 5 * bytes < 4 * plain
}

/// Encodes a column of a row group, whose rows are in these arrays.
pub(crate) fn encode(
    arrays: &[ArrayRef],
    leaf: &ColumnDescPtr,
    properties: &WriterProperties,
) -> Result<Outcome, ParquetError> {
    let Some(first) = arrays.first().filter(|_| is_flat(leaf)) else {
        return Ok(Outcome::Other);
    };
    let column = Column {
        arrays,
        leaf,
        properties,
    };
    match (first.data_type(), leaf.physical_type()) {
        (DataType::Date32, Type::INT32) => column.numbers::<Date32Type, i32>(|days| days),
        (DataType::Int64, Type::INT64) => column.numbers::<Int64Type, i64>(|number| number),
        (DataType::Time64(TimeUnit::Microsecond), Type::INT64) => {
            column.numbers::<Time64MicrosecondType, i64>(|time| time)
        }
        (DataType::Timestamp(TimeUnit::Microsecond, _), Type::INT64) => {
            column.numbers::<TimestampMicrosecondType, i64>(|time| time)
        }
        // As many digits as the physical type has room for.
        (DataType::Decimal128(..), Type::INT32) => {
            column.numbers::<Decimal128Type, i32>(|digits| digits as i32)
        }
        (DataType::Decimal128(..), Type::INT64) => {
            column.numbers::<Decimal128Type, i64>(|digits| digits as i64)
        }
        (DataType::Float64, Type::DOUBLE) => column.numbers::<Float64Type, Double>(Double::of),
        (DataType::Utf8, Type::BYTE_ARRAY) => column.texts(),
        _ => Ok(Outcome::Other),
    }
}

/// Whether a row has one value, or none.
fn is_flat(leaf: &ColumnDescPtr) -> bool {
    leaf.max_def_level() == 1 && leaf.max_rep_level() == 0 && leaf.path().parts().len() == 1
}

/// A column of a row group.
struct Column<'a> {
    arrays: &'a [ArrayRef],
    leaf: &'a ColumnDescPtr,
    properties: &'a WriterProperties,
}

impl Column<'_> {
    fn numbers<T: ArrowPrimitiveType, V: Value>(
        &self,
        value: impl Fn(T::Native) -> V,
    ) -> Result<Outcome, ParquetError> {
        let mut rows = Rows::new();
        for array in self.arrays {
            let numbers = array.as_primitive::<T>().values();
            if !rows.push(numbers.iter().map(|number| value(*number)), array.nulls()) {
                return Ok(Outcome::TooManyValues);
            }
        }
        rows.encode(self.leaf, self.properties)
    }

    fn texts(&self) -> Result<Outcome, ParquetError> {
        let mut rows = Rows::new();
        for array in self.arrays {
            let texts = array.as_string::<i32>();
            let texts = (0..texts.len()).map(|at| texts.value(at));
            if !rows.push(texts, array.nulls()) {
                return Ok(Outcome::TooManyValues);
            }
        }
        rows.encode(self.leaf, self.properties)
    }
}
