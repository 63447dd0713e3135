//! Where the repository and its binary are.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The plugins that are built into `melisma`.
pub const PLUGINS: [&str; 17] = [
    "tap-adbc",
    "tap-csv",
    "tap-duckdb",
    "tap-postgres",
    "tap-rest",
    "tap-snowflake",
    "tap-sqlite",
    "target-adbc",
    "target-bigquery",
    "target-csv",
    "target-duckdb",
    "target-jsonl",
    "target-parquet",
    "target-postgres",
    "target-redshift",
    "target-snowflake",
    "target-sqlite",
];

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("tests/processes lies in the repository")
}

/// The `melisma` binary: the one that `cargo xtask test` names; otherwise that of the profile the tests are built in,
/// brought up to date on the first call.
pub fn melisma() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| std::env::var_os("MELISMA_TEST_BINARY").map_or_else(build, PathBuf::from))
}

/// Takes away what cargo says of the package whose program is running. Build scripts look at these variables, which cargo sets
/// for them anyway; but a cargo that finds others than the last one did builds ring, rustls and all that stands on them again.
pub fn without_package(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

fn build() -> PathBuf {
    let test = std::env::current_exe().expect("the test's own path");
    let folder = test
        .parent()
        .and_then(Path::parent)
        .expect("target/PROFILE/deps/it");
    let mut cargo = Command::new(env!("CARGO"));
    without_package(&mut cargo);
    // The whole workspace, so that dependencies have the features that the tests were built with.
    cargo
        .args(["build", "--quiet", "--workspace", "--bin", "melisma"])
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
