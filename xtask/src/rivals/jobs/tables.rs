//! Jobs that end in a table of PostgreSQL.

use std::path::Path;

use serde_json::{Value, json};

use super::super::server::{Database, INTO};
use super::{Job, Jobs, script, shell, sling};
use crate::Result;
use crate::bench::postgres::{full_tables, quote};

impl Jobs<'_> {
    pub(super) fn to_table(&self, subject: Vec<String>) -> Result<Job> {
        let Database { psql, .. } = self.database;
        Ok(Job {
            subject,
            prepare: format!(
                "{psql} -c 'set client_min_messages to warning' -c 'drop schema if exists {INTO} cascade' \
                 -c 'create schema {INTO}' -c checkpoint"
            ),
            check: format!(
                "{} {} {} postgres {INTO}.lineitem {psql}",
                quote(&self.python()?)?,
                quote(&script("arrived.py"))?,
                quote(&self.expected())?
            ),
            rivals: Vec::new(),
            not_done: Vec::new(),
        })
    }

    /// The settings that Singer connectors have in common.
    pub(super) fn server(&self, more: Value) -> Value {
        let Database { port, user, .. } = self.database;
        let mut all = json!({
            "host": "127.0.0.1", "port": port, "user": user, "password": user, "database": "postgres", "dbname": "postgres",
        });
        if let (Value::Object(all), Value::Object(more)) = (&mut all, more) {
            all.extend(more);
        }
        all
    }

    /// The messages of a Python tap into a table that is not there yet.
    pub(super) fn singer_to_postgres(&self) -> Result<Job> {
        let into = json!({"default_target_schema": INTO});
        let ours = self.config("target-postgres.json", &self.server(into.clone()))?;
        let subject = vec![
            "target".to_owned(),
            format!("target-postgres --config {ours}"),
            "--input".to_owned(),
            self.corpora.python.display().to_string(),
        ];
        let mut job = self.to_table(subject)?;
        let psql = &self.database.psql;
        let csv = quote(&self.corpora.csv)?;
        job.rivals.push(super::Rival {
            name: "psql \\copy of the rows as CSV, into a table with the key".to_owned(),
            command: shell(&format!(
                "{psql} -c \"create table {INTO}.lineitem (like source.lineitem including indexes)\" \
                 -c \"\\\\copy {INTO}.lineitem from {csv} (format csv, header)\""
            )),
            is_slow: false,
        });
        let copy = json!({"default_target_schema": INTO, "use_copy": true});
        let theirs = self.config("target-postgres-meltanolabs.json", &self.server(copy))?;
        self.add(&mut job, ("meltanolabs", ", use_copy"), true, |bin| {
            Ok(format!(
                "{} --config {theirs}",
                quote(&bin.join("target-postgres"))?
            ))
        })?;
        let theirs = self.config("target-postgres-pipelinewise.json", &self.server(into))?;
        self.add(&mut job, ("pipelinewise", ""), true, |bin| {
            Ok(format!(
                "{} --config {theirs}",
                quote(&bin.join("target-postgres"))?
            ))
        })?;
        Ok(job)
    }

    /// A table into one that is not there yet.
    pub(super) fn postgres_to_postgres(&self) -> Result<Job> {
        let tap = self.config(
            "tap-postgres.json",
            &self.server(json!({"filter_schemas": ["source"]})),
        )?;
        let into =
            json!({"default_target_schema": INTO, "load_method": "append", "add_record_metadata": false});
        let target = self.config("target-postgres-pair.json", &self.server(into))?;
        let subject = vec![
            "pair".to_owned(),
            format!("tap-postgres --config {tap}"),
            format!("target-postgres --config {target}"),
        ];
        let mut job = self.to_table(subject)?;
        let Database { psql, url, .. } = self.database;
        job.rivals.push(super::Rival {
            name: "psql COPY TO into psql COPY FROM".to_owned(),
            command: shell(&format!(
                "{psql} -c \"create table {INTO}.lineitem (like source.lineitem)\" && \
                 {psql} -c \"copy source.lineitem to stdout\" | {psql} -c \"copy {INTO}.lineitem from stdin\""
            )),
            is_slow: false,
        });
        self.add(&mut job, ("sling", ""), false, |bin| {
            Ok(format!(
                "env SOURCE='{url}?sslmode=disable' {} run --src-conn SOURCE --src-stream source.lineitem \
                 --tgt-conn SOURCE --tgt-object {INTO}.lineitem --mode full-refresh",
                sling(bin)?
            ))
        })?;
        self.add(&mut job, ("polars", " (connectorx, ADBC)"), false, |bin| {
            python_job(
                bin,
                "frames.py",
                &format!("polars postgres-to-postgres {url} {INTO}.lineitem"),
            )
        })?;
        self.add_faucet(&mut job)?;
        for backend in ["pyarrow", "connectorx"] {
            let way = format!(" ({backend})");
            self.add(&mut job, ("dlt", &way), true, |bin| {
                python_job(
                    bin,
                    "dlt_jobs.py",
                    &format!("postgres-to-postgres {url} {INTO} {backend}"),
                )
            })?;
        }
        self.add_singer_pairs(&mut job)?;
        Ok(job)
    }

    /// faucet makes no table of its own, and takes no name with a schema.
    fn add_faucet(&self, job: &mut Job) -> Result {
        let Database { psql, url, .. } = self.database;
        let pipeline = json!({"version": 1, "name": "lineitem", "pipeline": {
            "source": {"type": "postgres", "config": {"connection_url": url, "query": "select * from source.lineitem"}},
            "sink": {"type": "postgres", "config": {
                "connection_url": format!("{url}?options[search_path]={INTO}"), "table_name": "lineitem",
                "column_mapping": {"type": "auto_map"},
            }},
        }});
        let pipeline = self.config("faucet-postgres.json", &pipeline)?;
        self.add(job, ("faucet", ""), false, |bin| {
            Ok(shell(&format!(
                "{psql} -c \"create table {INTO}.lineitem (like source.lineitem)\" && {} run {pipeline}",
                quote(&bin.join("faucet"))?
            )))
        })
    }

    /// Taps and targets in Python, by a pipe: Meltano's own would be slower.
    fn add_singer_pairs(&self, job: &mut Job) -> Result {
        let families = [
            (
                "meltanolabs",
                "--catalog",
                json!({"filter_schemas": ["source"]}),
                json!({"use_copy": true}),
            ),
            (
                "pipelinewise",
                "--properties",
                json!({"filter_schemas": "source"}),
                json!({}),
            ),
        ];
        for (id, flag, reads, writes) in families {
            let tap = self.config(&format!("tap-postgres-{id}.json"), &self.server(reads))?;
            let mut into = self.server(writes);
            into["default_target_schema"] = INTO.into();
            let target = self.config(&format!("target-postgres-pair-{id}.json"), &into)?;
            self.add(job, (id, ""), true, |bin| {
                let program = quote(&bin.join("tap-postgres"))?;
                let catalog = full_tables(&format!("{program} --config {tap} --discover"))?;
                let catalog = self.config(&format!("catalog-{id}.json"), &catalog)?;
                Ok(shell(&format!(
                    "{program} --config {tap} {flag} {catalog} | {} --config {target}",
                    quote(&bin.join("target-postgres"))?
                )))
            })?;
        }
        Ok(())
    }
}

/// A script of benches/rivals in an environment.
pub(super) fn python_job(bin: &Path, name: &str, arguments: &str) -> Result<String> {
    Ok(format!(
        "{} {} {arguments}",
        quote(&bin.join("python"))?,
        quote(&script(name))?
    ))
}
