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
//! Rows wait in memory until their row group is complete, and on the disk when those of all streams together take more
//! than their share of `memory_budget_bytes`: `rows.rs` and `group.rs`.

mod config;
mod group;
mod numbered;
mod rows;
mod sink;

use std::sync::Arc;

use melisma_sdk::files::{Files, Format, WriteMode};
use melisma_sdk::target::{LoadMethod, Settings, Target};
use melisma_sdk::{Columns, Error, Limits, Result, StreamSchema};

pub use config::{Compression, Config, IntegerType, InvalidValue, Nested, NumberType};
pub use sink::ParquetSink;

use numbered::Numbered;
use rows::Memory;
use sink::{Form, Names};

/// Writes each stream to Parquet files.
#[derive(Debug)]
pub struct TargetParquet {
    files: Arc<Files>,
    form: Form,
    memory: Arc<Memory>,
}

const FORMAT: Format = Format {
    naming_scheme: "{stream_name}.parquet",
    modes: &[WriteMode::Parts, WriteMode::Replace],
    is_whole: None,
};

impl Target for TargetParquet {
    const NAME: &'static str = "target-parquet";
    const LOAD_METHODS: &'static [LoadMethod] =
        &[LoadMethod::AppendOnly, LoadMethod::Append, LoadMethod::Overwrite];
    type Config = Config;
    type Encoder = Columns;
    type Sink = ParquetSink;

    fn open(config: Config) -> Result<Self> {
        let form = Form {
            columns: config.columns(),
            properties: config.properties()?,
            group_rows: config.row_group_rows,
            group_bytes: config.row_group_bytes,
        };
        let files = Files::open(&config.files, &FORMAT)?;
        Ok(Self::new(files, form, &Settings::default()))
    }

    /// A quarter of the memory is for row groups: one half of it for rows that wait for theirs, the other for those
    /// that are being encoded.
    fn with_settings(self, settings: &mut Settings) -> Result<Self> {
        let Self { files, form, memory } = self;
        drop(memory);
        let files = Arc::into_inner(files)
            .ok_or_else(|| Error::bug("streams were opened before the settings were known"))?
            .with_settings(settings)?;
        let target = Self::new(files, form, settings);
        settings.memory_budget_bytes -= settings.memory_budget_bytes / 4;
        Ok(target)
    }

    fn encoder(&self, schema: &Arc<StreamSchema>) -> Result<Columns> {
        Ok(Columns::new(schema, self.form.columns))
    }

    fn sink(&self, schema: &Arc<StreamSchema>) -> Result<ParquetSink> {
        let stream = &*schema.stream;
        let names = match self.files.mode() {
            WriteMode::Replace => Names::Replace(Numbered::new(&self.files, stream)?),
            _ => Names::Parts(self.files.parts(stream)?),
        };
        let marked = self.form.properties.clone().into_builder();
        let form = Form {
            properties: marked
                .set_key_value_metadata(Some(vec![numbered::mark(stream)]))
                .build(),
            group_bytes: self.form.group_bytes.min(self.memory.group_limit()),
            ..self.form.clone()
        };
        Ok(ParquetSink::new(names, form, &self.memory, schema))
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

impl TargetParquet {
    fn new(files: Files, form: Form, settings: &Settings) -> Self {
        let files = Arc::new(files);
        let eighth = settings.memory_budget_bytes / 8;
        let memory = Memory::new(Arc::clone(&files), eighth, settings.max_parallelism);
        Self { files, form, memory }
    }
}
