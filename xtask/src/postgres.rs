//! PostgreSQL for the tests, and a throwaway server for trying things: `cargo xtask postgres up`.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Subcommand;
use melisma_testing::postgres::{Installation, Options, Server, installations};

use crate::{Result, setup, sh};

#[derive(Subcommand)]
pub(crate) enum Action {
    /// Start a throwaway server and print the URL of its database; one that runs is left as it is.
    Up,
    /// Stop the throwaway server and remove its data.
    Down,
}

pub(crate) fn run(action: &Action) -> Result {
    match action {
        Action::Up => up(),
        Action::Down => down(),
    }
}

/// The folders of every installation that the tests use, for `MELISMA_TEST_POSTGRES`: the system's, installed when we
/// are root and it is missing, and the one from PyPI.
pub(crate) fn folders(python: &Path) -> Result<OsString> {
    let mut found = installations();
    if found.is_empty() && sh::is_root() && sh::works("apt-get", &["--version"]) {
        // Programs only: the package would make and start a server of its own.
        let quiet = "mkdir -p /etc/postgresql-common && \
                     echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf";
        sh::run(Command::new("sh").args(["-c", quiet]))?;
        sh::apt_install(&["postgresql", "postgresql-client"])?;
        found = installations();
    }
    found.extend(of_python(python));
    if found.is_empty() {
        return Err(
            "the tests need PostgreSQL's programs (Debian and Ubuntu: `apt-get install postgresql`; Fedora: \
                    `dnf install postgresql-server`; macOS: `brew install postgresql`)"
                .into(),
        );
    }
    std::env::join_paths(found.iter().map(|installation| &installation.bin))
        .map_err(|e| format!("a folder of PostgreSQL has an impossible name: {e}"))
}

/// The server that the package `pgserver` has inside.
fn of_python(python: &Path) -> Option<Installation> {
    let home = python.parent()?.parent()?;
    let lib = fs::read_dir(home.join("lib")).ok()?.flatten().next()?.path();
    Installation::at(&lib.join("site-packages/pgserver/pginstall/bin"))
}

/// Where the throwaway server lives, and the file that says its URL.
fn throwaway() -> (PathBuf, PathBuf) {
    let folder = sh::target().join("postgres-up");
    let url = folder.join("url");
    (folder, url)
}

fn up() -> Result {
    let (folder, url) = throwaway();
    if let Ok(url) = fs::read_to_string(&url) {
        println!("{url}");
        return Ok(());
    }
    let installation = match installations().into_iter().next() {
        Some(installation) => installation,
        None => {
            let folders = folders(&setup::pythons()?.postgres)?;
            let first = std::env::split_paths(&folders).next().unwrap_or_default();
            Installation::at(&first).ok_or("no PostgreSQL here")?
        }
    };
    let server = Server::start(&Options {
        installation: Some(installation),
        folder: Some(folder),
        ..Options::default()
    });
    let text = server.url("postgres");
    fs::write(&url, &text).map_err(|e| format!("cannot write {}: {e}", url.display()))?;
    println!("{text}");
    Ok(())
}

fn down() -> Result {
    let (folder, _) = throwaway();
    Server::stop_in(&folder);
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("cannot remove {}: {error}", folder.display()))
        }
        _ => Ok(()),
    }
}
