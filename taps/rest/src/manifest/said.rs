//! What a request says beside its URL, and where a value goes in it.

use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

use super::jinja::{Scope, Templates, Text};
use super::part::Part;
use crate::python;

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
