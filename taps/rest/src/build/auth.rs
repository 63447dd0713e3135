//! Who asks.

use melisma_sdk::http::{ApiKey, Basic, Bearer, Client, Login, OAuth2, Request};
use melisma_sdk::{Error, Result, Secret};
use serde_json::{Map, Value};

use super::settings::{duration, filled_value, text_members};
use crate::definition::{self, Auth, Grant, Source};

/// The client with the credentials of a definition.
pub(super) fn authenticated(source: &Source, client: Client, auth: &Auth) -> Result<Client> {
    let secret = |text: &str, place: &str| Ok::<_, Error>(Secret::new(source.settings.text(text, place)?));
    let kinds = [
        ("bearer", auth.bearer.is_some()),
        ("basic", auth.basic.is_some()),
        ("header", auth.header.is_some()),
        ("query", auth.query.is_some()),
        ("oauth2", auth.oauth2.is_some()),
        ("login", auth.login.is_some()),
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
            "auth: expected one of bearer, basic, header, query, oauth2 and login, found {found}"
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
    if let Some(said) = &auth.login {
        return Ok(client.auth(login(source, said)?));
    }
    Ok(client.auth(oauth2(source, auth)?))
}

fn login(source: &Source, said: &definition::Login) -> Result<Login> {
    let path = source.settings.text(&said.path, "auth.login.path")?;
    let method = said.method.as_deref().unwrap_or("POST").to_ascii_uppercase();
    let mut request = Request::new(method, path);
    for (name, value) in text_members(source, &said.headers, "auth.login.headers")? {
        request.set_header(&name, value);
    }
    let form = text_members(source, &said.form, "auth.login.form")?;
    match &said.json {
        Some(_) if !form.is_empty() => {
            return Err(Error::config("auth.login: a request has one body: json or form"));
        }
        Some(json) => request.set_json(filled_value(source, json, "auth.login.json")?),
        None if form.is_empty() => {}
        None => request.set_form(form.iter().map(|(name, value)| (name.as_str(), value.as_str()))),
    }
    let mut login = match (&said.token, &said.token_header) {
        (Some(path), None) => Login::new(request, path)
            .map_err(|error| Error::config(format!("auth.login.token: {}", error.message())))?,
        (None, Some(name)) => Login::token_in_header(request, name),
        _ => {
            return Err(Error::config(
                "auth.login: where does the answer have the token? Say token (a JSON path) or token_header",
            ));
        }
    };
    match (&said.header, &said.query) {
        (Some(_), Some(_)) => {
            return Err(Error::config(
                "auth.login: a token goes into a header or into the query",
            ));
        }
        (Some(name), None) => login = login.header(name),
        (None, Some(name)) => login = login.query(name),
        (None, None) => {}
    }
    if let Some(prefix) = &said.prefix {
        if said.query.is_some() {
            return Err(Error::config("auth.login.prefix: it is for a header"));
        }
        login = login.prefix(prefix);
    }
    if let Some(lifetime) = &said.lifetime {
        login = login.lifetime(duration(lifetime, "auth.login.lifetime")?);
    }
    Ok(login)
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
