//! What the measurements read, made once under target/bench.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;

use crate::{Result, sh};

/// A binary of the release profile.
pub(crate) fn release(name: &str) -> PathBuf {
    sh::target().join("release").join(name)
}

/// The files of one size.
pub(crate) struct Corpora {
    pub(crate) rows: u64,
    /// Where outputs go.
    pub(crate) folder: PathBuf,
    /// TPC-H lineitem, as CSV.
    pub(crate) csv: PathBuf,
    /// The same as a Python tap writes it.
    pub(crate) python: PathBuf,
    /// The same as our tap-csv writes it, with `infer_types`.
    pub(crate) singer: PathBuf,
    /// A project with tap-csv and each target.
    pub(crate) project: PathBuf,
    /// The configuration of tap-csv in it.
    pub(crate) tap_config: PathBuf,
}

impl Corpora {
    /// The CSV file and the project.
    pub(crate) fn make(rows: u64) -> Result<Self> {
        let folder = sh::target().join("bench").join(rows.to_string());
        let corpora = Self {
            rows,
            csv: folder.join("lineitem.csv"),
            python: folder.join("lineitem.singer"),
            singer: folder.join("tap-csv.singer"),
            project: folder.join("project"),
            tap_config: folder.join("tap-csv.json"),
            folder,
        };
        corpora.table(&corpora.csv, "csv")?;
        corpora.projects()?;
        Ok(corpora)
    }

    /// The Singer messages as well.
    pub(crate) fn with_singer(rows: u64) -> Result<Self> {
        let corpora = Self::make(rows)?;
        corpora.table(&corpora.python, "singer")?;
        corpora.own_singer()?;
        Ok(corpora)
    }

    fn table(&self, file: &Path, format: &str) -> Result {
        if file.exists() {
            return Ok(());
        }
        let rows = self.rows.to_string();
        let mut melisma = Command::new(release("melisma"));
        melisma.args([
            "bench", "gen", "lineitem", "--rows", &rows, "--format", format, "--out",
        ]);
        fs::create_dir_all(&self.folder)
            .map_err(|e| format!("cannot create {}: {e}", self.folder.display()))?;
        sh::run(melisma.arg(file))
    }

    fn projects(&self) -> Result {
        let tap = json!({"infer_types": true, "files": [
            {"entity": "lineitem", "path": self.csv, "keys": ["l_orderkey", "l_linenumber"]},
        ]});
        let target = |name: &str| {
            let config = json!({"destination_path": self.output(name)});
            json!({"name": name, "namespace": name.replace('-', "_"), "executable": name, "config": config})
        };
        // JSON is YAML.
        let project = json!({
            "version": 1, "default_environment": "bench", "environments": [{"name": "bench"}],
            "plugins": {
                "extractors": [{
                    "name": "tap-csv", "namespace": "tap_csv", "executable": "tap-csv", "config": tap,
                    "capabilities": ["catalog", "discover", "state"],
                }],
                "loaders": [target("target-jsonl"), target("target-csv"), target("target-parquet")],
            },
        });
        let write = |path: &Path, text: String| {
            fs::write(path, text).map_err(|e| format!("cannot write {}: {e}", path.display()))
        };
        fs::create_dir_all(&self.project)
            .map_err(|e| format!("cannot create {}: {e}", self.project.display()))?;
        write(&self.project.join("meltano.yml"), format!("{project:#}"))?;
        write(&self.tap_config, tap.to_string())
    }

    fn own_singer(&self) -> Result {
        let file = fs::File::create(&self.singer)
            .map_err(|e| format!("cannot write {}: {e}", self.singer.display()))?;
        let mut tap = Command::new(release("melisma"));
        tap.args(["tap-csv", "--config"])
            .arg(&self.tap_config)
            .stdout(file)
            .stderr(Stdio::null());
        sh::run(&mut tap)
    }

    /// Where a target of the project writes.
    pub(crate) fn output(&self, target: &str) -> PathBuf {
        self.folder.join("output").join(target)
    }
}
