//! A database behind a driver.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use adbc_core::options::{AdbcVersion, InfoCode, OptionConnection, OptionDatabase, OptionValue};
use adbc_core::{Connection as _, Database as _, Driver as _, LOAD_FLAG_DEFAULT, Optionable as _};
use adbc_driver_manager::{ManagedConnection, ManagedDatabase, ManagedDriver};
use melisma_sdk::arrow::array::{Array as _, RecordBatch, StringArray, StructArray, UInt32Array, UnionArray};
use melisma_sdk::sql::Dialect;
use melisma_sdk::{Error, Kind, Result, Secret, show};

use crate::dialects::DialectName;
use crate::drivers::{self, Search};
use crate::errors::{failed, is_locked};
use crate::holder::with_holder;
use crate::session::Session;

/// What settings say about the driver and the database.
#[derive(Clone, Debug, Default)]
pub(crate) struct Address {
    /// The name of the driver, or the path of its library or manifest.
    pub(crate) driver: String,
    pub(crate) entrypoint: Option<String>,
    /// Options of the database; `uri` is one.
    pub(crate) options: Vec<(String, Secret<String>)>,
    /// The SQL of the database, if it is known before it is asked.
    pub(crate) dialect: Option<DialectName>,
    /// Statements for each connection.
    pub(crate) start: Vec<String>,
    /// The file of the database, for people.
    pub(crate) file: Option<PathBuf>,
}

/// An open database.
#[derive(Clone)]
pub(crate) struct Database {
    database: ManagedDatabase,
    address: Address,
    pub(crate) dialect: Arc<dyn Dialect>,
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
    pub(crate) fn open(address: Address) -> Result<Self> {
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
        let database = driver.new_database_with_opts(options).map_err(|error| {
            with_holder(failed(&doing, &error), is_locked(&error), address.file.as_deref())
        })?;
        let name = match address.dialect {
            Some(name) => name,
            None => {
                let connection = database
                    .new_connection()
                    .map_err(|error| failed(&doing, &error))?;
                DialectName::of_vendor(&vendor(&connection).unwrap_or_default())
            }
        };
        Ok(Self {
            database,
            dialect: name.dialect(),
            address,
        })
    }

    /// A connection, with a transaction.
    pub(crate) fn connect(&self) -> Result<Session> {
        let doing = "cannot connect to the database";
        let mut connection = self
            .database
            .new_connection()
            .map_err(|error| failed(doing, &error))?;
        let manual = OptionValue::String("false".to_owned());
        connection
            .set_option(OptionConnection::AutoCommit, manual)
            .map_err(|error| {
                failed(
                    "expected a driver that can leave the commit to the target (adbc.connection.autocommit)",
                    &error,
                )
            })?;
        let mut session = Session::new(connection, Arc::clone(&self.dialect), self.address.file.clone());
        session.start(&self.address.start)?;
        Ok(session)
    }

    /// What the database and the driver call themselves, as `DuckDB v1.5.6`.
    pub(crate) fn describe(&self) -> Result<String> {
        let connection = self
            .database
            .new_connection()
            .map_err(|error| failed("cannot connect", &error))?;
        let text = |code| info(&connection, code).unwrap_or_default();
        Ok(
            format!("{} {}", text(InfoCode::VendorName), text(InfoCode::VendorVersion))
                .trim()
                .to_owned(),
        )
    }
}

/// Loads the driver that the settings name.
fn load(address: &Address) -> Result<ManagedDriver> {
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
fn each_version<T>(load: impl Fn(AdbcVersion) -> adbc_core::error::Result<T>) -> adbc_core::error::Result<T> {
    load(AdbcVersion::V110).or_else(|error| load(AdbcVersion::V100).map_err(|_| error))
}

/// What the database calls itself.
fn vendor(connection: &ManagedConnection) -> Option<String> {
    info(connection, InfoCode::VendorName)
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
