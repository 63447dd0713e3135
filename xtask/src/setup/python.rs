//! The Python environments of the tests, under target/.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::{self, ScopedJoinHandle};

use crate::{Result, sh};

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
    /// With moto, which stands in for Amazon's object store.
    pub(crate) stores: PathBuf,
}

/// The environment that has maturin and uv, and its requirements.
const WHEELS: (&str, &str) = ("python-wheels", "requirements-wheels.txt");

/// Makes the environments on the first call, and again when their requirements change.
///
/// All at once: most of the time goes into waiting for packages. But first the one whose uv makes the others.
pub(crate) fn pythons() -> Result<Pythons> {
    let wheels = wheels()?;
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
        let stores = start("python-stores", "requirements-stores.txt");
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
            stores: ready(stores)?,
            wheels,
        })
    })
}

pub(super) fn ready<T>(thread: ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    let panicked = |_| Err("a thread of the setup panicked".to_owned());
    thread.join().unwrap_or_else(panicked)
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
    Ok(wheels()?.with_file_name("maturin"))
}

fn wheels() -> Result<PathBuf> {
    let (name, requirements) = WHEELS;
    environment(name, requirements, &[])
}

/// The Python with Airflow.
pub(crate) fn airflow() -> Result<PathBuf> {
    environment("python-airflow", "requirements-airflow.txt", &[])
}

/// A folder with `python3`, the interpreter itself. What is found by that name may be a script that looks for one, as that of pyenv,
/// and takes four times as long to start.
pub(super) fn interpreter(python: &Path) -> Result<PathBuf> {
    let folder = sh::target().join("python3");
    let cannot = |e| format!("cannot make {}: {e}", folder.display());
    fs::create_dir_all(&folder).map_err(cannot)?;
    let link = folder.join("python3");
    let real = python.canonicalize().map_err(cannot)?;
    if fs::read_link(&link).is_ok_and(|found| found == real) {
        return Ok(folder);
    }
    let _ = fs::remove_file(&link);
    std::os::unix::fs::symlink(real, link).map_err(cannot)?;
    Ok(folder)
}

/// The folder of wheels that the tests install plugins from.
pub(super) fn wheelhouse(python: &Path) -> Result<PathBuf> {
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

fn environment(name: &str, requirements: &str, options: &[&str]) -> Result<PathBuf> {
    let requirements = sh::root().join("tests/e2e/python").join(requirements);
    environment_at(&sh::target().join(name), &requirements, options)
}

/// The Python of an environment in a folder, made on the first call and again when its file of requirements changes.
pub(crate) fn environment_at(home: &Path, requirements: &Path, options: &[&str]) -> Result<PathBuf> {
    let pinned =
        fs::read(requirements).map_err(|e| format!("cannot read {}: {e}", requirements.display()))?;
    let mut hasher = DefaultHasher::new();
    pinned.hash(&mut hasher);
    let wanted = format!("{:016x}", hasher.finish());

    let python = home.join("bin/python");
    let stamp = home.join("requirements.hash");
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) && sh::works(&python, &["--version"]) {
        return Ok(python);
    }
    need_venv()?;
    if home.exists() {
        fs::remove_dir_all(home).map_err(|e| format!("cannot remove {}: {e}", home.display()))?;
    }
    match uv() {
        // pip takes over where uv finds no index: it does not read the configuration of pip.
        Some(uv) if options.is_empty() && by_uv(&uv, home, &python, requirements).is_ok() => {}
        _ => by_pip(home, &python, requirements, options)?,
    }
    fs::write(&stamp, wanted).map_err(|e| format!("cannot write {}: {e}", stamp.display()))?;
    Ok(python)
}

/// The uv of target/python-wheels, unless that environment is being made. It installs in a fifth of the processor time of pip.
fn uv() -> Option<PathBuf> {
    let uv = sh::target().join(WHEELS.0).join("bin/uv");
    sh::works(&uv, &["--version"]).then_some(uv)
}

fn by_uv(uv: &Path, home: &Path, python: &Path, requirements: &Path) -> Result {
    sh::run(
        Command::new(uv)
            .args(["venv", "--quiet", "--seed", "--clear"])
            .arg(home),
    )?;
    let mut install = Command::new(uv);
    install
        .args(["pip", "install", "--quiet", "--python"])
        .arg(python);
    sh::run(install.arg("-r").arg(requirements))
}

fn by_pip(home: &Path, python: &Path, requirements: &Path, options: &[&str]) -> Result {
    sh::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(home))?;
    sh::run(pip(python, "install").arg("-r").arg(requirements).args(options))
}

pub(super) fn pip(python: &Path, action: &str) -> Command {
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
