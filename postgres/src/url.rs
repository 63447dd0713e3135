//! Parses `sqlalchemy_url` as SQLAlchemy does, with libpq's additions.
//!
//! `postgresql+psycopg://me:p%40ss@db.example:6543,standby.example/shop?sslmode=require&options=-c+jit%3Doff`
//! is the user `me` with the password `p@ss`, two hosts, the database `shop`, and two options of libpq, in whose values
//! a `+` is a space. What stands in the options is in [`options`](super::options).
//!
//! An error never shows a part of the URL but the name of an option: a password that was not percent-encoded ends at
//! its first `@`, `/`, `?` or `&`, and its rest looks like a host, a database or an option.

use melisma_sdk::Result;
use percent_encoding::percent_decode_str;

use crate::options::{ENCODE, Parameters, read_port, set_option, wrong};

/// Reads `postgresql://user:password@host:5432/database?sslmode=require`. A driver in the scheme, as SQLAlchemy writes
/// it (`postgresql+psycopg`), means nothing here.
pub(crate) fn parse(text: &str) -> Result<Parameters> {
    let text = text.trim();
    let (scheme, rest) = text
        .split_once("://")
        .ok_or_else(|| wrong("expected postgresql://user:password@host:port/database"))?;
    let dialect = scheme.split('+').next().unwrap_or_default();
    if !["postgresql", "postgres"]
        .iter()
        .any(|name| dialect.eq_ignore_ascii_case(name))
    {
        return Err(wrong("expected the scheme postgresql or postgres"));
    }
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = place.split_once('/').unwrap_or((place, ""));
    let (login, hosts) = match authority.split_once('@') {
        Some((login, hosts)) => (Some(login), hosts),
        None => (None, authority),
    };
    // A second @ there belongs to a password, as does one behind what looks like the host and its port.
    let in_query = login.is_none() && authority.contains(':') && query.contains('@');
    if hosts.contains('@') || database.contains('@') {
        return Err(wrong(&format!("expected one @, before the host; {ENCODE}")));
    }
    let mut parameters = Parameters::default();
    read_hosts(hosts, &mut parameters)?;
    if let Some(login) = login {
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        parameters.user = not_empty(decoded(user, "the user's name")?);
        let password: Vec<u8> = percent_decode_str(password).collect();
        parameters.password = Some(password).filter(|password| !password.is_empty());
    }
    parameters.database = not_empty(decoded(database, "the database's name")?);
    read_query(query, in_query, &mut parameters)?;
    parameters.check()?;
    Ok(parameters)
}

/// `db.example:6543,[::1]`, each with or without a port. Empty: it is in the options, or in other settings.
fn read_hosts(text: &str, parameters: &mut Parameters) -> Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let mut ports = Vec::new();
    for chunk in text.split(',') {
        let found = match chunk.strip_prefix('[') {
            Some(chunk) => chunk.split_once(']').and_then(|(host, rest)| {
                let port = if rest.is_empty() {
                    Some("")
                } else {
                    rest.strip_prefix(':')
                };
                Some((host, port?))
            }),
            None => Some(chunk.split_once(':').unwrap_or((chunk, ""))),
        };
        let (host, port) =
            found.ok_or_else(|| wrong("expected a host, or an address in brackets, and its port"))?;
        ports.push(read_port(port)?);
        parameters.hosts.push(decoded(host, "the host")?);
    }
    parameters.set_ports(&ports);
    Ok(())
}

/// The options behind the `?`. When `hidden`, not even their names are shown: they may be the rest of a password.
fn read_query(query: &str, hidden: bool, parameters: &mut Parameters) -> Result<()> {
    let mut after_secret = false;
    for argument in query.split('&').filter(|argument| !argument.is_empty()) {
        let Some((name, value)) = argument.split_once('=') else {
            return Err(wrong(
                "expected name=value for each option behind the ?; in values & and # are written %26 and %23",
            ));
        };
        let name = decoded(name, "the name of an option")?;
        // SQLAlchemy reads options as a form has them.
        let value: Vec<u8> = percent_decode_str(&value.replace('+', " ")).collect();
        let known = set_option(parameters, &name, value)?;
        if !known {
            let shown = !hidden && !after_secret && is_name(&name);
            let named = if shown {
                format!("option {name}: ")
            } else {
                String::new()
            };
            return Err(wrong(&format!(
                "{named}expected an option of libpq that is listed in the documentation of the connection; in values & is \
                 written %26"
            )));
        }
        after_secret = matches!(name.as_str(), "password" | "sslpassword");
    }
    Ok(())
}

