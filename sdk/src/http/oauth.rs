//! OAuth 2.0 without a browser: tokens by client credentials, by a refresh token or by a password.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use melisma_engine::{Error, Result};
use serde_json::{Value, json};

use super::auth::{Authenticator, Basic, hide};
use super::request::Request;
use super::unsigned::Unsigned;
use crate::secret::{self, Secret};

/// Obtains a token and renews it before it expires, or when the server rejects it. Of requests that need one at the same time,
/// one obtains it and the others wait.
///
/// Some servers give a new refresh token each time and forget the old one. [`keep_in`](Self::keep_in) says where that is kept
/// for the next run.
pub struct OAuth2 {
    token_url: String,
    id: String,
    secret: Secret<String>,
    fields: Vec<(String, Secret<String>)>,
    headers: Vec<(String, Secret<String>)>,
    names: Names,
    in_query: bool,
    no_client: bool,
    lifetime: Option<Duration>,
    refresh: Option<Secret<String>>,
    basic: bool,
    file: Option<PathBuf>,
    held: Mutex<Held>,
}

/// What the members of the request and of its answer are called.
struct Names {
    id: String,
    secret: String,
    refresh: String,
    token: String,
    expires: String,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            id: "client_id".to_owned(),
            secret: "client_secret".to_owned(),
            refresh: "refresh_token".to_owned(),
            token: "access_token".to_owned(),
            expires: "expires_in".to_owned(),
        }
    }
}

#[derive(Default)]
struct Held {
    token: Option<Token>,
    /// The refresh token, once the server or the file has given another one.
    rotated: Option<Secret<String>>,
    file_was_read: bool,
}

struct Token {
    header: String,
    expires: Option<Duration>,
}

impl OAuth2 {
    fn new(token_url: &str, id: &str, secret: &Secret<String>, grant: &str) -> Self {
        hide(secret);
        Self {
            token_url: token_url.to_owned(),
            id: id.to_owned(),
            secret: secret.clone(),
            fields: vec![("grant_type".to_owned(), Secret::new(grant.to_owned()))],
            headers: Vec::new(),
            names: Names::default(),
            in_query: false,
            no_client: false,
            lifetime: None,
            refresh: None,
            basic: false,
            file: None,
            held: Mutex::default(),
        }
    }

    /// Tokens for the client itself. `token_url` may be a path below the address of the API.
    pub fn client_credentials(token_url: &str, id: &str, secret: &Secret<String>) -> Self {
        Self::new(token_url, id, secret, "client_credentials")
    }

    /// Tokens for a refresh token.
    pub fn refresh_token(
        token_url: &str,
        id: &str,
        secret: &Secret<String>,
        refresh: &Secret<String>,
    ) -> Self {
        hide(refresh);
        Self {
            refresh: Some(refresh.clone()),
            ..Self::new(token_url, id, secret, "refresh_token")
        }
    }

    /// Tokens for a user and a password.
    pub fn password(
        token_url: &str,
        id: &str,
        secret: &Secret<String>,
        user: &str,
        password: &Secret<String>,
    ) -> Self {
        hide(password);
        let mut new = Self::new(token_url, id, secret, "password");
        new.fields
            .push(("username".to_owned(), Secret::new(user.to_owned())));
        new.fields.push(("password".to_owned(), password.clone()));
        new
    }

    /// Tokens for another grant, whose fields are added by [`field`](Self::field).
    pub fn grant(token_url: &str, id: &str, secret: &Secret<String>, grant: &str) -> Self {
        Self::new(token_url, id, secret, grant)
    }

    /// Sends neither the client's id nor its secret: a header has them.
    #[must_use]
    pub fn without_client(mut self) -> Self {
        self.no_client = true;
        self
    }

