//! Settings of plugins that `meltano config set --store=db` has stored in the system database.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use melisma_sdk::{Error, Kind, Result};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use super::Project;
use crate::pickle;
use crate::plugin_kind::PluginKind;
use crate::state::{self, DatabaseUri};

/// The stored settings, read when the first one is asked for: their values by namespace and name.
#[derive(Default)]
pub(super) struct StoredSettings(OnceLock<BTreeMap<(String, String), Vec<u8>>>);

/// The namespace of the settings of Meltano itself.
pub(crate) const PROJECT_NAMESPACE: &str = "meltano";

impl Project {
    /// The stored value of a setting of a plugin.
    pub(super) fn stored_setting(&self, kind: PluginKind, plugin: &str, name: &str) -> Result<Option<Value>> {
        self.stored(namespace(kind, plugin), plugin, name)
    }

    /// The stored value of a setting of Meltano itself.
    pub(super) fn stored_project_setting(&self, name: &str) -> Result<Option<Value>> {
        self.stored(PROJECT_NAMESPACE.to_owned(), PROJECT_NAMESPACE, name)
    }

    fn stored(&self, namespace: String, owner: &str, name: &str) -> Result<Option<Value>> {
        let stored = match self.stored.0.get() {
            Some(stored) => stored,
            None => {
                let stored = self.read_stored()?;
                self.stored.0.get_or_init(|| stored)
            }
        };
        let Some(bytes) = stored.get(&(namespace, name.to_owned())) else {
            return Ok(None);
        };
        pickle::read(bytes).map(Some).map_err(|reason| {
            Error::config(format!(
                "setting {name} of {owner}: its value in the system database cannot be read: {reason}; \
                 `melisma config unset --store=db {owner} {name}` removes it"
            ))
        })
    }

    fn read_stored(&self) -> Result<BTreeMap<(String, String), Vec<u8>>> {
        match self.database()? {
            DatabaseUri::Postgres(url) => state::plugin_settings(&url),
            DatabaseUri::File(path) if path.is_file() => read(&path).map_err(|error| {
                Error::new(Kind::Io, format!("the system database {}", path.display())).with_source(error)
            }),
            DatabaseUri::File(_) => Ok(BTreeMap::new()),
        }
    }

    /// The system database.
    pub(crate) fn database(&self) -> Result<DatabaseUri> {
        let Some(uri) = self.setting("database_uri")? else {
            return Ok(DatabaseUri::File(self.system.join("meltano.db")));
        };
        if let Some(url) = state::postgres_url(&uri) {
            return Ok(DatabaseUri::Postgres(url.to_owned()));
        }
        let scheme = uri.split(':').next().unwrap_or_default();
        match (scheme.split('+').next(), uri.split_once(":///")) {
            (Some("sqlite"), Some((_, path))) if !path.is_empty() => {
                let path = path.split('?').next().unwrap_or(path);
                Ok(DatabaseUri::File(self.root.join(path)))
            }
            _ => Err(Error::config(format!(
                "database_uri: {scheme} is not supported; use sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"
            ))),
        }
    }
}

/// The namespace of a plugin's settings. Its last part is the same for all; it is left from an old version of Meltano.
pub(crate) fn namespace(kind: PluginKind, plugin: &str) -> String {
    format!("{}.{plugin}.default", kind.plural())
}

fn read(path: &std::path::Path) -> rusqlite::Result<BTreeMap<(String, String), Vec<u8>>> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    let table: i64 = connection.query_row(
        "SELECT count(*) FROM sqlite_master WHERE name = 'plugin_settings'",
        [],
        |row| row.get(0),
    )?;
    if table == 0 {
        return Ok(BTreeMap::new());
    }
    let mut statement = connection
        .prepare("SELECT namespace, name, value FROM plugin_settings WHERE enabled AND value IS NOT NULL")?;
    let rows = statement.query_map([], |row| {
        Ok((
            (row.get::<_, Option<String>>(0)?.unwrap_or_default(), row.get(1)?),
            row.get(2)?,
        ))
    })?;
    rows.collect()
}
