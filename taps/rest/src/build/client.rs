//! What all streams of a definition have in common.

use std::time::Duration;

use melisma_sdk::http::{ApiKey, Basic, Bearer, Client, OAuth2, Retry};
use melisma_sdk::{Context, Error, Result, Secret};
use serde_json::{Map, Value};

use super::{filled, pages};
use crate::definition::{Auth, Grant, Source};

/// The client of a definition.
pub(crate) fn client(source: &Source, context: &Context) -> Result<Client> {
    let definition = &source.definition;
    let mut client = Client::new(&source.settings.text(&definition.url, "url")?, context)?;
    for (name, value) in text_members(source, &definition.headers, "headers")? {
        client = client.header(&name, &value);
    }
    for (name, value) in filled(source, &definition.query)? {
        client = client.query(&name, value);
    }
    if let Some(name) = &definition.user_agent {
        client = client.user_agent(name);
    }
    if let Some(pages) = &definition.pages {
        client = client.pages(pages::of(pages, "pages")?);
    }
    client = limits(source, client)?;
    match &definition.auth {
        Some(auth) => authenticated(source, client, auth),
        None => Ok(client),
    }
}

fn limits(source: &Source, mut client: Client) -> Result<Client> {
    let limits = &source.definition.limits;
    if let Some(rate) = limits.per_second {
        if rate <= 0.0 {
            return Err(Error::config("limits.per_second: expected a number above 0"));
        }
        client = client.per_second(rate);
    }
    if let Some(requests) = limits.concurrent {
        client = client.concurrent(requests);
    }
    if let Some(silence) = &limits.timeout {
        client = client.timeout(duration(silence, "limits.timeout")?);
    }
    if let Some(path) = &limits.ca_file {
        client = client.ca_file(source.folder.join(path));
    }
    let mut retry = Retry {
        statuses: limits.retry_statuses.clone(),
        wait_header: limits.wait_header.clone(),
        ..Retry::default()
    };
    if let Some(tries) = limits.tries {
        retry.tries = tries.max(1);
    }
    if let Some(wait) = &limits.max_wait {
        retry.max_wait = duration(wait, "limits.max_wait")?;
    }
    if let Some(wait) = &limits.wait_extra {
        retry.wait_extra = duration(wait, "limits.wait_extra")?;
    }
    Ok(client.retry(retry))
}

fn authenticated(source: &Source, client: Client, auth: &Auth) -> Result<Client> {
    let secret = |text: &str, place: &str| Ok::<_, Error>(Secret::new(source.settings.text(text, place)?));
    let kinds = [
        ("bearer", auth.bearer.is_some()),
        ("basic", auth.basic.is_some()),
        ("header", auth.header.is_some()),
        ("query", auth.query.is_some()),
        ("oauth2", auth.oauth2.is_some()),
    ];
    let given: Vec<&str> = kinds
        .iter()
        .filter(|(_, given)| *given)
        .map(|(name, _)| *name)
        .collect();
    let [_] = given.as_slice() else {
        let found = if given.is_empty() {
            "none".to_owned()
        } else {
            given.join(" and ")
        };
        return Err(Error::config(format!(
            "auth: expected one of bearer, basic, header, query and oauth2, found {found}"
        )));
    };
    if let Some(token) = &auth.bearer {
        return Ok(client.auth(Bearer::new(&secret(token, "auth.bearer")?)));
    }
    if let Some(basic) = &auth.basic {
        let user = source.settings.text(&basic.user, "auth.basic.user")?;
        return Ok(client.auth(Basic::new(
            &user,
            &secret(&basic.password, "auth.basic.password")?,
        )));
    }
    if let Some(members) = &auth.header {
        let (name, key) = only(source, members, "auth.header")?;
        return Ok(client.auth(ApiKey::header(name, &Secret::new(key))));
    }
    if let Some(members) = &auth.query {
        let (name, key) = only(source, members, "auth.query")?;
        return Ok(client.auth(ApiKey::query(name, &Secret::new(key))));
    }
    Ok(client.auth(oauth2(source, auth)?))
}

fn oauth2(source: &Source, auth: &Auth) -> Result<OAuth2> {
    let needed = |text: &Option<String>, name: &str| {
        let place = format!("auth.{name}");
        let text = text
            .as_deref()
            .ok_or_else(|| Error::config(format!("{place}: OAuth 2.0 needs it here")))?;
        source.settings.text(text, &place)
    };
    let url = needed(&auth.token_url, "token_url")?;
    let id = needed(&auth.id, "id")?;
    let secret = Secret::new(match &auth.secret {
        Some(secret) => source.settings.text(secret, "auth.secret")?,
        None => String::new(),
    });
    let mut made = match auth.oauth2 {
        Some(Grant::RefreshToken) => {
            let refresh = Secret::new(needed(&auth.refresh_token, "refresh_token")?);
            OAuth2::refresh_token(&url, &id, &secret, &refresh)
        }
        Some(Grant::Password) => {
            let password = Secret::new(needed(&auth.password, "password")?);
            OAuth2::password(&url, &id, &secret, &needed(&auth.user, "user")?, &password)
        }
        Some(Grant::ClientCredentials) | None => OAuth2::client_credentials(&url, &id, &secret),
    };
    for (name, value) in text_members(source, &auth.fields, "auth.fields")? {
        made = made.field(&name, &value);
    }
    if auth.client_in_header {
        made = made.basic();
    }
    for (name, value) in text_members(source, &auth.token_headers, "auth.token_headers")? {
        made = made.header(&name, &value);
    }
    if let Some(lifetime) = &auth.token_lifetime {
        made = made.lifetime(duration(lifetime, "auth.token_lifetime")?);
    }
    if let Some(file) = &auth.token_file {
        made = made.keep_in(source.settings.text(file, "auth.token_file")?);
    }
    Ok(made)
}

/// The one member of an object.
fn only(source: &Source, members: &Map<String, Value>, place: &str) -> Result<(String, String)> {
    let mut members = text_members(source, members, place)?;
    match (members.pop(), members.is_empty()) {
        (Some(member), true) => Ok(member),
        _ => Err(Error::config(format!("{place}: expected one name with its key"))),
    }
}

/// The members of an object as texts.
fn text_members(source: &Source, members: &Map<String, Value>, place: &str) -> Result<Vec<(String, String)>> {
    let texts = members.iter().map(|(name, value)| {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Ok((
            name.clone(),
            source.settings.text(&text, &format!("{place}.{name}"))?,
        ))
    });
    texts.collect()
}

/// `90s`, `5m`, `1h 30m`, `30d`.
pub(super) fn duration(text: &str, place: &str) -> Result<Duration> {
    let wrong = || {
        Error::config(format!(
            "{place}: expected a time such as 90s, 5m or 12h, found {text}"
        ))
    };
    let days = text
        .strip_suffix('d')
        .and_then(|days| days.trim().parse::<u64>().ok());
    if let Some(days) = days {
        return Ok(Duration::from_secs(days * 24 * 3600));
    }
    let parsed: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(parsed).map_err(|_| wrong())
}
