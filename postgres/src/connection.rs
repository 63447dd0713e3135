//! The connection settings.

use melisma_sdk::{JsonSchema, Secret};
use serde::Deserialize;

/// How to reach the server; flattened into the settings of tap-postgres and target-postgres.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Connection {
    /// The server's name or address, or the folder of its Unix socket. Not set: `PGHOST`, else `localhost`.
    pub host: Option<String>,
    /// The server's port. Not set: `PGPORT`, else 5432.
    pub port: Option<u16>,
    /// The user to connect as. Not set: `PGUSER`, else the user of the operating system.
    pub user: Option<String>,
    /// The user's password. Not set: `PGPASSWORD`, else the password file (`PGPASSFILE`, `~/.pgpass`).
    pub password: Option<Secret<String>>,
    /// The database. Not set: `PGDATABASE`, else the user's name.
    #[serde(alias = "dbname")]
    #[schemars(extend("x-aliases" = ["dbname"]))]
    pub database: Option<String>,
    /// The whole connection as a URL, `postgresql://user:password@host:5432/database?sslmode=require`; query arguments
    /// are libpq's options. It takes precedence over the other settings of the connection, which fill in what it does
    /// not say. Settings of TLS that contradict it are refused.
    pub sqlalchemy_url: Option<Secret<String>>,
    /// Accepted and ignored: there is one driver.
    #[serde(rename = "dialect+driver")]
    #[schemars(extend("x-ignored" = "there is one driver"))]
    pub dialect_driver: Option<String>,
    /// Whether to use TLS as `ssl_mode` says. Off means TLS when the server offers it, unverified, as libpq's `prefer`.
    pub ssl_enable: bool,
    /// Whether TLS is required and how the server is verified, as libpq's `sslmode`. Applies with `ssl_enable`.
    pub ssl_mode: SslMode,
    /// The authority that signed the server's certificate: a path, the PEM text itself, or `system` for the system's
    /// authorities. Applies with `ssl_enable`. Not set: `~/.postgresql/root.crt` when it is there, else the system's.
    pub ssl_certificate_authority: Option<String>,
    /// Whether to send a client certificate. Applies with `ssl_enable`.
    pub ssl_client_certificate_enable: bool,
    /// The client certificate: a path, or the PEM text itself. Not set: `~/.postgresql/postgresql.crt`.
    pub ssl_client_certificate: Option<String>,
    /// The private key of the client certificate: the PEM text itself, or the path of a file that only its owner may
    /// read. Not set: `~/.postgresql/postgresql.key`.
    pub ssl_client_private_key: Option<Secret<String>>,
    /// Accepted and ignored: PEM text is kept in memory, no folder is needed.
    #[schemars(extend("x-ignored" = "PEM text is kept in memory, no folder is needed"))]
    pub ssl_storage_directory: Option<String>,
    /// TLS without verification (`ssl_mode: require`); pipelinewise's name for it.
    pub ssl: bool,
    /// An SSH tunnel to the server.
    pub ssh_tunnel: SshTunnel,
    /// The number of seconds to wait for each address of the server, until it has let us in.
    #[schemars(range(min = 1, max = 2_147_483))]
    pub connect_timeout_seconds: u32,
    /// The number of seconds after which the server ends a statement. Not set: the server's setting.
    #[schemars(range(min = 1, max = 2_147_483))]
    pub statement_timeout_seconds: Option<u32>,
    /// The name that the server's `pg_stat_activity` shows. Not set: the plugin's.
    pub application_name: Option<String>,
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            host: None,
            port: None,
            user: None,
            password: None,
            database: None,
            sqlalchemy_url: None,
            dialect_driver: None,
            ssl_enable: false,
            ssl_mode: SslMode::VerifyFull,
            ssl_certificate_authority: None,
            ssl_client_certificate_enable: false,
            ssl_client_certificate: None,
            ssl_client_private_key: None,
            ssl_storage_directory: None,
            ssl: false,
            ssh_tunnel: SshTunnel::default(),
            connect_timeout_seconds: 30,
            statement_timeout_seconds: None,
            application_name: None,
        }
    }
}

impl Connection {
    /// The mode of TLS that the settings beside the URL ask for, if they ask for any.
    pub(crate) fn mode(&self) -> Option<SslMode> {
        if self.ssl_enable {
            Some(self.ssl_mode)
        } else {
            self.ssl.then_some(SslMode::Require)
        }
    }
}

/// libpq's `sslmode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SslMode {
    /// No TLS.
    Disable,
    /// TLS only when the server refuses other connections.
    Allow,
    /// TLS when the server offers it.
    Prefer,
    /// TLS; the server's certificate is checked only when an authority is named.
    Require,
    /// TLS, with a certificate that the authority signed.
    VerifyCa,
    /// TLS, with a certificate that the authority signed for this host.
    VerifyFull,
}

impl SslMode {
    /// Reads libpq's word for it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "disable" => Self::Disable,
            "allow" => Self::Allow,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return None,
        })
    }

    /// Whether it asks for more; they are declared from the weakest on.
    pub(crate) fn is_stronger_than(self, other: Self) -> bool {
        self as u8 > other as u8
    }

    /// libpq's word for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Allow => "allow",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

/// An SSH tunnel, with the peers' names for its settings.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SshTunnel {
    /// Whether to use a tunnel. Not implemented: a run that asks for it ends with an error that says what to do
    /// instead.
    pub enable: bool,
    /// The host of the SSH server.
    pub host: Option<String>,
    /// Its port for SSH.
    pub port: Option<u16>,
    /// The user there.
    pub username: Option<String>,
    /// The private key, as PEM text.
    #[schemars(extend("x-ignored" = "a tunnel is not opened"))]
    pub private_key: Option<Secret<String>>,
    /// The password of the private key.
    #[schemars(extend("x-ignored" = "a tunnel is not opened"))]
    pub private_key_password: Option<Secret<String>>,
}
