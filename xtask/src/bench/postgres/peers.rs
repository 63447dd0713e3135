//! The Python connectors that people have today, on the same rows and the same server: for comparison, without a bar.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::corpora::{Corpora, release};
use super::super::report::{Bar, Measured};
use super::setup::{Bench, quote};
use crate::{Result, setup, sh};

pub(super) fn measure(bench: &Bench, corpora: &Corpora) -> Result<Vec<Measured>> {
    let meltano = setup::pythons()?.postgres;
    let pipelinewise = setup::pipelinewise()?;
    let bin = |python: &std::path::Path, name: &str| quote(&python.with_file_name(name));
    let rows = corpora.rows;
    // Their taps read a table of these rows.
    bench.server.psql(
        "postgres",
        &format!(
            "create schema peers; create table peers.lineitem (like source.lineitem including all);
             insert into peers.lineitem select * from source.lineitem limit {rows}; analyze peers.lineitem"
        ),
    );
    // pipelinewise's do not take a password that needs quotes.
    bench
        .server
        .psql("postgres", "create role plain superuser login password 'plain'");
    let server = json!({
        "host": "127.0.0.1", "port": bench.server.port(), "user": "plain", "password": "plain",
        "database": "postgres", "dbname": "postgres",
    });
    let config = |name: &str, more: Value| {
        let mut all = server.clone();
        merge(&mut all, more);
        quote(&bench.write(name, &all.to_string())?)
    };
    let singer = quote(&corpora.python)?;
    let melisma = quote(&release("melisma"))?;
    let catalog = |tap: &str, config: &str, flag: &str, name: &str| catalog(bench, tap, config, flag, name);

    let into = |schema: &str| json!({ "default_target_schema": schema });
    let ours = config("ours.json", into("ours"))?;
    let theirs = config(
        "meltano.json",
        json!({ "default_target_schema": "meltano", "use_copy": true }),
    )?;
    let wise = config("pipelinewise.json", into("pipelinewise"))?;
    let load = |command: &str| time(&format!("{command} < {singer} > /dev/null"));
    let target = load(&format!("{melisma} target-postgres --config {ours}"))?;
    let mut measured = vec![
        compared_with(
            "target-postgres",
            "MeltanoLabs, use_copy",
            rows,
            target,
            load(&format!(
                "{} --config {theirs}",
                bin(&meltano, "target-postgres")?
            ))?,
        ),
        compared_with(
            "target-postgres",
            "pipelinewise",
            rows,
            target,
            load(&format!(
                "{} --config {wise}",
                bin(&pipelinewise, "target-postgres")?
            ))?,
        ),
    ];

    let taps = config("taps.json", json!({ "filter_schemas": ["peers"] }))?;
    let wise = config("pipelinewise-tap.json", json!({ "filter_schemas": "peers" }))?;
    let read = |command: &str| time(&format!("{command} > /dev/null"));
    let tap = read(&format!("{melisma} tap-postgres --config {taps}"))?;
    let theirs = bin(&meltano, "tap-postgres")?;
    let selected = catalog(&theirs, &taps, "--catalog", "meltano-catalog.json")?;
    measured.push(compared_with(
        "tap-postgres",
        "MeltanoLabs",
        rows,
        tap,
        read(&format!("{theirs} --config {taps} {selected}"))?,
    ));
    let theirs = bin(&pipelinewise, "tap-postgres")?;
    let selected = catalog(&theirs, &wise, "--properties", "pipelinewise-catalog.json")?;
    measured.push(compared_with(
        "tap-postgres",
        "pipelinewise",
        rows,
        tap,
        read(&format!("{theirs} --config {wise} {selected}"))?,
    ));
    Ok(measured)
}

/// The option that names a tap's catalog, with every stream selected as FULL_TABLE.
fn catalog(bench: &Bench, tap: &str, config: &str, flag: &str, name: &str) -> Result<String> {
    let catalog = full_tables(&format!("{tap} --config {config} --discover"))?;
    Ok(format!(
        "{flag} {}",
        quote(&bench.write(name, &catalog.to_string())?)?
    ))
}

/// What a line of the shell discovers, with every stream selected as FULL_TABLE.
pub(crate) fn full_tables(discover: &str) -> Result<Value> {
    let found = sh::output(Command::new("sh").args(["-c", discover]))?;
    let mut catalog: Value =
        serde_json::from_str(&found).map_err(|e| format!("{discover}: no catalog: {e}"))?;
    let streams = catalog["streams"]
        .as_array_mut()
        .ok_or("a catalog without streams")?;
    for stream in streams {
        stream["replication_method"] = "FULL_TABLE".into();
        let metadata = stream["metadata"]
            .as_array_mut()
            .ok_or("a stream without metadata")?;
        for entry in metadata
            .iter_mut()
            .filter(|entry| entry["breadcrumb"] == json!([]))
        {
            merge(
                &mut entry["metadata"],
                json!({ "selected": true, "replication-method": "FULL_TABLE" }),
            );
        }
    }
    Ok(catalog)
}

fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

fn time(line: &str) -> Result<Duration> {
    let start = Instant::now();
    sh::output(Command::new("sh").args(["-c", line]))?;
    Ok(start.elapsed())
}

fn compared_with(what: &str, peer: &str, rows: u64, ours: Duration, theirs: Duration) -> Measured {
    let ratio = theirs.as_secs_f64() / ours.as_secs_f64();
    let rate = |time: Duration| f64::from(u32::try_from(rows).unwrap_or(u32::MAX)) / time.as_secs_f64();
    let detail = format!(
        "{:.0} rows/s / {:.0} rows/s, one run each",
        rate(ours),
        rate(theirs)
    );
    Measured::new(
        &format!("{what}: times as fast as {peer}, {rows} rows"),
        ratio,
        "x",
        Bar::None,
        detail,
    )
    .sides("rows/s", rate(ours), rate(theirs))
}
