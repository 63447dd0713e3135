//! Singer target for Parquet files, with typed columns.
//!
//! | schema | Parquet |
//! |---|---|
//! | `boolean` | `BOOLEAN` |
//! | `integer` | `INT64`; `DECIMAL(38, 0)` where the bounds of the schema are beyond 64 bits (`integers`) |
//! | `number` | `DOUBLE`, the nearest one; or its own digits as text (`numbers: text`) |
//! | `singer.decimal`, `x-singer.decimal` of at most 38 digits | `DECIMAL(precision, scale)` |
//! | the same without precision, or above 38 | its own digits as text |
//! | `date`, `time`, `date-time` | `DATE`, `TIME` and `TIMESTAMP` in microseconds, UTC |
//! | other strings, strings and other scalars | `STRING` |
//! | objects, arrays, mixtures with them, no type | JSON text as `STRING`; or structs and lists (`nested: struct`) |
//!
//! A value that does not fit its column is refused, or null in its place (`invalid_values`). It is never bent until it does,
//! but for fractions of a second: they are rounded to microseconds. Every column may be null.
//!
//! A file has one set of columns, so a changed SCHEMA begins a new one. Ways of writing are `parts` (the default: one
//! file for each commit) and `replace`: one file for each stream, at the end of the run; when the SCHEMA changes on the
//! way, `orders.parquet` has the rows before the change and `orders.2.parquet` those after it.
//! [`melisma_sdk::files`] says what each promises.
//!
//! A row group is encoded and compressed in memory until it is full, so `row_group_bytes` bounds what a stream takes.

mod config;
mod sink;

use std::sync::Arc;

use melisma_sdk::files::{Files, Format, WriteMode};
use melisma_sdk::target::{Settings, Target};
use melisma_sdk::{ColumnOptions, Columns, Limits, Result, StreamSchema};
use parquet::file::properties::WriterProperties;

pub use config::{Compression, Config, IntegerType, InvalidValue, Nested, NumberType};
pub use sink::ParquetSink;

use sink::Names;

/// Writes each stream to Parquet files.
#[derive(Debug)]
pub struct TargetParquet {
    files: Files,
    columns: ColumnOptions,
    properties: WriterProperties,
}

const FORMAT: Format = Format {
    naming_scheme: "{stream_name}.parquet",
    modes: &[WriteMode::Parts, WriteMode::Replace],
    is_whole: |_| false,
};

impl Target for TargetParquet {
    const NAME: &'static str = "target-parquet";
    type Config = Config;
    type Encoder = Columns;
    type Sink = ParquetSink;

    fn open(config: Config) -> Result<Self> {
        Ok(Self {
            columns: config.columns(),
            properties: config.properties()?,
            files: Files::open(&config.files, &FORMAT)?,
        })
    }

    fn with_settings(self, settings: &mut Settings) -> Result<Self> {
        Ok(Self {
            files: self.files.with_load_method(settings.load_method)?,
            ..self
        })
    }

    fn encoder(&self, schema: &Arc<StreamSchema>) -> Result<Columns> {
        Ok(Columns::new(schema, self.columns))
    }

    fn sink(&self, schema: &Arc<StreamSchema>) -> Result<ParquetSink> {
        let names = match self.files.mode() {
            WriteMode::Replace => Names::Replace(self.files.path(&schema.stream)?),
            _ => Names::Parts(self.files.parts(&schema.stream)?),
        };
        Ok(ParquetSink::new(
            names,
            self.properties.clone(),
            self.columns,
            schema,
        ))
    }

    /// A commit makes a file, and small files are slow to read: up to a million rows or 512 MiB of them go into one.
    /// STATE does not wait for so many, nor do rows longer than 5 minutes.
    fn defaults() -> Limits {
        Limits {
            rows: 1_000_000,
            bytes: 512 << 20,
            ..Limits::default()
        }
    }

    fn commits_at_end(&self) -> bool {
        self.files.mode() == WriteMode::Replace
    }

    fn location(&self) -> Option<String> {
        Some(self.files.location())
    }
}
