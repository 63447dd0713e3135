//! The `plugin_settings` table: settings that `config set --store=db` stores. Their values are Python pickles.

use melisma_sdk::Result;
use rusqlite::params;

use super::database::{Database, failed};

impl Database {
    /// Stores a setting.
    pub(crate) fn set_setting(&self, namespace: &str, name: &str, pickle: &[u8]) -> Result<()> {
        self.connection
            .execute(
                "INSERT INTO plugin_settings (name, namespace, value, enabled) VALUES (?1, ?2, ?3, 1)
                 ON CONFLICT (name, namespace) DO UPDATE SET value = ?3, enabled = 1",
                params![name, namespace, pickle],
            )
            .map(drop)
            .map_err(|error| failed(&self.path, error))
    }

    /// Removes a setting, or all of a namespace.
    pub(crate) fn remove_settings(&self, namespace: &str, name: Option<&str>) -> Result<()> {
        self.connection
            .execute(
                "DELETE FROM plugin_settings WHERE namespace = ?1 AND (?2 IS NULL OR name = ?2)",
                params![namespace, name],
            )
            .map(drop)
            .map_err(|error| failed(&self.path, error))
    }
}
