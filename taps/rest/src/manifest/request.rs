//! The requests of a manifest's streams.

use std::sync::Arc;

use melisma_sdk::http::{Client, Request};
use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

use super::auth::Agent;
use super::errors::Handler;
use super::jinja::{Names, Scope, Templates, Text};
use super::part::Part;
use crate::python;

/// What expressions of a request can name.
pub(super) const REQUEST: Names<'static> = &[
    "next_page_token",
    "stream_interval",
    "stream_partition",
    "stream_slice",
];

/// A mapping whose names and values may have expressions.
#[derive(Clone, Default)]
pub(super) struct Mapping(Vec<(Text, Nested)>);

/// A value whose texts may have expressions.
#[derive(Clone)]
pub(super) enum Nested {
    Fixed(Value),
    Text(Text),
    List(Vec<Nested>),
    Object(Vec<(Text, Nested)>),
}

/// What a request says beside its URL.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    pub(super) params: Map<String, Value>,
    pub(super) headers: Map<String, Value>,
    pub(super) form: Map<String, Value>,
    pub(super) json: Map<String, Value>,
}

/// Where a value goes in a request.
#[derive(Clone)]
pub(super) struct Place {
    into: Into,
    path: Vec<Text>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Into {
    Params,
    Headers,
    Form,
    Json,
}

#[derive(Clone)]
enum Body {
    None,
    Json(Nested),
    Form(Mapping),
    Plain(Text),
}

/// An `HttpRequester`.
pub(super) struct Requests {
    url: Text,
    path: Option<Text>,
    method: String,
    params: Mapping,
    headers: Mapping,
    body: Body,
    pub(super) agent: Arc<Agent>,
    pub(super) handler: Arc<Handler>,
}

impl Nested {
    pub(super) fn of(
        value: &Value,
        part: &Part<'_>,
        templates: &Templates,
        name: &str,
        names: Names<'_>,
    ) -> Result<Self> {
        Ok(match value {
            Value::String(text) => Self::Text(part.compile(templates, text, name, names)?),
            Value::Array(items) => {
                let items = items
                    .iter()
                    .map(|item| Self::of(item, part, templates, name, names));
                Self::List(items.collect::<Result<_>>()?)
            }
            Value::Object(members) => Self::Object(Mapping::members(members, part, templates, name, names)?),
            other => Self::Fixed(other.clone()),
        })
    }

    fn value(&self, scope: &Scope) -> Result<Option<Value>> {
        Ok(match self {
            Self::Fixed(value) => Some(value.clone()),
            Self::Text(text) => text.member(scope, |_| true)?,
            Self::List(items) => {
                let items = items
                    .iter()
                    .map(|item| Ok(item.value(scope)?.unwrap_or_default()));
                Some(Value::Array(items.collect::<Result<_>>()?))
            }
            Self::Object(members) => {
                let mut made = Map::new();
                for (name, value) in members {
                    if let Some(value) = value.value(scope)? {
                        made.insert(name.text(scope)?, value);
                    }
                }
                Some(Value::Object(made))
            }
        })
    }
}

impl Mapping {
    pub(super) fn of(part: &Part<'_>, templates: &Templates, name: &str, names: Names<'_>) -> Result<Self> {
        match part.get(name) {
            None => Ok(Self::default()),
            Some(Value::Object(members)) => Self::members(members, part, templates, name, names).map(Self),
            Some(Value::String(text)) if text.is_empty() => Ok(Self::default()),
            Some(_) => Err(part.refuse(name, "is taken as an object only")),
        }
    }

    fn members(
        members: &Map<String, Value>,
        part: &Part<'_>,
        templates: &Templates,
        name: &str,
        names: Names<'_>,
    ) -> Result<Vec<(Text, Nested)>> {
        let mut made = Vec::new();
        for (member, value) in members {
            let at = format!("{name}.{member}");
            if let Value::Object(inner) = value
                && inner.get("type").is_some_and(Value::is_string)
            {
                // A component, which is one that is refused if it has a name.
                Part::of(value, part.at(&at))?;
            }
            let key = part.compile(templates, member, name, names)?;
            made.push((key, Nested::of(value, part, templates, &at, names)?));
        }
        Ok(made)
    }

