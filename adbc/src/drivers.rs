//! Where drivers are: manifests, libraries in folders, Python environments, Node packages.
//!
//! A driver has a short name (`duckdb`, `snowflake`). For it these are looked for, in this order of folders:
//!
//! 1. those of `ADBC_DRIVER_PATH`: the manifest `duckdb.toml` or the libraries `libduckdb.so`, `libadbc_driver_duckdb.so`
//! 2. Python environments (the active one, `.venv` and `venv`, those of the project's plugins): the library in the package
//!    `adbc_driver_duckdb`, and manifests in `etc/adbc/drivers`
//! 3. Node packages in `node_modules`: `@duckdb/node-bindings-*`
//! 4. manifests of the user and of the system: `~/.config/adbc/drivers`, `/etc/adbc/drivers`
//! 5. where the system looks for libraries

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::path::{Path, PathBuf};

use melisma_sdk::{Error, Result};

/// The variable with the folders of drivers.
const PATH_VARIABLE: &str = "ADBC_DRIVER_PATH";

/// A driver that was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Driver {
    /// Its short name.
    pub name: String,
    /// The library, or a manifest that names it.
    pub path: PathBuf,
}

/// A folder that was searched, and what it holds of drivers.
#[derive(Clone, Debug)]
struct Folder {
    path: PathBuf,
    holds: Holds,
}

#[derive(Clone, Copy, Debug)]
enum Holds {
    /// Manifests and libraries.
    Drivers,
    /// Python packages.
    Packages,
    /// The packages of DuckDB for Node.
    NodePackages,
}

/// The environment that drivers are searched in.
#[derive(Clone, Debug, Default)]
pub struct Search {
    folders: Vec<Folder>,
}

impl Search {
    /// That of this process, in the project of this folder.
    pub fn new(project: &Path) -> Self {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let mut search = Self::default();
        for folder in variable(PATH_VARIABLE).iter().flat_map(std::env::split_paths) {
            search.add(folder, Holds::Drivers);
        }
        let active = ["VIRTUAL_ENV", "CONDA_PREFIX"]
            .into_iter()
            .filter_map(variable)
            .map(PathBuf::from);
        let own = [".venv", "venv"].map(|name| project.join(name));
        for environment in active.chain(own).chain(plugin_environments(project)) {
            search.add_environment(&environment);
        }
        search.add(project.join("node_modules/@duckdb"), Holds::NodePackages);
        if let Some(home) = variable("HOME").map(PathBuf::from) {
            let manifests = ["Library/Application Support/ADBC/Drivers", ".config/adbc/drivers"];
            search.add(
                home.join(manifests[usize::from(!cfg!(target_os = "macos"))]),
                Holds::Drivers,
            );
        }
        search.add(PathBuf::from("/etc/adbc/drivers"), Holds::Drivers);
        search
    }

    fn add(&mut self, path: PathBuf, holds: Holds) {
        self.folders.push(Folder { path, holds });
    }

    fn add_environment(&mut self, environment: &Path) {
        for python in entries(&environment.join("lib")) {
            self.add(python.join("site-packages"), Holds::Packages);
        }
        self.add(environment.join("etc/adbc/drivers"), Holds::Drivers);
    }

    /// The drivers that are there, in the order of the search.
    pub fn drivers(&self) -> Vec<Driver> {
        let mut found: Vec<Driver> = Vec::new();
        for folder in &self.folders {
            for driver in folder.drivers() {
                if !found.contains(&driver) {
                    found.push(driver);
                }
            }
        }
        found
    }

    /// The first driver of that name.
    pub fn find(&self, name: &str) -> Option<Driver> {
        self.drivers().into_iter().find(|driver| driver.name == name)
    }

    /// The folders that are searched and exist, for people.
    pub fn folders(&self) -> impl Iterator<Item = &Path> {
        self.folders
            .iter()
            .map(|folder| &*folder.path)
            .filter(|path| path.is_dir())
    }
}

impl Folder {
    fn drivers(&self) -> Vec<Driver> {
        let entries = entries(&self.path);
        let drivers = entries.into_iter().filter_map(|path| match self.holds {
            Holds::Drivers => driver_file(&path),
            Holds::Packages => driver_package(&path),
            Holds::NodePackages => {
                let library = path.join(format!("{DLL_PREFIX}duckdb{DLL_SUFFIX}"));
                library.is_file().then(|| driver("duckdb", library))
            }
        });
        drivers.collect()
    }
}

fn driver(name: &str, path: PathBuf) -> Driver {
    Driver {
        name: name.to_owned(),
        path,
    }
}

