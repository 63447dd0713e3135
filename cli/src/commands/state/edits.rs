//! What the commands of `melisma state` do that change states.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;

use melisma_sdk::{Error, Kind, Result};
use serde_json::value::RawValue;

use super::editor::Draft;
use crate::console::Console;
use crate::state::{States, WriteMode, compact, is_empty, pretty};

/// Replaces a state by what is given.
pub(super) fn set(
    states: &mut States,
    id: &str,
    state: &str,
    validate: bool,
    console: &Console,
) -> Result<()> {
    let state = checked(state, validate)?;
    if !validate {
        console
            .warn("The state is not validated. A state that is invalid may cause problems in future runs.");
    }
    states.edit(id, &state, WriteMode::Complete)?;
    console.info(&format!("State for {id} was successfully set."));
    Ok(())
}

/// Merges what is given over a state.
pub(super) fn merge(states: &mut States, id: &str, state: &str, console: &Console) -> Result<()> {
    states.edit(id, &checked(state, true)?, WriteMode::Partial)?;
    console.info(&format!("State for {id} was successfully merged."));
    Ok(())
}

/// Replaces the state of `to` by that of `from`.
pub(super) fn copy(states: &mut States, from: &str, to: &str, console: &Console) -> Result<()> {
    let state = existing(states, from)?;
    states.edit(to, &checked(&state, true)?, WriteMode::Complete)?;
    console.info(&format!("State for {to} was successfully copied from {from}."));
    Ok(())
}

/// The same, and removes that of `from` then.
pub(super) fn move_(states: &mut States, from: &str, to: &str, console: &Console) -> Result<()> {
    if from == to {
        return Err(Error::new(
            Kind::Usage,
            format!("{from:?} is both ids; a state that is moved to itself would be lost"),
        ));
    }
    let state = existing(states, from)?;
    states.edit(to, &checked(&state, true)?, WriteMode::Complete)?;
    states.clear(from)?;
    console.info(&format!("State for {from} was successfully moved to {to}."));
    Ok(())
}

/// Lets the user edit a state.
pub(super) fn edit(states: &mut States, id: &str, console: &Console) -> Result<()> {
    let old = states.get(id)?;
    let draft = Draft::edit(&pretty(&old))?;
    if draft.text.trim().is_empty() || compact(&draft.text) == compact(&old) {
        console.info("The text is the same, so nothing was changed.");
        return Ok(());
    }
    match checked(&draft.text, true).and_then(|state| states.edit(id, &state, WriteMode::Complete)) {
        Ok(()) => console.info(&format!("State for {id} was successfully updated.")),
        Err(error) => return Err(draft.kept(&error)),
    }
    Ok(())
}

/// Removes a state, or all.
pub(super) fn clear(states: &mut States, id: Option<&str>, console: &Console) -> Result<()> {
    if let Some(id) = id {
        return states.clear(id);
    }
    let ids = states.ids()?;
    for id in &ids {
        states.clear(id)?;
    }
    console.info(&format!("{} state(s) were successfully cleared", ids.len()));
    Ok(())
}

/// The state of an id that must have one.
pub(super) fn existing(states: &mut States, id: &str) -> Result<String> {
    let state = states.get(id)?;
    if is_empty(&state) {
        return Err(Error::config(format!(
            "{id:?} has no state; `state list` has the ids"
        )));
    }
    Ok(state)
}

/// The text on the command line, or that of a file; `-` is stdin.
pub(super) fn given(text: Option<&str>, file: Option<&Path>) -> Result<String> {
    let Some(file) = file else {
        return Ok(text.unwrap_or_default().to_owned());
    };
    let text = if file == Path::new("-") {
        io::read_to_string(io::stdin())
    } else {
        fs::read_to_string(file)
    };
    text.map_err(|error| Error::config(format!("cannot read {}", file.display())).with_source(error))
}

/// A state on one line.
///
/// # Errors
/// It is not an object, or `whole` and without `singer_state`.
pub(super) fn checked(state: &str, whole: bool) -> Result<String> {
    let members: HashMap<String, &RawValue> = serde_json::from_str(state)
        .map_err(|error| Error::input("the state is not a JSON object").with_source(error))?;
    if whole && !members.contains_key("singer_state") {
        return Err(Error::input(
            "the state has no key singer_state at its top: expected {\"singer_state\": ...}; `state set --no-validate` \
             accepts it",
        ));
    }
    Ok(compact(state))
}
