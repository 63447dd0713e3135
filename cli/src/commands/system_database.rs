//! What commands read from and write to the system database, besides states.

use melisma_sdk::{Error, Result};
use serde_json::Value;

use crate::pickle;
use crate::project::{Plugin, Project, stored_namespace};
use crate::state::Database;

/// Stores a setting of a plugin, or removes it.
pub(super) fn set_setting(
    project: &Project,
    plugin: &Plugin,
    name: &str,
    value: Option<&Value>,
) -> Result<()> {
    let namespace = stored_namespace(plugin.kind, &plugin.name);
    match (open(project)?, value) {
        (Some(database), Some(value)) => database.set_setting(&namespace, name, &pickle::write(value)),
        (Some(database), None) => database.remove_settings(&namespace, Some(name)),
        (None, _) => Err(elsewhere(project)),
    }
}

/// Removes all stored settings of a plugin.
pub(super) fn reset_settings(project: &Project, plugin: &Plugin) -> Result<()> {
    match open(project)? {
        Some(database) => database.remove_settings(&stored_namespace(plugin.kind, &plugin.name), None),
        None => Err(elsewhere(project)),
    }
}

/// When the last successful run of a pipeline ended, in ISO 8601.
pub(super) fn last_success(project: &Project, state_id: &str) -> Result<Option<String>> {
    match project.sqlite_file()?.filter(|path| path.is_file()) {
        Some(path) => Database::open(&path)?.last_success(state_id),
        None => Ok(None),
    }
}

fn open(project: &Project) -> Result<Option<Database>> {
    project
        .sqlite_file()?
        .map(|path| Database::open(&path))
        .transpose()
}

fn elsewhere(project: &Project) -> Error {
    let uri = project.setting("database_uri").ok().flatten().unwrap_or_default();
    let scheme = uri.split(':').next().unwrap_or_default();
    Error::config(format!(
        "database_uri: settings are stored in a system database of SQLite only, not in one of {scheme}"
    ))
}
