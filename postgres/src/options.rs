//! libpq's options in a URL (PostgreSQL manual, "Parameter Key Words"): each is applied, ignored because it changes
//! nothing here, or refused by name. `docs/tap-postgres.md` lists them.

mod tls;
mod value;

use std::net::IpAddr;
use std::time::Duration;

use melisma_sdk::{Error, Result};
use tokio_postgres::Config;
use tokio_postgres::config::{ChannelBinding, LoadBalanceHosts, TargetSessionAttrs};

pub(crate) use tls::{Tls, Version};
pub(crate) use value::{ENCODE, read_port, wrong};

/// What a URL says of a connection.
#[derive(Default)]
pub(crate) struct Parameters {
    pub(crate) hosts: Vec<String>,
    pub(crate) addresses: Vec<IpAddr>,
    /// None, one for all hosts, or one for each.
    pub(crate) ports: Vec<u16>,
    /// The hosts are those of the options, which take the place of the ones before the `?`.
    hosts_in_options: bool,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Vec<u8>>,
    pub(crate) database: Option<String>,
    pub(crate) passfile: Option<String>,
    /// Seconds; 0 waits without a limit.
    pub(crate) connect_timeout: Option<u64>,
    pub(crate) keepalives_idle: bool,
    pub(crate) fallback_application_name: Option<String>,
    pub(crate) tls: Tls,
    /// What the client takes as it is.
    pub(crate) config: Config,
}

impl Parameters {
    /// The ports of hosts, where one at least has one.
    pub(crate) fn set_ports(&mut self, ports: &[Option<u16>]) {
        self.ports = if ports.iter().all(Option::is_none) {
            Vec::new()
        } else {
            ports.iter().map(|port| port.unwrap_or(5432)).collect()
        };
    }

    /// Whether the parts fit each other.
    pub(crate) fn check(&self) -> Result<()> {
        if self.hosts.iter().any(String::is_empty) && self.addresses.is_empty() {
            return Err(wrong("expected a host before each comma, found an empty name"));
        }
        if self
            .hosts
            .iter()
            .any(|host| host.contains('@') && !host.starts_with('/'))
        {
            return Err(wrong("expected a host without an @"));
        }
        let hosts = self.hosts.len().max(self.addresses.len());
        if !self.hosts.is_empty() && !self.addresses.is_empty() && self.hosts.len() != self.addresses.len() {
            return Err(wrong("option hostaddr: expected one address for each host"));
        }
        if self.ports.len() > 1 && self.ports.len() != hosts {
            return Err(wrong("option port: expected one port, or one for each host"));
        }
        Ok(())
    }
}

/// Refused, each with what it asks for.
const REFUSED: &[(&str, &str)] = &[
    (
        "service",
        "service files are not read; set host, port, database and user",
    ),
    (
        "servicefile",
        "service files are not read; set host, port, database and user",
    ),
    ("require_auth", "the way to authenticate cannot be chosen"),
    ("requirepeer", "the owner of the server's socket is not checked"),
    ("sslcrl", "revocation lists are not read"),
    ("sslcrldir", "revocation lists are not read"),
    ("sslkeylogfile", "keys of TLS are not written to files"),
    ("scram_client_key", "expected a password"),
    ("scram_server_key", "expected a password"),
    ("oauth_issuer", "OAuth is not built in"),
    ("oauth_client_id", "OAuth is not built in"),
    ("oauth_client_secret", "OAuth is not built in"),
    ("oauth_scope", "OAuth is not built in"),
];

/// Ignored, because they change nothing: sessions are in UTF-8 whatever is asked for, GSSAPI and compression are not
/// there to be configured, and a key is used when it needs no password.
const IGNORED: &[&str] = &[
    "client_encoding",
    "gssdelegation",
    "gsslib",
    "krbsrvname",
    "sslcompression",
    "sslpassword",
];

/// Options with a value that asks for nothing, and others that are refused.
const ONLY: &[(&str, &[&str])] = &[
    ("gssencmode", &["disable", "prefer"]),
    ("replication", &["false", "off", "no", "0"]),
    ("sslnegotiation", &["postgres"]),
    ("min_protocol_version", &["3.0"]),
    ("max_protocol_version", &["3.0", "3.2", "latest"]),
];

/// Sets an option from its value, an empty one not at all. `false` when libpq has no such option.
pub(crate) fn set_option(to: &mut Parameters, name: &str, value: Vec<u8>) -> Result<bool> {
    if let Some((_, why)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
        return Err(wrong(&format!("option {name}: not supported: {why}")));
    }
    if name == "password" {
        to.password = Some(value).filter(|password| !password.is_empty());
        return Ok(true);
    }
    let value = String::from_utf8(value).map_err(|_| expected(name_of(name), "a value in UTF-8"))?;
    if IGNORED.contains(&name) {
        return Ok(true);
    }
    if let Some((_, taken)) = ONLY.iter().find(|(only, _)| *only == name) {
        return if value.is_empty() || taken.contains(&value.as_str()) {
            Ok(true)
        } else {
            Err(expected(
                name,
                &format!("{}: nothing else is supported", taken.join(" or ")),
            ))
        };
    }
    if value.is_empty() {
        return Ok(is_honoured(name));
    }
    if name.starts_with("ssl") {
        return tls::set(&mut to.tls, name, value);
    }
    if name.starts_with("keepalives") || name.ends_with("_timeout") {
        return set_socket(to, name, &value);
    }
    set_place(to, name, value)
}

