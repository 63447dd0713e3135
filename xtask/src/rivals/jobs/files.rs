//! Jobs that end in files.

use serde_json::json;

use super::{Job, Jobs, script, shell, sling};
use crate::Result;
use crate::bench::postgres::quote;

impl Jobs<'_> {
    /// A job whose rows arrive in files of this form.
    fn to_files(&self, subject: Vec<String>, form: &str) -> Result<Job> {
        let out = quote(&self.out())?;
        Ok(Job {
            subject,
            prepare: shell(&format!("rm -rf {out} && mkdir -p {out}")),
            check: format!(
                "{} {} {} {form} {out}",
                quote(&self.python()?)?,
                quote(&script("arrived.py"))?,
                quote(&self.expected())?
            ),
            rivals: Vec::new(),
            not_done: Vec::new(),
        })
    }

    /// DuckDB or Polars.
    fn add_frames(&self, job: &mut Job, work: &str, input: &std::path::Path) -> Result {
        for id in ["duckdb", "polars"] {
            self.add(job, (id, ""), false, |bin| {
                Ok(format!(
                    "{} {} {id} {work} {} {}",
                    quote(&bin.join("python"))?,
                    quote(&script("frames.py"))?,
                    quote(input)?,
                    quote(&self.out())?
                ))
            })?;
        }
        Ok(())
    }

    /// A CSV file to `jsonl` or `parquet`.
    pub(super) fn csv_to(&self, form: &str) -> Result<Job> {
        let csv = &self.corpora.csv;
        let destination = json!({"destination_path": self.out()});
        let config = self.config(&format!("target-{form}.json"), &destination)?;
        let subject = vec![
            "pair".to_owned(),
            format!("tap-csv --config {}", quote(&self.corpora.tap_config)?),
            format!("target-{form} --config {config}"),
        ];
        let mut job = self.to_files(subject, form)?;
        let work = format!("csv-to-{form}");
        self.add_frames(&mut job, &work, csv)?;
        if form == "jsonl" {
            self.add(&mut job, ("sling", ""), false, |bin| {
                Ok(format!(
                    "{} run --src-stream file://{} --tgt-object file://{}",
                    sling(bin)?,
                    quote(csv)?,
                    quote(&self.out().join("lineitem.jsonl"))?
                ))
            })?;
            self.add_singer_pair(&mut job)?;
        } else {
            let why = "to write Parquet, it downloads DuckDB from outside the registries";
            self.lacks(&mut job, "sling", why);
        }
        let path = self.out().join("lineitem").with_extension(form);
        let sink = if form == "jsonl" {
            json!({"path": path})
        } else {
            json!({"destination": {"type": "local_path", "path": path}, "compression": "zstd"})
        };
        let pipeline = json!({"version": 1, "name": "lineitem", "pipeline": {
            "source": {"type": "csv", "config": {"path": csv}}, "sink": {"type": form, "config": sink},
        }});
        let pipeline = self.config(&format!("faucet-{form}.json"), &pipeline)?;
        self.add(&mut job, ("faucet", ""), false, |bin| {
            Ok(format!("{} run {pipeline}", quote(&bin.join("faucet"))?))
        })?;
        self.add(&mut job, ("dlt", ""), true, |bin| {
            Ok(format!(
                "{} {} {work} {} {}",
                quote(&bin.join("python"))?,
                quote(&script("dlt_jobs.py"))?,
                quote(csv)?,
                quote(&self.out())?
            ))
        })?;
        Ok(job)
    }

    /// A tap on the Meltano SDK into target-jsonl, by a pipe: Meltano's own would be slower.
    fn add_singer_pair(&self, job: &mut Job) -> Result {
        let Some((target_name, target_bin)) = self.peers.get("target-jsonl") else {
            return Ok(());
        };
        let tap =
            json!({"path": self.corpora.csv, "entity": "lineitem", "keys": ["l_orderkey", "l_linenumber"]});
        let tap = self.config("tap-csv-sdk.json", &tap)?;
        let target = self.config(
            "target-jsonl-python.json",
            &json!({"destination_path": self.out()}),
        )?;
        let way = format!(" (a tap of 40 lines) into {target_name}");
        self.add(job, ("sdk", &way), true, |bin| {
            Ok(shell(&format!(
                "{} {} --config {tap} | {} --config {target}",
                quote(&bin.join("python"))?,
                quote(&script("tap_csv_sdk.py"))?,
                quote(&target_bin.join("target-jsonl"))?
            )))
        })
    }

    /// The messages of a Python tap to Parquet.
    pub(super) fn singer_to_parquet(&self) -> Result<Job> {
        let config = self.config("target-parquet.json", &json!({"destination_path": self.out()}))?;
        let subject = vec![
            "target".to_owned(),
            format!("target-parquet --config {config}"),
            "--input".to_owned(),
            self.corpora.python.display().to_string(),
        ];
        let mut job = self.to_files(subject, "parquet")?;
        self.add_frames(&mut job, "singer-to-parquet", &self.corpora.python)?;
        Ok(job)
    }
}
