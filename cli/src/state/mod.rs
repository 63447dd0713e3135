//! Where the state of a pipeline lives between runs.
//!
//! A store takes a state only after the target has told it, keeps its bytes as they came, and never replaces it with
//! an empty one.

mod begin;
mod database;
mod file;
mod keeper;
mod lock;
mod merge;
mod owner;
mod pipeline;
mod runs;
mod unstored;

use std::path::PathBuf;

use melisma_sdk::{Result, fault};

pub(crate) use begin::NewRun;
pub(crate) use database::{Begun, Database};
pub(crate) use file::StateFile;
pub(crate) use keeper::{Keeper, Kept, Teller};
pub(crate) use merge::is_empty;
pub(crate) use pipeline::{Pipeline, Taking};

/// How a new state stands to the one that is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Write {
    /// It replaces everything.
    Complete,
    /// It holds only what this run did, and is merged over the rest (after a full refresh).
    Partial,
}

/// How a run ended, as its row in the database says it.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    Success,
    /// With the reason.
    Fail(String),
}

/// The store of one pipeline during one run.
pub(crate) enum Store {
    /// Meltano's system database: state, history and lock.
    Database {
        database: Database,
        state_id: String,
        run: Begun,
    },
    /// One file with the bare state.
    File {
        file: StateFile,
        pipeline: Pipeline,
        replaces: bool,
    },
    /// A run that neither reads nor keeps state.
    Nowhere,
}

impl Store {
    /// The file of a state, when this pipeline may resume from it; with what a person should know of it.
    ///
    /// # Errors
    /// It cannot be used, or is another pipeline's.
    pub(crate) fn file(
        file: StateFile,
        pipeline: Pipeline,
        taking: Taking,
    ) -> Result<(Self, Option<String>)> {
        let look = file.look(&pipeline, taking)?;
        let replaces = look.replaces;
        Ok((
            Self::File {
                file,
                pipeline,
                replaces,
            },
            look.warning,
        ))
    }

    /// Whether what is stored is another pipeline's, so that nothing of it may stay.
    pub(crate) fn replaces(&self) -> bool {
        match self {
            Self::Database { run, .. } => run.replaces,
            Self::File { replaces, .. } => *replaces,
            Self::Nowhere => false,
        }
    }

    /// The state that this run starts from: the JSON text of the bare value.
    pub(crate) fn read(&self) -> Result<Option<String>> {
        match self {
            Self::Database { run, .. } => Ok(run.start.clone()),
            Self::File { file, .. } => file.read(),
            Self::Nowhere => Ok(None),
        }
    }

    /// Stores a state that the target has told.
    ///
    /// # Errors
    /// Somebody else has changed what is stored, and it was left as it is; or it can not be written.
    pub(crate) fn write(&mut self, state: &str, how: Write) -> Result<()> {
        fault!(STORE_BEFORE);
        match self {
            Self::Database {
                database,
                state_id,
                run,
            } => run.known = database.write(state_id, run, state, how)?,
            Self::File { file, pipeline, .. } => {
                file.write(state, how)?;
                pipeline::note_file(file.path(), pipeline)?;
            }
            Self::Nowhere => {}
        }
        fault!(STORE_AFTER);
        Ok(())
    }

    /// Keeps a state that [`write`](Store::write) could not store in a file of its own; where.
    pub(crate) fn keep_aside(&self, state: &str) -> Option<PathBuf> {
        unstored::keep(state, &self.place()?).ok()
    }

    /// Says that the run is alive.
    pub(crate) fn heartbeat(&self) -> Result<()> {
        match self {
            Self::Database { database, run, .. } => database.heartbeat(run.row),
            Self::File { .. } | Self::Nowhere => Ok(()),
        }
    }

    /// Ends the run's row; `last` is the newest state that was stored.
    pub(crate) fn finish(&self, outcome: &Outcome, last: Option<(&str, Write)>) -> Result<()> {
        match self {
            Self::Database { database, run, .. } => database.finish(run.row, outcome, last),
            Self::File { .. } | Self::Nowhere => Ok(()),
        }
    }

    /// Where a person finds it.
    pub(crate) fn place(&self) -> Option<PathBuf> {
        match self {
            Self::Database { database, .. } => Some(database.path().to_owned()),
            Self::File { file, .. } => Some(file.path().to_owned()),
            Self::Nowhere => None,
        }
    }
}
