//! Sessions: a request with a user and a password, whose answer has a token for all others.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use melisma_engine::{Error, Result};

use super::auth::Authenticator;
use super::json::{Json, Parser};
use super::path::JsonPath;
use super::request::{Request, Response};
use super::unsigned::Unsigned;
use super::url;
use crate::secret;

/// Logs in before the first request, and again when the session has expired or the server rejects its token. Of requests that
/// need a token at the same time, one logs in and the others wait.
///
/// ```
/// use melisma_sdk::http::{Client, Login, Request};
/// use melisma_sdk::{Context, json};
///
/// let mut request = Request::new("POST", "/session");
/// request.set_json(json!({"user": "me", "password": "s3cr3t"}));
/// let login = Login::new(request, "$.session.token")?.header("X-Session").lifetime(std::time::Duration::from_hours(1));
/// let client = Client::new("https://api.example.com/v2", &Context::default())?.auth(login);
/// # Ok::<(), melisma_sdk::Error>(())
/// ```
pub struct Login {
    request: Request,
    token: Token,
    place: Place,
    lifetime: Option<Duration>,
    session: Mutex<Option<Session>>,
}

/// Where the answer has the token.
enum Token {
    Path(JsonPath),
    Header(String),
}

/// Where requests have it.
enum Place {
    Header { name: String, prefix: String },
    Query(String),
}

struct Session {
    token: String,
    expires: Option<Duration>,
}

impl Login {
    fn of(request: Request, token: Token) -> Self {
        Self {
            request,
            token,
            place: Place::Header {
                name: "Authorization".to_owned(),
                prefix: "Bearer ".to_owned(),
            },
            lifetime: None,
            session: Mutex::default(),
        }
    }

    /// The token is at this JSON path of the answer. The request's URL may be a path below the address of the API. If not set
    /// otherwise, requests have the token as `Authorization: Bearer`.
    pub fn new(request: Request, token: &str) -> Result<Self> {
        Ok(Self::of(request, Token::Path(JsonPath::compile(token)?)))
    }

    /// The token is in this header of the answer.
    pub fn token_in_header(request: Request, name: impl Into<String>) -> Self {
        Self::of(request, Token::Header(name.into()))
    }

    /// Requests have the token in this header, as it is.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>) -> Self {
        self.place = Place::Header {
            name: name.into(),
            prefix: String::new(),
        };
        self
    }

    /// What stands before the token in the header: `Token `.
    #[must_use]
    pub fn prefix(mut self, text: impl Into<String>) -> Self {
        if let Place::Header { prefix, .. } = &mut self.place {
            *prefix = text.into();
        }
        self
    }

    /// Requests have the token as this parameter of the query.
    #[must_use]
    pub fn query(mut self, name: impl Into<String>) -> Self {
        self.place = Place::Query(name.into());
        self
    }

    /// How long a session lasts. If not set, until the server answers 401.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    fn log_in(&self, http: &Unsigned<'_>) -> Result<String> {
        let mut request = self.request.clone();
        request.url = http.url(&request.url);
        request.endpoint = url::shown(&request.url).to_owned();
        let answer = http
            .send(&request)
            .map_err(|error| error.hint("the login failed"))?;
        let token = self.found(&answer)?.filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| {
            let place = match &self.token {
                Token::Path(path) => path.as_str(),
                Token::Header(name) => name,
            };
            Error::input(format!(
                "{request:?}: the answer to the login has no token at {place}"
            ))
        })?;
        let encoded = url::encode(&token);
        if encoded != token {
            secret::hide_token(&encoded);
        }
        secret::hide_token(&token);
        Ok(token)
    }

    fn found(&self, answer: &Response) -> Result<Option<String>> {
        match &self.token {
            Token::Header(name) => Ok(answer.header(name).map(str::to_owned)),
            Token::Path(path) => {
                let mut body = answer.body.clone();
                let nodes = Parser::default().parse(&mut body).map_err(|error| {
                    let url = url::shown(&answer.url);
                    Error::input(format!("{url}: the answer to the login: {}", error.message()))
                })?;
                Ok(path.first(Json::root(&nodes)).and_then(Json::to_text))
            }
        }
    }

    fn has(&self, request: &Request, token: &str) -> bool {
        match &self.place {
            Place::Header { name, prefix } => request.headers.iter().any(|(known, value)| {
                known.eq_ignore_ascii_case(name) && value.strip_prefix(prefix.as_str()) == Some(token)
            }),
            Place::Query(name) => {
                let pair = format!("{}={}", url::encode(name), url::encode(token));
                let query = request.url.split_once('?').map_or("", |(_, query)| query);
                query.split('&').any(|known| known == pair)
            }
        }
    }
}

impl Authenticator for Login {
    fn sign(&self, request: &mut Request, http: &Unsigned<'_>) -> Result<()> {
        // Held while the login is under way, so that the others wait for it.
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let expired = |session: &Session| session.expires.is_some_and(|expires| expires <= http.elapsed());
        if session.as_ref().is_none_or(expired) {
            let token = self.log_in(http)?;
            *session = Some(Session {
                token,
                expires: self.lifetime.map(|lifetime| http.elapsed() + lifetime),
            });
        }
        let Some(Session { token, .. }) = &*session else {
            return Ok(());
        };
        match &self.place {
            Place::Header { name, prefix } => request.set_header(name, format!("{prefix}{token}")),
            Place::Query(name) => request.set_query(name, token),
        }
        Ok(())
    }

    /// Only the session that was rejected is dropped: another request may have a new one meanwhile.
    fn rejected(&self, request: &Request) -> bool {
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        session.take_if(|session| self.has(request, &session.token));
        true
    }
}
