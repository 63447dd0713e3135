//! Running the binary, feeding it, reading what it wrote.

mod every;
mod live;
mod process;
mod rows;
mod scripts;
mod target;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

pub(crate) use every::{Every, records, schema_line, state_line};
pub(crate) use live::{Live, children, kill, wait_for};
pub(crate) use process::{Outcome, peak_memory, run};
pub(crate) use rows::{csv_rows, jsonl_rows, parquet_rows, parquet_schema};
pub(crate) use scripts::Runs;
pub(crate) use target::{Kind, Target, files, record, schema, state};

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("tests/e2e lies in the repository")
}

/// The `melisma` binary: the one that `cargo xtask test` names; otherwise that of the profile the tests are built in,
/// brought up to date on the first call.
pub(crate) fn melisma() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| std::env::var_os("MELISMA_TEST_BINARY").map_or_else(build, PathBuf::from))
}

fn build() -> PathBuf {
    let test = std::env::current_exe().expect("the test's own path");
    let folder = test
        .parent()
        .and_then(Path::parent)
        .expect("target/PROFILE/deps/it");
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--quiet", "--package", "melisma"])
        .current_dir(root());
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    assert!(
        cargo.status().expect("cargo starts").success(),
        "melisma does not build"
    );
    folder.join("melisma")
}

/// A Python of `cargo xtask setup`: `python` (singer-sdk, DuckDB, pyarrow), `python-singer` (singer-python) or
/// `python-postgres` (MeltanoLabs' PostgreSQL connectors).
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
