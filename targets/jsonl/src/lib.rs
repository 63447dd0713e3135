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

use melisma_sdk::files::{FileConfig, Files, Format, Lines, Pool, WriteMode, Writer};
use melisma_sdk::internal::Connector;
use melisma_sdk::internal::copied;
use melisma_sdk::target::{Capabilities, StandardConfig, Target};
use melisma_sdk::{CommitMode, Destination, JsonSchema, Result, Sink, StreamSchema};
use serde::Deserialize;

pub use encoder::JsonlEncoder;

/// What `melisma` has inside of it.
pub static CONNECTOR: Connector = Connector::target::<TargetJsonl>().taking_copied(copied::Form::Lines);

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
    files: FileConfig,
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

impl Destination for TargetJsonl {
    /// Lines of different columns stand below each other.
    type Plan = StreamSchema;
    type Encoder = JsonlEncoder;
    type Worker = ();
    type Sink = JsonlSink;

    fn plan(&self, schema: &Arc<StreamSchema>, _: Option<&Arc<StreamSchema>>) -> Result<Arc<StreamSchema>> {
        Ok(Arc::clone(schema))
    }

    fn encoder(&self, schema: &Arc<StreamSchema>) -> Result<JsonlEncoder> {
        Ok(JsonlEncoder::new(schema, &self.pool))
    }

    fn worker(&self) -> Result<()> {
        Ok(())
    }

    fn sink(&self, (): &mut (), schema: &Arc<StreamSchema>) -> Result<JsonlSink> {
        let writer = self.files.writer(&schema.stream)?;
        Ok(JsonlSink { writer })
    }
}

impl Target for TargetJsonl {
    type Config = Config;

    const CAPABILITIES: Capabilities = Capabilities {
        undeclared_properties: true,
        ..Files::CAPABILITIES
    };

    fn defaults() -> StandardConfig {
        Files::defaults()
    }

    fn open(config: Config, standard: &mut StandardConfig) -> Result<Self> {
        let mut files = config.files;
        if config.do_timestamp_file && files.file_naming_scheme.is_none() {
            files.file_naming_scheme = Some("{stream_name}-{timestamp}.jsonl".to_owned());
            "%Y%m%dT%H%M%S".clone_into(&mut files.timestamp_format);
        }
        Ok(Self {
            files: Files::open(&files, standard, &FORMAT)?,
            pool: Arc::default(),
        })
    }

    fn commit_mode(&self) -> CommitMode {
        self.files.commit_mode()
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
    type Plan = StreamSchema;
    type Worker = ();

    fn write(&mut self, (): &mut (), lines: Lines) -> Result<()> {
        self.writer.write(lines.bytes())
    }

    fn commit(&mut self, (): &mut ()) -> Result<()> {
        self.writer.commit()
    }

    fn change_plan(&mut self, (): &mut (), _: &Arc<StreamSchema>) -> Result<()> {
        Ok(())
    }

    fn finish(&mut self, (): &mut ()) -> Result<()> {
        self.writer.finish()
    }
}
