//! The settings of target-parquet.

use melisma_sdk::files::FileConfig;
use melisma_sdk::{ColumnOptions, Error, Integers, InvalidValues, JsonSchema, NestedValues, Numbers, Result};
use parquet::basic::{Compression as Codec, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde::{Deserialize, Serialize};

/// Writes each stream to Parquet files with typed columns.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Config {
    #[serde(flatten)]
    pub(crate) files: FileConfig,
    /// What a `number` becomes: `double`, the nearest 64-bit float, or `text`, its digits as they came.
    pub(crate) numbers: NumberType,
    /// What an `integer` becomes: `int64`, or `DECIMAL(38, 0)` where the bounds of its schema are beyond 64 bits;
    /// `decimal`, `DECIMAL(38, 0)` for all; `text`, the digits as they came.
    pub(crate) integers: IntegerType,
    /// What happens to a value that its column cannot hold: `error` makes the record invalid (`on_invalid`), `null`
    /// replaces the value with null, with a warning that counts them. A key is never null.
    pub(crate) invalid_values: InvalidValue,
    /// What objects and arrays become.
    pub(crate) nested: Nested,
    /// How pages are compressed.
    #[serde(alias = "compression_method")]
    #[schemars(extend("x-aliases" = ["compression_method"]))]
    pub(crate) compression: Compression,
    /// The compression level of zstd, from 1 (fast) to 22 (small).
    #[schemars(range(min = 1, max = 22))]
    pub(crate) compression_level: i32,
    /// The largest number of rows in a row group.
    #[schemars(range(min = 1, max = 4_294_967_295_u64))]
    pub(crate) row_group_rows: usize,
    /// The largest number of bytes in a row group, as they are in memory, before encoding. It is never more than an
    /// eighth of `memory_budget_bytes`.
    #[schemars(range(min = 1, max = 1_099_511_627_776_u64))]
    pub(crate) row_group_bytes: usize,
}

/// How pages are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Compression {
    /// Zstandard: small and fast.
    #[default]
    Zstd,
    /// Snappy: for readers that do not support zstd.
    Snappy,
    /// No compression.
    None,
}

/// What objects and arrays become.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Nested {
    /// Their JSON text, as it came.
    #[default]
    Json,
    /// Structs and lists, where the schema says what is inside. An object with another property is refused.
    Struct,
}

/// What an `integer` becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum IntegerType {
    /// `INT64`; `DECIMAL(38, 0)` where the bounds of its schema are beyond 64 bits.
    #[default]
    Int64,
    /// `DECIMAL(38, 0)`.
    Decimal,
    /// Text: the digits as they came.
    Text,
}

/// What happens to a value that its column cannot hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum InvalidValue {
    /// The record is invalid: `on_invalid` applies.
    #[default]
    Error,
    /// Null takes its place.
    Null,
}

/// What a `number` becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum NumberType {
    /// `DOUBLE`: the nearest 64-bit float.
    #[default]
    Double,
    /// Text: the digits as they came.
    Text,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            files: FileConfig::default(),
            numbers: NumberType::default(),
            integers: IntegerType::default(),
            invalid_values: InvalidValue::default(),
            nested: Nested::default(),
            compression: Compression::default(),
            compression_level: 1,
            // As many as DuckDB puts into one: enough for a reader to skip by, few enough to wait in memory.
            row_group_rows: 122_880,
            row_group_bytes: 64 << 20,
        }
    }
}

impl Config {
    pub(crate) fn columns(&self) -> ColumnOptions {
        ColumnOptions {
            numbers: match self.numbers {
                NumberType::Double => Numbers::Float,
                NumberType::Text => Numbers::Digits,
            },
            integers: match self.integers {
                IntegerType::Int64 => Integers::Int64,
                IntegerType::Decimal => Integers::Decimal,
                IntegerType::Text => Integers::Digits,
            },
            invalid_values: match self.invalid_values {
                InvalidValue::Error => InvalidValues::Refuse,
                InvalidValue::Null => InvalidValues::Null,
            },
            nested: match self.nested {
                Nested::Json => NestedValues::Json,
                Nested::Struct => NestedValues::Structs,
            },
            absent: false,
        }
    }

    pub(crate) fn properties(&self) -> Result<WriterProperties> {
        let codec = match self.compression {
            Compression::Zstd => Codec::ZSTD(ZstdLevel::try_new(self.compression_level).map_err(|_| {
                Error::config(format!(
                    "compression_level: expected 1 to 22, found {}",
                    self.compression_level
                ))
            })?),
            Compression::Snappy => Codec::SNAPPY,
            Compression::None => Codec::UNCOMPRESSED,
        };
        if self.row_group_rows == 0 || self.row_group_bytes == 0 {
            return Err(Error::config(
                "row_group_rows and row_group_bytes must be at least 1",
            ));
        }
        Ok(WriterProperties::builder()
            .set_compression(codec)
            .set_created_by(concat!("melisma target-parquet ", env!("CARGO_PKG_VERSION")).to_owned())
            .build())
    }
}
