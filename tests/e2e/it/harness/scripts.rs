//! Taps and runs of a few lines of shell, for what no real tap does on demand.

use std::path::{Path, PathBuf};
use std::process::Command;

use melisma_processes::sqlite;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::melisma;

/// Begins every tap: it can not discover, and it has a SCHEMA.
const HEAD: &str = r#"
case "$*" in *--discover*) exit 1 ;; esac
row() { echo '{"type":"RECORD","stream":"s","record":{"id":'$1'}}'; }
state() { echo '{"type":"STATE","value":'$1'}'; }
touch_and_wait() { : > "$1"; while [ ! -e "$2" ]; do sleep 0.01; done; }
echo '{"type":"SCHEMA","stream":"s","schema":{"properties":{"id":{"type":"integer"}}},"key_properties":[]}'
"#;

/// A folder where a tap of shell runs into a target.
pub(crate) struct Runs(pub(crate) TempDir);

impl Runs {
    /// A tap that does this after its SCHEMA. It has `row N`, `state JSON` and `touch_and_wait MADE WANTED`.
    pub(crate) fn new(tap: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        std::fs::write(folder.path().join("tap.sh"), format!("{HEAD}{tap}")).expect("written");
        let runs = Self(folder);
        runs.target(json!({}));
        runs
    }

    /// Settings of target-jsonl besides its folder; each STATE is emitted at once.
    pub(crate) fn target(&self, more: Value) {
        let mut config = json!({"destination_path": self.path("out"), "state_interval_seconds": 0});
        let more: serde_json::Map<String, Value> = serde_json::from_value(more).expect("an object");
        config.as_object_mut().expect("an object").extend(more);
        std::fs::write(self.path("target.json"), config.to_string()).expect("written");
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// The content of a file.
    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Makes an empty file.
    pub(crate) fn touch(&self, name: &str) {
        std::fs::write(self.path(name), "").expect("written");
    }

    /// `melisma run` of the tap into target-jsonl.
    pub(crate) fn command(&self, more: &[&str]) -> Command {
        self.command_into("target-jsonl --config target.json", more)
    }

    /// `melisma run` of the tap into this.
    pub(crate) fn command_into(&self, target: &str, more: &[&str]) -> Command {
        let mut command = Command::new(melisma());
        command
            .arg("run")
            .args(more)
            .args(["sh tap.sh", target])
            .current_dir(self.folder());
        command
    }

    /// How many rows are there.
    pub(crate) fn rows(&self) -> usize {
        std::fs::read_to_string(self.path("out/s.jsonl")).map_or(0, |text| text.lines().count())
    }

    /// What a query on the system database of the folder says: rows of texts.
    pub(crate) fn query(&self, sql: &str) -> Vec<Vec<String>> {
        sqlite(&self.path(".meltano/meltano.db"), sql)
    }
}
