//! Singer target for PostgreSQL: one table for each stream, loaded by COPY.
//!
//! **Loading.** Rows are written as COPY text on the decoding thread, straight from the cells, and sent to the server
//! as they are. Without a key, and with `load_method: append`, they go into their table. With a key the first load of
//! a table that this run made goes there too, and the primary key follows at its end (`first.rs`); later loads go into
//! a temporary table, and from there by one `INSERT ... ON CONFLICT` a batch (`upsert.rs`). What the server alone knows
//! is which keys are equal, where their type is none of the plain ones (`ordered.rs`). `overwrite` loads a new
//! table, which takes the place of the old one when the input has ended (`overwrite.rs`).
//!
//! **Durability.** STATE follows COMMIT. A connection belongs to a writing thread, so there are `max_parallelism` of
//! them, and one for the catalog.

mod aside;
mod config;
mod copy;
mod emptying;
mod encoder;
mod first;
mod flatten;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod keeps;
mod keying;
mod locks;
mod mapping;
mod merge;
mod naming;
mod ordered;
mod overwrite;
mod plan;
mod prepare;
mod refill;
mod run;
mod session;
mod shared_lock;
mod sink;
mod sql_types;
mod stages;
mod staging;
mod state;
mod table;
mod types;
mod upsert;
mod versions;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use melisma_postgres::Server;
use melisma_sdk::files::Pool;
use melisma_sdk::internal::Connector;
use melisma_sdk::internal::copied;
use melisma_sdk::target::{Capabilities, LoadMethod, StandardConfig, Target};
use melisma_sdk::{CommitMode, Destination, Error, Result, StreamSchema, show};

pub use config::{Config, Evolution, HardDeleteMode, NamingMode, Roles, SchemaMapping, WidenOn};
pub use copy::{InvalidDates, InvalidValues};
pub use encoder::{TableBatch, TableEncoder};
pub use plan::Plan;
pub use session::Session;
pub use sink::PostgresSink;

use copy::{InvalidValuePolicy, Nul};
use mapping::Mapping;
use naming::{Naming, TableName};
use plan::Rules;
use run::{Catalog, Run};
use session::pooled;
use state::StateTable;

/// What `melisma` has inside of it.
pub static CONNECTOR: Connector =
    Connector::target::<TargetPostgres>().taking_copied(copied::Form::KeyedTuples);

/// Writes each stream to a table.
#[derive(Debug)]
pub struct TargetPostgres {
    server: Server,
    lock_timeout: Duration,
    run: Arc<Run>,
    /// Which stream has which table.
    tables: Mutex<HashMap<TableName, Box<str>>>,
    pool: Arc<Pool>,
}

impl Destination for TargetPostgres {
    type Plan = Plan;
    type Encoder = TableEncoder;
    type Worker = Session;
    type Sink = PostgresSink;

    fn plan(&self, schema: &Arc<StreamSchema>, previous: Option<&Arc<Plan>>) -> Result<Arc<Plan>> {
        let Run { rules, catalog, .. } = &*self.run;
        rules.mapping.sql_types.ask(&mut *catalog.client()?, schema)?;
        let plan = match previous {
            Some(previous) => self.run.next_plan(previous, schema)?,
            None => {
                self.claim_table(&schema.stream)?;
                self.run.first_plan(schema)?
            }
        };
        Ok(Arc::new(plan))
    }

    fn encoder(&self, plan: &Arc<Plan>) -> Result<TableEncoder> {
        Ok(TableEncoder::new(&self.run, plan, &self.pool))
    }

    fn current_plan(&self, _: &Arc<Plan>, encoder: &TableEncoder) -> Arc<Plan> {
        Arc::clone(encoder.handed_plan())
    }

    fn worker(&self) -> Result<Session> {
        let session = Session::open(&self.server, self.lock_timeout)?;
        // Two connections that are one session of the server are not what they seem. Found at once where a pooler has
        // nothing else to do; each transaction looks again.
        if session.pid() == self.run.catalog.pid()? {
            return Err(pooled());
        }
        Ok(session)
    }

    fn sink(&self, session: &mut Session, plan: &Arc<Plan>) -> Result<PostgresSink> {
        PostgresSink::open(session, &self.run, plan)
    }
}

impl Target for TargetPostgres {
    type Config = Config;

    const CAPABILITIES: Capabilities = Capabilities {
        load_methods: &[
            LoadMethod::AppendOnly,
            LoadMethod::Append,
            LoadMethod::Upsert,
            LoadMethod::UpsertOnConflict,
            LoadMethod::Overwrite,
        ],
        activate_version: true,
        stored_state: true,
        ..Capabilities::APPEND
    };

