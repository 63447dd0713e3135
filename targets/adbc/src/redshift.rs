//! target-redshift: the target by the name and with the settings of the target for Redshift that the Hub offers
//! first (`TicketSwap/target-redshift`).

use std::collections::BTreeMap;

use melisma_adbc::{Address, encoded};
use melisma_sdk::sql::{Sql, SqlConfig};
use melisma_sdk::target::StandardConfig;
use melisma_sdk::{Error, JsonSchema, Result, Secret};
use serde::{Deserialize, Serialize};

use crate::config::{metadata_columns, refused};
use crate::dialects::{self, DialectName};
use crate::warehouse::{Service, Warehouse, WarehouseConfig};

/// The target for Redshift.
pub type TargetRedshift = Sql<Service<RedshiftConfig>>;

/// Writes streams to tables of a Redshift database.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct RedshiftConfig {
    /// The host of the cluster. Not needed with `enable_iam_authentication`, which finds it.
    #[serde(default)]
    host: Option<String>,
    /// The port of the cluster.
    #[serde(default = "port")]
    port: Port,
    /// The name of the user.
    #[serde(default)]
    user: Option<String>,
    /// The password of the user.
    #[serde(default)]
    password: Option<Secret<String>>,
    /// The database.
    dbname: String,
    /// Log in as the identity that AWS finds in the environment, with temporary credentials; `user` and `password` are
    /// not used.
    #[serde(default)]
    enable_iam_authentication: bool,
    /// The identifier of the cluster, for `enable_iam_authentication`.
    #[serde(default)]
    cluster_identifier: Option<Secret<String>>,
    /// Encrypt the connection as `ssl_mode` says. Off: as the driver does by itself.
    #[serde(default)]
    ssl_enable: bool,
    /// How the connection is encrypted, and the certificate of the server checked, with `ssl_enable`.
    #[serde(default)]
    ssl_mode: SslMode,
    /// The driver: its name where it is found, or the path of its library or manifest.
    #[serde(default = "redshift")]
    driver: String,
    /// Options of the driver, by their names: `redshift.workgroup_name`.
    #[serde(default)]
    options: BTreeMap<String, Secret<String>>,
    #[serde(flatten)]
    sql: SqlConfig,
    /// Apply ACTIVATE_VERSION messages, together with `process_activate_version_messages`.
    #[serde(default)]
    activate_version: bool,
    /// Refused: no rights are given.
    #[serde(default)]
    grants: Option<Vec<String>>,
    /// Accepted and ignored: rows are handed to the driver, not to S3.
    #[serde(default)]
    #[expect(dead_code, reason = "accepted and ignored")]
    #[schemars(extend("x-ignored" = "rows are handed to the driver, not to S3"))]
    aws_redshift_copy_role_arn: Option<Secret<String>>,
    /// Accepted and ignored: rows are handed to the driver, not to S3.
    #[serde(default)]
    #[expect(dead_code, reason = "accepted and ignored")]
    #[schemars(extend("x-ignored" = "rows are handed to the driver, not to S3"))]
    s3_bucket: Option<String>,
    /// Accepted and ignored: rows are handed to the driver, not to S3.
    #[serde(default)]
    #[expect(dead_code, reason = "accepted and ignored")]
    #[schemars(extend("x-ignored" = "rows are handed to the driver, not to S3"))]
    s3_region: Option<String>,
    /// Accepted and ignored: rows are handed to the driver, not to S3.
    #[serde(default)]
    #[expect(dead_code, reason = "accepted and ignored")]
    #[schemars(extend("x-ignored" = "rows are handed to the driver, not to S3"))]
    s3_key_prefix: Option<Secret<String>>,
    /// Accepted and ignored: there are no files in S3.
    #[serde(default)]
    #[expect(dead_code, reason = "accepted and ignored")]
    #[schemars(extend("x-ignored" = "there are no files in S3"))]
    remove_s3_files: Option<bool>,
    /// Accepted and ignored: there are no temporary files.
    #[serde(default)]
    #[expect(dead_code, reason = "accepted and ignored")]
    #[schemars(extend("x-ignored" = "there are no temporary files"))]
    temp_dir: Option<String>,
    /// Accepted and ignored: `undeclared_properties` says what happens to properties that the SCHEMA lacks.
    #[serde(default)]
    #[expect(dead_code, reason = "accepted and ignored")]
    #[schemars(extend("x-ignored" = "`undeclared_properties` says what happens to properties that the SCHEMA lacks"))]
    enable_schema_warning: Option<bool>,
}