/// `duckdb.toml`, `libduckdb.so`, `libadbc_driver_sqlite.so`
fn driver_file(path: &Path) -> Option<Driver> {
    let file = path.file_name()?.to_str()?;
    if path.extension().is_some_and(|extension| extension == "toml") {
        let name = path.file_stem()?.to_str()?;
        return Some(driver(name, path.to_owned()));
    }
    let name = file.strip_prefix(DLL_PREFIX)?.strip_suffix(DLL_SUFFIX)?;
    let name = match name.strip_prefix("adbc_driver_") {
        Some(name) => name,
        None if name == "duckdb" => name,
        None => return None,
    };
    Some(driver(name, path.to_owned()))
}

/// The library in a package `adbc_driver_sqlite`.
fn driver_package(package: &Path) -> Option<Driver> {
    let file = package.file_name()?.to_str()?;
    let name = file.strip_prefix("adbc_driver_")?;
    let library = package.join(format!("{DLL_PREFIX}{file}{DLL_SUFFIX}"));
    library.is_file().then(|| driver(name, library))
}

/// The environments that hold the plugins of a project.
fn plugin_environments(project: &Path) -> Vec<PathBuf> {
    let kinds = entries(&project.join(".meltano"));
    let plugins = kinds.iter().flat_map(|kind| entries(kind));
    plugins
        .map(|plugin| plugin.join("venv"))
        .filter(|path| path.is_dir())
        .collect()
}

/// What is in a folder, sorted; nothing where there is none.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

/// Says why no driver can be loaded, where that is so whichever it is.
pub fn can_be_loaded() -> Result<()> {
    // Such a program has no loader. musl's dlopen only fails; that of glibc would bring a second C library in.
    if cfg!(target_feature = "crt-static") {
        return Err(Error::config(
            "this program is linked statically and cannot load ADBC drivers, which are shared libraries: use one that is linked \
             to the system's libc, as `cargo build --release` and `cargo xtask wheels` make it",
        ));
    }
    Ok(())
}

/// What to do when there is no driver of this name.
pub fn how_to_install(name: &str) -> String {
    match name {
        "duckdb" => "install the library libduckdb (`npm install @duckdb/node-bindings-linux-x64`, `brew install duckdb`, or \
                     the download on duckdb.org) and put its folder into ADBC_DRIVER_PATH, or give the path of the library; \
                     the module of Python's package duckdb works inside Python only"
            .to_owned(),
        "bigquery" | "redshift" => format!(
            "`dbc install {name}` puts the driver of adbc-drivers.org where it is found; or give the path of the library"
        ),
        "sqlite" | "postgresql" | "snowflake" | "flightsql" => format!(
            "`pip install adbc-driver-{name}` into .venv of the project or into the active environment, or give the path of \
             the library"
        ),
        _ => "install the driver, and give the path of its library or of its manifest, or put the folder with it into \
              ADBC_DRIVER_PATH"
            .to_owned(),
    }
}

/// The entry point of a driver that does not have the usual one.
pub(crate) fn entrypoint(path: &Path) -> Option<&'static str> {
    let file = path.file_name()?.to_str()?;
    (file.contains("duckdb") && path.extension().is_none_or(|extension| extension != "toml"))
        .then_some("duckdb_adbc_init")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drivers_are_found_by_manifest_library_and_package_in_the_order_of_the_search() {
        let project = tempfile::tempdir().expect("a folder");
        let library = |name: &str| format!("{DLL_PREFIX}{name}{DLL_SUFFIX}");
        let files = [
            format!(
                ".venv/lib/python3.11/site-packages/adbc_driver_sqlite/{}",
                library("adbc_driver_sqlite")
            ),
            ".venv/etc/adbc/drivers/snowflake.toml".to_owned(),
            format!(
                ".meltano/loaders/x/venv/lib/python3.12/site-packages/adbc_driver_flightsql/{}",
                library("adbc_driver_flightsql")
            ),
            format!(
                "node_modules/@duckdb/node-bindings-linux-x64/{}",
                library("duckdb")
            ),
            ".venv/lib/python3.11/site-packages/adbc_driver_manager/dbapi.py".to_owned(),
        ];
        for file in &files {
            let path = project.path().join(file);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, "").expect("written");
        }
        let search = Search::new(project.path());
        for (name, file) in ["sqlite", "snowflake", "flightsql", "duckdb"]
            .into_iter()
            .zip(&files)
        {
            let found = search
                .drivers()
                .into_iter()
                .find(|driver| driver.path.starts_with(project.path()) && driver.name == name);
            assert_eq!(found, Some(driver(name, project.path().join(file))));
        }
        assert_eq!(search.find("manager"), None);
    }
}
