//! Jobs from and into the files of DuckDB and SQLite.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use super::super::server::INTO;
use super::tables::python_job;
use super::{Job, Jobs, script};
use crate::bench::postgres::quote;
use crate::{Result, setup, sh};

impl Jobs<'_> {
    /// A job whose rows arrive in a database that is a file: `duckdb` or `sqlite`.
    fn to_database(&self, subject: Vec<String>, kind: &str) -> Result<Job> {
        let file = quote(&self.database_file())?;
        Ok(Job {
            subject,
            prepare: format!("rm -f {file} {file}.wal {file}-journal"),
            check: format!(
                "{} {} {} {kind} {file}",
                quote(&self.python()?)?,
                quote(&script("arrived.py"))?,
                quote(&self.expected())?
            ),
            rivals: Vec::new(),
            not_done: Vec::new(),
        })
    }

    /// Where rows arrive. DuckDB names a database after its file.
    fn database_file(&self) -> PathBuf {
        self.folder.join("shop.db")
    }

    /// The records of the messages, as JSON lines: what DuckDB reads by itself.
    fn records(&self) -> Result<PathBuf> {
        let file = self.folder.join("records.jsonl");
        let mut records = Command::new(self.python()?);
        records
            .arg(script("duckdb_jobs.py"))
            .arg("records")
            .arg(&self.corpora.singer)
            .arg(&file);
        sh::run(&mut records)?;
        Ok(file)
    }

    /// The messages of tap-csv into a table that is not there yet, with keys.
    pub(super) fn singer_to_duckdb(&self) -> Result<Job> {
        let file = self.database_file();
        let config = json!({"path": file, "driver": setup::duckdb()?});
        let config = self.config("target-duckdb.json", &config)?;
        let mut job = self.to_database(self.messages_to("target-duckdb", &config), "duckdb")?;
        let records = quote(&self.records()?)?;
        let to = quote(&file)?;
        for id in ["duckdb", "duckdb-postgres"] {
            self.add(&mut job, (id, ", read_json of the records"), false, |bin| {
                python_job(bin, "duckdb_jobs.py", &format!("read-json {records} {to}"))
            })?;
        }
        let config = json!({"path": file, "default_target_schema": "main"});
        let config = self.config("target-duckdb-python.json", &config)?;
        self.add(&mut job, ("target-duckdb", ""), true, |bin| {
            Ok(format!(
                "{} --config {config}",
                quote(&bin.join("target-duckdb"))?
            ))
        })?;
        Ok(job)
    }

    /// The same into SQLite.
    pub(super) fn singer_to_sqlite(&self) -> Result<Job> {
        let file = self.database_file();
        let config = json!({"database": file, "driver": setup::sqlite()?});
        let config = self.config("target-sqlite.json", &config)?;
        let mut job = self.to_database(self.messages_to("target-sqlite", &config), "sqlite")?;
        let (lines, to) = (quote(&self.corpora.singer)?, quote(&file)?);
        self.add(&mut job, ("rusqlite", ""), false, |bin| {
            Ok(format!("{} {lines} {to}", quote(&bin.join("sqlite-rows"))?))
        })?;
        Ok(job)
    }

    /// A table with its key into one that is not there yet.
    pub(super) fn postgres_to_duckdb(&self) -> Result<Job> {
        let file = self.database_file();
        let tap = self.config(
            "tap-postgres.json",
            &self.server(json!({"filter_schemas": ["source"]})),
        )?;
        let target = json!({"path": file, "driver": setup::duckdb()?, "default_target_schema": "main"});
        let target = self.config("target-duckdb-pair.json", &target)?;
        let subject = vec![
            "pair".to_owned(),
            format!("tap-postgres --config {tap}"),
            format!("target-duckdb --config {target}"),
        ];
        let mut job = self.to_database(subject, "duckdb")?;
        let (url, to) = (&self.database.url, quote(&file)?);
        self.add(&mut job, ("duckdb-postgres", ""), false, |bin| {
            python_job(bin, "duckdb_jobs.py", &format!("from-postgres {url} {to}"))
        })?;
        Ok(job)
    }

    /// The same back: a table of DuckDB into one of PostgreSQL.
    pub(super) fn duckdb_to_postgres(&self) -> Result<Job> {
        let file = self.folder.join("source.db");
        let Some((_, bin)) = self.peers.get("duckdb-postgres") else {
            return Err("the DuckDB that fills the source cannot be had".to_owned());
        };
        let mut load = Command::new(bin.join("python"));
        let _ = std::fs::remove_file(&file);
        load.arg(script("duckdb_jobs.py"))
            .arg("from-csv")
            .arg(&self.corpora.csv);
        sh::run(load.arg(&file))?;
        let tap = self.config(
            "tap-duckdb.json",
            &json!({"path": file, "driver": setup::duckdb()?}),
        )?;
        let into =
            json!({"default_target_schema": INTO, "load_method": "append", "add_record_metadata": false});
        let target = self.config("target-postgres-of-duckdb.json", &self.server(into))?;
        let subject = vec![
            "pair".to_owned(),
            format!("tap-duckdb --config {tap}"),
            format!("target-postgres --config {target}"),
        ];
        let mut job = self.to_table(subject)?;
        let (url, from) = (&self.database.url, quote(&file)?);
        self.add(&mut job, ("duckdb-postgres", ""), false, |bin| {
            python_job(bin, "duckdb_jobs.py", &format!("to-postgres {from} {url}"))
        })?;
        Ok(job)
    }

    /// `target` of `melisma bench` with the messages of tap-csv.
    fn messages_to(&self, name: &str, config: &str) -> Vec<String> {
        vec![
            "target".to_owned(),
            format!("{name} --config {config}"),
            "--input".to_owned(),
            shown(&self.corpora.singer),
        ]
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
