//! The taps and targets that are built into `melisma`.

mod definition;

pub(crate) use definition::VARIANT;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use melisma_sdk::internal::Connector;
use melisma_sdk::internal::copied::Form;
use melisma_sdk::plugin::Package;

use crate::plugin_kind::PluginKind;

/// A plugin that needs no install.
pub(crate) struct Builtin {
    /// The name of the plugin and of its executable.
    pub(crate) name: &'static str,
    /// One line for the help.
    pub(crate) about: &'static str,
    pub(crate) kind: PluginKind,
    connector: &'static Connector,
}

/// All of them, taps first.
pub(crate) static PLUGINS: &[Builtin] = &[
    tap(
        "tap-adbc",
        "The built-in tap for databases with an ADBC driver",
        &tap_adbc::ADBC,
    ),
    tap("tap-csv", "The built-in tap for CSV files", &tap_csv::CONNECTOR),
    tap(
        "tap-duckdb",
        "The built-in tap for DuckDB databases",
        &tap_adbc::DUCKDB,
    ),
    tap(
        "tap-postgres",
        "The built-in tap for PostgreSQL databases",
        &tap_postgres::CONNECTOR,
    ),
    tap(
        "tap-rest",
        "The built-in tap for HTTP APIs, from a YAML file",
        &tap_rest::CONNECTOR,
    ),
    tap(
        "tap-snowflake",
        "The built-in tap for Snowflake databases",
        &tap_adbc::SNOWFLAKE,
    ),
    tap(
        "tap-sqlite",
        "The built-in tap for SQLite databases",
        &tap_adbc::SQLITE,
    ),
    target(
        "target-adbc",
        "The built-in target for databases with an ADBC driver",
        &target_adbc::ADBC,
    ),
    target(
        "target-bigquery",
        "The built-in target for BigQuery",
        &target_adbc::BIGQUERY,
    ),
    target(
        "target-csv",
        "The built-in target for CSV files",
        &target_csv::CONNECTOR,
    ),
    target(
        "target-duckdb",
        "The built-in target for DuckDB databases",
        &target_adbc::DUCKDB,
    ),
    target(
        "target-jsonl",
        "The built-in target for JSON lines files",
        &target_jsonl::CONNECTOR,
    ),
    target(
        "target-parquet",
        "The built-in target for Parquet files",
        &target_parquet::CONNECTOR,
    ),
    target(
        "target-postgres",
        "The built-in target for PostgreSQL",
        &target_postgres::CONNECTOR,
    ),
    target(
        "target-redshift",
        "The built-in target for Redshift",
        &target_adbc::REDSHIFT,
    ),
    target(
        "target-snowflake",
        "The built-in target for Snowflake",
        &target_adbc::SNOWFLAKE,
    ),
    target(
        "target-sqlite",
        "The built-in target for SQLite databases",
        &target_adbc::SQLITE,
    ),
];

const fn tap(name: &'static str, about: &'static str, connector: &'static Connector) -> Builtin {
    Builtin {
        name,
        about,
        kind: PluginKind::Extractor,
        connector,
    }
}

const fn target(name: &'static str, about: &'static str, connector: &'static Connector) -> Builtin {
    Builtin {
        name,
        about,
        kind: PluginKind::Loader,
        connector,
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
        (self.connector.main)(self.package(), args)
    }

    /// Whether it is a target that can store STATE next to its rows.
    pub(crate) fn stores_state(&self) -> bool {
        self.connector.stores_state
    }

    /// The form of COPY in which it takes rows, if it is a target that does.
    pub(crate) fn takes_copied(&self) -> Option<Form> {
        self.connector.takes_copied
    }

    /// Whether it is a tap that can hand rows over in a form of COPY.
    pub(crate) fn hands_over_copied(&self) -> bool {
        self.connector.hands_over_copied
    }

    /// Its options, for completions.
    pub(crate) fn command(&self) -> clap::Command {
        (self.connector.command)(self.package())
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
