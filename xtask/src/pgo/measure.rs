//! The melisma of a profile beside the one without, by `melisma bench`, in turns.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::home;
use crate::bench::corpora::{Corpora, release};
use crate::bench::postgres::{quote, server};
use crate::{Result, sh};

/// Shows a table for each path. The command is this checkout's own, so the numbers of records that arrive are known.
pub(super) fn run(with: &Path, runs: u32) -> Result {
    sh::run(sh::cargo().args(["build", "--release", "--locked", "--package=melisma"]))?;
    let corpora = Corpora::with_singer(1_000_000)?;
    let folder = home().join("measured");
    fs::create_dir_all(folder.join("out")).map_err(|e| format!("cannot create {}: {e}", folder.display()))?;
    let server = server();
    let config = |name: &str, value: serde_json::Value| {
        let path = folder.join(name);
        fs::write(&path, value.to_string()).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
        quote(&path)
    };
    let url = server.url("postgres");
    let csv = format!("tap-csv --config {}", quote(&corpora.tap_config)?);
    let files = config("files.json", json!({"destination_path": folder.join("out")}))?;
    let into = |schema: &str| json!({"sqlalchemy_url": url, "default_target_schema": schema, "load_method": "append", "add_record_metadata": false});
    let (loaded, copied) = (
        config("loaded.json", into("loaded"))?,
        config("copied.json", into("copied"))?,
    );
    let tap = config(
        "tap.json",
        json!({"sqlalchemy_url": url, "filter_schemas": ["loaded"]}),
    )?;
    let postgres = format!("tap-postgres --config {tap}");
    let without = release("melisma");
    sh::run(Command::new("sh").args([
        "-c",
        &format!(
            "{} target-postgres --config {loaded} < {} > {} 2>&1",
            quote(&without)?,
            quote(&corpora.singer)?,
            quote(&folder.join("log"))?
        ),
    ]))?;
    let bench = |words: &[&str], rival: String| {
        let mut bench = Command::new(with);
        bench
            .arg("bench")
            .args(words)
            .args(["--no-floors", "--runs", &runs.to_string()]);
        bench.args(["--records", &corpora.rows.to_string()]);
        let rival = format!("without a profile={} {rival}", quote(&without)?);
        let status = bench.arg("--vs").arg(rival).current_dir(&folder).status();
        let status = status.map_err(|e| format!("cannot start {}: {e}", with.display()))?;
        // 1: the rival is faster, 75: the machine was too noisy. Both are said.
        match status.code() {
            Some(0 | 1 | 75) => Ok(()),
            _ => Err(format!("{status}: {bench:?}")),
        }
    };
    bench(&["tap", &csv], csv.clone())?;
    bench(&["tap", &postgres], postgres.clone())?;
    let input = corpora.singer.display().to_string();
    for target in [
        format!("target-jsonl --config {files}"),
        format!("target-parquet --config {files}"),
        format!("target-postgres --config {copied}"),
    ] {
        bench(&["target", &target, "--input", &input], target.clone())?;
    }
    for (tap, target) in [
        (&csv, format!("target-parquet --config {files}")),
        (&postgres, format!("target-postgres --config {copied}")),
    ] {
        bench(
            &["pair", tap, &target],
            format!("run --full-refresh '{tap}' '{target}'"),
        )?;
    }
    Ok(())
}
