//! The target itself: settings, plans, and a connection for each writing thread.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use melisma_engine::columns::Columns;
use melisma_engine::error::show;
use melisma_engine::schema::StreamSchema;
use melisma_engine::sink::{CommitMode, Destination};
use melisma_engine::{Error, Result};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::config::SqlConfig;
use super::connection::Connection;
use super::dialect::Dialect;
use super::plan::Plan;
use super::run::Run;
use super::state::StateTable;
use super::worker::{SqlSink, Worker};
use crate::target::{Capabilities, LoadMethod, StandardConfig, Target};

/// A target of an SQL database: its settings, its connections and its [`Dialect`]. [`Sql`] makes a [`Target`] of it.
pub trait SqlTarget: Send + Sync + Sized + 'static {
    /// The target's own settings, [`SqlConfig`] among them. Its doc comments become `--about`.
    type Config: DeserializeOwned + JsonSchema;

    /// A connection, made and used on one writing thread.
    type Connection: Connection + 'static;

    /// Looks for what it needs and checks what the settings say. Where the database accepts one connection at a time, this
    /// is not the place to open one for good.
    fn open(config: Self::Config, standard: &mut StandardConfig) -> Result<Opened<Self>>;

    /// A connection, with a transaction.
    fn connect(&self) -> Result<Self::Connection>;

    /// The standard settings where they are not set.
    fn defaults() -> StandardConfig {
        defaults()
    }

    /// Where the rows are, for people; as [`Target::location`].
    fn location(&self) -> Option<String> {
        None
    }
}

/// What [`SqlTarget::open`] has found.
#[derive(Debug)]
pub struct Opened<T> {
    /// What makes connections.
    pub target: T,
    /// The SQL of the database.
    pub dialect: Arc<dyn Dialect>,
    /// The settings of all SQL targets.
    pub config: SqlConfig,
}

/// Makes a [`Target`] of an [`SqlTarget`]: `target_main!(Sql<MyTarget>);`
#[derive(Debug)]
pub struct Sql<T> {
    target: T,
    run: Arc<Run>,
    /// By table, the stream that loads it.
    streams: Mutex<HashMap<String, Box<str>>>,
}

/// The standard settings of an SQL target where they are not set. A merge reads the keys of the whole table, so there are
/// fewer and larger ones than elsewhere.
pub fn defaults() -> StandardConfig {
    StandardConfig {
        batch_size_rows: 500_000,
        batch_size_bytes: 512 << 20,
        ..StandardConfig::default()
    }
}

impl<T: SqlTarget> Destination for Sql<T> {
    type Plan = Plan;
    type Encoder = Columns;
    type Worker = Worker<T::Connection>;
    type Sink = SqlSink<T::Connection>;

    fn plan(&self, schema: &Arc<StreamSchema>, _: Option<&Arc<Plan>>) -> Result<Arc<Plan>> {
        let run = &*self.run;
        let replaces = run.method != LoadMethod::Append;
        let plan = Plan::new(schema, (&run.config, replaces), &*run.dialect)?;
        let table = plan.table.sql(&*run.dialect);
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        match streams.entry(run.dialect.fold(&table)) {
            Entry::Vacant(free) => {
                free.insert(schema.stream.clone());
            }
            Entry::Occupied(taken) if *taken.get() != schema.stream => {
                let other = show(taken.get());
                return Err(Error::config(format!(
                    "expected a table for each stream, found that {table} is also that of the stream \"{other}\" \
                     (default_target_schema)"
                ))
                .in_stream(&schema.stream));
            }
            Entry::Occupied(_) => {}
        }
        Ok(Arc::new(plan))
    }

    fn encoder(&self, plan: &Arc<Plan>) -> Result<Columns> {
        Ok(Columns::new(&plan.schema, plan.options()))
    }

    fn worker(&self) -> Result<Self::Worker> {
        Ok(Worker::new(self.target.connect()?, &self.run))
    }

    fn sink(&self, worker: &mut Self::Worker, plan: &Arc<Plan>) -> Result<Self::Sink> {
        worker.begin(plan)
    }
}

impl<T: SqlTarget> Target for Sql<T> {
    type Config = T::Config;

    const CAPABILITIES: Capabilities = Capabilities {
        load_methods: &[
            LoadMethod::AppendOnly,
            LoadMethod::Append,
            LoadMethod::Upsert,
            LoadMethod::UpsertOnConflict,
            LoadMethod::Overwrite,
        ],
        activate_version: true,
        undeclared_properties: false,
        stored_state: true,
    };

    fn defaults() -> StandardConfig {
        T::defaults()
    }

    fn open(config: T::Config, standard: &mut StandardConfig) -> Result<Self> {
        let Opened {
            target,
            dialect,
            config,
        } = T::open(config, standard)?;
        // The target's own settings may have a say in it.
        let method = standard.load_method;
        if config.state_in_target {
            StateTable::check(&*dialect)?;
            if method == LoadMethod::Overwrite {
                return Err(Error::config(
                    "config: state_in_target: expected false with load_method overwrite, which has one commit at the end, \
                     found true",
                ));
            }
        }
        if dialect.has_one_writer() {
            standard.max_parallelism = 1;
        }
        Ok(Self {
            target,
            run: Arc::new(Run {
                dialect,
                config,
                method,
            }),
            streams: Mutex::default(),
        })
    }

    fn commit_mode(&self) -> CommitMode {
        self.run.commit_mode()
    }

    fn stored_state(&self) -> Result<Option<String>> {
        if !self.run.config.state_in_target {
            return Ok(None);
        }
        StateTable::of(&self.run).read(&mut self.target.connect()?)
    }

    fn location(&self) -> Option<String> {
        self.target.location()
    }
}
