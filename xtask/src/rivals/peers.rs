//! The programs that melisma is measured beside: pinned, from package registries, under target/rivals.
//!
//! What cannot be had that way is named with the reason. Nothing is fetched from anywhere else.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::{Result, setup, sh};

/// A program for the same jobs.
pub(super) struct Peer {
    /// What jobs call it by.
    pub(super) id: &'static str,
    /// Its name and version.
    pub(super) shown: String,
    /// The folder of its programs, or why it cannot be had.
    pub(super) bin: Result<PathBuf>,
}

pub(super) struct Peers(Vec<Peer>);

impl Peers {
    /// Installs them all. One that does not install is missing, and the others are measured.
    pub(super) fn install() -> Result<Self> {
        let tests = setup::pythons()?;
        let bin = |python: &Path| {
            python
                .parent()
                .map(Path::to_owned)
                .ok_or_else(|| "no folder".to_owned())
        };
        let peer = |id, shown: String, bin| Peer { id, shown, bin };
        let frames = environment("frames");
        let of_tests = |name: &str| format!("tests/e2e/python/{name}");
        let pin = |file: &str, package: &str| {
            let version = pinned(file, package)?;
            Ok::<_, String>(format!("{package} {version}"))
        };
        let frames_file = "benches/rivals/requirements-frames.txt";
        let extension_file = "benches/rivals/requirements-duckdb-postgres.txt";
        let sling_file = "benches/rivals/requirements-sling.txt";
        let sdk = pinned(&of_tests("requirements.txt"), "singer-sdk")?;
        Ok(Self(vec![
            peer("duckdb", format!("DuckDB {}", pinned(frames_file, "duckdb")?), frames.clone()),
            peer("polars", format!("Polars {}", pinned(frames_file, "polars")?), frames),
            peer(
                "duckdb-postgres",
                format!(
                    "DuckDB {} with its extension for PostgreSQL",
                    pinned(extension_file, "duckdb")?
                ),
                environment("duckdb-postgres"),
            ),
            peer(
                "target-duckdb",
                format!("PyPI's {}", pin("benches/rivals/requirements-target-duckdb.txt", "target-duckdb")?),
                environment("target-duckdb"),
            ),
            peer(
                "rusqlite",
                "rusqlite, one prepared INSERT".to_owned(),
                rusqlite(),
            ),
            peer("dlt", pin("benches/rivals/requirements-dlt.txt", "dlt")?, environment("dlt")),
            peer("sling", format!("sling {}", pinned(sling_file, "sling-linux-amd64")?), sling()),
            peer("faucet", format!("faucet {FAUCET}"), faucet()),
            peer("sdk", format!("Meltano SDK {sdk}"), bin(&tests.main)),
            peer(
                "target-jsonl",
                pin(&of_tests("requirements-target-jsonl.txt"), "target-jsonl")?,
                bin(&tests.target_jsonl),
            ),
            peer(
                "meltanolabs",
                format!(
                    "MeltanoLabs' tap-postgres {}, target-postgres {}",
                    pinned(&of_tests("requirements-postgres.txt"), "meltanolabs-tap-postgres")?,
                    pinned(&of_tests("requirements-postgres.txt"), "meltanolabs-target-postgres")?,
                ),
                bin(&tests.postgres),
            ),
            peer(
                "pipelinewise",
                format!(
                    "pipelinewise's tap-postgres {}, target-postgres {}",
                    pinned(&of_tests("requirements-pipelinewise.txt"), "pipelinewise-tap-postgres")?,
                    pinned(&of_tests("requirements-pipelinewise.txt"), "pipelinewise-target-postgres")?,
                ),
                setup::pipelinewise().and_then(|python| bin(&python)),
            ),
            peer(
                "ingestr",
                "ingestr 1.1.76".to_owned(),
                Err("its package has no program, and downloads one from outside the registries when it starts".to_owned()),
            ),
            peer(
                "faucet-newer",
                "faucet 1.12.0".to_owned(),
                Err("it needs Rust 1.96, and our compiler is 1.95".to_owned()),
            ),
            peer(
                "sling-newer",
                "sling 1.6.5".to_owned(),
                Err("its package has no program, and downloads one from outside the registries when it starts".to_owned()),
            ),
            peer(
                "tap-csv",
                "MeltanoLabs' tap-csv".to_owned(),
                Err("it is in no package; a tap of 40 lines on the same SDK takes its place".to_owned()),
            ),
            peer(
                "target-parquet",
                "a Singer target for Parquet".to_owned(),
                Err("the only package, target-parquet 0.0.1, needs pandas 0.24 and pyarrow 0.13, both of 2019".to_owned()),
            ),
        ]))
    }

