//! Connects to a server: hosts in turn, TLS, and the properties that the session must have.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use melisma_sdk::{Error, Kind, Result, show};
use postgres::config::{Host, SslMode as Wire};
use postgres::{Client, NoTls};
use rustls::ClientConfig;
use tokio_postgres::Config;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::complete::{addresses, complete};
use crate::connection::{Connection, SslMode};
use crate::session::{Running, Session};
use crate::{failed, tls, url};

/// What every session of ours begins with: dates, floats and quotes that mean one thing on every server, and no end
/// while the other side of the pipe is quiet (a setting that servers before 14 do not know).
const SESSION: &str = "set timezone = 'UTC'; set datestyle = 'ISO, MDY'; set intervalstyle = 'postgres'; \
                       set extra_float_digits = 3; set standard_conforming_strings = on; \
                       set client_encoding = 'UTF8'; set bytea_output = 'hex'; \
                       select case when current_setting('server_version_num')::int >= 140000 \
                       then set_config('idle_session_timeout', '0', false) end";

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

impl Connection {
    /// The server of these settings, with everything checked and read that needs no connection.
    ///
    /// `application_name` is the plugin's own, used unless the settings have one.
    pub fn server(&self, application_name: &str) -> Result<Server> {
        if self.ssh_tunnel.enable {
            return Err(Error::config(format!(
                "config: ssh_tunnel: not supported; open the tunnel yourself (`{}`) and set host to localhost, port to 6543",
                self.ssh_command()
            )));
        }
        Server::new(self, application_name)
    }

    /// What opens the tunnel that the settings ask for.
    fn ssh_command(&self) -> String {
        let tunnel = &self.ssh_tunnel;
        let text =
            |given: &Option<String>, otherwise: &str| given.as_deref().map_or(otherwise.to_owned(), show);
        let port = tunnel.port.map(|port| format!(" -p {port}")).unwrap_or_default();
        format!(
            "ssh -N -L 6543:{}:{} {}@{}{port}",
            text(&self.host, "database"),
            self.port.unwrap_or(5432),
            text(&tunnel.username, "user"),
            text(&tunnel.host, "bastion"),
        )
    }
}

impl Server {
    fn new(settings: &Connection, application_name: &str) -> Result<Self> {
        let url = settings.sqlalchemy_url.as_ref();
        let mut url = url
            .map(|url| url::parse(url.expose()))
            .transpose()?
            .unwrap_or_default();
        let asked = std::mem::take(&mut url.tls);
        let config = complete(url, settings, application_name)?;
        let by_socket = config
            .get_hosts()
            .iter()
            .all(|host| matches!(host, Host::Unix(_)));
        // libpq: no TLS to the server's own machine.
        let (mode, tls) = if by_socket {
            (SslMode::Disable, None)
        } else {
            tls::client(settings, asked)?
        };
        Ok(Self {
            location: location(&config),
            config,
            mode,
            tls,
            statement_timeout: settings.statement_timeout_seconds,
        })
    }

    /// Opens a session, in UTC, with ISO dates.
    ///
    /// # Errors
    /// [`Kind::Unavailable`] if the server cannot be reached, or has not let us in within `connect_timeout_seconds`.
    pub fn connect(&self) -> Result<Client> {
        self.in_time(Self::client)
    }

    /// Opens the same session for reading much.
    ///
    /// # Errors
    /// As those of [`connect`](Self::connect).
    pub fn session(&self) -> Result<Session> {
        self.in_time(Self::reading_session)
    }

    /// The client's own limit ends with the TCP connection. Behind it may be a server that never answers, such as one
    /// that is stopped or a load balancer without a server, so the whole is waited for, as libpq does.
    fn in_time<T: Send + 'static>(
        &self,
        connect: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let Some(each) = self.config.get_connect_timeout().copied() else {
            return connect(self);
        };
        let hosts = u32::try_from(addresses(&self.config).count()).unwrap_or(u32::MAX);
        let limit = each.saturating_mul(hosts.max(1));
        let (send, receive) = mpsc::channel();
        let server = self.clone();
        thread::Builder::new()
            .name("connect".to_owned())
            .spawn(move || send.send(connect(&server)))
            .map_err(|error| Error::io("cannot start a thread", error))?;
        match receive.recv_timeout(limit) {
            Ok(connected) => connected,
            Err(RecvTimeoutError::Disconnected) => Err(Error::bug("the connecting thread panicked")),
            Err(RecvTimeoutError::Timeout) => Err(Error::new(
                Kind::Unavailable,
                format!(
                    "cannot connect to {}: the server has not answered within {} seconds (connect_timeout_seconds)",
                    self.location,
                    limit.as_secs()
                ),
            )),
        }
    }

    fn client(&self) -> Result<Client> {
        let client = self.open(
            |config| postgres::Config::from(config).connect(NoTls),
            |config, tls| postgres::Config::from(config).connect(tls),
        );
        client
            .and_then(|mut client| client.batch_execute(&self.first_statements()).map(|()| client))
            .map_err(|error| failed(&format!("cannot connect to {}", self.location), error))
    }

    fn reading_session(&self) -> Result<Session> {
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

fn location(config: &Config) -> String {
    let places: Vec<String> = addresses(config)
        .map(|(host, port)| format!("{host}:{port}"))
        .collect();
    let database = config.get_dbname().unwrap_or_default();
    format!("postgresql://{}/{database}", places.join(","))
}
