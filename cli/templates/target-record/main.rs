//! Writes each record as a line of JSON, to a file for each stream.
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;

use melisma_sdk::target::{RecordTarget, Records, StandardConfig};
use melisma_sdk::{Error, JsonSchema, Result, RowView, StreamSchema};

/// Writes each record as a line of JSON, to a file for each stream.
#[derive(serde::Deserialize, JsonSchema)]
struct @type@ {
    /// The folder of the files.
    folder: PathBuf,
}

impl RecordTarget for @type@ {
    type Config = Self;
    type Table = BufWriter<File>;

    fn open(config: Self, _: &mut StandardConfig) -> Result<Self> {
        let what = |error| Error::io(format!("cannot make {}", config.folder.display()), error);
        std::fs::create_dir_all(&config.folder).map_err(what)?;
        Ok(config)
    }

    // For the first SCHEMA of a stream, and when it changes.
    fn table(&mut self, schema: &Arc<StreamSchema>) -> Result<Self::Table> {
        let path = self.folder.join(schema.stream.replace('/', "_") + ".jsonl");
        Ok(BufWriter::new(
            File::options().create(true).append(true).open(path)?,
        ))
    }

    fn write(&mut self, file: &mut Self::Table, record: RowView<'_>) -> Result<()> {
        // `record.columns()` has the values one by one.
        Ok(writeln!(file, "{}", record.record())?)
    }

    // When this returns, the records are durable: the STATE that covers them may be emitted.
    fn commit(&mut self, file: &mut Self::Table) -> Result<()> {
        file.flush()?;
        Ok(file.get_ref().sync_all()?)
    }
}

melisma_sdk::target_main!(Records<@type@>);

#[cfg(test)]
mod tests;
