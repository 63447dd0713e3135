//! The jobs, and the command line of each peer for them.

mod databases;
mod files;
mod tables;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::ValueEnum;
use serde_json::Value;

use super::peers::{Peers, home};
use super::server::Database;
use crate::bench::corpora::Corpora;
use crate::bench::postgres::quote;
use crate::{Result, sh};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Name {
    CsvToJsonl,
    CsvToParquet,
    SingerToParquet,
    SingerToPostgres,
    PostgresToPostgres,
    SingerToDuckdb,
    SingerToSqlite,
    PostgresToDuckdb,
    DuckdbToPostgres,
}

impl Name {
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::CsvToJsonl => "CSV to JSONL",
            Self::CsvToParquet => "CSV to Parquet",
            Self::SingerToParquet => "Singer messages to Parquet",
            Self::SingerToPostgres => "Singer messages to PostgreSQL",
            Self::PostgresToPostgres => "PostgreSQL to PostgreSQL",
            Self::SingerToDuckdb => "Singer messages to DuckDB",
            Self::SingerToSqlite => "Singer messages to SQLite",
            Self::PostgresToDuckdb => "PostgreSQL to DuckDB",
            Self::DuckdbToPostgres => "DuckDB to PostgreSQL",
        }
    }
}

/// A peer at a job.
pub(super) struct Rival {
    pub(super) name: String,
    /// A command line, which no shell reads.
    pub(super) command: String,
    /// Whether a million rows take it minutes: it gets a tenth of them, and melisma beside it.
    pub(super) is_slow: bool,
}

/// One job on one input.
pub(super) struct Job {
    /// What `melisma bench` measures: `pair` and two command lines, or `target`, its command line and the input.
    pub(super) subject: Vec<String>,
    /// Runs before each run.
    pub(super) prepare: String,
    /// Says how many rows have arrived.
    pub(super) check: String,
    pub(super) rivals: Vec<Rival>,
    /// Peers that do not do this job, and why.
    pub(super) not_done: Vec<(String, &'static str)>,
}

/// What the command lines name.
pub(super) struct Jobs<'a> {
    peers: &'a Peers,
    corpora: &'a Corpora,
    database: &'a Database,
    /// Configuration files, and what arrives.
    folder: PathBuf,
}

impl<'a> Jobs<'a> {
    /// Writes down what must arrive, and fills the source's table.
    pub(super) fn new(peers: &'a Peers, corpora: &'a Corpora, database: &'a Database) -> Result<Self> {
        let folder = home().join("work").join(corpora.rows.to_string());
        fs::create_dir_all(&folder).map_err(|e| format!("cannot create {}: {e}", folder.display()))?;
        let jobs = Self {
            peers,
            corpora,
            database,
            folder,
        };
        let mut expect = Command::new(jobs.python()?);
        expect.arg(script("arrived.py")).arg("expect").arg(&corpora.csv);
        sh::run(expect.arg(jobs.expected()))?;
        database.fill(&corpora.csv)?;
        Ok(jobs)
    }

    pub(super) fn job(&self, name: Name) -> Result<Job> {
        match name {
            Name::CsvToJsonl => self.csv_to("jsonl"),
            Name::CsvToParquet => self.csv_to("parquet"),
            Name::SingerToParquet => self.singer_to_parquet(),
            Name::SingerToPostgres => self.singer_to_postgres(),
            Name::PostgresToPostgres => self.postgres_to_postgres(),
            Name::SingerToDuckdb => self.singer_to_duckdb(),
            Name::SingerToSqlite => self.singer_to_sqlite(),
            Name::PostgresToDuckdb => self.postgres_to_duckdb(),
            Name::DuckdbToPostgres => self.duckdb_to_postgres(),
        }
    }

    /// The Python with DuckDB, which says what has arrived.
    fn python(&self) -> Result<PathBuf> {
        let (_, bin) = self
            .peers
            .get("duckdb")
            .ok_or("DuckDB cannot be had, which says what has arrived")?;
        Ok(bin.join("python"))
    }

    fn expected(&self) -> PathBuf {
        self.folder.join("expected.json")
    }

    /// Where files arrive.
    fn out(&self) -> PathBuf {
        self.folder.join("out")
    }

    /// A configuration file, as a word of a command line.
    fn config(&self, name: &str, value: &Value) -> Result<String> {
        let path = self.folder.join(name);
        fs::write(&path, value.to_string()).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
        quote(&path)
    }

    /// Adds a peer, if it can be had; what it is called by, in a job that it does in several ways, says `way`.
    fn add(
        &self,
        job: &mut Job,
        (id, way): (&str, &str),
        is_slow: bool,
        command: impl FnOnce(&Path) -> Result<String>,
    ) -> Result {
        if let Some((name, bin)) = self.peers.get(id) {
            job.rivals.push(Rival {
                name: format!("{name}{way}"),
                command: command(bin)?,
                is_slow,
            });
        }
        Ok(())
    }

    fn lacks(&self, job: &mut Job, id: &str, why: &'static str) {
        job.not_done.push((self.peers.name(id).to_owned(), why));
    }
}

/// sling as a word of a command line, with a home of its own and without a word to its authors.
fn sling(bin: &Path) -> Result<String> {
    Ok(format!(
        "env SLING_HOME_DIR={} SLING_DISABLE_TELEMETRY=TRUE {}",
        quote(&home().join("sling-home"))?,
        quote(&bin.join("sling-linux-amd64"))?
    ))
}

/// A script of benches/rivals.
fn script(name: &str) -> PathBuf {
    sh::root().join("benches/rivals").join(name)
}

/// A line of the shell as a command line.
fn shell(line: &str) -> String {
    format!("sh -c '{}'", line.replace('\'', r"'\''"))
}
