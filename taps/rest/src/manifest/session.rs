//! Tokens that a login gives.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use melisma_sdk::http::{Authenticator, Request, Requester, Unsigned};
use melisma_sdk::{Error, Result, secret};
use serde_json::Value;

use super::agent::Agent;
use super::dates;
use super::errors::Handler;
use super::jinja::{Scope, Templates, Text};
use super::part::Part;
use super::places::at;
use super::request::Requests;
use super::said::Said;
use crate::python;

/// A token that a login gives.
pub(super) struct Session {
    requests: Requests,
    path: Vec<String>,
    lifetime: Option<Duration>,
    in_query: bool,
    name: String,
    template: Text,
    scope: Scope,
    /// The token, and when it expires.
    held: Mutex<Option<(String, Option<Duration>)>>,
}

impl Session {
    /// The login of a `SessionTokenAuthenticator`.
    pub(super) fn of(
        part: &Part<'_>,
        login: &Part<'_>,
        agent: Arc<Agent>,
        templates: &Templates,
        scope: &Scope,
    ) -> Result<Self> {
        let filled = |part: &Part<'_>, name: &str| {
            let text = part.text(templates, name, &[])?;
            text.map(|text| text.text(scope)).transpose()
        };
        let handler = Handler::of(login.child("error_handler")?.as_ref(), templates, scope)?;
        let requests = Requests::of(login, templates, agent, Arc::new(handler), &[])?;
        let path = part
            .get("session_token_path")
            .and_then(Value::as_array)
            .ok_or_else(|| part.missing("session_token_path"))?;
        let lifetime = filled(part, "expiration_duration")?;
        let lifetime = lifetime.map(|text| {
            let span = dates::duration(&text).and_then(|span| {
                span.total((jiff::Unit::Second, jiff::SpanRelativeTo::days_are_24_hours()))
                    .ok()
            });
            let duration = span.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            duration.ok_or_else(|| {
                part.refuse(
                    "expiration_duration",
                    "is no ISO 8601 duration of days, hours, minutes and seconds",
                )
            })
        });
        let usage = part.needed("request_authentication")?;
        let place = match usage.kind() {
            "Bearer" => None,
            _ => Some(usage.needed("inject_into")?),
        };
        let (in_query, name) = match &place {
            None => (false, "Authorization".to_owned()),
            Some(place) => {
                let name = filled(place, "field_name")?.ok_or_else(|| place.missing("field_name"))?;
                match place.str("inject_into") {
                    Some("header") => (false, name),
                    Some("request_parameter") => (true, name),
                    _ => {
                        return Err(place.refuse(
                            "inject_into",
                            "is for headers and parameters with a session token",
                        ));
                    }
                }
            }
        };
        let template = match place {
            None => part.compile(
                templates,
                "Bearer {{ session_token }}",
                "request_authentication",
                &["session_token"],
            )?,
            Some(_) => match usage.text(templates, "api_token", &["session_token"])? {
                Some(text) => text,
                None => part.compile(
                    templates,
                    "{{ session_token }}",
                    "request_authentication",
                    &["session_token"],
                )?,
            },
        };
        Ok(Self {
            requests,
            path: path.iter().map(python::str).collect(),
            lifetime: lifetime.transpose()?,
            in_query,
            name,
            template,
            scope: scope.clone(),
            held: Mutex::default(),
        })
    }

    fn login(&self) -> Result<String> {
        let (request, client) = self.requests.request(&self.scope, Said::default(), None)?;
        let requester = Requester::new(&client, "login").judge(self.requests.handler.clone());
        let answer = requester
            .send(&request)
            .map_err(|error| error.hint("the login failed"))?
            .json()?;
        let token = at(&answer, &self.path).map(python::str);
        let token = token
            .ok_or_else(|| Error::input(format!("the answer to the login has no {}", self.path.join("."))))?;
        secret::hide_token(&token);
        let scope = self.scope.clone().with("session_token", token.as_str().into());
        self.template.text(&scope)
    }
}

impl Authenticator for Session {
    fn sign(&self, request: &mut Request, http: &Unsigned<'_>) -> Result<()> {
        // Held while the token is obtained, so that the others wait for it.
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let expired = |expires: &Option<Duration>| expires.is_some_and(|expires| expires <= http.elapsed());
        if held.as_ref().is_none_or(|(_, expires)| expired(expires)) {
            let token = self.login()?;
            *held = Some((token, self.lifetime.map(|lifetime| http.elapsed() + lifetime)));
        }
        if let Some((token, _)) = &*held {
            if self.in_query {
                request.set_query(&self.name, token);
            } else {
                request.set_header(&self.name, token.clone());
            }
        }
        Ok(())
    }

    fn rejected(&self, _: &Request) -> bool {
        self.held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .is_some()
    }
}