    /// A peer that can be had.
    pub(super) fn get(&self, id: &str) -> Option<(&str, &Path)> {
        let peer = self.0.iter().find(|peer| peer.id == id)?;
        Some((&peer.shown, peer.bin.as_deref().ok()?))
    }

    /// The name of a peer, whether it can be had or not.
    pub(super) fn name<'p>(&'p self, id: &'p str) -> &'p str {
        self.0
            .iter()
            .find(|peer| peer.id == id)
            .map_or(id, |peer| &peer.shown)
    }

    pub(super) fn json(&self) -> Value {
        let each = self.0.iter().map(|peer| match &peer.bin {
            Ok(_) => json!({"name": peer.shown}),
            Err(why) => json!({"name": peer.shown, "why_missing": why}),
        });
        each.collect()
    }
}

/// A Python environment of benches/rivals: the folder of its programs.
fn environment(name: &str) -> Result<PathBuf> {
    let requirements = sh::root().join(format!("benches/rivals/requirements-{name}.txt"));
    let python = setup::environment_at(&home().join(name), &requirements, &[])?;
    Ok(python.with_file_name(""))
}

/// Where the peers are.
pub(super) fn home() -> PathBuf {
    sh::target().join("rivals")
}

/// The version of a package in a file of requirements.
fn pinned(file: &str, package: &str) -> Result<String> {
    let text = fs::read_to_string(sh::root().join(file)).map_err(|e| format!("cannot read {file}: {e}"))?;
    let version = text.lines().find_map(|line| {
        let (name, version) = line.split_once("==")?;
        let name = name.split('[').next()?;
        (name == package).then(|| version.to_owned())
    });
    version.ok_or_else(|| format!("{file}: expected a version of {package}"))
}

/// The program in sling's package is a file of a module, not one of the environment's programs.
fn sling() -> Result<PathBuf> {
    let bin = environment("sling")?;
    let lib = bin.parent().unwrap_or(&bin).join("lib");
    let pythons = fs::read_dir(&lib).map_err(|e| format!("cannot read {}: {e}", lib.display()))?;
    let folder = pythons
        .flatten()
        .map(|python| python.path().join("site-packages/sling_linux_amd64/bin"))
        .find(|folder| folder.is_dir())
        .ok_or("the package of sling has no program")?;
    let program = folder.join("sling-linux-amd64");
    if !sh::works(&program, &["--help"]) {
        sh::run(std::process::Command::new("chmod").arg("+x").arg(&program))?;
    }
    Ok(folder)
}

/// A program of benches/ that inserts with rusqlite, nothing more.
fn rusqlite() -> Result<PathBuf> {
    sh::run(sh::cargo().args([
        "build",
        "--release",
        "--package=melisma-benches",
        "--features=sqlite",
        "--bin=sqlite-rows",
    ]))?;
    Ok(sh::target().join("release"))
}

/// The version of the crate faucet-cli: the last one that our compiler builds.
const FAUCET: &str = "1.0.1";
/// The connectors of our jobs; all of them would take an hour to build.
const FAUCET_FEATURES: &str = "source-csv,source-postgres,sink-jsonl,sink-parquet,sink-postgres";

/// Compiled from its crate, which takes minutes.
fn faucet() -> Result<PathBuf> {
    let root = home().join("faucet");
    let bin = root.join("bin");
    let stamp = root.join("built");
    let wanted = format!("{FAUCET} {FAUCET_FEATURES}\n");
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) && bin.join("faucet").is_file() {
        return Ok(bin);
    }
    let mut install = sh::cargo();
    install
        .args([
            "install",
            "faucet-cli",
            "--locked",
            "--force",
            "--no-default-features",
        ])
        .args(["--version", FAUCET, "--features", FAUCET_FEATURES, "--root"])
        .arg(&root);
    // Its dependencies are none of ours: a target folder of their own.
    sh::run(install.env("CARGO_TARGET_DIR", root.join("target")))?;
    fs::write(&stamp, wanted).map_err(|e| format!("cannot write {}: {e}", stamp.display()))?;
    Ok(bin)
}
