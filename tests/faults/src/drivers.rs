//! Where the drivers of the databases are, and the Python that reads DuckDB's: `cargo xtask faults` and `test` say so.

use std::path::PathBuf;

/// The library of DuckDB.
pub(crate) fn duckdb() -> PathBuf {
    variable("MELISMA_TEST_DUCKDB")
}

/// The environment's Python, which has the package `duckdb`.
pub(crate) fn python() -> PathBuf {
    variable("MELISMA_TEST_PYTHON")
}

/// The driver of SQLite, from its package in the same environment.
pub(crate) fn sqlite() -> PathBuf {
    let python = python();
    let environment = python.parent().and_then(std::path::Path::parent);
    let lib = environment.map(|environment| environment.join("lib"));
    let versions = lib.and_then(|lib| std::fs::read_dir(lib).ok());
    let driver = versions.into_iter().flatten().flatten().find_map(|version| {
        let driver = version
            .path()
            .join("site-packages/adbc_driver_sqlite/libadbc_driver_sqlite.so");
        driver.is_file().then_some(driver)
    });
    driver.unwrap_or_else(|| PathBuf::from("no-driver-of-sqlite"))
}

/// A path that is not there is an error of the target that is to use it, which names it.
fn variable(name: &str) -> PathBuf {
    std::env::var_os(name).unwrap_or_else(|| name.into()).into()
}
