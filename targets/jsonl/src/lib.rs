//! Singer target for JSON lines files: each record is one line of its stream's file.
//!
//! A record that has no property twice, and none that is dropped, is written with the very bytes that came. Any other is
//! written anew from its values: in the order of the schema, the last of two values with one name. Numbers keep their
//! digits, strings their escapes. Properties that the schema does not declare are kept where it says that there are such
//! (`additionalProperties`, `patternProperties`, empty `properties`), and dropped elsewhere, unless
//! `undeclared_properties` says otherwise.
//!
//! Ways of writing are `append` (the default), `replace` and `parts`; [`melisma_sdk::files`] says what each promises.

mod encoder;

use std::sync::Arc;

use melisma_sdk::files::{FileSettings, Files, Format, Lines, Pool, WriteMode, Writer};
use melisma_sdk::target::{LoadMethod, Settings, Target};
use melisma_sdk::{JsonSchema, Limits, Result, Sink, StreamSchema};
use serde::Deserialize;

pub use encoder::JsonlEncoder;

/// Writes each stream to a JSON lines file.
#[derive(Debug)]
pub struct TargetJsonl {
    files: Files,
    pool: Arc<Pool>,
}

/// Writes each stream to a JSONL file, each record as it came.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub struct Config {
    #[serde(flatten)]
    files: FileSettings,
    /// Each run makes files of its own: short for the `file_naming_scheme` `{stream_name}-{timestamp}.jsonl` with
    /// the `timestamp_format` `%Y%m%dT%H%M%S`.
    #[serde(default)]
    do_timestamp_file: bool,
}

const FORMAT: Format = Format {
    naming_scheme: "{stream_name}.jsonl",
    modes: &[WriteMode::Append, WriteMode::Replace, WriteMode::Parts],
    // An object has its end in itself, so no whole one is the beginning of another.
    is_whole: Some(|line| {
        serde_json::from_slice::<&serde_json::value::RawValue>(line)
            .is_ok_and(|line| line.get().starts_with('{'))
    }),
};

impl Target for TargetJsonl {
    const NAME: &'static str = "target-jsonl";
    const KEEPS_UNDECLARED: bool = true;
    const LOAD_METHODS: &'static [LoadMethod] =
        &[LoadMethod::AppendOnly, LoadMethod::Append, LoadMethod::Overwrite];
    type Config = Config;
    type Encoder = JsonlEncoder;
    type Sink = JsonlSink;

    fn open(config: Config) -> Result<Self> {
        let mut files = config.files;
        if config.do_timestamp_file && files.file_naming_scheme.is_none() {
            files.file_naming_scheme = Some("{stream_name}-{timestamp}.jsonl".to_owned());
            "%Y%m%dT%H%M%S".clone_into(&mut files.timestamp_format);
        }
        Ok(Self {
            files: Files::open(&files, &FORMAT)?,
            pool: Arc::default(),
        })
    }

    fn with_settings(self, settings: &mut Settings) -> Result<Self> {
        Ok(Self {
            files: self.files.with_settings(settings)?,
            ..self
        })
    }

    fn encoder(&self, schema: &Arc<StreamSchema>) -> Result<JsonlEncoder> {
        Ok(JsonlEncoder::new(schema, &self.pool))
    }

    fn sink(&self, schema: &Arc<StreamSchema>) -> Result<JsonlSink> {
        Ok(JsonlSink {
            writer: self.files.writer(&schema.stream)?,
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

/// The file of one stream.
#[derive(Debug)]
pub struct JsonlSink {
    writer: Writer,
}

impl Sink for JsonlSink {
    type Batch = Lines;

    fn write(&mut self, lines: Lines) -> Result<()> {
        self.writer.write(lines.bytes())
    }

    fn commit(&mut self) -> Result<()> {
        self.writer.commit()
    }

    /// Lines of different shapes stand beside each other.
    fn change_schema(&mut self, _schema: &Arc<StreamSchema>) -> Result<()> {
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        self.writer.finish()
    }
}