    /// Sends another field with the request for a token: `scope`, `audience`.
    #[must_use]
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), Secret::new(value.to_owned())));
        self
    }

    /// Sends a header with the request for a token. With `Content-Type: application/json` the fields are sent as JSON.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers
            .push((name.to_owned(), Secret::new(value.to_owned())));
        self
    }

    /// Calls a member of the request or of its answer otherwise: `client_id`, `client_secret`, `refresh_token`,
    /// `access_token` or `expires_in`.
    #[must_use]
    pub fn rename(mut self, member: &str, name: &str) -> Self {
        let place = match member {
            "client_id" => &mut self.names.id,
            "client_secret" => &mut self.names.secret,
            "refresh_token" => &mut self.names.refresh,
            "access_token" => &mut self.names.token,
            "expires_in" => &mut self.names.expires,
            other => {
                for (field, _) in &mut self.fields {
                    if field == other {
                        name.clone_into(field);
                    }
                }
                return self;
            }
        };
        name.clone_into(place);
        self
    }

    /// Sends the fields in the query of the request for a token.
    #[must_use]
    pub fn in_query(mut self) -> Self {
        self.in_query = true;
        self
    }

    /// How long a token lives whose answer does not say so.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// Sends the client's id and secret as a header (`Authorization: Basic`) instead of as fields.
    #[must_use]
    pub fn basic(mut self) -> Self {
        self.basic = true;
        self
    }

    /// Keeps a refresh token that the server has replaced in this file, which only its owner can read, for the next run. The
    /// file counts as long as the config has the refresh token that it was made for; after another login the config counts.
    #[must_use]
    pub fn keep_in(mut self, file: impl Into<PathBuf>) -> Self {
        self.file = Some(file.into());
        self
    }

    fn obtain(&self, held: &mut Held, http: &Unsigned<'_>) -> Result<()> {
        if let (Some(configured), Some(file), false) = (&self.refresh, &self.file, held.file_was_read) {
            held.rotated = kept(file, configured)?;
            held.file_was_read = true;
        }
        let refresh = held.rotated.as_ref().or(self.refresh.as_ref());
        let mut fields: Vec<(&str, &str)> = self
            .fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.expose().as_str()))
            .collect();
        let added = [
            (
                &self.names.refresh,
                refresh.map(|refresh| refresh.expose().as_str()),
            ),
            (
                &self.names.id,
                (!self.basic && !self.no_client).then_some(self.id.as_str()),
            ),
            (
                &self.names.secret,
                (!self.basic && !self.no_client).then_some(self.secret.expose().as_str()),
            ),
        ];
        for (name, value) in added {
            // A field of that name that the author has given counts.
            if let Some(value) = value
                && !fields.iter().any(|(known, _)| known == name)
            {
                fields.push((name, value));
            }
        }
        let request = self.request(&fields, http)?;
        let answer = http
            .send(&request)
            .map_err(|error| error.hint("no token was obtained"))?;
        let answer = answer.json()?;
        let text = |name: &str| {
            answer
                .get(name)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
        };
        let token = text(&self.names.token).ok_or_else(|| {
            Error::input(format!(
                "{} answered without an {}",
                self.token_url, self.names.token
            ))
        })?;
        secret::hide_token(token);
        if let Some(new) = text(&self.names.refresh)
            && refresh.is_none_or(|old| old.expose() != new)
            && let Some(configured) = &self.refresh
        {
            secret::hide_token(new);
            self.keep(configured, new)?;
            held.rotated = Some(Secret::new(new.to_owned()));
        }
        // Before its time is over, so that it does not expire on its way.
        let lifetime = lifetime(&answer, &self.names.expires)
            .or(self.lifetime)
            .map(|lifetime| lifetime.mul_f64(0.9));
        held.token = Some(Token {
            header: format!("Bearer {token}"),
            expires: lifetime.map(|lifetime| http.elapsed() + lifetime),
        });
        Ok(())
    }

    fn request(&self, fields: &[(&str, &str)], http: &Unsigned<'_>) -> Result<Request> {
        let mut request = Request::new("POST", http.url(&self.token_url));
        let mut is_json = false;
        for (name, value) in &self.headers {
            is_json |= name.eq_ignore_ascii_case("content-type") && value.expose().contains("json");
            request.set_header(name, value.expose().clone());
        }
        if self.in_query {
            for (name, value) in fields {
                request.set_query(name, value);
            }
        } else if is_json {
            request.set_json(fields.iter().map(|(name, value)| (*name, *value)).collect());
        } else {
            request.set_form(fields.iter().copied());
        }
        if self.basic {
            Basic::new(&self.id, &self.secret).sign(&mut request, http)?;
        }
        Ok(request)
    }

    /// Keeps a refresh token before it is used: the old one may be void by now.
    fn keep(&self, configured: &Secret<String>, new: &str) -> Result<()> {
        let Some(file) = &self.file else {
            log::warn!(
                "the server has replaced the refresh token, and nothing says where the new one is to be kept: the next run \
                 may need another login"
            );
            return Ok(());
        };
        let content = json!({"configured": configured.expose(), "refresh_token": new}).to_string();
        write_private(file, content.as_bytes()).map_err(|error| {
            Error::io(
                format!(
                    "cannot keep the new refresh token in {}, and the old one may be void",
                    file.display()
                ),
                error,
            )
        })
    }
}

impl Authenticator for OAuth2 {
    fn sign(&self, request: &mut Request, http: &Unsigned<'_>) -> Result<()> {
        // Held while the token is obtained, so that the others wait for it.
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let expired = |token: &Token| token.expires.is_some_and(|expires| expires <= http.elapsed());
        if held.token.as_ref().is_none_or(expired) {
            self.obtain(&mut held, http)?;
        }
        if let Some(token) = &held.token {
            request.set_header("Authorization", token.header.clone());
        }
        Ok(())
    }

    /// Only the token that was rejected is dropped: another request may have got a new one meanwhile.
    fn rejected(&self, request: &Request) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = |(name, value): &(String, String)| {
            name == "Authorization" && held.token.as_ref().is_some_and(|token| token.header == *value)
        };
        if request.headers.iter().any(sent) {
            held.token = None;
        }
        true
    }
}

/// `expires_in`, a number or a number in quotes.
fn lifetime(answer: &Value, name: &str) -> Option<Duration> {
    let expires = answer.get(name)?;
    let seconds = expires.as_f64().or_else(|| expires.as_str()?.parse().ok())?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// The refresh token that the file has for the one in the config.
fn kept(file: &Path, configured: &Secret<String>) -> Result<Option<Secret<String>>> {
    let wrong = |why: &str| Error::config(format!("the refresh token in {} {why}", file.display()));
    let text = match fs::read(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(wrong("cannot be read").with_source(error)),
    };
    let content: Value =
        serde_json::from_slice(&text).map_err(|_| wrong("is not what a run has kept there"))?;
    let text = |name: &str| content.get(name).and_then(Value::as_str);
    let (Some(made_for), Some(token)) = (text("configured"), text("refresh_token")) else {
        return Err(wrong("is not what a run has kept there"));
    };
    if made_for != configured.expose() {
        return Ok(None);
    }
    let token = Secret::new(token.to_owned());
    hide(&token);
    Ok(Some(token))
}

/// Writes a file that only its owner can read, as a whole.
fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&new)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&new, path)
}