    /// The members; texts stay texts unless they are of these kinds.
    pub(super) fn value(&self, scope: &Scope, kinds: fn(&Value) -> bool) -> Result<Map<String, Value>> {
        let mut made = Map::new();
        for (name, value) in &self.0 {
            let value = match value {
                Nested::Text(text) => text.member(scope, kinds)?,
                other => other.value(scope)?,
            };
            if let Some(value) = value {
                made.insert(python::str(&name.value_of(scope, Value::is_string)?), value);
            }
        }
        Ok(made)
    }
}

impl Place {
    /// A `RequestOption`.
    pub(super) fn of(part: &Part<'_>, templates: &Templates) -> Result<Self> {
        let into = match part.str("inject_into") {
            Some("request_parameter") => Into::Params,
            Some("header") => Into::Headers,
            Some("body_data") => Into::Form,
            Some("body_json") => Into::Json,
            _ => {
                return Err(part.refuse(
                    "inject_into",
                    "is none of request_parameter, header, body_data and body_json",
                ));
            }
        };
        let path = match (part.text(templates, "field_name", &[])?, part.get("field_path")) {
            (Some(name), None) => vec![name],
            (None, Some(Value::Array(path))) if !path.is_empty() => {
                let path = path
                    .iter()
                    .map(|name| part.compile(templates, &python::str(name), "field_path", &[]));
                path.collect::<Result<_>>()?
            }
            _ => return Err(part.missing("field_name")),
        };
        if path.len() > 1 && into != Into::Json {
            return Err(part.refuse("field_path", "is for body_json"));
        }
        Ok(Self { into, path })
    }

    pub(super) fn put(&self, said: &mut Said, value: Value, scope: &Scope) -> Result<()> {
        let mut place = match self.into {
            Into::Params => &mut said.params,
            Into::Headers => &mut said.headers,
            Into::Form => &mut said.form,
            Into::Json => &mut said.json,
        };
        let (last, path) = self
            .path
            .split_last()
            .ok_or_else(|| Error::bug("a place without a name"))?;
        for name in path {
            let inner = place
                .entry(name.text(scope)?)
                .or_insert_with(|| Map::new().into());
            place = inner
                .as_object_mut()
                .ok_or_else(|| Error::config("field_path: a member on the way is no object"))?;
        }
        place.insert(last.text(scope)?, value);
        Ok(())
    }

    pub(super) fn is_in_body(&self) -> bool {
        matches!(self.into, Into::Form | Into::Json)
    }
}

impl Requests {
    pub(super) fn of(
        part: &Part<'_>,
        templates: &Templates,
        agent: Arc<Agent>,
        handler: Arc<Handler>,
        names: Names<'_>,
    ) -> Result<Self> {
        let url = match part.text(templates, "url", names)? {
            Some(url) => url,
            None => part
                .text(templates, "url_base", names)?
                .ok_or_else(|| part.missing("url"))?,
        };
        Ok(Self {
            url,
            path: part.text(templates, "path", names)?,
            method: part.str("http_method").unwrap_or("GET").to_ascii_uppercase(),
            params: Mapping::of(part, templates, "request_parameters", names)?,
            headers: Mapping::of(part, templates, "request_headers", names)?,
            body: body(part, templates, names)?,
            agent,
            handler,
        })
    }

    /// The request, and the client that sends it.
    pub(super) fn request(
        &self,
        scope: &Scope,
        mut said: Said,
        link: Option<&str>,
    ) -> Result<(Request, Client)> {
        self.agent.put_in_body(&mut said, scope)?;
        let texts: fn(&Value) -> bool = |value| value.is_string() || value.is_array();
        let base = self.url.text(scope)?;
        let path = match link {
            Some(link) => link.to_owned(),
            None => match &self.path {
                Some(path) => path.text(scope)?.trim_start_matches('/').to_owned(),
                None => String::new(),
            },
        };
        let url = joined(&base, &path)?;
        let mut params = self.params.value(scope, texts)?;
        params.append(&mut said.params);
        let mut request = Request::new(self.method.as_str(), with_params(url, &params)?);
        request.set_endpoint(self.path.as_ref().unwrap_or(&self.url).source());
        let mut headers = self.headers.value(scope, |_| true)?;
        headers.append(&mut said.headers);
        for (name, value) in &headers {
            request.set_header(name, python::str(value));
        }
        if matches!(&*self.method, "POST" | "PUT" | "PATCH") {
            self.put_body(&mut request, scope, said)?;
        }
        let client = self.agent.client(&base)?;
        Ok((request, client))
    }

