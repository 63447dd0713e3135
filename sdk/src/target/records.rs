//! Targets that write record by record.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use melisma_engine::rows::{RowBatch, RowView, Rows};
use melisma_engine::schema::StreamSchema;
use melisma_engine::sink::{Destination, Sink};
use melisma_engine::{Error, Kind, Result};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::{Capabilities, LoadMethod, StandardConfig, Target};

/// A target that writes record by record: the level to start with. [`Records`] makes a [`Target`] of it.
///
/// One value writes all streams, and its calls come one at a time: so it can own a connection, and the transaction that
/// is open on it. **When [`commit`](RecordTarget::commit) returns `Ok`, every record that was written to the table before
/// is durable**, and STATE follows. Records of other tables may be written between those of this one and its commit;
/// it does no harm to commit these, too. After an error nothing is written or committed any more, in no table: a
/// transaction that was rolled back has taken the records of all with it.
pub trait RecordTarget: Send + Sized + 'static {
    /// The target's own settings. Its doc comments become `--about`.
    type Config: DeserializeOwned + JsonSchema;

    /// Where the records of one stream go: a file, the text of a statement.
    type Table;

    /// What it can do beyond adding rows. Not `overwrite`: what was there may be replaced only when the input is known to
    /// be whole, which is for a [`Target`] that commits at the end.
    const CAPABILITIES: Capabilities = Capabilities::APPEND;

    /// The defaults of the settings that all targets have.
    fn defaults() -> StandardConfig {
        StandardConfig::default()
    }

    /// Connects, and checks what the settings say; as [`Target::open`].
    fn open(config: Self::Config, standard: &mut StandardConfig) -> Result<Self>;

    /// Makes the table of a stream ready: called for its first SCHEMA, and by default again when the SCHEMA changes.
    fn table(&mut self, schema: &Arc<StreamSchema>) -> Result<Self::Table>;

    /// Writes a record. An error ends the run: what is wrong with a record shows earlier, where it is checked against its
    /// SCHEMA.
    fn write(&mut self, table: &mut Self::Table, record: RowView<'_>) -> Result<()>;

    /// Makes durable what was written to the table.
    fn commit(&mut self, table: &mut Self::Table) -> Result<()>;

    /// The SCHEMA of the stream has changed; what was written to the table is committed. By default the table is made ready
    /// anew.
    fn change_schema(&mut self, table: &mut Self::Table, schema: &Arc<StreamSchema>) -> Result<()> {
        *table = self.table(schema)?;
        Ok(())
    }

    /// Removes the rows whose version is lower than `version`, durably; see [`Capabilities::activate_version`].
    fn activate_version(&mut self, table: &mut Self::Table, version: i64) -> Result<()> {
        let _ = (table, version);
        Err(Error::bug(
            "the target says that it applies ACTIVATE_VERSION, but does not",
        ))
    }

    /// The input ended as it should, and all was committed.
    fn finish(&mut self, table: &mut Self::Table) -> Result<()> {
        let _ = table;
        Ok(())
    }

    /// Where the rows are, for people; as [`Target::location`].
    fn location(&self) -> Option<String> {
        None
    }
}

/// Makes a [`Target`] of a [`RecordTarget`]: `target_main!(Records<MyTarget>);`
#[derive(Debug)]
pub struct Records<T> {
    writer: RecordWriter<T>,
}

/// The one value that writes all streams.
#[derive(Debug)]
pub struct RecordWriter<T> {
    // More than one writing thread would only wait for each other here.
    shared: Arc<Mutex<Opened<T>>>,
}

#[derive(Debug)]
struct Opened<T> {
    target: T,
    /// A call has failed, or panicked.
    failed: bool,
}

/// Writes one stream.
#[derive(Debug)]
pub struct RecordSink<T: RecordTarget> {
    table: T::Table,
}

impl<T> RecordWriter<T> {
    fn lock(&self) -> MutexGuard<'_, Opened<T>> {
        // A panic in a call has left `failed` behind.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn call<R>(&self, call: impl FnOnce(&mut T) -> Result<R>) -> Result<R> {
        let mut opened = self.lock();
        if std::mem::replace(&mut opened.failed, true) {
            return Err(Error::new(
                Kind::Unavailable,
                "nothing is committed after an error, which may have rolled back the records of other streams, too",
            ));
        }
        let result = call(&mut opened.target)?;
        opened.failed = false;
        Ok(result)
    }
}

impl<T: RecordTarget> Destination for Records<T> {
    type Plan = StreamSchema;
    type Encoder = Rows;
    type Worker = RecordWriter<T>;
    type Sink = RecordSink<T>;

    fn plan(&self, schema: &Arc<StreamSchema>, _: Option<&Arc<StreamSchema>>) -> Result<Arc<StreamSchema>> {
        Ok(Arc::clone(schema))
    }

    fn encoder(&self, schema: &Arc<StreamSchema>) -> Result<Rows> {
        Ok(Rows::new(schema))
    }

    fn worker(&self) -> Result<RecordWriter<T>> {
        let shared = Arc::clone(&self.writer.shared);
        Ok(RecordWriter { shared })
    }

    fn sink(&self, writer: &mut RecordWriter<T>, schema: &Arc<StreamSchema>) -> Result<RecordSink<T>> {
        let table = writer.call(|target| target.table(schema))?;
        Ok(RecordSink { table })
    }
}

impl<T: RecordTarget> Target for Records<T> {
    type Config = T::Config;

    const CAPABILITIES: Capabilities = without_overwrite(T::CAPABILITIES);

    fn defaults() -> StandardConfig {
        T::defaults()
    }

    fn open(config: T::Config, standard: &mut StandardConfig) -> Result<Self> {
        let opened = Opened {
            target: T::open(config, standard)?,
            failed: false,
        };
        let shared = Arc::new(Mutex::new(opened));
        Ok(Self {
            writer: RecordWriter { shared },
        })
    }

    fn location(&self) -> Option<String> {
        self.writer.lock().target.location()
    }
}

const fn without_overwrite(capabilities: Capabilities) -> Capabilities {
    let mut at = 0;
    while at < capabilities.load_methods.len() {
        assert!(
            !matches!(capabilities.load_methods[at], LoadMethod::Overwrite),
            "a RecordTarget cannot overwrite: implement Target with CommitMode::AtEnd"
        );
        at += 1;
    }
    capabilities
}

impl<T: RecordTarget> Sink for RecordSink<T> {
    type Batch = RowBatch;
    type Plan = StreamSchema;
    type Worker = RecordWriter<T>;

    fn write(&mut self, writer: &mut RecordWriter<T>, batch: RowBatch) -> Result<()> {
        let table = &mut self.table;
        writer.call(|target| batch.rows().try_for_each(|record| target.write(table, record)))
    }

    fn commit(&mut self, writer: &mut RecordWriter<T>) -> Result<()> {
        writer.call(|target| target.commit(&mut self.table))
    }

    fn change_plan(&mut self, writer: &mut RecordWriter<T>, schema: &Arc<StreamSchema>) -> Result<()> {
        writer.call(|target| target.change_schema(&mut self.table, schema))
    }

    fn activate_version(&mut self, writer: &mut RecordWriter<T>, version: i64) -> Result<()> {
        writer.call(|target| target.activate_version(&mut self.table, version))
    }

    fn finish(&mut self, writer: &mut RecordWriter<T>) -> Result<()> {
        writer.call(|target| target.finish(&mut self.table))
    }
}
