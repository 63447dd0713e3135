//! The requests of a manifest's streams.

use std::sync::Arc;

use melisma_sdk::Result;
use melisma_sdk::http::{Client, Request};
use serde_json::{Map, Value};

use super::address::{joined, texts_of, with_params};
use super::agent::Agent;
use super::errors::Handler;
use super::jinja::{Names, Scope, Templates, Text};
use super::mapping::{Mapping, Nested};
use super::part::Part;
use super::said::Said;
use crate::python;

/// What expressions of a request can name.
pub(super) const REQUEST: Names<'static> = &[
    "next_page_token",
    "stream_interval",
    "stream_partition",
    "stream_slice",
];

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
