//! Where the state of a pipeline is stored between runs.
//!
//! A store gets a state only after the target has emitted it, keeps its bytes unchanged, and never replaces it with an
//! empty one.

mod backend;
mod backend_settings;
mod begin;
mod database;
mod exchange;
mod file;
mod files;
mod history;
mod layout;
mod lock;
mod merge;
mod objects;
mod owner;
mod pipeline;
mod plugin_settings;
mod postgres;
mod reports;
mod reports_table;
mod runs;
mod sql;
mod sqlite;
mod state_writer;
mod states;
mod store;
mod stored;
mod unstored;

use std::path::PathBuf;

use melisma_sdk::{Result, fault};

use crate::report::PairReport;

pub(crate) use backend::StateBackend;
pub(crate) use backend_settings::BackendSettings;
pub(crate) use begin::NewRun;
pub(crate) use database::{ActiveRun, Database, DatabaseUri};
pub(crate) use file::StateFile;
pub(crate) use history::PastRun;
pub(crate) use layout::{compact, pretty};
pub(crate) use merge::{is_empty, members, object};
pub(crate) use pipeline::{Adoption, Pipeline};
pub(crate) use postgres::{plugin_settings, postgres_url};
pub(crate) use reports::{RunFilter, RunRow};
pub(crate) use runs::iso;
pub(crate) use state_writer::{StateSender, StateWatch, StateWriter, StoreProgress};
pub(crate) use states::States;

/// What a new state does to the stored one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteMode {
    /// It replaces the stored state.
    Complete,
    /// It covers only the streams of this run and is merged over the stored state. For a full refresh.
    Partial,
}

/// The result of a run, as its row in the database has it.
#[derive(Clone, Debug)]
pub(crate) enum RunResult {
    Success,
    /// With the reason.
    Fail(String),
}

/// The store of one pipeline during one run.
pub(crate) enum Store {
    /// Meltano's system database: history, lock and, without a backend, state.
    Database {
        database: Database,
        /// Where the state is, if not in the database.
        backend: Option<StateBackend>,
        state_id: String,
        run: Box<ActiveRun>,
    },
    /// One file with the bare state.
    File {
        file: StateFile,
        pipeline: Pipeline,
        replaces: bool,
    },
    /// The run neither reads nor stores a state.
    Nowhere,
}

impl Store {
    /// A store in a file, if this pipeline may use it; also a warning for the user.
    ///
    /// # Errors
    /// The state belongs to another pipeline.
    pub(crate) fn file(
        file: StateFile,
        pipeline: Pipeline,
        adoption: Adoption,
    ) -> Result<(Self, Option<String>)> {
        let check = file.check_owner(&pipeline, adoption)?;
        Ok((
            Self::File {
                file,
                pipeline,
                replaces: check.replaces,
            },
            check.warning,
        ))
    }

    /// Whether the stored state belongs to another pipeline and is to be replaced as a whole.
    pub(crate) fn replaces(&self) -> bool {
        match self {
            Self::Database { run, .. } => run.replaces,
            Self::File { replaces, .. } => *replaces,
            Self::Nowhere => false,
        }
    }

    /// The state to resume from, as the JSON text of the value of a STATE message.
    pub(crate) fn read(&self) -> Result<Option<String>> {
        match self {
            Self::Database { run, .. } => Ok(run.start.clone()),
            Self::File { file, .. } => file.read(),
            Self::Nowhere => Ok(None),
        }
    }

    /// Stores a state that the target has emitted.
    ///
    /// # Errors
    /// Another process has changed the stored state, which was not overwritten; or the store cannot be written.
    pub(crate) fn write(&mut self, state: &str, mode: WriteMode) -> Result<()> {
        fault!(STORE_BEFORE);
        match self {
            Self::Database {
                database,
                backend,
                state_id,
                run,
            } => run.known = database.write(state_id, run, backend.as_ref(), state, mode)?,
            Self::File { file, pipeline, .. } => {
                file.write(state, mode)?;
                pipeline::set_owner_of_file(file.path(), pipeline)?;
            }
            Self::Nowhere => {}
        }
        fault!(STORE_AFTER);
        Ok(())
    }

    /// Saves a state that [`write`](Store::write) could not store to a file of its own; returns its path.
    pub(crate) fn save_aside(&self, state: &str) -> Option<PathBuf> {
        let near = match self {
            Self::Database { database, .. } => database.aside(),
            Self::File { file, .. } => file.path(),
            Self::Nowhere => return None,
        };
        unstored::save(state, near).ok()
    }

    /// Records that the run is alive.
    pub(crate) fn heartbeat(&mut self) -> Result<()> {
        match self {
            Self::Database { database, run, .. } => database.heartbeat(&run.row),
            Self::File { .. } | Self::Nowhere => Ok(()),
        }
    }

    /// Records what the run has done so far, where there is a place for that. It is history: nothing depends on it, and a
    /// run does not fail for it.
    pub(crate) fn record(&mut self, report: &PairReport) {
        if let Self::Database { database, run, .. } = self {
            let _ = database.record(run, report);
        }
    }

    /// Records the end of the run; `last` is the newest state that was stored.
    pub(crate) fn finish(&mut self, result: &RunResult, last: Option<(&str, WriteMode)>) -> Result<()> {
        match self {
            Self::Database { database, run, .. } => database.finish(&run.row, result, last),
            Self::File { .. } | Self::Nowhere => Ok(()),
        }
    }

    /// Where the state is, for people.
    pub(crate) fn location(&self) -> Option<String> {
        match self {
            Self::Database {
                backend: Some(backend),
                ..
            } => Some(backend.location()),
            Self::Database { database, .. } => Some(database.location()),
            Self::File { file, .. } => Some(file.path().display().to_string()),
            Self::Nowhere => None,
        }
    }
}