    fn put_body(&self, request: &mut Request, scope: &Scope, said: Said) -> Result<()> {
        let texts: fn(&Value) -> bool = |value| value.is_string() || value.is_array();
        let (mut json, mut form) = (Map::new(), Map::new());
        match &self.body {
            Body::None => {}
            Body::Json(nested) => {
                if let Some(Value::Object(members)) = nested.value(scope)? {
                    json = members;
                }
            }
            Body::Form(mapping) => form = mapping.value(scope, texts)?,
            Body::Plain(text) => {
                let text = python::str(&text.value_of(scope, Value::is_string)?);
                if !text.is_empty() {
                    request.set_text(text);
                    return Ok(());
                }
            }
        }
        merge(&mut json, said.json);
        form.extend(said.form);
        if !json.is_empty() {
            request.set_json(Value::Object(json));
        } else if !form.is_empty() {
            let fields: Vec<(String, String)> = form
                .iter()
                .flat_map(|(name, value)| texts_of(name, value))
                .collect();
            request.set_form(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        }
        Ok(())
    }
}

fn body(part: &Part<'_>, templates: &Templates, names: Names<'_>) -> Result<Body> {
    if let Some(typed) = part.child("request_body")? {
        let value = typed.get("value").ok_or_else(|| typed.missing("value"))?;
        return Ok(match (typed.kind(), value) {
            ("RequestBodyPlainText", Value::String(text)) => {
                Body::Plain(typed.compile(templates, text, "value", names)?)
            }
            ("RequestBodyUrlEncodedForm", Value::Object(_)) => {
                Body::Form(Mapping::of(&typed, templates, "value", names)?)
            }
            ("RequestBodyJsonObject" | "RequestBodyGraphQL", Value::Object(_)) => {
                Body::Json(Nested::of(value, &typed, templates, "value", names)?)
            }
            _ => return Err(typed.refuse("value", "is not what its type says")),
        });
    }
    if let Some(json) = part.get("request_body_json") {
        return Nested::of(json, part, templates, "request_body_json", names).map(Body::Json);
    }
    match part.get("request_body_data") {
        None => Ok(Body::None),
        Some(Value::String(text)) => part
            .compile(templates, text, "request_body_data", names)
            .map(Body::Plain),
        Some(_) => Mapping::of(part, templates, "request_body_data", names).map(Body::Form),
    }
}

/// Objects in both are joined.
fn merge(target: &mut Map<String, Value>, source: Map<String, Value>) {
    for (name, value) in source {
        match (target.get_mut(&name), value) {
            (Some(Value::Object(known)), Value::Object(more)) => merge(known, more),
            (_, value) => {
                target.insert(name, value);
            }
        }
    }
}

/// As a browser does it, below the address.
fn joined(base: &str, path: &str) -> Result<String> {
    if path.is_empty() {
        return Ok(base.to_owned());
    }
    let slash = if base.ends_with('/') { "" } else { "/" };
    let whole = path.starts_with("http://") || path.starts_with("https://");
    // A colon in the first segment is no scheme.
    let colon = !whole
        && path
            .split(['/', '?'])
            .next()
            .is_some_and(|first| first.contains(':'));
    let path = if colon {
        format!("./{path}")
    } else {
        path.to_owned()
    };
    Request::resolve(&format!("{base}{slash}"), &path)
        .map_err(|error| Error::config(error.message().to_owned()))
}

/// The URL with parameters, but for those that it has with the same value.
fn with_params(url: String, params: &Map<String, Value>) -> Result<String> {
    let mut url = url;
    let known: Vec<String> = url.split_once('?').map_or_else(Vec::new, |(_, query)| {
        query.split('&').map(str::to_owned).collect()
    });
    for (name, value) in params {
        if value.is_object() {
            return Err(Error::config(format!(
                "the parameter {} is an object",
                melisma_sdk::show(name)
            )));
        }
        for (name, value) in texts_of(name, value) {
            let pair = format!("{}={}", encoded(&name), encoded(&value));
            let plain = format!("{name}={value}");
            if known.contains(&pair) || known.contains(&plain) {
                continue;
            }
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(&pair);
        }
    }
    Ok(url)
}

/// A value as texts of a query or form: a list is many.
fn texts_of(name: &str, value: &Value) -> Vec<(String, String)> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items
            .iter()
            .map(|item| (name.to_owned(), python::str(item)))
            .collect(),
        other => vec![(name.to_owned(), python::str(other))],
    }
}

fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut made, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            made.push(char::from(byte));
        } else {
            let _ = write!(made, "%{byte:02X}");
        }
        made
    })
}
