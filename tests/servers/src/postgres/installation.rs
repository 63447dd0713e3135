//! Where PostgreSQL's programs are.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::account::Account;

/// A folder with `initdb` and `postgres` in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// The major version, such as 15.
    pub version: u32,
    /// The folder of the programs.
    pub bin: PathBuf,
}

impl Installation {
    /// The installation in this folder, if there is one that runs.
    pub fn at(bin: &Path) -> Option<Self> {
        if !bin.join("initdb").is_file() {
            return None;
        }
        // As the user who will run it: a folder of root's may be closed to others.
        let mut postgres = Account::find().command(bin.join("postgres"));
        let output = postgres.arg("--version").output().ok()?;
        // postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)
        let text = String::from_utf8(output.stdout).ok()?;
        let version = text.split_whitespace().nth(2)?;
        let major = version.split(|c: char| !c.is_ascii_digit()).next()?;
        Some(Self {
            version: major.parse().ok()?,
            bin: bin.to_owned(),
        })
    }
}

/// Every installation that the tests may use, the system's newest first: the folders in `MELISMA_TEST_POSTGRES`
/// (set by `cargo xtask test`), else Debian's `/usr/lib/postgresql/*/bin`, else where `initdb` is on `PATH`.
pub fn installations() -> Vec<Installation> {
    if let Some(folders) = env::var_os("MELISMA_TEST_POSTGRES") {
        return env::split_paths(&folders)
            .filter_map(|bin| Installation::at(&bin))
            .collect();
    }
    let mut found: Vec<Installation> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|version| Installation::at(&version.path().join("bin")))
        .collect();
    found.sort_by_key(|installation| std::cmp::Reverse(installation.version));
    if found.is_empty() {
        let path = env::var_os("PATH").unwrap_or_default();
        found.extend(env::split_paths(&path).find_map(|bin| Installation::at(&bin)));
    }
    found
}