    /// A commit makes the server wait for its disk: worth 100,000 rows. STATE does not wait for that many.
    fn defaults() -> StandardConfig {
        StandardConfig {
            add_record_metadata: true,
            batch_size_rows: 100_000,
            ..StandardConfig::default()
        }
    }

    fn open(config: Config, standard: &mut StandardConfig) -> Result<Self> {
        config.check()?;
        let overwrite = standard.load_method == LoadMethod::Overwrite;
        if overwrite && config.state_in_target {
            return Err(Error::config(
                "config: state_in_target: expected false with load_method overwrite, which is done at the end only",
            ));
        }
        adapt(standard, &config);
        let lock_timeout = Duration::try_from_secs_f64(config.lock_timeout_seconds).map_err(|error| {
            Error::config(format!(
                "config: lock_timeout_seconds: expected seconds, found {}",
                config.lock_timeout_seconds
            ))
            .with_source(error)
        })?;
        let server = config.connection.server(env!("CARGO_PKG_NAME"))?;
        let run = Run {
            rules: rules(&config, standard.load_method),
            overwrite,
            together: overwrite || config.state_in_target,
            state: config
                .state_in_target
                .then(|| StateTable::new(config.default_target_schema.trim(), &config.state_id)),
            deletes_versions: config.deletes_versions(),
            roles: config.roles(),
            catalog: Catalog::open(&server)?,
        };
        Ok(Self {
            server,
            lock_timeout,
            run: Arc::new(run),
            tables: Mutex::default(),
            pool: Arc::default(),
        })
    }

    fn commit_mode(&self) -> CommitMode {
        match (self.run.overwrite, &self.run.state) {
            (true, _) => CommitMode::AtEnd,
            (false, Some(_)) => CommitMode::AtStates,
            (false, None) => CommitMode::PerStream,
        }
    }

    fn stored_state(&self) -> Result<Option<String>> {
        let Some(state) = &self.run.state else {
            return Ok(None);
        };
        state.read(&mut self.server.connect()?)
    }

    fn location(&self) -> Option<String> {
        Some(self.server.location())
    }
}

impl TargetPostgres {
    /// Two streams with one table would change it for each other.
    fn claim_table(&self, stream: &str) -> Result<()> {
        let table = self.run.rules.naming.table(stream)?;
        let sql = table.sql();
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        match tables.insert(table, stream.into()) {
            None => Ok(()),
            Some(other) => Err(Error::config(format!(
                "expected a table for each stream, found that {sql} is the table of {} as well (schema_mapping can tell \
                 them apart)",
                show(&other)
            ))),
        }
    }
}

/// The settings of MeltanoLabs' and pipelinewise's targets that mean standard ones.
fn adapt(standard: &mut StandardConfig, config: &Config) {
    let pipelinewise = config.naming_mode == NamingMode::Pipelinewise;
    standard.add_record_metadata = match config.add_metadata_columns {
        Some(add) => add || pipelinewise && config.hard_delete,
        None if pipelinewise => config.hard_delete,
        None => standard.add_record_metadata,
    };
    standard.process_activate_version_messages &= config.activate_version && !pipelinewise;
    let wanted = match usize::try_from(config.parallelism) {
        Ok(0) => return,
        Ok(wanted) => wanted,
        Err(_) => thread::available_parallelism().map_or(1, usize::from),
    };
    // As in pipelinewise's, `max_parallelism` is a limit on it; 1 is our default, which is none.
    standard.max_parallelism = match standard.max_parallelism {
        1 => wanted,
        most => wanted.min(most),
    };
}

/// What the settings say about tables.
fn rules(config: &Config, load_method: LoadMethod) -> Rules {
    Rules {
        naming: Naming {
            mode: config.naming_mode,
            default_schema: config.default_target_schema.trim().into(),
            mapping: config.schema_mapping.clone(),
            limit: config.identifier_max_length,
        },
        mapping: Mapping {
            mode: config.naming_mode,
            content_encoding: config.interpret_content_encoding,
            sql_types: Arc::default(),
        },
        evolution: config.schema_evolution,
        widen_on: config.widen_on,
        policy: InvalidValuePolicy {
            nul: if config.sanitize_null_text_characters {
                Nul::Replace
            } else {
                Nul::Refuse
            },
            dates: config.invalid_date_handling,
            values: config.invalid_values,
        },
        flattening: config.flattening(),
        upsert: load_method != LoadMethod::Append,
        needs_key: config.needs_key(),
        deletes_records: config.deletes_records(),
        stamp: stamp(SystemTime::now()),
    }
}

/// `20260823_1015`, UTC.
fn stamp(now: SystemTime) -> String {
    let now = jiff::Timestamp::try_from(now).unwrap_or_default();
    now.strftime("%Y%m%d_%H%M").to_string()
}
