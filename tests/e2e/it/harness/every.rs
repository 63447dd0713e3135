//! Every built-in target behind one face: a stream `s` with integer ids and a text.

use std::process::Command;

use melisma_testing::postgres::{Database, server};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Kind, Target, melisma, record, schema, state};

/// A target and where its rows go.
pub(crate) enum Every {
    Files(Target),
    Table {
        database: Database<'static>,
        folder: TempDir,
        config: Value,
    },
}

impl Every {
    /// Each built-in target, with a name for messages.
    pub(crate) fn all() -> Vec<(&'static str, Self)> {
        let files = |kind| Self::Files(Target::new(kind));
        let parts = Self::Files(Target::jsonl().with("write_mode", "parts"));
        vec![
            ("target-jsonl", files(Kind::Jsonl)),
            ("target-jsonl, parts", parts),
            ("target-csv", files(Kind::Csv)),
            ("target-parquet", files(Kind::Parquet)),
            ("target-postgres", Self::postgres()),
        ]
    }

    /// target-postgres on a database of its own.
    pub(crate) fn postgres() -> Self {
        let database = server().database();
        let config = json!({
            "host": database.host(),
            "port": database.port(),
            "user": database.user(),
            "password": database.password(),
            "database": database.name(),
            "default_target_schema": "public",
        });
        Self::Table {
            database,
            folder: TempDir::new().expect("a folder"),
            config,
        }
    }

    /// Sets a setting.
    pub(crate) fn with(self, setting: &str, value: impl Into<Value>) -> Self {
        match self {
            Self::Files(target) => Self::Files(target.with(setting, value)),
            Self::Table {
                database,
                folder,
                mut config,
            } => {
                config[setting] = value.into();
                Self::Table {
                    database,
                    folder,
                    config,
                }
            }
        }
    }

    /// The command line, its configuration written.
    pub(crate) fn command(&self) -> Command {
        match self {
            Self::Files(target) => target.command(),
            Self::Table { folder, config, .. } => {
                let path = folder.path().join("config.json");
                std::fs::write(&path, config.to_string()).expect("config.json");
                let mut command = Command::new(melisma());
                command.arg("target-postgres").arg("--config").arg(path);
                command
            }
        }
    }

    /// The ids that are there, in order; all of them readable, with their texts.
    pub(crate) fn ids(&self) -> Vec<u64> {
        let mut ids: Vec<u64> = match self {
            Self::Files(target) => target.rows("s").iter().map(row_id).collect(),
            Self::Table { database, .. } => {
                if database.sql("select to_regclass('public.s') is null") == "t" {
                    return Vec::new();
                }
                let rows = database.sql("select json_build_object('id', id, 'text', text) from public.s");
                rows.lines()
                    .map(|row| row_id(&serde_json::from_str(row).expect("a row")))
                    .collect()
            }
        };
        ids.sort_unstable();
        ids
    }
}

/// The id of a row that [`row`] made; CSV has text where the others have numbers.
fn row_id(row: &Value) -> u64 {
    let id = row["id"].as_u64().or_else(|| row["id"].as_str()?.parse().ok());
    let id = id.expect("an id");
    assert_eq!(row["text"], text(id), "row {id}");
    id
}

fn text(id: u64) -> String {
    format!(
        "row {id} {}",
        "é\\\"x".repeat(usize::try_from(id % 7).expect("small"))
    )
}

/// The SCHEMA of stream `s`.
pub(crate) fn schema_line() -> String {
    let properties = json!({"id": {"type": "integer"}, "text": {"type": "string"}});
    schema("s", &properties, &["id"])
}

/// The RECORDs of these ids.
pub(crate) fn records(ids: impl IntoIterator<Item = u64>) -> impl Iterator<Item = String> {
    ids.into_iter()
        .map(|id| record("s", &json!({"id": id, "text": text(id)}).to_string()))
}

/// A STATE that stands for every id below this one.
pub(crate) fn state_line(next: u64) -> String {
    state(&next.to_string())
}
