//! tap-postgres and target-postgres, on real servers and beside their peers.

mod copied;
mod copied_elsewhere;
mod copied_killed;
mod drift;
mod example;
mod names;
mod peers;
mod state;
mod types;

use std::process::Command;

use melisma_testing::postgres::Database;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::harness::{Outcome, melisma, run};

/// The settings of a connection to a database, under the names that every connector knows.
fn settings(database: &Database, more: Value) -> Value {
    let mut all = json!({
        "host": database.host(),
        "port": database.port(),
        "user": database.user(),
        "password": database.password(),
        "database": database.name(),
    });
    let more: Map<String, Value> = serde_json::from_value(more).expect("an object");
    all.as_object_mut().expect("an object").extend(more);
    all
}

/// A folder with files of settings in it.
struct Configs(TempDir);

impl Configs {
    fn new() -> Self {
        Self(TempDir::new().expect("a folder"))
    }

    /// A command line with these settings.
    fn plugin(&self, name: &str, program: &mut Command, settings: &Value) {
        let path = self.0.path().join(format!("{name}.json"));
        std::fs::write(&path, settings.to_string()).expect("written");
        program.arg("--config").arg(path);
    }

    /// One of our plugins with these settings, and this input.
    fn ours(&self, plugin: &str, settings: &Value, input: &[u8]) -> Outcome {
        let mut command = Command::new(melisma());
        command.arg(plugin);
        self.plugin(plugin, &mut command, settings);
        run(&mut command, input)
    }
}

/// Everything that one of our taps says.
fn tap(settings: &Value) -> Vec<u8> {
    Configs::new().ours("tap-postgres", settings, b"").ok().stdout
}

/// Loads with our target.
fn load(settings: &Value, input: &[u8]) -> Outcome {
    Configs::new().ours("target-postgres", settings, input).ok()
}
