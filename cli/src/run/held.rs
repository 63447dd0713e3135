//! The STATE that a target holds beside its rows (`state_in_target`).
//!
//! What this runner has stored may be older than that: a run may end between the target's commit and our store. A tap
//! that starts from what the target holds sends no row twice.

use std::sync::Arc;

use melisma_sdk::{Error, Result};
use serde_json::json;

use super::ask::ask;
use super::folder::RunFolder;
use super::process::{Program, describe, kind_of};
use crate::console::Console;
use crate::signals::Signals;

/// Gives the target this run's state id, unless its own settings have one.
pub(super) fn name(target: &mut Program, state_id: &str, folder: &RunFolder) -> Result<()> {
    if target.stores_state {
        let config = folder.write("target.state.json", &json!({ "state_id": state_id }).to_string())?;
        // Before the settings that were given: of two files the later counts.
        target.args.splice(1..1, ["--config".into(), config.into()]);
    }
    Ok(())
}

/// What the target holds, when it is one that can, and is set to.
pub(super) fn state(target: &Program, signals: &Signals, console: &Arc<Console>) -> Result<Option<String>> {
    if !target.stores_state {
        return Ok(None);
    }
    let (status, output) = ask(target, "--stored-state", signals, console)?;
    if !status.success() {
        let why = describe(status);
        let message = format!(
            "{} --stored-state failed ({why}): nothing was started",
            target.name
        );
        return Err(Error::new(kind_of(status), message));
    }
    let state = String::from_utf8(output)
        .map_err(|_| Error::input(format!("{}: its STATE is not UTF-8", target.name)))?;
    Ok(Some(state.trim().to_owned()).filter(|state| !state.is_empty()))
}
