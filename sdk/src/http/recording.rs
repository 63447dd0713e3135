//! What a recording keeps of a request and its answer, and what it hides.

use serde_json::{Map, Number, Value};
use ureq::http::HeaderMap;

use super::exchange::{Exchange, SERVER};
use super::request::{Request, Response};
use crate::secret::{self, MASK};

/// A request that was answered, as it was.
#[derive(Debug)]
pub(super) struct Hop {
    method: String,
    url: String,
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// Members and parameters whose texts are secrets.
const SECRET: &[&str] = &[
    "access_token",
    "api_key",
    "apikey",
    "authorization",
    "client_secret",
    "id_token",
    "password",
    "private_key",
    "refresh_token",
    "secret",
    "session_token",
    "token",
];
/// Parameters alone: such members of records are no secrets.
const SECRET_PARAMETER: &[&str] = &["key", "sig", "signature"];

/// Headers of answers that say nothing about records, and differ from one day to the next. Names that end with a hyphen are the
/// beginnings of many.
const DROPPED: &[&str] = &[
    "accept-ranges",
    "access-control-",
    "age",
    "alt-svc",
    "cache-control",
    "cf-",
    "connection",
    "content-encoding",
    "content-length",
    "content-security-policy",
    "content-type",
    "cross-origin-",
    "date",
    "etag",
    "expect-ct",
    "expires",
    "keep-alive",
    "last-modified",
    "nel",
    "permissions-policy",
    "pragma",
    "referrer-policy",
    "report-to",
    "reporting-endpoints",
    "server",
    "server-timing",
    "set-cookie",
    "strict-transport-security",
    "traceparent",
    "transfer-encoding",
    "vary",
    "via",
    "www-authenticate",
    "x-amz-",
    "x-amzn-",
    "x-cache",
    "x-content-type-options",
    "x-correlation-id",
    "x-frame-options",
    "x-permitted-cross-domain-policies",
    "x-powered-by",
    "x-request-id",
    "x-runtime",
    "x-served-by",
    "x-timer",
    "x-trace-id",
    "x-xss-protection",
];
/// A shorter text is masked where it was found, and not wherever else it occurs.
const SHORTEST: usize = 6;

impl Hop {
    pub(super) fn of(request: &Request, answer: &Response) -> Self {
        Self {
            method: request.method.clone(),
            url: request.url.clone(),
            status: answer.status,
            headers: answer.headers.clone(),
            body: answer.body.clone(),
        }
    }

    /// `https://api.example.com`, and what comes after it.
    fn split(&self) -> (&str, &str) {
        let authority = self.url.find("://").map_or(0, |at| at + 3);
        let end = self.url[authority..].find(['/', '?']);
        self.url
            .split_at(end.map_or(self.url.len(), |end| authority + end))
    }
}

/// Everything that was recorded, as a replay reads it.
pub(super) fn exchanges(hops: &[Hop]) -> Value {
    let bodies: Vec<Option<Value>> = hops
        .iter()
        .map(|hop| serde_json::from_slice(&hop.body).ok())
        .collect();
    let mut hidden = Hidden::default();
    for (hop, body) in hops.iter().zip(&bodies) {
        let (origin, path) = hop.split();
        if !hidden.origins.iter().any(|known| known == origin) {
            hidden.origins.push(origin.to_owned());
        }
        hidden.look_at_query(path);
        if let Some(body) = body {
            hidden.look_at(body);
        }
    }
    // The longer one first: one may begin with the other.
    hidden
        .secrets
        .sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    hidden.secrets.dedup();
    let all = hops
        .iter()
        .zip(bodies)
        .map(|(hop, body)| hidden.exchange(hop, body));
    serde_json::to_value(all.collect::<Vec<_>>()).unwrap_or_default()
}

/// What must not be in the file.
#[derive(Default)]
struct Hidden {
    origins: Vec<String>,
    secrets: Vec<String>,
}

impl Hidden {
    fn look_at(&mut self, value: &Value) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    match value {
                        Value::String(text) if is_secret(name) => self.add(text),
                        value => self.look_at(value),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.look_at(item)),
            _ => {}
        }
    }

    fn look_at_query(&mut self, path: &str) {
        let pairs = path.split_once('?').map_or("", |(_, query)| query).split('&');
        for (name, value) in pairs.filter_map(|pair| pair.split_once('=')) {
            if is_secret(name)
                || SECRET_PARAMETER
                    .iter()
                    .any(|secret| name.eq_ignore_ascii_case(secret))
            {
                self.add(value);
            }
        }
    }

    fn add(&mut self, secret: &str) {
        if secret.len() >= SHORTEST && secret != MASK {
            self.secrets.push(secret.to_owned());
            self.secrets.push(super::url::encode(secret));
        }
    }

    fn exchange(&self, hop: &Hop, body: Option<Value>) -> Exchange {
        let (_, path) = hop.split();
        let path = if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("/{path}")
        };
        Exchange {
            method: hop.method.clone(),
            path: self.path(&path),
            status: hop.status,
            headers: hop
                .headers
                .keys()
                .filter(|name| !is_dropped(name.as_str()))
                .map(|name| {
                    (
                        name.as_str().to_owned(),
                        self.text(&header(&hop.headers, name.as_str())),
                    )
                })
                .collect(),
            body: self.body(&hop.body, body),
            delay_ms: 0,
            breaks: false,
        }
    }

    /// A path with the values of secret parameters masked, be they short.
    fn path(&self, path: &str) -> String {
        let Some((path, query)) = path.split_once('?') else {
            return self.text(path);
        };
        let pairs = query.split('&').map(|pair| match pair.split_once('=') {
            Some((name, _))
                if is_secret(name)
                    || SECRET_PARAMETER
                        .iter()
                        .any(|secret| name.eq_ignore_ascii_case(secret)) =>
            {
                format!("{name}={MASK}")
            }
            _ => self.text(pair),
        });
        format!("{}?{}", self.text(path), pairs.collect::<Vec<_>>().join("&"))
    }

    /// A body as JSON, or as a text when it is not JSON, or when JSON would change the digits of a number.
    fn body(&self, bytes: &[u8], body: Option<Value>) -> Value {
        let text = String::from_utf8_lossy(bytes);
        match body {
            // A text is served as it is, without quotes.
            Some(body) if keeps_numbers(&text) && !matches!(body, Value::String(_) | Value::Null) => {
                self.value(body)
            }
            _ => Value::from(self.text(&text)),
        }
    }

    fn value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => self.text(&text).into(),
            Value::Array(items) => items.into_iter().map(|item| self.value(item)).collect(),
            Value::Object(members) => {
                let member = |(name, value): (String, Value)| match value {
                    Value::String(_) if is_secret(&name) => (name, MASK.into()),
                    value => (name, self.value(value)),
                };
                Value::Object(members.into_iter().map(member).collect::<Map<_, _>>())
            }
            other => other,
        }
    }

    fn text(&self, text: &str) -> String {
        let mut masked = secret::mask(text).into_owned();
        for secret in &self.secrets {
            masked = masked.replace(secret.as_str(), MASK);
        }
        for origin in &self.origins {
            masked = with_server(&masked, origin);
        }
        masked
    }
}

