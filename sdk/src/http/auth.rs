//! Who asks: what a request carries so that the server answers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use melisma_engine::Result;

use super::request::Request;
use super::unsigned::Unsigned;
use super::url;
use crate::secret::{self, Secret};

/// Adds to each request what the server wants to see. One value is shared by all requests of a tap, also by those that are
/// sent at the same time.
///
/// ```
/// use melisma_sdk::Result;
/// use melisma_sdk::http::{Authenticator, Request, Unsigned};
///
/// /// A key that is sent with the time of the request.
/// struct Dated(String);
///
/// impl Authenticator for Dated {
///     fn sign(&self, request: &mut Request, http: &Unsigned<'_>) -> Result<()> {
///         request.set_header("X-Key", self.0.clone());
///         request.set_header("X-Date", http.now().to_string());
///         Ok(())
///     }
/// }
/// ```
pub trait Authenticator: Send + Sync {
    /// Adds the credentials. `http` sends requests without them, such as those for a token.
    ///
    /// What it obtains at run time must be hidden with [`secret::hide_token`](crate::secret::hide_token) before it is sent.
    fn sign(&self, request: &mut Request, http: &Unsigned<'_>) -> Result<()>;

    /// The server has answered this request with 401. Returns whether another one may have better credentials: the request is
    /// then signed and sent again, once.
    fn rejected(&self, request: &Request) -> bool {
        let _ = request;
        false
    }
}

/// Masks a secret in log lines and errors, also as a URL or a form has it: some servers repeat what they were sent.
pub(super) fn hide(secret: &Secret<String>) {
    secret::hide(secret.expose());
    secret::hide(&url::encode(secret.expose()));
}

/// A key in a header or in the query.
pub struct ApiKey {
    name: String,
    key: Secret<String>,
    in_query: bool,
}

impl ApiKey {
    /// A key in a header: `X-Api-Key`.
    pub fn header(name: impl Into<String>, key: &Secret<String>) -> Self {
        hide(key);
        Self {
            name: name.into(),
            key: key.clone(),
            in_query: false,
        }
    }

    /// A key as a parameter of the query.
    pub fn query(name: impl Into<String>, key: &Secret<String>) -> Self {
        Self {
            in_query: true,
            ..Self::header(name, key)
        }
    }
}

impl Authenticator for ApiKey {
    fn sign(&self, request: &mut Request, _: &Unsigned<'_>) -> Result<()> {
        if self.in_query {
            request.set_query(&self.name, self.key.expose());
        } else {
            request.set_header(&self.name, self.key.expose().clone());
        }
        Ok(())
    }
}

/// A token that does not change: `Authorization: Bearer ...`.
pub struct Bearer(Secret<String>);

impl Bearer {
    /// This token.
    pub fn new(token: &Secret<String>) -> Self {
        hide(token);
        Self(token.clone())
    }
}

impl Authenticator for Bearer {
    fn sign(&self, request: &mut Request, _: &Unsigned<'_>) -> Result<()> {
        request.set_header("Authorization", format!("Bearer {}", self.0.expose()));
        Ok(())
    }
}

/// A user and a password: `Authorization: Basic ...`.
pub struct Basic(Secret<String>);

impl Basic {
    /// This user, with this password.
    pub fn new(user: &str, password: &Secret<String>) -> Self {
        hide(password);
        let both = Secret::new(STANDARD.encode(format!("{user}:{}", password.expose())));
        hide(&both);
        Self(Secret::new(format!("Basic {}", both.expose())))
    }
}

impl Authenticator for Basic {
    fn sign(&self, request: &mut Request, _: &Unsigned<'_>) -> Result<()> {
        request.set_header("Authorization", self.0.expose().clone());
        Ok(())
    }
}
