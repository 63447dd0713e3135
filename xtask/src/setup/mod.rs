//! `cargo xtask setup`: the Python environments, the PostgreSQL and the object stores of the tests.

mod node;
mod python;
mod valgrind;

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use crate::{Result, postgres, sh};

pub(crate) use python::{airflow, environment_at, maturin, meltano, pipelinewise, pythons};
pub(crate) use valgrind::valgrind;

/// Prepares everything, and says where it is.
pub(crate) fn run() -> Result {
    for (variable, place) in everything()? {
        println!("{variable}={}", place.display());
    }
    Ok(())
}

/// The drivers of databases, and the Python that reads them.
pub(crate) fn databases() -> Result<[(&'static str, OsString); 2]> {
    let python = pythons()?;
    Ok([
        ("MELISMA_TEST_DUCKDB", node::duckdb(&python.stores)?.into()),
        ("MELISMA_TEST_PYTHON", python.main.into()),
    ])
}

/// The library of DuckDB.
pub(crate) fn duckdb() -> Result<PathBuf> {
    node::duckdb(&pythons()?.stores)
}

/// The driver of SQLite.
pub(crate) fn sqlite() -> Result<PathBuf> {
    let script = "import adbc_driver_sqlite as driver; print(driver._driver_path())";
    let path = sh::output(Command::new(pythons()?.main).args(["-c", script]))?;
    Ok(PathBuf::from(path.trim()))
}

/// All that the tests need, by the variables that say where it is.
pub(crate) fn everything() -> Result<Vec<(&'static str, OsString)>> {
    let python = pythons()?;
    // npm and pip wait for servers of their own. Where npm is missing, the first package of Node.js brings it for both.
    let (node, wheelhouse) = thread::scope(|scope| {
        let node = scope.spawn(|| Ok((node::azurite(&python.stores)?, node::duckdb(&python.stores)?)));
        let wheelhouse = python::wheelhouse(&python.main);
        (python::ready(node), wheelhouse)
    });
    let (azurite, duckdb) = node?;
    let mut path = vec![python::interpreter(&python.main)?];
    path.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    let path = env::join_paths(path).map_err(|e| format!("PATH: {e}"))?;
    Ok(vec![
        ("PATH", path),
        ("MELISMA_TEST_POSTGRES", postgres::folders(&python.postgres)?),
        ("MELISMA_TEST_PYTHON", python.main.into()),
        ("MELISMA_TEST_PYTHON_SINGER", python.singer.into()),
        ("MELISMA_TEST_PYTHON_TARGET_JSONL", python.target_jsonl.into()),
        ("MELISMA_TEST_PYTHON_POSTGRES", python.postgres.into()),
        ("MELISMA_TEST_PYTHON_MELTANO", python.meltano.into()),
        ("MELISMA_TEST_PYTHON_STORES", python.stores.into()),
        ("MELISMA_TEST_PYTHON_MSDK", python.msdk.into()),
        ("MELISMA_TEST_PYTHON_METRICS", python.metrics.into()),
        ("MELISMA_TEST_PYTHON_DBT", python.dbt.into()),
        ("MELISMA_TEST_PYTHON_AIRBYTE", python.airbyte.into()),
        ("MELISMA_TEST_PYTHON_WHEELS", python.wheels.into()),
        ("MELISMA_TEST_AZURITE", azurite.into()),
        ("MELISMA_TEST_DUCKDB", duckdb.into()),
        ("MELISMA_TEST_WHEELHOUSE", wheelhouse?.into()),
    ])
}
