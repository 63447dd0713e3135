//! The catalog that a tap has discovered before, where Meltano keeps it.
//!
//! Two files in `.meltano/run/TAP/`: the catalog with the project's rules applied, and a hash of what it depends on. Both
//! tools read and write them, so whichever runs first saves the other the discovery.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use melisma_sdk::internal::replaced::ReplacedFile;
use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};
use sha1::{Digest, Sha1};

use crate::project::spelling;

const CATALOG: &str = "tap.properties.json";
const KEY: &str = "tap.properties.cache_key";

/// The cached catalog of one tap.
pub(super) struct CatalogCache {
    folder: PathBuf,
    /// Of the settings, and the rules that add to the catalog.
    key: String,
}

impl CatalogCache {
    /// The cache in a folder for a tap with these flat settings and rules.
    pub(super) fn new(
        folder: PathBuf,
        mut settings: Map<String, Value>,
        schema: Map<String, Value>,
        metadata: Map<String, Value>,
    ) -> Self {
        settings.insert("_schema".to_owned(), Value::Object(schema));
        settings.insert("_metadata".to_owned(), Value::Object(metadata));
        let key = Sha1::digest(spelling::json(&Value::Object(settings)));
        let mut hex = String::new();
        for byte in key {
            let _ = write!(hex, "{byte:02x}");
        }
        Self { folder, key: hex }
    }

    /// The catalog, unless there is none or what it depends on has changed.
    pub(super) fn read(&self) -> Option<Value> {
        let key = fs::read_to_string(self.folder.join(KEY)).ok()?;
        if key != self.key {
            return None;
        }
        serde_json::from_str(&fs::read_to_string(self.folder.join(CATALOG)).ok()?).ok()
    }

    /// Called before a discovery: one that fails must not leave a catalog that looks current.
    pub(super) fn forget(&self) {
        let _ = fs::remove_file(self.folder.join(KEY));
    }

    /// Keeps a catalog. The key comes last, because it vouches for the catalog.
    pub(super) fn write(&self, catalog: &str) -> Result<()> {
        fs::create_dir_all(&self.folder)
            .map_err(|error| Error::io(format!("cannot create {}", self.folder.display()), error))?;
        for (name, text) in [(CATALOG, catalog), (KEY, &self.key)] {
            let path = self.folder.join(name);
            ReplacedFile::at(&path)?
                .replace(text.as_bytes())
                .map_err(|error| Error::io(format!("cannot write {}", path.display()), error))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(map) => map,
            other => panic!("{other} is no object"),
        }
    }

    #[test]
    fn the_key_is_meltanos() {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = map(json!({"a": "lockdef", "k": null}));
        let metadata = map(json!({"*": {"replication-method": "FULL_TABLE"}}));
        let cache = CatalogCache::new(folder.path().to_owned(), settings, Map::new(), metadata);
        assert_eq!(cache.key, "f8d3ea0e788989cae8b724881c1e8f59776ea972");
        assert_eq!(cache.read(), None);
        cache.write(r#"{"streams": []}"#).expect("written");
        assert_eq!(cache.read(), Some(json!({"streams": []})));
        cache.forget();
        assert_eq!(cache.read(), None);
    }
}
