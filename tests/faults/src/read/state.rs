//! The STATE that was kept: the runner's store, what the target holds, and what it emitted last.

use std::fs;

use rusqlite::{Connection, OptionalExtension as _};

use super::{databases, postgres};
use crate::rig::Rig;

/// The STATE that the next run starts from.
///
/// # Errors
/// The store can not be read, or holds what is no state.
pub fn stored(rig: &Rig<'_>) -> Result<Option<String>, String> {
    if rig.variant.held {
        let held = if rig.kind.is_sql() {
            databases::contents(rig)?.state
        } else {
            postgres::held(rig)?
        };
        if held.is_some() {
            return Ok(held);
        }
    }
    if rig.variant.state_file {
        return match fs::read_to_string(rig.path("state.json")) {
            Ok(text) => Ok(Some(text.trim_end_matches('\n').to_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("the state file: {error}")),
        };
    }
    let path = rig.path(".meltano/meltano.db");
    if !path.exists() {
        return Ok(None);
    }
    let cannot = |error: rusqlite::Error| format!("the state database: {error}");
    let database = Connection::open(path).map_err(cannot)?;
    let tables: i64 = database
        .query_row(
            "select count(*) from sqlite_master where name = 'state'",
            [],
            |row| row.get(0),
        )
        .map_err(cannot)?;
    if tables == 0 {
        return Ok(None);
    }
    let complete: Option<String> = database
        .query_row("select completed_state from state", [], |row| row.get(0))
        .optional()
        .map_err(cannot)?;
    let Some(complete) = complete else { return Ok(None) };
    let state = complete
        .strip_prefix("{\"singer_state\": ")
        .and_then(|rest| rest.strip_suffix('}'));
    state
        .map(|state| Some(state.to_owned()))
        .ok_or_else(|| format!("P6: the store holds {complete}"))
}

/// The STATE that the target has emitted last, by its `--state-out`; it is there a moment before it goes to stdout.
pub fn emitted(rig: &Rig<'_>) -> Option<String> {
    let text = fs::read_to_string(rig.path("emitted.json")).ok()?;
    Some(text.trim_end_matches('\n').to_owned())
}
