//! Opening the store of a run's state, and checking that the state belongs to this pipeline.

use melisma_sdk::Result;

use super::context::RunContext;
use super::state_id::Identity;
use super::workspace::Workspace;
use crate::args::RunArgs;
use crate::state::{Adoption, Database, NewRun, StateBackend, StateFile, Store};

/// Opens the file of `--state`, or begins a run in the system database.
pub(super) fn open_store(
    args: &RunArgs,
    workspace: &Workspace,
    identity: &Identity,
    context: &RunContext,
) -> Result<Store> {
    if args.no_state_update {
        return Ok(Store::Nowhere);
    }
    let adoption = match (args.full_refresh, args.adopt_state) {
        (true, _) => Adoption::Replace,
        (false, true) => Adoption::Adopt,
        (false, false) => Adoption::Refuse,
    };
    if let Some(path) = &args.state {
        let file = StateFile::open(path, args.force)?;
        let (store, warning) = Store::file(file, identity.pipeline.clone(), adoption)?;
        if let Some(warning) = &warning {
            context.console.warn(warning);
        }
        return Ok(store);
    }
    let new = NewRun {
        state_id: &identity.state_id,
        run_id: &context.run_id,
        force: args.force,
        adoption,
        old_id: identity.old_state_id.as_deref(),
    };
    let backend = workspace.state_backend()?;
    let backend = backend.as_ref().map(StateBackend::open).transpose()?;
    let mut database = Database::open(&workspace.database()?, workspace.system())?;
    let run = database.begin(&new, &identity.pipeline, backend.as_ref())?;
    for warning in run.warnings() {
        context.console.warn(warning);
    }
    Ok(Store::Database {
        database,
        backend,
        state_id: identity.state_id.clone(),
        run: Box::new(run),
    })
}
