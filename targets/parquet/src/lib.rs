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

mod column;
mod config;
mod dictionary;
mod group;
mod numbered;
mod rows;
mod sink;

use std::sync::Arc;

use melisma_sdk::files::{Files, Format, WriteMode};
use melisma_sdk::internal::Connector;
use melisma_sdk::internal::copied;
use melisma_sdk::target::{Capabilities, StandardConfig, Target};
use melisma_sdk::{Columns, CommitMode, Destination, Result, StreamSchema};

pub use config::{Compression, Config, IntegerType, InvalidValue, Nested, NumberType};
pub use sink::ParquetSink;

use numbered::Numbered;
use rows::Memory;
use sink::{Form, Names};

/// What `melisma` has inside of it.
pub static CONNECTOR: Connector = Connector::target::<TargetParquet>().taking_copied(copied::Form::Lines);

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

impl Destination for TargetParquet {
    /// The columns are made from it anew for each file.
    type Plan = StreamSchema;
    type Encoder = Columns;
    type Worker = ();
    type Sink = ParquetSink;

    fn plan(&self, schema: &Arc<StreamSchema>, _: Option<&Arc<StreamSchema>>) -> Result<Arc<StreamSchema>> {
        Ok(Arc::clone(schema))
    }

    fn encoder(&self, schema: &Arc<StreamSchema>) -> Result<Columns> {
        Ok(Columns::new(schema, self.form.columns))
    }

    fn worker(&self) -> Result<()> {
        Ok(())
    }

    fn sink(&self, (): &mut (), schema: &Arc<StreamSchema>) -> Result<ParquetSink> {
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
}

impl Target for TargetParquet {
    type Config = Config;

    const CAPABILITIES: Capabilities = Files::CAPABILITIES;

    /// A commit makes a file, and small files are slow to read: up to a million rows or 512 MiB of them go into one.
    /// STATE does not wait for that many, nor do rows wait longer than 5 minutes.
    fn defaults() -> StandardConfig {
        StandardConfig {
            batch_size_rows: 1_000_000,
            batch_size_bytes: 512 << 20,
            ..StandardConfig::default()
        }
    }

    /// A quarter of the memory is for row groups: one half of it for rows that wait for theirs, the other for those
    /// that are being encoded.
    fn open(config: Config, standard: &mut StandardConfig) -> Result<Self> {
        let form = Form {
            columns: config.columns(),
            properties: config.properties()?,
            group_rows: config.row_group_rows,
            group_bytes: config.row_group_bytes,
        };
        let files = Arc::new(Files::open(&config.files, standard, &FORMAT)?);
        let eighth = standard.memory_budget_bytes / 8;
        standard.memory_budget_bytes -= standard.memory_budget_bytes / 4;
        let memory = Memory::new(Arc::clone(&files), eighth, standard.max_parallelism);
        Ok(Self { files, form, memory })
    }

    fn commit_mode(&self) -> CommitMode {
        self.files.commit_mode()
    }

    fn location(&self) -> Option<String> {
        Some(self.files.location())
    }
}