/// All that [`set_option`] honours.
const HONOURED: &str = "application_name channel_binding connect_timeout dbname fallback_application_name host hostaddr \
    keepalives keepalives_count keepalives_idle keepalives_interval load_balance_hosts options passfile port ssl \
    ssl_max_protocol_version ssl_min_protocol_version sslcert sslcertmode sslkey sslmode sslrootcert sslsni \
    target_session_attrs tcp_user_timeout user";

fn is_honoured(name: &str) -> bool {
    HONOURED.split(' ').any(|honoured| honoured == name)
}

fn set_place(to: &mut Parameters, name: &str, value: String) -> Result<bool> {
    match name {
        "host" => add_hosts(to, &value)?,
        "hostaddr" => {
            let addresses = value.split(',').map(|address| address.trim().parse());
            let addresses: Result<_, _> = addresses.collect();
            to.addresses = addresses.map_err(|_| expected(name, "IP addresses"))?;
        }
        "port" => {
            let ports: Result<Vec<_>> = value.split(',').map(|port| read_port(port.trim())).collect();
            to.set_ports(&ports.map_err(|_| expected(name, "ports from 1 to 65535"))?);
        }
        "dbname" => to.database = Some(value),
        "user" => to.user = Some(value),
        "passfile" => to.passfile = Some(value),
        "options" => {
            to.config.options(value);
        }
        "application_name" => {
            to.config.application_name(value);
        }
        "fallback_application_name" => to.fallback_application_name = Some(value),
        "target_session_attrs" => {
            to.config.target_session_attrs(match value.as_str() {
                "any" => TargetSessionAttrs::Any,
                "read-write" => TargetSessionAttrs::ReadWrite,
                "read-only" => TargetSessionAttrs::ReadOnly,
                _ => {
                    return Err(expected(
                        name,
                        "any, read-write or read-only: nothing else is supported",
                    ));
                }
            });
        }
        "load_balance_hosts" => {
            to.config.load_balance_hosts(match value.as_str() {
                "disable" => LoadBalanceHosts::Disable,
                "random" => LoadBalanceHosts::Random,
                _ => return Err(expected(name, "disable or random")),
            });
        }
        "channel_binding" => {
            to.config.channel_binding(match value.as_str() {
                "disable" => ChannelBinding::Disable,
                "prefer" => ChannelBinding::Prefer,
                "require" => ChannelBinding::Require,
                _ => return Err(expected(name, "disable, prefer or require")),
            });
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// The first `host` takes the place of what stands before the `?`; SQLAlchemy repeats it, each with its port.
fn add_hosts(to: &mut Parameters, value: &str) -> Result<()> {
    let mut ports: Vec<Option<u16>> = Vec::new();
    if std::mem::replace(&mut to.hosts_in_options, true) {
        ports = (0..to.hosts.len()).map(|at| to.ports.get(at).copied()).collect();
    } else {
        to.hosts.clear();
    }
    for host in value.split(',').map(str::trim) {
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !host.starts_with('/') && !name.contains(':') => (name, read_port(port)?),
            _ => (host, None),
        };
        to.hosts.push(name.to_owned());
        ports.push(port);
    }
    // A list in `port`, which may stand before `host`, is left as it is.
    if ports.iter().any(Option::is_some) {
        to.set_ports(&ports);
    }
    Ok(())
}

fn set_socket(to: &mut Parameters, name: &str, value: &str) -> Result<bool> {
    let number: i64 = value
        .trim()
        .parse()
        .map_err(|_| expected(name_of(name), "a whole number"))?;
    // 0 and less are the system's own, as in libpq.
    let given = u64::try_from(number).ok().filter(|&number| number > 0);
    let seconds = given.map(Duration::from_secs);
    match (name, given) {
        ("connect_timeout", _) => to.connect_timeout = Some(given.unwrap_or(0)),
        ("tcp_user_timeout", Some(milliseconds)) => {
            to.config.tcp_user_timeout(Duration::from_millis(milliseconds));
        }
        ("keepalives", _) => {
            to.config.keepalives(number != 0);
        }
        ("keepalives_idle", _) => {
            to.keepalives_idle = true;
            if let Some(seconds) = seconds {
                to.config.keepalives_idle(seconds);
            }
        }
        ("keepalives_interval", Some(seconds)) => {
            to.config.keepalives_interval(Duration::from_secs(seconds));
        }
        ("keepalives_count", Some(count)) => {
            to.config
                .keepalives_retries(u32::try_from(count).unwrap_or(u32::MAX));
        }
        ("tcp_user_timeout" | "keepalives_interval" | "keepalives_count", None) => {}
        _ => return Ok(false),
    }
    Ok(true)
}

/// The name of an option that is known; what only looks like one may be a part of a password.
fn name_of(name: &str) -> &str {
    if is_honoured(name) || IGNORED.contains(&name) || ONLY.iter().any(|(only, _)| *only == name) {
        name
    } else {
        "of an unknown name"
    }
}

fn expected(name: &str, what: &str) -> Error {
    wrong(&format!("option {name}: expected {what}"))
}

#[cfg(test)]
mod tests;
