//! What every step of a run may need.

use std::path::Path;
use std::sync::Arc;

use melisma_sdk::Result;
use uuid::Uuid;

use super::run_dir::RunDir;
use crate::console::Console;
use crate::signals::Signals;

/// A run that has begun: its id, its private folder, its log, and the signals that it gets.
pub(super) struct RunContext {
    /// A UUID of version 7: ids of later runs sort after those of earlier ones.
    pub(super) run_id: String,
    pub(super) dir: RunDir,
    pub(super) signals: Signals,
    /// Shared with the threads that relay what the plugins log.
    pub(super) console: Arc<Console>,
}

impl RunContext {
    /// Begins a run whose private folder is in `run_dirs`.
    pub(super) fn new(run_dirs: &Path, signals: Signals, console: &Arc<Console>) -> Result<Self> {
        let run_id = Uuid::now_v7().to_string();
        Ok(Self {
            dir: RunDir::create(run_dirs, &run_id)?,
            run_id,
            signals,
            console: Arc::clone(console),
        })
    }
}
