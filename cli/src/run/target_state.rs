//! The STATE that a target stores next to its rows (`state_in_target`).
//!
//! The runner's own store may be behind it, because a run can be killed between the target's commit and the write to the
//! store. A tap that resumes from the target's STATE sends no row twice.

use melisma_sdk::{Error, Result};
use serde_json::json;

use super::context::RunContext;
use super::process_group::{describe, kind_of};
use super::program::Program;
use super::query_plugin::query_plugin;

/// Passes the state id of this run to the target, unless its own settings have one.
pub(super) fn set_state_id(target: &mut Program, state_id: &str, context: &RunContext) -> Result<()> {
    if target.stores_state() {
        let config = context
            .dir
            .write("target.state.json", &json!({ "state_id": state_id }).to_string())?;
        // Before the given config files, because a later file takes precedence.
        target.args.splice(1..1, ["--config".into(), config.into()]);
    }
    Ok(())
}

/// The STATE that the target has committed, if it stores any.
pub(super) fn stored_state(target: &Program, context: &RunContext) -> Result<Option<String>> {
    if !target.stores_state() {
        return Ok(None);
    }
    let (status, output) = query_plugin(target, "--stored-state", context)?;
    if !status.success() {
        let why = describe(status);
        let message = format!(
            "{} --stored-state failed ({why}); the run was not started",
            target.name
        );
        return Err(Error::new(kind_of(status), message));
    }
    let state = String::from_utf8(output)
        .map_err(|_| Error::input(format!("{}: its STATE is not UTF-8", target.name)))?;
    Ok(Some(state.trim().to_owned()).filter(|state| !state.is_empty()))
}
