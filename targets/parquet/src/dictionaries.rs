//! Which columns are worth a dictionary.
//!
//! An encoder collects the different values of a column in a dictionary until that is full (1 MB), and writes those after it as
//! they are. Where hardly a value comes twice, all of that is work for nothing, and bytes for nothing in the file. So a
//! column whose dictionary has saved little in a row group gets none in the next ones of its file.

use parquet::basic::Type;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::statistics::Statistics;

/// Of fewer bytes nothing is concluded.
const ENOUGH: i64 = 64 << 10;

/// Whether the dictionary of a column has saved at least a fifth of the bytes, before compression. So it counts as long as
/// there is little to go by.
pub(crate) fn pays(chunk: &ColumnChunkMetaData) -> bool {
    let plain = plain_bytes(chunk).filter(|plain| *plain >= ENOUGH);
    plain.is_none_or(|plain| 5 * chunk.uncompressed_size() < 4 * plain)
}

/// The bytes of the values as they are; `None` where that is unknown, or no dictionary was asked for.
fn plain_bytes(chunk: &ColumnChunkMetaData) -> Option<i64> {
    chunk.dictionary_page_offset()?;
    let nulls = chunk.statistics().and_then(Statistics::null_count_opt);
    let values = chunk.num_values() - i64::try_from(nulls.unwrap_or(0)).ok()?;
    let each = match chunk.column_type() {
        Type::BOOLEAN => return None,
        Type::INT32 | Type::FLOAT => 4,
        Type::INT64 | Type::DOUBLE => 8,
        Type::INT96 => 12,
        Type::FIXED_LEN_BYTE_ARRAY => chunk.column_descr().type_length().into(),
        // Each has its length before it.
        Type::BYTE_ARRAY => return Some(chunk.unencoded_byte_array_data_bytes()? + 4 * values),
    };
    Some(each * values)
}
