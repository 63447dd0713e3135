//! What every step of a block may need.

use std::path::Path;
use std::sync::Arc;

use melisma_sdk::Result;
use uuid::Uuid;

use super::progress::Display;
use super::run_dir::RunDir;
use crate::console::Console;
use crate::signals::Signals;

/// What all blocks of a run have in common.
pub(super) struct Invocation {
    /// A UUID of version 7, unless the user has chosen another: ids of later runs sort after those of earlier ones.
    pub(super) run_id: String,
    pub(super) signals: Signals,
    /// Shared with the threads that relay what the plugins log.
    pub(super) console: Arc<Console>,
    /// Whether it is noted which records each state covers, for the metrics.
    pub(super) marks_states: bool,
    /// Whether the run is one of `melisma el`.
    pub(super) as_el: bool,
    /// The terminal, which the pairs share.
    pub(super) display: Display,
}

/// A block of a run: the run's id, the block's private folder, its log, and the signals that it gets.
pub(super) struct RunContext {
    pub(super) run_id: String,
    pub(super) dir: RunDir,
    pub(super) signals: Signals,
    pub(super) console: Arc<Console>,
    pub(super) marks_states: bool,
    pub(super) as_el: bool,
    pub(super) display: Display,
}

impl RunContext {
    /// A block whose private folder is in `run_dirs`.
    pub(super) fn new(run_dirs: &Path, invocation: &Invocation) -> Result<Self> {
        Ok(Self {
            run_id: invocation.run_id.clone(),
            dir: RunDir::create(run_dirs, &Uuid::now_v7().to_string())?,
            signals: invocation.signals.another()?,
            console: Arc::clone(&invocation.console),
            marks_states: invocation.marks_states,
            as_el: invocation.as_el,
            display: invocation.display.clone(),
        })
    }
}
