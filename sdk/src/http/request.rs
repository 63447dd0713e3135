//! A request, and what came back.

use std::fmt;

use melisma_engine::{Error, Result};
use serde_json::Value;
use ureq::http::HeaderMap;

use super::link;
use super::url;

/// A request. Printed, it shows its method and its URL without the query, since keys may be everywhere else.
#[derive(Clone)]
pub struct Request {
    pub(super) method: String,
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Body,
    /// What names it in metrics: the path with its placeholders.
    pub(super) endpoint: String,
}

/// What a request carries.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Body {
    #[default]
    None,
    Json(Value),
    Form(Vec<(String, String)>),
    Text(String),
}

impl Request {
    /// A request of a whole URL.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        let url = url.into();
        Self {
            method: method.into(),
            endpoint: url::shown(&url).to_owned(),
            url,
            headers: Vec::new(),
            body: Body::None,
        }
    }

    /// The URL, with its query.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Sets a header; one that it has under that name is replaced.
    pub fn set_header(&mut self, name: &str, value: impl Into<String>) {
        self.headers
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.into()));
    }

    /// Sets a parameter of the query; one that it has under that name is replaced.
    pub fn set_query(&mut self, name: &str, value: &str) {
        self.url = url::with_query(&self.url, [(name, value)]);
    }

    /// Sends these fields, as a form of a web page.
    pub fn set_form<'a>(&mut self, fields: impl IntoIterator<Item = (&'a str, &'a str)>) {
        let owned = fields
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        self.body = Body::Form(owned.collect());
    }

    /// Sends this JSON.
    pub fn set_json(&mut self, body: Value) {
        self.body = Body::Json(body);
    }

    /// Sends this text as it is. Its type is that of the header `Content-Type`, if there is one.
    pub fn set_text(&mut self, text: impl Into<String>) {
        self.body = Body::Text(text.into());
    }

    /// What names the request in metrics, instead of its URL: a path with placeholders.
    pub fn set_endpoint(&mut self, name: impl Into<String>) {
        self.endpoint = name.into();
    }

    /// Resolves a link as a browser does that has found it at `base`: a path, a query, or a whole URL.
    pub fn resolve(base: &str, link: &str) -> Result<String> {
        url::resolve(base, link)
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, url::shown(&self.url))
    }
}

impl Body {
    /// Its bytes, and their type.
    pub(super) fn bytes(&self) -> (Vec<u8>, Option<&'static str>) {
        match self {
            Self::None => (Vec::new(), None),
            Self::Json(value) => (value.to_string().into_bytes(), Some("application/json")),
            Self::Form(fields) => {
                let pair = |(name, value): &(String, String)| {
                    format!("{}={}", url::encode(name), url::encode(value))
                };
                let text = fields.iter().map(pair).collect::<Vec<_>>().join("&");
                (text.into_bytes(), Some("application/x-www-form-urlencoded"))
            }
            Self::Text(text) => (text.clone().into_bytes(), None),
        }
    }
}

/// An answer, whole.
pub struct Response {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    /// The bytes of its body, decompressed.
    pub body: Vec<u8>,
    /// Where it came from, after redirects.
    pub(super) url: String,
}

impl Response {
    /// The status: 200, 404.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The URL that answered, which is another one after a redirect.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A header, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// All headers that are text, by their names in lower case; several values of one are joined by commas.
    pub fn headers(&self) -> impl Iterator<Item = (&str, String)> {
        let names = self.headers.keys().map(ureq::http::HeaderName::as_str);
        names.filter_map(|name| Some((name, self.all(name)?)))
    }

    /// The links in the header `Link`: each with its relation.
    pub fn links(&self) -> Vec<(String, String)> {
        self.all("link")
            .map(|header| link::all(&header))
            .unwrap_or_default()
    }

    /// All values of a header, joined by commas, as HTTP says that they mean the same.
    pub(super) fn all(&self, name: &str) -> Option<String> {
        let values: Vec<&str> = self
            .headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    /// The body as a value: for small answers, such as those of a login.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body).map_err(|error| {
            // Where it stops being JSON says nothing of what stands there.
            let (line, column) = (error.line(), error.column());
            Error::input(format!(
                "{} did not answer with JSON (line {line}, column {column})",
                url::shown(&self.url)
            ))
        })
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {}", self.status, url::shown(&self.url))
    }
}
