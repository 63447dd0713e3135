//! The requests of a stream: which page of which partition, since when.

use melisma_engine::{Error, Result};
use serde_json::{Map, Value};

use super::Node;
use crate::http::pages::{Place, Want};
use crate::http::request::{Body, Request};
use crate::http::since::{SINCE, UNTIL};
use crate::http::template::{Scope, Target};
use crate::http::url;

impl Node {
    /// The request for a page.
    pub(in crate::http) fn request(&self, scope: &Scope, want: &Want) -> Result<Request> {
        let mut scope = std::borrow::Cow::Borrowed(scope);
        if let (Want::Token(token), Some(name)) = (want, self.paging.placeholder()) {
            scope.to_mut().insert(name.to_owned(), token.clone());
        }
        let target = match want {
            Want::Url(url) => url.clone(),
            _ => self.url(&scope, want)?,
        };
        let mut request = Request::new(self.method.as_str(), target);
        request.endpoint.clone_from(&self.endpoint);
        for (name, template) in &self.headers {
            if let Some(value) = template.render(&scope, Target::Plain)? {
                request.set_header(name, value);
            }
        }
        if let Some(body) = &self.body {
            let body = body.value(&scope)?.unwrap_or_default();
            request.set_json(body);
        }
        if !self.form.is_empty() {
            let mut fields = Vec::new();
            for (name, value) in &self.form {
                fields.extend(
                    value
                        .value(&scope)?
                        .as_ref()
                        .and_then(text)
                        .map(|text| (name.clone(), text)),
                );
            }
            request.body = Body::Form(fields);
        }
        if let (Want::Token(token), Some(place)) = (want, &self.paging.place) {
            ask_for(&mut request, place, token)?;
        }
        Ok(request)
    }

    fn url(&self, scope: &Scope, want: &Want) -> Result<String> {
        let path = self.path.render(scope, Target::Url)?;
        let path =
            path.ok_or_else(|| Error::config(format!("{}: a placeholder has no value", self.endpoint)))?;
        let mut query: Vec<(&str, String)> = Vec::new();
        for (name, value) in &self.query {
            match value.value(scope)? {
                Some(Value::Array(items)) => {
                    query.extend(items.iter().filter_map(text).map(|text| (name.as_str(), text)));
                }
                value => query.extend(value.as_ref().and_then(text).map(|text| (name.as_str(), text))),
            }
        }
        if let Some((name, size)) = &self.paging.size
            && !name.is_empty()
        {
            query.push((name, size.to_string()));
        }
        if let Some(since) = &self.since {
            for (name, value) in [(&since.query, SINCE), (&since.until, UNTIL)] {
                if let (Some(name), Some(value)) = (name, scope.get(value).and_then(text)) {
                    query.push((name, value));
                }
            }
        }
        if let (Want::Token(token), Some(Place::Query(name))) = (want, &self.paging.place) {
            let token = text(token)
                .ok_or_else(|| Error::input("the token of the next page is no text and no number"))?;
            query.retain(|(known, _)| known != name);
            query.push((name, token));
        }
        let mut url = url::join(&self.client.base, &path);
        for (name, value) in &query {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(&url::encode(name));
            url.push('=');
            url.push_str(&url::encode(value));
        }
        Ok(url)
    }
}

/// Says elsewhere than in the URL which page is wanted.
fn ask_for(request: &mut Request, place: &Place, token: &Value) -> Result<()> {
    match place {
        Place::Header(name) => {
            let token = text(token).ok_or_else(|| Error::input("the token of the next page is no text"))?;
            request.set_header(name, token);
        }
        Place::Body(path) => {
            if let Body::Json(body) = &mut request.body {
                set_member(body, path, token.clone())
                    .ok_or_else(|| Error::config(format!("the body has no object at {path} for the page")))?;
            }
        }
        // In the URL already.
        Place::Query(_) | Place::Placeholder(_) => {}
    }
    Ok(())
}

/// The text of a value in a query, a header or a form.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// Sets `a.b.c` in an object, and makes the objects on the way.
fn set_member(body: &mut Value, path: &str, value: Value) -> Option<()> {
    let mut place = body;
    for name in path.split('.') {
        place = place
            .as_object_mut()?
            .entry(name)
            .or_insert_with(|| Map::new().into());
    }
    *place = value;
    Some(())
}
