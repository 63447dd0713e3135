//! The taps and targets that are built into `melisma`.

mod definition;

pub(crate) use definition::VARIANT;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use melisma_sdk::config::Settings;
use melisma_sdk::internal::{main_tap, main_target};
use melisma_sdk::plugin::Package;
use melisma_sdk::target::StandardConfig;
use melisma_sdk::{Tap, Target};

use crate::plugin_kind::PluginKind;

/// A plugin that needs no install.
pub(crate) struct Builtin {
    /// The name of the plugin and of its executable.
    pub(crate) name: &'static str,
    /// One line for the help.
    pub(crate) about: &'static str,
    pub(crate) kind: PluginKind,
    /// Whether it is a target that can store STATE next to its rows.
    pub(crate) stores_state: bool,
    settings: fn() -> Settings,
    command: fn(Package) -> clap::Command,
    /// Its main function; the first argument is its name.
    main: fn(Package, Vec<OsString>) -> ExitCode,
}

/// All of them, taps first.
pub(crate) const PLUGINS: &[Builtin] = &[
    tap::<tap_adbc::TapAdbc>("tap-adbc", "The built-in tap for databases with an ADBC driver"),
    tap::<tap_csv::TapCsv>("tap-csv", "The built-in tap for CSV files"),
    tap::<tap_adbc::TapDuckDb>("tap-duckdb", "The built-in tap for DuckDB databases"),
    tap::<tap_postgres::TapPostgres>("tap-postgres", "The built-in tap for PostgreSQL databases"),
    tap::<tap_rest::TapRest>("tap-rest", "The built-in tap for HTTP APIs, from a YAML file"),
    tap::<tap_adbc::TapSnowflake>("tap-snowflake", "The built-in tap for Snowflake databases"),
    tap::<tap_adbc::TapSqlite>("tap-sqlite", "The built-in tap for SQLite databases"),
    target::<target_adbc::TargetAdbc>(
        "target-adbc",
        "The built-in target for databases with an ADBC driver",
    ),
    target::<target_adbc::TargetBigQuery>("target-bigquery", "The built-in target for BigQuery"),
    target::<target_csv::TargetCsv>("target-csv", "The built-in target for CSV files"),
    target::<target_adbc::TargetDuckDb>("target-duckdb", "The built-in target for DuckDB databases"),
    target::<target_jsonl::TargetJsonl>("target-jsonl", "The built-in target for JSON lines files"),
    target::<target_parquet::TargetParquet>("target-parquet", "The built-in target for Parquet files"),
    target::<target_postgres::TargetPostgres>("target-postgres", "The built-in target for PostgreSQL"),
    target::<target_adbc::TargetRedshift>("target-redshift", "The built-in target for Redshift"),
    target::<target_adbc::TargetSnowflake>("target-snowflake", "The built-in target for Snowflake"),
    target::<target_adbc::TargetSqlite>("target-sqlite", "The built-in target for SQLite databases"),
];

const fn tap<T: Tap>(name: &'static str, about: &'static str) -> Builtin {
    Builtin {
        name,
        about,
        kind: PluginKind::Extractor,
        stores_state: false,
        settings: melisma_sdk::tap::settings::<T>,
        command: melisma_sdk::tap::command::<T>,
        main: main_tap::<T>,
    }
}

const fn target<T: Target>(name: &'static str, about: &'static str) -> Builtin {
    Builtin {
        name,
        about,
        kind: PluginKind::Loader,
        stores_state: T::CAPABILITIES.stored_state,
        settings: || Settings::new::<T::Config>().and::<StandardConfig>(),
        command: melisma_sdk::target::command::<T>,
        main: main_target::<T>,
    }
}

/// The built-in plugin of that name.
pub(crate) fn find(name: &str) -> Option<&'static Builtin> {
    PLUGINS.iter().find(|plugin| plugin.name == name)
}

/// Runs a built-in plugin when `args` ask for one: `melisma tap-csv ...`, `melisma help tap-csv`, or a link named
/// `tap-csv` to this program.
pub(crate) fn run(args: &[OsString]) -> Option<ExitCode> {
    if let Some(plugin) = args.first().and_then(base_name).and_then(find) {
        return Some(plugin.main(args.to_vec()));
    }
    let first = args.get(1)?.to_str()?;
    if first == "help"
        && let Some(plugin) = args.get(2).and_then(|name| find(name.to_str()?))
    {
        return Some(plugin.main(vec![plugin.name.into(), "--help".into()]));
    }
    let plugin = find(first)?;
    Some(plugin.main(args.get(1..)?.to_vec()))
}

impl Builtin {
    /// It is released with this program, and has its version.
    fn package(&self) -> Package {
        Package {
            name: self.name,
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    fn main(&self, args: Vec<OsString>) -> ExitCode {
        (self.main)(self.package(), args)
    }

    /// Its options, for completions.
    pub(crate) fn command(&self) -> clap::Command {
        (self.command)(self.package())
    }

    /// The capabilities that Meltano looks at before it passes a catalog, a state and a log configuration.
    pub(crate) fn capabilities(&self) -> &'static [&'static str] {
        match self.kind {
            PluginKind::Extractor => &["catalog", "discover", "state", "about", "structured-logging"],
            _ => &["about", "structured-logging"],
        }
    }
}

/// The name that a program was called by, without its folder.
fn base_name(program: &OsString) -> Option<&str> {
    Path::new(program).file_stem()?.to_str()
}
