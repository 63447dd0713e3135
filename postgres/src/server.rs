//! A server: where it is, and a way in.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use melisma_sdk::{Error, Result};
use postgres::config::{Host, SslMode as Wire};
use postgres::{Client, NoTls};
use rustls::ClientConfig;
use tokio_postgres::Config;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::session::{Running, Session};
use crate::settings::{Connection, SslMode};
use crate::{failed, passfile, tls, url};

/// What every session of ours begins with: dates, floats and quotes that mean one thing on every server.
const SESSION: &str = "set timezone = 'UTC'; set datestyle = 'ISO, MDY'; set intervalstyle = 'postgres'; \
                       set extra_float_digits = 3; set standard_conforming_strings = on; \
                       set client_encoding = 'UTF8'; set bytea_output = 'hex'";

/// How to reach one database. It connects as often as it is asked to.
#[derive(Clone)]
pub struct Server {
    config: Config,
    mode: SslMode,
    tls: Option<Arc<ClientConfig>>,
    statement_timeout: Option<u32>,
    location: String,
}

// The configuration holds the password.
impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Server").field(&self.location).finish()
    }
}

impl Server {
    pub(crate) fn new(settings: &Connection, application_name: &str) -> Result<Self> {
        let mut url = settings
            .sqlalchemy_url
            .as_ref()
            .map(|url| url::parse(url.expose()))
            .transpose()?
            .unwrap_or_default();
        if settings.sqlalchemy_url.is_none() {
            url.config = beside_the_url(settings);
        }
        let mode = url.ssl_mode.unwrap_or_else(|| settings.mode());
        let tls = (mode != SslMode::Disable)
            .then(|| tls::client(mode, settings, &url))
            .transpose()?;
        let mut config = url.config;
        complete(&mut config)?;
        if config.get_application_name().is_none() {
            let name = settings.application_name.as_deref().unwrap_or(application_name);
            config.application_name(name);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(settings.connect_timeout_seconds.into()));
        }
        // A server whose machine is gone says nothing: notice it within minutes, not hours.
        config.keepalives_idle(Duration::from_mins(1));
        Ok(Self {
            location: location(&config),
            config,
            mode,
            tls,
            statement_timeout: settings.statement_timeout_seconds,
        })
    }

    /// Opens a session, in UTC, with ISO dates.
    pub fn connect(&self) -> Result<Client> {
        let client = self.open(
            |config| postgres::Config::from(config).connect(NoTls),
            |config, tls| postgres::Config::from(config).connect(tls),
        );
        client
            .and_then(|mut client| client.batch_execute(&self.first_statements()).map(|()| client))
            .map_err(|error| failed(&format!("cannot connect to {}", self.location), error))
    }

    /// Opens the same session for reading much.
    pub fn session(&self) -> Result<Session> {
        let session = self.open(
            |config| Session::open(&config, NoTls),
            |config, tls| Session::open(&config, tls),
        );
        session
            .and_then(|mut session| session.batch_execute(&self.first_statements()).map(|()| session))
            .map_err(|error| failed(&format!("cannot connect to {}", self.location), error))
    }

    fn first_statements(&self) -> String {
        match self.statement_timeout {
            Some(seconds) => format!("{SESSION}; set statement_timeout = '{seconds}s'"),
            None => SESSION.to_owned(),
        }
    }

    /// Asks the server to end what a session is doing, without waiting for it. When that does not reach the server,
    /// the session ends when it next writes to us.
    pub fn cancel(&self, statement: &Running) {
        let tls = self
            .tls
            .as_ref()
            .map(|tls| MakeRustlsConnect::new(ClientConfig::clone(tls)));
        let _ = statement.cancel(tls);
    }

    /// Where it is, for people and logs: `postgresql://localhost:5432/shop`, without user and password.
    pub fn location(&self) -> String {
        self.location.clone()
    }

    /// The name of the database.
    pub fn database(&self) -> &str {
        self.config.get_dbname().unwrap_or_default()
    }

    /// Connects as the mode of TLS says.
    fn open<T>(
        &self,
        plain: impl Fn(Config) -> Result<T, postgres::Error>,
        with_tls: impl Fn(Config, MakeRustlsConnect) -> Result<T, postgres::Error>,
    ) -> Result<T, postgres::Error> {
        let config = |mode| {
            let mut config = self.config.clone();
            config.ssl_mode(mode);
            config
        };
        let Some(tls) = &self.tls else {
            return plain(config(Wire::Disable));
        };
        let tls = || MakeRustlsConnect::new(ClientConfig::clone(tls));
        let first = match self.mode {
            SslMode::Disable | SslMode::Allow => Wire::Disable,
            SslMode::Prefer => Wire::Prefer,
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => Wire::Require,
        };
        match with_tls(config(first), tls()) {
            Err(refused) if self.mode == SslMode::Allow && refused.as_db_error().is_some() => {
                with_tls(config(Wire::Require), tls())
            }
            result => result,
        }
    }
}

fn beside_the_url(settings: &Connection) -> Config {
    let mut config = Config::new();
    if let Some(host) = &settings.host {
        config.host(host);
    }
    if let Some(port) = settings.port {
        config.port(port);
    }
    if let Some(user) = &settings.user {
        config.user(user);
    }
    if let Some(password) = &settings.password {
        config.password(password.expose());
    }
    if let Some(database) = &settings.database {
        config.dbname(database);
    }
    config
}

/// Fills in what was not set, from where libpq takes it.
fn complete(config: &mut Config) -> Result<()> {
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        config.host(variable("PGHOST").as_deref().unwrap_or("localhost"));
    }
    if config.get_ports().is_empty() {
        let port = variable("PGPORT").map_or(Ok(5432), |port| {
            port.parse()
                .map_err(|_| Error::config("PGPORT: expected a port number"))
        });
        config.port(port?);
    }
    if config.get_user().is_none() {
        let user = variable("PGUSER")
            .or_else(|| variable("USER"))
            .or_else(|| variable("LOGNAME"))
            .ok_or_else(|| Error::config("config: user: required, but not given"))?;
        config.user(&user);
    }
    let user = config.get_user().unwrap_or_default().to_owned();
    if config.get_dbname().is_none() {
        config.dbname(variable("PGDATABASE").as_deref().unwrap_or(&user));
    }
    if config.get_password().is_none() {
        let (host, port) = address(config);
        let database = config.get_dbname().unwrap_or_default();
        let password = variable("PGPASSWORD").or_else(|| passfile::password(&host, port, database, &user));
        if let Some(password) = password {
            config.password(password);
        }
    }
    Ok(())
}

/// The first host and port.
fn address(config: &Config) -> (String, u16) {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        Some(Host::Unix(folder)) => folder.display().to_string(),
        None => config
            .get_hostaddrs()
            .first()
            .map(ToString::to_string)
            .unwrap_or_default(),
    };
    (host, config.get_ports().first().copied().unwrap_or(5432))
}

fn location(config: &Config) -> String {
    let (host, port) = address(config);
    format!(
        "postgresql://{host}:{port}/{}",
        config.get_dbname().unwrap_or_default()
    )
}
