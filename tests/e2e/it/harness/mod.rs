//! What the end-to-end tests run, and readers for what it writes.

mod every;
mod rows;
mod scripts;
mod target;
mod wheels;

use std::path::PathBuf;
use std::process::Command;

pub(crate) use every::{Every, records, schema_line, state_line};
pub(crate) use melisma_processes::{
    Live, Outcome, PLUGINS, children, kill, melisma, peak_after, peak_memory, root, run, wait_for,
};
pub(crate) use rows::{csv_rows, jsonl_rows, output_files, parquet_rows, parquet_schema, read_again};
pub(crate) use scripts::Runs;
pub(crate) use target::{Kind, Target, files, record, schema, state};
pub(crate) use wheels::{Built, maturin};

/// The process of a run whose first argument is `name`, such as `tap-csv` or `tap.py`. Other words do not count: a process that
/// was just forked still has the command line of the runner, which names both plugins.
pub(crate) fn process(of: &Live, name: &str) -> u32 {
    let is = |pid: &u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).nth(1) == Some(name.as_bytes())
    };
    wait_for(name, || children(of.id()).into_iter().find(is))
}

/// A Python of `cargo xtask setup`: `python` (singer-sdk, DuckDB, pyarrow), `python-singer` (singer-python),
/// `python-target-jsonl` (that target), `python-postgres` (MeltanoLabs' PostgreSQL connectors), `python-meltano`, `python-msdk`
/// (tap-rest-api-msdk), `python-airbyte` (airbyte-cdk), `python-dbt` or `python-metrics` (Prometheus' parser).
pub(crate) fn python(environment: &str) -> PathBuf {
    // MELISMA_TEST_PYTHON_SINGER names that of `python-singer`.
    let variable = format!("MELISMA_TEST_{}", environment.replace('-', "_").to_uppercase());
    let path = std::env::var_os(variable).map_or_else(
        || {
            melisma()
                .ancestors()
                .nth(2)
                .expect("a target folder")
                .join(environment)
                .join("bin/python")
        },
        PathBuf::from,
    );
    assert!(
        path.exists(),
        "{} is missing: run `cargo xtask setup`",
        path.display()
    );
    path
}

/// A Python program of tests/e2e/python.
pub(crate) fn script(environment: &str, name: &str) -> Command {
    let mut command = Command::new(python(environment));
    command.arg(root().join("tests/e2e/python").join(name));
    command
}
