//! What the threads of a run share.

use std::sync::Arc;

use melisma_engine::sink::CommitMode;

use super::config::SqlConfig;
use super::dialect::Dialect;
use crate::target::LoadMethod;

/// What the threads of a run share.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) dialect: Arc<dyn Dialect>,
    pub(super) config: SqlConfig,
    pub(super) method: LoadMethod,
}

impl Run {
    pub(super) fn overwrites(&self) -> bool {
        self.method == LoadMethod::Overwrite
    }

    pub(super) fn commit_mode(&self) -> CommitMode {
        match (self.overwrites(), self.config.state_in_target) {
            (true, _) => CommitMode::AtEnd,
            (_, true) => CommitMode::AtStates,
            _ => CommitMode::PerStream,
        }
    }
}
