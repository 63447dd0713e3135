//! Combines the URL, the settings and libpq's defaults into the configuration of the client, in this order of
//! precedence.

use std::env;
use std::time::Duration;

use melisma_sdk::{Error, Result};
use tokio_postgres::Config;
use tokio_postgres::config::Host;

use crate::connection::Connection;
use crate::options::Parameters;
use crate::passfile;

/// The configuration of the client, but for TLS.
pub(crate) fn complete(url: Parameters, settings: &Connection, application_name: &str) -> Result<Config> {
    let mut config = url.config;
    hosts(&mut config, url.hosts, &url.addresses, settings);
    ports(&mut config, &url.ports, settings)?;
    let user = match url.user.or_else(|| settings.user.clone()) {
        Some(user) => user,
        None => default_user()?,
    };
    config.user(&user);
    let database = url.database.or_else(|| settings.database.clone());
    let database = database
        .or_else(|| variable("PGDATABASE"))
        .unwrap_or_else(|| user.clone());
    config.dbname(&database);
    check_names(&config)?;
    let password = url
        .password
        .or_else(|| Some(settings.password.as_ref()?.expose().as_bytes().to_vec()))
        .or_else(|| Some(variable("PGPASSWORD")?.into_bytes()));
    let password = password.or_else(|| {
        let (host, port) = addresses(&config).next()?;
        let password = passfile::password(url.passfile.as_deref(), &host, port, &database, &user);
        password.map(String::into_bytes)
    });
    if let Some(password) = password {
        config.password(password);
    }
    if config.get_application_name().is_none() {
        let name = settings
            .application_name
            .clone()
            .or(url.fallback_application_name);
        config.application_name(name.as_deref().unwrap_or(application_name));
    }
    match url
        .connect_timeout
        .unwrap_or(settings.connect_timeout_seconds.into())
    {
        0 => {}
        seconds => {
            config.connect_timeout(Duration::from_secs(seconds));
        }
    }
    if !url.keepalives_idle {
        // A server whose machine is gone says nothing: notice it within minutes, not hours.
        config.keepalives_idle(Duration::from_mins(1));
    }
    Ok(config)
}

/// Each host and port, as a person would write them.
pub(crate) fn addresses(config: &Config) -> impl Iterator<Item = (String, u16)> {
    let ports = config.get_ports();
    config.get_hosts().iter().enumerate().map(|(at, host)| {
        let host = match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(folder) => folder.display().to_string(),
        };
        (
            host,
            ports.get(at).or_else(|| ports.first()).copied().unwrap_or(5432),
        )
    })
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn hosts(config: &mut Config, hosts: Vec<String>, addresses: &[std::net::IpAddr], settings: &Connection) {
    for address in addresses {
        config.hostaddr(*address);
    }
    if !hosts.is_empty() {
        for host in hosts {
            config.host(host);
        }
    } else if !addresses.is_empty() {
        // What TLS names and checks.
        for address in addresses {
            config.host(address.to_string());
        }
    } else {
        let host = settings.host.clone().or_else(|| variable("PGHOST"));
        for host in host.as_deref().unwrap_or("localhost").split(',') {
            config.host(host.trim());
        }
    }
}

fn ports(config: &mut Config, ports: &[u16], settings: &Connection) -> Result<()> {
    if !ports.is_empty() {
        for port in ports {
            config.port(*port);
        }
        return Ok(());
    }
    let wrong = |_| Error::config("PGPORT: expected a port number");
    let port = match settings.port {
        Some(port) => port,
        None => variable("PGPORT").map_or(Ok(5432), |port| port.parse().map_err(wrong))?,
    };
    config.port(port);
    Ok(())
}

/// The user of the process, whatever `USER` says, as libpq asks for it. In containers that user may have no name.
fn default_user() -> Result<String> {
    variable("PGUSER")
        .or_else(|| whoami::username().ok())
        .or_else(|| variable("USER"))
        .or_else(|| variable("LOGNAME"))
        .ok_or_else(|| {
            Error::config(
                "config: user: required: neither PGUSER is set nor has the operating system a name for this user",
            )
        })
}

/// A whole URL in the place of a name would be shown with its password wherever the name is.
fn check_names(config: &Config) -> Result<()> {
    let is_url = |text: &str| text.contains("://") || text.contains("password=");
    let hosts = config.get_hosts().iter();
    let mut names = hosts.filter_map(|host| match host {
        Host::Tcp(name) => Some(name),
        Host::Unix(_) => None,
    });
    if names.any(|name| name.contains('@') || is_url(name)) {
        return Err(Error::config(
            "config: host: expected the name or the address of a server; a URL belongs in sqlalchemy_url",
        ));
    }
    if is_url(config.get_dbname().unwrap_or_default()) {
        return Err(Error::config(
            "config: database: expected the name of a database; a URL belongs in sqlalchemy_url",
        ));
    }
    Ok(())
}
