//! Writes Arrow files: one for each commit of a stream.
use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Arc;

use arrow_ipc::writer::FileWriter;
use melisma_sdk::arrow::array::RecordBatch;
use melisma_sdk::target::{StandardConfig, Target};
use melisma_sdk::{
    ColumnOptions, Columns, Destination, Error, JsonSchema, Kind, Result, Sink, StreamSchema,
};

/// Writes Arrow files: one for each commit of a stream.
#[derive(serde::Deserialize, JsonSchema)]
struct @type@ {
    /// The folder of the files.
    folder: PathBuf,
}

impl Target for @type@ {
    type Config = Self;

    fn open(config: Self, _: &mut StandardConfig) -> Result<Self> {
        let what = |error| Error::io(format!("cannot make {}", config.folder.display()), error);
        fs::create_dir_all(&config.folder).map_err(what)?;
        Ok(config)
    }
}

impl Destination for @type@ {
    type Plan = StreamSchema;
    type Encoder = Columns;
    type Worker = ();
    type Sink = Files;

    fn plan(
        &self,
        schema: &Arc<StreamSchema>,
        _: Option<&Arc<StreamSchema>>,
    ) -> Result<Arc<StreamSchema>> {
        Ok(Arc::clone(schema))
    }

    fn encoder(&self, schema: &Arc<StreamSchema>) -> Result<Columns> {
        Ok(Columns::new(schema, ColumnOptions::default()))
    }

    fn worker(&self) -> Result<()> {
        Ok(())
    }

    fn sink(&self, (): &mut (), schema: &Arc<StreamSchema>) -> Result<Files> {
        Ok(Files {
            folder: self.folder.clone(),
            name: schema.stream.replace('/', "_"),
            batches: Vec::new(),
            next: 0,
        })
    }
}

/// The files of a stream: `orders-000001.arrow` and so on.
struct Files {
    folder: PathBuf,
    name: String,
    /// What waits for the next commit. All have the same columns, since a changed SCHEMA comes after a commit.
    batches: Vec<RecordBatch>,
    next: u32,
}

impl Sink for Files {
    type Batch = RecordBatch;
    type Plan = StreamSchema;
    type Worker = ();

    fn write(&mut self, (): &mut (), batch: RecordBatch) -> Result<()> {
        self.batches.push(batch);
        Ok(())
    }

    // When this returns, the rows are durable: the STATE that covers them may be emitted.
    fn commit(&mut self, (): &mut ()) -> Result<()> {
        let Some(first) = self.batches.first() else {
            return Ok(());
        };
        // A reader sees a whole file or none.
        let part = self.folder.join(format!(".{}.part", self.name));
        let mut writer =
            FileWriter::try_new(File::create(&part)?, &first.schema()).map_err(refused)?;
        for batch in self.batches.drain(..) {
            writer.write(&batch).map_err(refused)?;
        }
        writer.finish().map_err(refused)?;
        writer.get_ref().sync_all()?;
        let path = loop {
            self.next += 1;
            let path = self
                .folder
                .join(format!("{}-{:06}.arrow", self.name, self.next));
            if !path.exists() {
                break path;
            }
        };
        fs::rename(part, path)?;
        Ok(File::open(&self.folder)?.sync_all()?)
    }

    fn change_plan(&mut self, (): &mut (), _: &Arc<StreamSchema>) -> Result<()> {
        Ok(())
    }
}

fn refused(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Kind::Io, "cannot write an Arrow file").with_source(error)
}

melisma_sdk::target_main!(@type@);

#[cfg(test)]
mod tests;
