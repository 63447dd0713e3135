//! SCHEMA messages, compiled as the settings ask for.

use std::sync::Arc;

use super::options::{Options, UndeclaredProperties};
use crate::decode::{DecodeOptions, Decoder};
use crate::encode::Encoder;
use crate::error::{Error, Result, show};
use crate::message::Schema;
use crate::schema::StreamSchema;

/// The parts of a SCHEMA message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    schema: Box<str>,
    key_properties: Vec<String>,
    bookmark_properties: Vec<String>,
}

impl Source {
    pub(super) fn of(message: Schema<'_>) -> Self {
        Self {
            schema: message.schema.into(),
            key_properties: message.key_properties,
            bookmark_properties: message.bookmark_properties,
        }
    }

    /// The same with another JSON Schema.
    fn with(&self, schema: String) -> Self {
        Self {
            schema: schema.into(),
            ..self.clone()
        }
    }

    /// The schema of the stream, for records that are encoded by `E`: with the columns that the settings add.
    pub(super) fn compile<E: Encoder>(&self, stream: &str, options: &Options) -> Result<StreamSchema> {
        let schema = match self.compile_strictly::<E>(stream, options) {
            Err(error) => self.compile_loosely::<E>(stream, options, error)?,
            Ok(schema) => schema,
        };
        let schema = if options.add_metadata {
            schema.with_metadata()
        } else {
            schema.without_metadata()
        };
        match &options.undeclared {
            UndeclaredProperties::Column(column) => schema.with_undeclared(column),
            _ => Ok(schema),
        }
    }

    /// Compiles a SCHEMA, its checks included: what is wrong with it shows now, not at the first record.
    fn compile_strictly<E: Encoder>(&self, stream: &str, options: &Options) -> Result<StreamSchema> {
        let Self {
            schema,
            key_properties,
            bookmark_properties,
        } = self;
        let schema = StreamSchema::compile(stream, schema, key_properties, bookmark_properties)?;
        Decoder::new(&Arc::new(schema.clone()), decode_options::<E>(&schema, options))?;
        Ok(schema)
    }

    /// Compiles a SCHEMA that leaves open what records have, where there is a place for it, and as much as can be of one
    /// that is not valid (`invalid_schema: any`).
    fn compile_loosely<E: Encoder>(
        &self,
        stream: &str,
        options: &Options,
        error: Error,
    ) -> Result<StreamSchema> {
        let Options {
            undeclared, repairs, ..
        } = options;
        let keys = &self.key_properties;
        let mut open = None;
        if undeclared.have_a_place() {
            let assumed = undeclared.are_wanted() || repairs.invalid_schemas;
            open = StreamSchema::open(&self.schema, keys, assumed).map(|schema| self.with(schema));
        }
        let (source, error) = match &open {
            None => (self, error),
            Some(open) => match open.compile_strictly::<E>(stream, options) {
                Ok(schema) => return Ok(schema),
                Err(error) => (open, error),
            },
        };
        if !repairs.invalid_schemas {
            return Err(StreamSchema::advise(error, &source.schema, keys));
        }
        let Some((schema, loosened)) = StreamSchema::loosen(&source.schema, keys) else {
            return Err(StreamSchema::advise(error, &source.schema, keys));
        };
        log::warn!(
            "stream {stream}: anything is allowed in {}: {error}",
            show(&loosened.join(", "))
        );
        source.with(schema).compile_strictly::<E>(stream, options)
    }
}

/// How the records of a schema are decoded for an encoder.
pub(super) fn decode_options<E: Encoder>(schema: &StreamSchema, options: &Options) -> DecodeOptions {
    DecodeOptions {
        undeclared: options.undeclared.of(schema),
        validate: options.validate,
        unescape: E::READS_TEXT,
        record_only: !E::READS_CELLS,
    }
}

/// Whether two schemas mean the same to an encoder and a sink: a SCHEMA that is only spelled differently is no
/// change.
pub(super) fn same_meaning(a: &StreamSchema, b: &StreamSchema) -> bool {
    a.schema == b.schema
        && a.columns == b.columns
        && a.key == b.key
        && a.closed == b.closed
        && a.open == b.open
}