/// Whether it looks like the name of an option.
fn is_name(name: &str) -> bool {
    name.len() <= 40
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'0'..=b'9'))
}

fn decoded(text: &str, what: &str) -> Result<String> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| wrong(&format!("{what} is not UTF-8")))
}

fn not_empty(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::SslMode;

    fn read(url: &str) -> Parameters {
        parse(url).unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    #[test]
    fn a_url_of_sqlalchemy_is_read_whole() {
        let url = read(
            "postgresql+psycopg://me:p%40ss@db.example:6543/shop?sslmode=verify-ca&sslrootcert=%2Fca.pem\
             &application_name=nightly&options=-c%20search_path%3Dx",
        );
        assert_eq!(url.tls.mode, Some(SslMode::VerifyCa));
        assert_eq!(url.tls.root.as_deref(), Some("/ca.pem"));
        assert_eq!(url.user.as_deref(), Some("me"));
        assert_eq!(url.password.as_deref(), Some(&b"p@ss"[..]));
        assert_eq!(
            (url.hosts.join(","), url.ports),
            ("db.example".into(), vec![6543])
        );
        assert_eq!(url.database.as_deref(), Some("shop"));
        assert_eq!(url.config.get_application_name(), Some("nightly"));
        assert_eq!(url.config.get_options(), Some("-c search_path=x"));
    }

    #[test]
    fn every_way_to_write_the_host() {
        for (url, hosts, ports) in [
            ("postgresql://h/d", "h", vec![]),
            ("POSTGRES://h:7/d", "h", vec![7]),
            ("postgresql+asyncpg://u@[::1]:7/d", "::1", vec![7]),
            ("postgresql://u@%2Ftmp%2Fpg:7/d", "/tmp/pg", vec![7]),
            ("postgresql://u@/d?host=/tmp/pg&port=7", "/tmp/pg", vec![7]),
            ("postgresql:///d?host=a:1,b:2", "a,b", vec![1, 2]),
            ("postgresql:///d?host=a:1&host=b", "a,b", vec![1, 5432]),
            ("postgresql://u@a:1,b,c:3/d", "a,b,c", vec![1, 5432, 3]),
            ("postgresql://u@a,b/d?port=1,2", "a,b", vec![1, 2]),
            ("postgresql://u@h:5/d?port=7", "h", vec![7]),
            ("postgresql://u@h/d?host=other", "other", vec![]),
        ] {
            let read = read(url);
            assert_eq!((read.hosts.join(","), read.ports), (hosts.into(), ports), "{url}");
        }
    }

    #[test]
    fn a_plus_is_a_space_in_options_and_itself_before_them() {
        let url = read("postgresql://u:a+b@h/d?options=-c+jit%3Doff&application_name=a%2Bb");
        assert_eq!(url.password.as_deref(), Some(&b"a+b"[..]));
        assert_eq!(url.config.get_options(), Some("-c jit=off"));
        assert_eq!(url.config.get_application_name(), Some("a+b"));
    }

    #[test]
    fn an_error_shows_no_part_of_a_password() {
        for bad in [
            "canary",
            "canary://u:p@h/d",
            "mysql://u:canary@h/db",
            "postgresql://u:x@canary@h:1/db",
            "postgresql://u:x@canary@h:1,h2:2/db",
            "postgresql://u:x/canary@h/db",
            "postgresql://u:x?canary@h/db",
            "postgresql://u:12?canary=1@h/db",
            "postgresql://u:x:canary@h@h/db",
            "postgresql://u@h:canary/db",
            "postgresql://u:canary@h:port/db",
            "postgresql://u@h/db?password=a&canary",
            "postgresql://u@h/db?password=a&canary=b",
            "postgresql://u@h/db?sslpassword=a&canary=b",
            "postgresql://u:canary@h/db?what=canary",
            "postgresql://u:canary@h/db?sslmode=canary",
            "postgresql://u:canary@h/db?connect_timeout=canary",
            "postgresql://u:%ffcanary@h/db?connect_timeout=canary",
            "postgresql://u:p@h/db?hostaddr=canary",
            "postgresql://canary%ff:p@h/db",
            "postgresql://u:p@[canary/db",
            "postgresql://u:p@[::1]canary/db",
            "postgresql://u:p@h%40canary/db",
        ] {
            let error = parse(bad).err().unwrap_or_else(|| panic!("{bad} is refused"));
            assert!(!error.to_string().contains("canary"), "{bad}: {error}");
            assert!(
                error.to_string().starts_with("config: sqlalchemy_url: "),
                "{error}"
            );
        }
    }
}