/// A port, as a number or as a text.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
enum Port {
    Number(u16),
    Text(String),
}

/// `ssl_mode`
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
enum SslMode {
    /// Not encrypted.
    Disable,
    /// Encrypted if the server wants it.
    Allow,
    /// Encrypted if the server can.
    Prefer,
    /// Encrypted.
    Require,
    /// Encrypted, with a certificate that is valid.
    VerifyCa,
    /// Encrypted, with a certificate that is valid and the host's.
    #[default]
    VerifyFull,
}

fn port() -> Port {
    Port::Number(5439)
}

fn redshift() -> String {
    "redshift".to_owned()
}

impl SslMode {
    fn name(self) -> &'static str {
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

impl WarehouseConfig for RedshiftConfig {
    fn warehouse(self, standard: &mut StandardConfig) -> Result<Warehouse> {
        metadata_columns(standard, None, &self.sql);
        standard.process_activate_version_messages &= self.activate_version;
        if self.grants.as_ref().is_some_and(|grants| !grants.is_empty()) {
            return Err(refused("grants", "none, because no rights are given"));
        }
        let uri = self.uri()?;
        let location = match &self.host {
            Some(host) => format!("{host}/{}", self.dbname),
            None => self.dbname.clone(),
        };
        let schema = self.sql.default_target_schema.clone();
        let options = [("uri".to_owned(), Secret::new(uri))];
        Ok(Warehouse {
            address: Address {
                driver: self.driver,
                options: options.into_iter().chain(self.options).collect(),
                ..Address::default()
            },
            name: DialectName::Redshift,
            start: Vec::new(),
            dialect: dialects::redshift(schema.as_deref().unwrap_or("public")),
            sql: self.sql,
            location,
        })
    }
}

impl RedshiftConfig {
    /// `redshift://user:password@host:5439/database?sslmode=verify-full`
    fn uri(&self) -> Result<String> {
        let port = match &self.port {
            Port::Number(port) => *port,
            Port::Text(text) => text
                .trim()
                .parse()
                .map_err(|_| refused("port", "a number from 0 to 65535"))?,
        };
        let mut parameters = Vec::new();
        let mut user = String::new();
        if self.enable_iam_authentication {
            let Some(cluster) = &self.cluster_identifier else {
                return Err(Error::config(
                    "config: cluster_identifier: expected one with enable_iam_authentication, found none",
                ));
            };
            parameters.push("cluster_type=redshift-iam".to_owned());
            parameters.push(format!("cluster_identifier={}", encoded(cluster.expose())));
        } else {
            if let Some(name) = &self.user {
                user = encoded(name);
                if let Some(password) = &self.password {
                    user = format!("{user}:{}", encoded(password.expose()));
                }
                user.push('@');
            }
            if self.host.is_none() {
                return Err(Error::config(
                    "config: host: expected one without enable_iam_authentication, found none",
                ));
            }
        }
        if self.ssl_enable {
            parameters.push(format!("sslmode={}", self.ssl_mode.name()));
        }
        let place = match &self.host {
            Some(host) => format!("{host}:{port}"),
            None => String::new(),
        };
        let mut uri = format!("redshift://{user}{place}/{}", encoded(&self.dbname));
        if !parameters.is_empty() {
            uri = format!("{uri}?{}", parameters.join("&"));
        }
        Ok(uri)
    }
}
