//! Who asks: the authenticators of manifests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use melisma_sdk::http::{ApiKey, Authenticator, Basic, Bearer, OAuth2};
use melisma_sdk::{Context, Error, Result, Secret, secret};
use serde_json::Value;

use super::agent::{Agent, Shared};
use super::jinja::{Scope, Templates, Text};
use super::mapping::Mapping;
use super::part::Part;
use super::places::at;
use super::said::Place;
use super::session::Session;
use crate::python;

/// An authenticator, or a key in the body.
type Credentials = (Option<Arc<dyn Authenticator>>, Option<(Place, Text)>);

/// Makes agents; those of equal authenticators are one, so that a token is obtained once.
pub(super) struct Agents<'b> {
    pub(super) context: &'b Context,
    pub(super) templates: &'b Templates,
    pub(super) scope: &'b Scope,
    pub(super) config: &'b Value,
    pub(super) token_file: Option<&'b str>,
    pub(super) made: Mutex<HashMap<String, Arc<Agent>>>,
}

impl Agents<'_> {
    /// The agent of a requester.
    pub(super) fn of(&self, requester: &Part<'_>) -> Result<Arc<Agent>> {
        let id = requester
            .get("authenticator")
            .map(Value::to_string)
            .unwrap_or_default();
        if let Some(made) = self.made.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return Ok(Arc::clone(made));
        }
        let (auth, in_body) = match requester.child("authenticator")? {
            Some(part) => self.authenticator(&part)?,
            None => (None, None),
        };
        let agent = Arc::new(Agent {
            context: self.context.clone(),
            auth: auth.map(Shared),
            in_body,
            clients: Mutex::default(),
        });
        self.made
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, Arc::clone(&agent));
        Ok(agent)
    }

    fn authenticator(&self, part: &Part<'_>) -> Result<Credentials> {
        let auth: Arc<dyn Authenticator> = match part.kind() {
            "NoAuth" => return Ok((None, None)),
            "BearerAuthenticator" => Arc::new(Bearer::new(&self.secret(part, "api_token")?)),
            "BasicHttpAuthenticator" => {
                let user = self.secret(part, "username")?;
                let password = match part.get("password") {
                    Some(_) => self.secret(part, "password")?,
                    None => Secret::new(String::new()),
                };
                Arc::new(Basic::new(user.expose(), &password))
            }
            "ApiKeyAuthenticator" => return self.api_key(part),
            "OAuthAuthenticator" => Arc::new(self.oauth(part)?),
            "SessionTokenAuthenticator" => {
                let login = part.needed("login_requester")?;
                let agent = self.of(&login)?;
                Arc::new(Session::of(part, &login, agent, self.templates, self.scope)?)
            }
            "SelectiveAuthenticator" => return self.authenticator(&self.selected(part)?),
            _ => return Err(Error::config(format!("{}: no authenticator", part.place))),
        };
        Ok((Some(auth), None))
    }

    pub(super) fn text(&self, part: &Part<'_>, name: &str) -> Result<Option<String>> {
        part.text(self.templates, name, &[])?
            .map(|text| text.text(self.scope))
            .transpose()
    }

    fn secret(&self, part: &Part<'_>, name: &str) -> Result<Secret<String>> {
        let text = self.text(part, name)?.ok_or_else(|| part.missing(name))?;
        Ok(Secret::new(text))
    }

    fn api_key(&self, part: &Part<'_>) -> Result<Credentials> {
        let Some(option) = part.child("inject_into")? else {
            let name = self.text(part, "header")?.unwrap_or_default();
            let key = self.secret(part, "api_token")?;
            return Ok((Some(Arc::new(ApiKey::header(name, &key))), None));
        };
        let place = Place::of(&option, self.templates)?;
        if place.is_in_body() {
            let key = part
                .text(self.templates, "api_token", &[])?
                .ok_or_else(|| part.missing("api_token"))?;
            secret::hide(&key.text(self.scope)?);
            return Ok((None, Some((place, key))));
        }
        let name = self
            .text(&option, "field_name")?
            .ok_or_else(|| option.missing("field_name"))?;
        let key = self.secret(part, "api_token")?;
        let auth = match option.str("inject_into") {
            Some("header") => ApiKey::header(name, &key),
            _ => ApiKey::query(name, &key),
        };
        Ok((Some(Arc::new(auth)), None))
    }

    /// The one that the config names.
    fn selected<'m>(&self, part: &Part<'m>) -> Result<Part<'m>> {
        let path = part.get("authenticator_selection_path").and_then(Value::as_array);
        let path: Vec<String> = path.into_iter().flatten().map(python::str).collect();
        let chosen = at(self.config, &path).map(python::str);
        let chosen = chosen
            .ok_or_else(|| Error::config(format!("{}: the config has no {}", part.place, path.join("."))))?;
        let all = part
            .get("authenticators")
            .and_then(Value::as_object)
            .ok_or_else(|| part.missing("authenticators"))?;
        let found = all.get(&chosen);
        let found = found.ok_or_else(|| {
            let known: Vec<&str> = all.keys().map(String::as_str).collect();
            let shown = melisma_sdk::show(&chosen);
            Error::config(format!(
                "{}: {} says {shown}, and there are {}",
                part.place,
                path.join("."),
                known.join(", ")
            ))
        })?;
        Part::of(found, format!("{}.authenticators.{chosen}", part.place))
    }

    fn oauth(&self, part: &Part<'_>) -> Result<OAuth2> {
        let needed = |name: &str| {
            self.text(part, name)?
                .filter(|text| !text.is_empty())
                .ok_or_else(|| part.missing(name))
        };
        let url = needed("token_refresh_endpoint")?;
        let id = needed("client_id")?;
        let secret = Secret::new(self.text(part, "client_secret")?.unwrap_or_default());
        let grant = self
            .text(part, "grant_type")?
            .unwrap_or_else(|| "refresh_token".to_owned());
        let mut made = if grant == "refresh_token" {
            OAuth2::refresh_token(&url, &id, &secret, &Secret::new(needed("refresh_token")?))
        } else {
            OAuth2::grant(&url, &id, &secret, &grant)
        };
        for scope in part.get("scopes").and_then(Value::as_array).into_iter().flatten() {
            made = made.field("scopes", &python::str(scope));
        }
        let mapping = |name: &str| Mapping::of(part, self.templates, name, &[])?.value(self.scope, |_| true);
        for (name, value) in mapping("refresh_request_body")? {
            made = made.field(&name, &python::str(&value));
        }
        for (name, value) in mapping("refresh_request_headers")? {
            let value = python::str(&value);
            if name.eq_ignore_ascii_case("authorization") {
                secret::hide(&value);
                made = made.without_client();
            }
            made = made.header(&name, &value);
        }
        let names = [
            ("client_id", "client_id_name"),
            ("client_secret", "client_secret_name"),
            ("refresh_token", "refresh_token_name"),
            ("access_token", "access_token_name"),
            ("expires_in", "expires_in_name"),
            ("grant_type", "grant_type_name"),
        ];
        for (member, setting) in names {
            if let Some(name) = self.text(part, setting)? {
                made = made.rename(member, &name);
            }
        }
        if part.flag("send_refresh_request_as_query_params") {
            made = made.in_query();
        }
        if let Some(file) = self.token_file {
            made = made.keep_in(file);
        }
        Ok(made.lifetime(Duration::from_hours(1)))
    }
}
