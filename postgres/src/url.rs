//! `sqlalchemy_url`: a connection as one line.

use melisma_sdk::{Error, Result};
use percent_encoding::percent_decode_str;
use tokio_postgres::Config;

use crate::settings::SslMode;

/// What a URL says: most of it as libpq's configuration, and what concerns certificates.
#[derive(Debug, Default)]
pub(crate) struct Url {
    pub(crate) config: Config,
    pub(crate) ssl_mode: Option<SslMode>,
    pub(crate) root_certificate: Option<String>,
    pub(crate) certificate: Option<String>,
    pub(crate) private_key: Option<String>,
}

/// Reads `postgresql://user:password@host:5432/database?sslmode=require`. A driver in the scheme, as SQLAlchemy writes
/// it (`postgresql+psycopg`), means nothing here.
///
/// Errors never show the URL: it holds the password.
pub(crate) fn parse(text: &str) -> Result<Url> {
    let wrong = |why: String| Error::config(format!("config: sqlalchemy_url: {why}"));
    let (scheme, rest) = text
        .split_once("://")
        .ok_or_else(|| wrong("expected postgresql://user:password@host:port/database".into()))?;
    let dialect = scheme.split('+').next().unwrap_or_default();
    if !["postgresql", "postgres"].contains(&dialect) {
        return Err(wrong("expected the scheme postgresql".into()));
    }
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut url = Url::default();
    let mut kept = Vec::new();
    for argument in query.split('&').filter(|argument| !argument.is_empty()) {
        let (name, value) = argument.split_once('=').unwrap_or((argument, ""));
        let value = || {
            let decoded = percent_decode_str(value).decode_utf8();
            decoded.map_err(|_| wrong(format!("{name} is not UTF-8")))
        };
        match name {
            "sslmode" => url.ssl_mode = Some(SslMode::parse(&value()?)?),
            "sslrootcert" => url.root_certificate = Some(value()?.into_owned()),
            "sslcert" => url.certificate = Some(value()?.into_owned()),
            "sslkey" => url.private_key = Some(value()?.into_owned()),
            _ => kept.push(argument),
        }
    }
    url.config = format!("postgresql://{address}?{}", kept.join("&"))
        .parse()
        .map_err(|error: postgres::Error| {
            // The outer message only: a cause may quote a part of the URL.
            wrong(error.to_string())
        })?;
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_of_sqlalchemy_is_read_whole() {
        let url = "postgresql+psycopg://me:p%40ss@db.example:6543/shop?sslmode=verify-ca&sslrootcert=%2Fca.pem\
                   &application_name=nightly&options=-c%20search_path%3Dx";
        let url = parse(url).expect("reads");
        assert_eq!(url.ssl_mode, Some(SslMode::VerifyCa));
        assert_eq!(url.root_certificate.as_deref(), Some("/ca.pem"));
        assert_eq!(url.config.get_user(), Some("me"));
        assert_eq!(url.config.get_password(), Some(&b"p@ss"[..]));
        assert_eq!(url.config.get_ports(), [6543]);
        assert_eq!(url.config.get_dbname(), Some("shop"));
        assert_eq!(url.config.get_application_name(), Some("nightly"));
        assert_eq!(url.config.get_options(), Some("-c search_path=x"));
    }

    #[test]
    fn an_error_does_not_show_the_url() {
        for bad in [
            "canary",
            "mysql://u:canary@h/db",
            "postgresql://u:canary@h/db?what=canary",
            "postgresql://u:canary@h:port/db",
            "postgresql://u:canary@h/db?sslmode=canary2",
        ] {
            let error = parse(bad).expect_err(bad).to_string();
            assert!(
                !error.contains("canary@") && !error.contains("=canary,"),
                "{error}"
            );
            assert!(error.starts_with("config: s"), "{error}");
        }
    }
}
