//! Writes each stream to a text file.
use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::Arc;

use melisma_sdk::target::{RecordTarget, Records, StandardConfig};
use melisma_sdk::{JsonSchema, Result, RowView, StreamSchema};

/// Writes each stream to a text file.
#[derive(serde::Deserialize, JsonSchema)]
struct TargetSmallest {
    /// The folder of the files.
    folder: std::path::PathBuf,
}

impl RecordTarget for TargetSmallest {
    type Config = Self;
    type Table = BufWriter<File>;

    fn open(config: Self, _: &mut StandardConfig) -> Result<Self> {
        Ok(config)
    }
    fn table(&mut self, schema: &Arc<StreamSchema>) -> Result<Self::Table> {
        let path = self.folder.join(schema.stream.replace('/', "_") + ".txt");
        let file = File::options().create(true).append(true).open(path)?;
        Ok(BufWriter::new(file))
    }
    fn write(&mut self, file: &mut Self::Table, record: RowView<'_>) -> Result<()> {
        for (column, value) in record.columns() {
            write!(file, "{}={value}\t", column.name)?;
        }
        Ok(writeln!(file)?)
    }
    fn commit(&mut self, file: &mut Self::Table) -> Result<()> {
        file.flush()?;
        Ok(file.get_ref().sync_all()?)
    }
}

melisma_sdk::target_main!(Records<TargetSmallest>);

#[cfg(test)]
mod tests;
