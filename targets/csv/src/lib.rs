//! Singer target for CSV files: one file for each stream, with a header.
//!
//! **Values.** Fields are quoted when they must be (RFC 4180). `true` and `false` are written so; numbers have the
//! digits that came; objects and arrays are JSON text. A null and a missing value are `null_value`, unquoted; a text
//! that reads the same is quoted, so with the default an empty text is `""` and a null is nothing at all. (The only
//! field of a row is always something, because readers skip empty lines: there a null is `""` too.) Lines end in
//! CR LF, as RFC 4180 and Python's `excel` dialect have it, unless `line_terminator` says `\n`; lines added to a file
//! end as its header does.
//!
//! **Columns** are those of the SCHEMA, in its order, or those of `fixed_headers`. They stay right when the SCHEMA
//! changes, and when a file of an earlier run is appended to:
//! - `append` and `replace` have one header, so a file has every column that was ever known, each where it first
//!   stood. A new one is added at the right: the file is rewritten, earlier rows with `null_value` in the new column,
//!   and the new file takes the place of the old one at once. A column that is gone keeps its place, with nulls.
//! - `parts` begins a new part, with the new header.
//!
//! [`melisma_sdk::files`] says what each way of writing promises. The default is `append`: together with bookmarks,
//! replacing would lose what earlier runs have brought.

mod config;
mod dialect;
mod encoder;
mod encoding;
mod header;
mod sink;
mod widen;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use melisma_sdk::files::{Files, Format, Pool, WriteMode, Writer};
use melisma_sdk::target::{LoadMethod, Settings, Target};
use melisma_sdk::{Error, Limits, Result, StreamSchema};

pub use config::Config;
pub use encoder::{CsvBatch, CsvEncoder};
pub use sink::CsvSink;

use dialect::Dialect;
use encoding::Encoding;
use header::Header;

/// Writes each stream to a CSV file.
#[derive(Debug)]
pub struct TargetCsv {
    files: Files,
    form: Form,
    fixed_headers: HashMap<String, Vec<String>>,
    pool: Arc<Pool>,
    streams: Mutex<HashMap<Box<str>, Stream>>,
}

/// How values become bytes.
#[derive(Clone, Debug)]
struct Form {
    dialect: Dialect,
    encoding: Encoding,
}

/// A stream's file, known to the encoding and to the writing thread.
#[derive(Debug)]
struct Stream {
    form: Arc<Form>,
    /// The header that the newest encoder writes rows for.
    header: Arc<Header>,
    /// The file, until the sink takes it.
    opened: Option<Opened>,
}

/// A file that is open, and what is in it.
#[derive(Debug)]
struct Opened {
    writer: Writer,
    header: Arc<Header>,
    /// Whether its last row lacks a line end.
    unended: bool,
}

const FORMAT: Format = Format {
    naming_scheme: "{stream_name}.csv",
    modes: &[WriteMode::Append, WriteMode::Replace, WriteMode::Parts],
    // RFC 4180: the last row may have no line end. Whether it is inside quotes, the whole file says.
    is_whole: None,
};

impl Target for TargetCsv {
    const NAME: &'static str = "target-csv";
    const LOAD_METHODS: &'static [LoadMethod] =
        &[LoadMethod::AppendOnly, LoadMethod::Append, LoadMethod::Overwrite];
    type Config = Config;
    type Encoder = CsvEncoder;
    type Sink = CsvSink;

    fn open(config: Config) -> Result<Self> {
        if config.record_sort_property_name.is_some() {
            log::warn!(
                "record_sort_property_name is ignored: rows are written in the order in which they come"
            );
        }
        Ok(Self {
            form: Form {
                dialect: config.dialect()?,
                encoding: Encoding::named(&config.encoding)?,
            },
            files: Files::open(&config.files, &FORMAT)?,
            fixed_headers: config.fixed_headers,
            pool: Arc::default(),
            streams: Mutex::default(),
        })
    }

    fn with_settings(self, settings: &mut Settings) -> Result<Self> {
        Ok(Self {
            files: self.files.with_settings(settings)?,
            ..self
        })
    }

    fn encoder(&self, schema: &Arc<StreamSchema>) -> Result<CsvEncoder> {
        self.with_stream(schema, |stream| {
            stream.header = stream.header.for_schema(schema);
            Ok(CsvEncoder::new(schema, &stream.header, &stream.form, &self.pool))
        })
    }

    fn sink(&self, schema: &Arc<StreamSchema>) -> Result<CsvSink> {
        self.with_stream(schema, |stream| {
            let opened = stream
                .opened
                .take()
                .ok_or_else(|| Error::bug("a stream has two sinks"))?;
            CsvSink::new(opened, Arc::clone(&stream.form), schema)
        })
    }

    /// A commit is two syncs: worth 100,000 rows. STATE does not wait for so many, nor do rows longer than 5 minutes.
    fn defaults() -> Limits {
        Limits {
            rows: 100_000,
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

impl TargetCsv {
    /// Calls `with` on a stream, whose file is opened when it is first asked for, by whichever thread.
    fn with_stream<T>(
        &self,
        schema: &StreamSchema,
        with: impl FnOnce(&mut Stream) -> Result<T>,
    ) -> Result<T> {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let name = &*schema.stream;
        if !streams.contains_key(name) {
            streams.insert(name.into(), self.open_stream(schema)?);
        }
        // Inserted above.
        streams
            .get_mut(name)
            .map_or_else(|| Err(Error::bug("a stream got lost")), with)
    }

    fn open_stream(&self, schema: &StreamSchema) -> Result<Stream> {
        let name = &*schema.stream;
        let mut writer = self.files.writer(name)?;
        let mut form = self.form.clone();
        let mut header = match self.fixed_headers.get(name) {
            Some(names) => Header::fixed(names)?,
            None if self.files.mode() == WriteMode::Parts => Header::of_each_schema(),
            None => Header::growing(),
        };
        let mut unended = false;
        if let Some(earlier) = writer.earlier()? {
            let path = self.files.path(name)?;
            let wrong = |error: Error| {
                let message = format!("{}: {}", path.display(), error.message());
                Error::new(error.kind(), message).in_stream(name)
            };
            let found = header::read(earlier, &form).map_err(wrong)?;
            if !self.fixed_headers.contains_key(name) {
                found.check(schema, &form).map_err(wrong)?;
            }
            if found.marked && form.encoding.is_utf8() {
                form.encoding = Encoding::Utf8 { mark: true };
            }
            if let Some(terminator) = found.terminator {
                form.dialect.terminator = terminator;
            }
            header = header.after(found.names).map_err(wrong)?;
            unended = !writer.ends_a_line()?;
            if unended
                && let Some(earlier) = writer.earlier()?
                && widen::ends_in_quotes(earlier, &form.dialect)?
            {
                return Err(wrong(Error::input(
                    "expected a last row that is whole, found a quoted field without end",
                )));
            }
        }
        let header = Arc::new(header);
        Ok(Stream {
            form: Arc::new(form),
            opened: Some(Opened {
                writer,
                header: Arc::clone(&header),
                unended,
            }),
            header,
        })
    }
}
