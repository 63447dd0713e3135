//! A database behind a driver.

use std::path::{Path, PathBuf};

use adbc_core::error::{Error as DriverError, Result as DriverResult};
use adbc_core::options::{AdbcVersion, InfoCode, OptionConnection, OptionDatabase, OptionValue};
use adbc_core::{
    Connection as _, Database as _, Driver as _, LOAD_FLAG_DEFAULT, Optionable as _, Statement as _,
};
use adbc_driver_manager::{ManagedConnection, ManagedDatabase, ManagedDriver};
use melisma_sdk::arrow::array::{Array as _, RecordBatch, StringArray, StructArray, UInt32Array, UnionArray};
use melisma_sdk::{Error, Kind, Result, Secret, show};

use crate::drivers::{self, Search};
use crate::errors::{failed, is_locked};
use crate::holder::with_holder;
use crate::secrets::hide;

/// What settings say about the driver and the database.
#[derive(Clone, Debug, Default)]
pub struct Address {
    /// The name of the driver, or the path of its library or manifest.
    pub driver: String,
    /// The function of the library that makes the driver, if it is not the usual one.
    pub entrypoint: Option<String>,
    /// Options of the database; `uri` is one.
    pub options: Vec<(String, Secret<String>)>,
    /// Statements for each connection.
    pub start: Vec<String>,
    /// The file of the database, for people.
    pub file: Option<PathBuf>,
}

/// An open database.
#[derive(Clone)]
pub struct Database {
    database: ManagedDatabase,
    address: Address,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Database {
    /// Loads the driver, and opens the database.
    pub fn open(address: Address) -> Result<Self> {
        for (name, value) in &address.options {
            hide(name, value.expose());
        }
        let mut driver = load(&address)?;
        let options = address.options.iter().map(|(name, value)| {
            (
                OptionDatabase::from(&**name),
                OptionValue::String(value.expose().clone()),
            )
        });
        let doing = format!(
            "cannot open the database with the driver {}",
            show(&address.driver)
        );
        let database = driver.new_database_with_opts(options);
        let database = database.map_err(|error| unreached(&doing, &error, &address))?;
        Ok(Self { database, address })
    }

    /// A connection on which the first statements were run, and which commits by itself or not.
    pub fn connect(&self, autocommit: bool) -> Result<ManagedConnection> {
        let doing = "cannot connect to the database";
        let connection = self.database.new_connection();
        let mut connection = connection.map_err(|error| unreached(doing, &error, &self.address))?;
        if !autocommit {
            let manual = OptionValue::String("false".to_owned());
            connection
                .set_option(OptionConnection::AutoCommit, manual)
                .map_err(|error| {
                    failed(
                        "expected a driver that can leave the commit to the target (adbc.connection.autocommit)",
                        &error,
                    )
                })?;
        }
        for sql in &self.address.start {
            run(&mut connection, sql).map_err(|error| self.error("cannot prepare the connection", &error))?;
        }
        Ok(connection)
    }

    /// The error of the driver, while `doing` something, with the process that holds the database where one does.
    pub fn error(&self, doing: &str, error: &DriverError) -> Error {
        error_of(doing, error, self.address.file.as_deref())
    }

    /// The file of the database, where it is known to be one.
    pub fn file(&self) -> Option<&Path> {
        self.address.file.as_deref()
    }

    /// What the database calls itself: `DuckDB`.
    pub fn vendor(&self) -> Result<String> {
        Ok(info(&self.connect(true)?, InfoCode::VendorName).unwrap_or_default())
    }

    /// The version of the driver: `1.13.0`; empty where it does not say.
    pub fn driver_version(&self) -> Result<String> {
        Ok(info(&self.connect(true)?, InfoCode::DriverVersion).unwrap_or_default())
    }

    /// What the database calls itself, with its version: `DuckDB v1.5.6`.
    pub fn describe(&self) -> Result<String> {
        let connection = self.connect(true)?;
        let text = |code| info(&connection, code).unwrap_or_default();
        Ok(
            format!("{} {}", text(InfoCode::VendorName), text(InfoCode::VendorVersion))
                .trim()
                .to_owned(),
        )
    }

    /// Opens a database and says what it is, for `melisma drivers --test`.
    pub fn test(driver: &str, uri: &str) -> Result<String> {
        let option = if driver.contains("duckdb") { "path" } else { "uri" };
        let database = Self::open(Address {
            driver: driver.to_owned(),
            options: vec![(option.to_owned(), Secret::new(uri.to_owned()))],
            ..Address::default()
        })?;
        database.describe()
    }
}

/// The error of a server that does not answer, or of a file that cannot be opened.
fn unreached(doing: &str, error: &DriverError, address: &Address) -> Error {
    let error = error_of(doing, error, address.file.as_deref());
    match error.kind() {
        Kind::Io if address.file.is_none() => Error::new(Kind::Unavailable, error.message().to_owned()),
        _ => error,
    }
}

fn error_of(doing: &str, error: &DriverError, file: Option<&Path>) -> Error {
    with_holder(failed(doing, error), is_locked(error), file)
}

/// Runs a statement, whose rows are not wanted.
pub fn run(connection: &mut ManagedConnection, sql: &str) -> DriverResult<()> {
    let mut statement = connection.new_statement()?;
    statement.set_sql_query(sql)?;
    for batch in statement.execute()? {
        batch?;
    }
    Ok(())
}

/// Loads the driver that the settings name.
fn load(address: &Address) -> Result<ManagedDriver> {
    drivers::can_be_loaded()?;
    let name = &*address.driver;
    let given = Path::new(name);
    let is_path = given.components().count() > 1 || given.extension().is_some();
    let path = if is_path {
        if !given.is_file() {
            return Err(Error::config(format!(
                "config: driver: expected the name of a driver, or the path of a library or manifest, found no file {}",
                show(name)
            )));
        }
        Some(given.to_owned())
    } else {
        let folder = std::env::current_dir().unwrap_or_default();
        Search::new(&folder).find(name).map(|driver| driver.path)
    };
    let Some(path) = path else {
        return load_by_name(name, address).ok_or_else(|| {
            let how = drivers::how_to_install(name);
            Error::config(format!(
                "config: driver: expected an ADBC driver, found none named {}: {how}",
                show(name)
            ))
        });
    };
    let path = std::path::absolute(&path).unwrap_or(path);
    let entrypoint = address
        .entrypoint
        .as_deref()
        .or_else(|| drivers::entrypoint(&path));
    let entrypoint = entrypoint.map(str::as_bytes);
    each_version(|version| ManagedDriver::load_from_name(&path, entrypoint, version, LOAD_FLAG_DEFAULT, None))
        .map_err(|error| {
            let how = if path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("_duckdb"))
            {
                format!(" ({})", drivers::how_to_install("duckdb"))
            } else {
                String::new()
            };
            let error = failed(
                &format!("cannot load the driver {}", show(&path.display().to_string())),
                &error,
            );
            Error::new(Kind::Config, format!("{}{how}", error.message()))
        })
}

