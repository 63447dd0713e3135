//! What commands read from and write to the system database, besides states.

use melisma_sdk::Result;
use serde_json::Value;

use crate::pickle;
use crate::plugin_kind::PluginKind;
use crate::project::{Project, stored_namespace};
use crate::state::{Database, DatabaseUri};

/// Stores a setting in a namespace, or removes it.
pub(super) fn set_setting(
    project: &Project,
    namespace: &str,
    name: &str,
    value: Option<&Value>,
) -> Result<()> {
    let mut database = Database::open(&project.database()?, &project.system)?;
    match value {
        Some(value) => database.set_setting(namespace, name, &pickle::write(value)),
        None => database.remove_settings(namespace, Some(name)),
    }
}

/// Removes all stored settings of a namespace.
pub(super) fn reset_settings(project: &Project, namespace: &str) -> Result<()> {
    let mut database = Database::open(&project.database()?, &project.system)?;
    database.remove_settings(namespace, None)
}

/// Removes all stored settings of a plugin that is removed, if there is a database.
pub(super) fn forget_settings(project: &Project, kind: PluginKind, plugin: &str) -> Result<()> {
    let uri = project.database()?;
    if matches!(&uri, DatabaseUri::File(path) if !path.is_file()) {
        return Ok(());
    }
    let mut database = Database::open(&uri, &project.system)?;
    database.remove_settings(&stored_namespace(kind, plugin), None)
}

/// When the last successful run of a pipeline ended, in ISO 8601.
pub(super) fn last_success(project: &Project, state_id: &str) -> Result<Option<String>> {
    let uri = project.database()?;
    if matches!(&uri, DatabaseUri::File(path) if !path.is_file()) {
        return Ok(None);
    }
    Database::open(&uri, &project.system)?.last_success(state_id)
}
