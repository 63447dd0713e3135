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
mod session;
mod sink;
mod sql_types;
mod stages;
mod staging;
mod state;
mod streams;
mod table;
mod types;
mod upsert;
mod versions;
mod widen;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

use melisma_postgres::Server;
use melisma_sdk::target::{LoadMethod, Settings, Target};
use melisma_sdk::{Error, Limits, Result, StreamSchema, planted};

pub use config::{Config, Evolution, HardDeleteMode, NamingMode, Roles, SchemaMapping, WidenOn};
pub use copy::{CopyBatch, CopyEncoder, InvalidDates, InvalidValues};
pub use sink::PostgresSink;

use copy::{Mercy, Nul};
use mapping::Mapping;
use naming::Naming;
use plan::Rules;
use state::StateTable;
use streams::{Run, Streams};

/// Writes each stream to a table.
#[derive(Debug)]
pub struct TargetPostgres {
    config: Config,
    server: Server,
    run: Arc<Run>,
    streams: Arc<Streams>,
}

impl Target for TargetPostgres {
    const NAME: &'static str = "target-postgres";
    const ADD_RECORD_METADATA: bool = true;
    const STORES_STATE: bool = true;
    const LOAD_METHODS: &'static [LoadMethod] = &[
        LoadMethod::AppendOnly,
        LoadMethod::Append,
        LoadMethod::Upsert,
        LoadMethod::UpsertOnConflict,
        LoadMethod::Overwrite,
    ];
    const ACTIVATES_VERSIONS: bool = true;
    type Config = Config;
    type Encoder = CopyEncoder;
    type Sink = PostgresSink;

    fn open(config: Config) -> Result<Self> {
        config.check()?;
        planted!(TOLD_SECRET, {
            let password = config
                .connection
                .password
                .as_ref()
                .map_or("", |password| password.expose());
            log::info!("connecting with the password {password}");
        });
        let server = config.connection.server(Self::NAME)?;
        let lock_timeout = Duration::try_from_secs_f64(config.lock_timeout_seconds).map_err(|error| {
            Error::config(format!(
                "config: lock_timeout_seconds: expected seconds, found {}",
                config.lock_timeout_seconds
            ))
            .with_source(error)
        })?;
        let run = Run {
            rules: rules(&config),
            overwrite: false,
            together: config.state_in_target,
            state: config
                .state_in_target
                .then(|| StateTable::new(config.default_target_schema.trim(), &config.state_id)),
            deletes_versions: config.deletes_versions(),
            roles: config.roles(),
        };
        Ok(Self {
            streams: Arc::new(Streams::open(&server, lock_timeout)?),
            run: Arc::new(run),
            server,
            config,
        })
    }

    fn with_settings(mut self, settings: &mut Settings) -> Result<Self> {
        let pipelinewise = self.config.naming_mode == NamingMode::Pipelinewise;
        settings.add_record_metadata = match self.config.add_metadata_columns {
            Some(add) => add || pipelinewise && self.config.hard_delete,
            None if pipelinewise => self.config.hard_delete,
            None => settings.add_record_metadata,
        };
        settings.process_activate_version_messages &= self.config.activate_version && !pipelinewise;
        if let Ok(wanted @ 1..) = usize::try_from(self.config.parallelism) {
            settings.max_parallelism = settings.max_parallelism.min(wanted);
        } else if self.config.parallelism < 0 {
            let processors = thread::available_parallelism().map_or(1, usize::from);
            settings.max_parallelism = settings.max_parallelism.min(processors);
        }
        let overwrite = settings.load_method == LoadMethod::Overwrite;
        if overwrite && self.config.state_in_target {
            return Err(Error::config(
                "config: state_in_target: expected false with load_method overwrite, which is done at the end only",
            ));
        }
        let run = Run {
            rules: Rules {
                upsert: settings.load_method != LoadMethod::Append,
                ..self.run.rules.clone()
            },
            overwrite,
            together: overwrite || self.run.together,
            ..Run::clone(&self.run)
        };
        self.run = Arc::new(run);
        Ok(self)
    }

    fn encoder(&self, schema: &Arc<StreamSchema>) -> Result<CopyEncoder> {
        self.streams.encoder(&self.run, schema)
    }

    fn sink(&self, schema: &Arc<StreamSchema>) -> Result<PostgresSink> {
        PostgresSink::open(&self.streams, &self.run, schema)
    }

    /// A commit makes the server wait for its disk: worth 100,000 rows. STATE does not wait for so many.
    fn defaults() -> Limits {
        Limits {
            rows: 100_000,
            ..Limits::default()
        }
    }

    fn commits_at_end(&self) -> bool {
        self.run.overwrite
    }

    fn commits_at_states(&self) -> bool {
        self.config.state_in_target
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

/// What the settings say about tables, but for `load_method`, which is not known yet.
fn rules(config: &Config) -> Rules {
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
        mercy: Mercy {
            nul: if config.sanitize_null_text_characters {
                Nul::Replace
            } else {
                Nul::Refuse
            },
            dates: config.invalid_date_handling,
            values: config.invalid_values,
        },
        flattening: config.flattening(),
        upsert: true,
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
