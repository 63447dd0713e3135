//! The `plugin_settings` table: settings that `config set --store=db` stores. Their values are Python pickles.

use std::fmt::Write as _;

use melisma_sdk::Result;

use super::database::Database;

impl Database {
    /// Stores a setting.
    pub(crate) fn set_setting(&mut self, namespace: &str, name: &str, pickle: &[u8]) -> Result<()> {
        let mut hex = String::new();
        for byte in pickle {
            let _ = write!(hex, "{byte:02x}");
        }
        let value = self.sql.bytes(&hex);
        let statement = format!(
            "INSERT INTO plugin_settings (name, namespace, value, enabled) VALUES (?1, ?2, {value}, true)
             ON CONFLICT (name, namespace) DO UPDATE SET value = {value}, enabled = true"
        );
        self.sql
            .query(&statement, &[Some(name), Some(namespace)])
            .map(drop)
    }

    /// Removes a setting, or all of a namespace.
    pub(crate) fn remove_settings(&mut self, namespace: &str, name: Option<&str>) -> Result<()> {
        let done = match name {
            Some(name) => self.sql.query(
                "DELETE FROM plugin_settings WHERE namespace = ?1 AND name = ?2",
                &[Some(namespace), Some(name)],
            ),
            None => self.sql.query(
                "DELETE FROM plugin_settings WHERE namespace = ?1",
                &[Some(namespace)],
            ),
        };
        done.map(drop)
    }
}
