//! A target on a folder of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::{Outcome, csv_rows, jsonl_rows, melisma, parquet_rows, run};

/// The built-in targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Jsonl,
    Csv,
    Parquet,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Jsonl, Self::Csv, Self::Parquet];

    fn command(self) -> &'static str {
        match self {
            Self::Jsonl => "target-jsonl",
            Self::Csv => "target-csv",
            Self::Parquet => "target-parquet",
        }
    }
}

/// A target with its configuration and its folder, which lives as long as this value.
pub(crate) struct Target {
    kind: Kind,
    folder: TempDir,
    config: Map<String, Value>,
}

impl Target {
    pub(crate) fn new(kind: Kind) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let mut config = Map::new();
        config.insert("destination_path".into(), json!(folder.path().join("out")));
        Self { kind, folder, config }
    }

    pub(crate) fn jsonl() -> Self {
        Self::new(Kind::Jsonl)
    }

    pub(crate) fn parquet() -> Self {
        Self::new(Kind::Parquet)
    }

    /// Sets a setting.
    pub(crate) fn with(mut self, setting: &str, value: impl Into<Value>) -> Self {
        self.config.insert(setting.into(), value.into());
        self
    }

    /// A path in the target's folder, beside its output.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where the files are.
    pub(crate) fn out(&self) -> PathBuf {
        self.path("out")
    }

    /// The command line, its configuration written.
    pub(crate) fn command(&self) -> Command {
        let config = self.path("config.json");
        std::fs::write(&config, Value::Object(self.config.clone()).to_string()).expect("config.json");
        let mut command = Command::new(melisma());
        command.arg(self.kind.command()).arg("--config").arg(config);
        command
    }

    /// Runs the target on these messages, one a line.
    pub(crate) fn feed<L: AsRef<[u8]>>(&self, lines: impl IntoIterator<Item = L>) -> Outcome {
        let mut input = Vec::new();
        for line in lines {
            input.extend_from_slice(line.as_ref());
            input.push(b'\n');
        }
        self.feed_bytes(&input)
    }

    /// Runs the target on these bytes.
    pub(crate) fn feed_bytes(&self, input: &[u8]) -> Outcome {
        run(&mut self.command(), input)
    }

    /// The rows of a stream, in the order of its files.
    pub(crate) fn rows(&self, stream: &str) -> Vec<Value> {
        let files = files(&self.out(), stream);
        match self.kind {
            Kind::Jsonl => files.iter().flat_map(|file| jsonl_rows(file)).collect(),
            Kind::Csv => files.iter().flat_map(|file| csv_rows(file)).collect(),
            Kind::Parquet => files.iter().flat_map(|file| parquet_rows(file)).collect(),
        }
    }

    /// The bytes of a stream's files, one after another.
    pub(crate) fn text(&self, stream: &str) -> String {
        let read = |file: &PathBuf| std::fs::read_to_string(file).expect("a text file");
        files(&self.out(), stream).iter().map(read).collect()
    }
}

/// The visible files whose name starts with the stream's, sorted: `orders.jsonl`, `orders-2026...-000001.parquet`.
pub(crate) fn files(folder: &Path, stream: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let of_stream = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.strip_prefix(stream)
            .is_some_and(|rest| rest.starts_with(['.', '-']))
    };
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(of_stream)
        .collect();
    files.sort();
    files
}

/// A SCHEMA message.
pub(crate) fn schema(stream: &str, properties: &Value, keys: &[&str]) -> String {
    let schema = json!({"type": "object", "properties": properties});
    json!({"type": "SCHEMA", "stream": stream, "schema": schema, "key_properties": keys}).to_string()
}

/// A RECORD message whose record is this text, as it is.
pub(crate) fn record(stream: &str, record: &str) -> String {
    format!(r#"{{"type":"RECORD","stream":"{stream}","record":{record}}}"#)
}

/// A STATE message whose value is this text, as it is.
pub(crate) fn state(value: &str) -> String {
    format!(r#"{{"type":"STATE","value":{value}}}"#)
}
