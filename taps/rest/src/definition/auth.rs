//! Who asks.

use melisma_sdk::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

/// Who asks: one of `oauth2`, `login`, `bearer`, `basic`, `header` and `query`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct Auth {
    /// A token that does not change.
    pub bearer: Option<String>,
    /// A user and a password.
    pub basic: Option<Basic>,
    /// A header, and the key in it.
    pub header: Option<Map<String, Value>>,
    /// A parameter of the query, and the key in it.
    pub query: Option<Map<String, Value>>,
    /// Tokens by OAuth 2.0, and what they are obtained for.
    pub oauth2: Option<Grant>,
    /// A request that opens a session, whose answer has the token of all others.
    pub login: Option<Login>,
    /// OAuth 2.0: where tokens are obtained.
    pub token_url: Option<String>,
    /// OAuth 2.0: the client's id.
    pub id: Option<String>,
    /// OAuth 2.0: the client's secret.
    pub secret: Option<String>,
    /// OAuth 2.0: the refresh token.
    pub refresh_token: Option<String>,
    /// OAuth 2.0: a file that keeps a refresh token that the server has replaced, for the next run.
    pub token_file: Option<String>,
    /// OAuth 2.0: the user, for `password`.
    pub user: Option<String>,
    /// OAuth 2.0: the user's password.
    pub password: Option<String>,
    /// OAuth 2.0: whether id and secret are sent as a header instead of as fields.
    #[serde(default)]
    pub client_in_header: bool,
    /// OAuth 2.0: more fields of the request for a token, such as `scope` and `audience`.
    #[serde(default)]
    pub fields: Map<String, Value>,
    /// OAuth 2.0: headers of the request for a token.
    #[serde(default)]
    pub token_headers: Map<String, Value>,
    /// OAuth 2.0: how long a token lives whose answer does not say so: `1h`.
    pub token_lifetime: Option<String>,
}

/// A user and a password.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct Basic {
    /// The user.
    pub user: String,
    /// The password.
    #[serde(default)]
    pub password: String,
}

/// A request that opens a session: its answer has a token, at `token` or in `token_header`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct Login {
    /// Where the login is, below the address of the API.
    pub path: String,
    /// POST, unless it is another method.
    pub method: Option<String>,
    /// Headers of the login.
    #[serde(default)]
    pub headers: Map<String, Value>,
    /// The JSON body of the login.
    pub json: Option<Value>,
    /// The fields of a form as the body of the login.
    #[serde(default)]
    pub form: Map<String, Value>,
    /// The JSON path of the token in the answer.
    pub token: Option<String>,
    /// A header of the answer that has the token.
    pub token_header: Option<String>,
    /// The header that requests have the token in: `Authorization` if not set, with `Bearer ` before it.
    pub header: Option<String>,
    /// What stands before the token in that header: `Token `.
    pub prefix: Option<String>,
    /// The parameter of the query that requests have the token in, instead of a header.
    pub query: Option<String>,
    /// How long a session lasts: `1h`. If not set, until the server answers 401.
    pub lifetime: Option<String>,
}

/// What a token is obtained for.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// The client itself.
    ClientCredentials,
    /// A refresh token.
    RefreshToken,
    /// A user and a password.
    Password,
}