/// Asks the system for the library, as it finds those that are installed.
fn load_by_name(name: &str, address: &Address) -> Option<ManagedDriver> {
    [format!("adbc_driver_{name}"), name.to_owned()]
        .into_iter()
        .find_map(|library| {
            let own = drivers::entrypoint(Path::new(&library));
            let entrypoint = address.entrypoint.as_deref().or(own).map(str::as_bytes);
            each_version(|version| ManagedDriver::load_dynamic_from_name(&library, entrypoint, version)).ok()
        })
}

/// Old drivers know the first version of the interface only.
fn each_version<T>(load: impl Fn(AdbcVersion) -> DriverResult<T>) -> DriverResult<T> {
    load(AdbcVersion::V110).or_else(|error| load(AdbcVersion::V100).map_err(|_| error))
}

/// One text that a connection says of itself.
fn info(connection: &ManagedConnection, code: InfoCode) -> Option<String> {
    let wanted = u32::from(&code);
    let reader = connection.get_info(Some([code].into())).ok()?;
    let batches: Vec<RecordBatch> = reader.collect::<std::result::Result<_, _>>().ok()?;
    batches.iter().find_map(|batch| {
        let rows = StructArray::from(batch.clone());
        let codes = rows.column(0).as_any().downcast_ref::<UInt32Array>()?;
        let values = rows.column(1).as_any().downcast_ref::<UnionArray>()?;
        let at = (0..codes.len()).find(|&at| codes.value(at) == wanted)?;
        let value = values.value(at);
        let value = value.as_any().downcast_ref::<StringArray>()?;
        Some(value.value(0).to_owned())
    })
}