fn is_secret(name: &str) -> bool {
    SECRET.iter().any(|secret| name.eq_ignore_ascii_case(secret))
}

fn is_dropped(name: &str) -> bool {
    DROPPED
        .iter()
        .any(|dropped| name == *dropped || (dropped.ends_with('-') && name.starts_with(dropped)))
}

fn header(headers: &HeaderMap, name: &str) -> String {
    let values = headers.get_all(name).iter();
    let values: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
    values.join(", ")
}

/// The text with the place holder of the server for this origin.
fn with_server(text: &str, origin: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(origin) {
        let (before, found) = rest.split_at(at);
        let after = &found[origin.len()..];
        out.push_str(before);
        // `http://host:80` is not the beginning of `http://host:8080`.
        let longer = after.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | ':' | '@'));
        out.push_str(if longer { origin } else { SERVER });
        rest = after;
    }
    out + rest
}

/// Whether a JSON text keeps the digits of its numbers as a value.
fn keeps_numbers(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find(['"', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) {
        rest = &rest[at..];
        if let Some(string) = rest.strip_prefix('"') {
            rest = after_string(string);
            continue;
        }
        let end = rest
            .find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'))
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        if serde_json::from_str::<Number>(number).is_ok_and(|read| read.to_string() != number) {
            return false;
        }
        rest = after;
    }
    true
}

/// What follows the end of a JSON string.
fn after_string(text: &str) -> &str {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return &text[at + 1..],
            _ => {}
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hop(url: &str, body: &str) -> Hop {
        Hop {
            method: "GET".to_owned(),
            url: url.to_owned(),
            status: 200,
            headers: HeaderMap::new(),
            body: body.as_bytes().to_owned(),
        }
    }

    #[test]
    fn a_masked_token_is_masked_wherever_it_comes_again() {
        let all = exchanges(&[
            hop(
                "https://a.example/login?key=k1&user=me",
                r#"{"token":"abc/def","user":{"password":"short"}}"#,
            ),
            hop(
                "https://a.example/list?at=abc%2Fdef",
                r#"{"next":"https://a.example/list?at=abc%2Fdef","see":"https://a.example.org/"}"#,
            ),
        ]);
        assert_eq!(
            all,
            json!([
                {"path": "/login?key=****&user=me", "body": {"token": "****", "user": {"password": "****"}}},
                {"path": "/list?at=****", "body": {"next": "{server}/list?at=****", "see": "https://a.example.org/"}}
            ])
        );
    }

    #[test]
    fn digits_stay_and_what_is_no_json_is_a_text() {
        let all = exchanges(&[
            hop("https://a.example", r#"[{"a": 1.10, "b": "2.20"}]"#),
            hop("https://a.example/b", "id,name\n1,tea\n"),
            hop("https://a.example/c", r#"[{"a": 1.5, "b": "\"2.20"}]"#),
        ]);
        assert_eq!(
            all,
            json!([
                {"path": "/", "body": "[{\"a\": 1.10, \"b\": \"2.20\"}]"},
                {"path": "/b", "body": "id,name\n1,tea\n"},
                {"path": "/c", "body": [{"a": 1.5, "b": "\"2.20"}]}
            ])
        );
    }
}
