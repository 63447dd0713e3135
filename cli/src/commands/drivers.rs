//! `melisma drivers`: the ADBC drivers that are found, and a test of one.

use std::process::ExitCode;

use clap::Args;
use melisma_adbc::Database;
use melisma_adbc::drivers::{Search, can_be_loaded, how_to_install};
use melisma_sdk::internal::printable::printable;
use melisma_sdk::{Error, Result};

use super::output::{print, table};

const EXAMPLES: &str = "\
Examples:
  melisma drivers                                   which drivers there are, and where
  melisma drivers duckdb --test shop.duckdb         open a database with the driver of this name
  melisma drivers ./libduckdb.so --test shop.duckdb

Drivers are searched in the folders of ADBC_DRIVER_PATH, in Python environments (the active one, .venv, venv and those of the
project's plugins), in node_modules, and in the folders of manifests of the user and of the system. Exit code 78: there is
none of this name.";

/// The options of `melisma drivers`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DriversArgs {
    /// The driver: its name, or the path of its library or manifest [default: all that are found]
    #[arg(value_name = "DRIVER")]
    driver: Option<String>,
    /// Open this database with the driver, and say what it is
    #[arg(long, value_name = "URI", requires = "driver")]
    test: Option<String>,
}

/// Lists drivers, or tests one.
pub(crate) fn run(args: &DriversArgs) -> Result<ExitCode> {
    can_be_loaded()?;
    if let (Some(driver), Some(uri)) = (&args.driver, &args.test) {
        let found = Database::test(driver, uri)?;
        print(&format!(
            "{}: connected to {}",
            printable(driver),
            printable(&found)
        ))?;
        return Ok(ExitCode::SUCCESS);
    }
    let folder =
        std::env::current_dir().map_err(|error| Error::io("cannot find the current folder", error))?;
    let search = Search::new(&folder);
    let mut found = search.drivers();
    if let Some(name) = &args.driver {
        found.retain(|driver| driver.name == *name);
        if found.is_empty() {
            let (name, how) = (printable(name), how_to_install(name));
            return Err(Error::config(format!(
                "expected an ADBC driver, found none named {name}: {how}"
            )));
        }
    }
    if found.is_empty() {
        let folders: Vec<String> = search
            .folders()
            .map(|folder| format!("  {}", folder.display()))
            .collect();
        print(&format!(
            "no drivers; folders that were searched:\n{}",
            folders.join("\n")
        ))?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|driver| vec![driver.name.clone(), driver.path.display().to_string()])
        .collect();
    print(&table(&["DRIVER", "FOUND AT"], &rows))?;
    Ok(ExitCode::SUCCESS)
}
