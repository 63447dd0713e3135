//! How the pages of a manifest's streams follow each other.

use std::collections::HashSet;

use melisma_sdk::http::Response;
use melisma_sdk::{Error, Result};
use minijinja::value::Value as Jinja;
use serde_json::{Map, Value};

use super::headers::headers;
use super::jinja::{self, Names, Scope, Templates, Text};
use super::part::Part;
use super::said::{Place, Said};

const PAGE: Names<'static> = &[
    "headers",
    "last_page_size",
    "last_record",
    "page_size",
    "response",
    "stream_interval",
    "stream_partition",
    "stream_slice",
];

/// A paginator.
#[derive(Default)]
pub(super) struct Paginator {
    strategy: Strategy,
    token: Option<Token>,
    size: Option<(Place, Value)>,
}

#[derive(Default)]
enum Strategy {
    #[default]
    None,
    Cursor {
        value: Text,
        stop: Option<Text>,
        size: Option<u64>,
    },
    Page {
        first: i64,
        at_once: bool,
        size: Option<u64>,
    },
    Offset {
        at_once: bool,
        size: Option<Text>,
    },
}

enum Token {
    /// The token is a URL or path.
    Path,
    At(Place),
}

/// A page that was read.
pub(super) struct Page<'p> {
    pub(super) answer: &'p Response,
    pub(super) body: &'p Value,
    /// The records before any was filtered.
    pub(super) extracted: usize,
    pub(super) last: Option<&'p Map<String, Value>>,
    pub(super) kept: usize,
}

impl Paginator {
    pub(super) fn of(part: Option<&Part<'_>>, templates: &Templates, scope: &Scope) -> Result<Self> {
        let Some(part) = part.filter(|part| part.kind() == "DefaultPaginator") else {
            return Ok(Self::default());
        };
        let strategy = part.needed("pagination_strategy")?;
        let size = strategy.text(templates, "page_size", &["response"])?;
        let fixed = || {
            let size = size.as_ref().map(|size| {
                size.value(
                    &scope
                        .clone()
                        .with("response", jinja::value(&Value::Object(Map::new()))),
                )
            });
            let whole = |size: Value| {
                size.as_u64()
                    .ok_or_else(|| strategy.refuse("page_size", "is no whole number"))
            };
            size.transpose()?.map(whole).transpose()
        };
        let at_once = strategy.flag("inject_on_first_request");
        let token = match part.child("page_token_option")? {
            None => None,
            Some(token) if token.kind() == "RequestPath" => Some(Token::Path),
            Some(token) => Some(Token::At(Place::of(&token, templates)?)),
        };
        let place = part
            .child("page_size_option")?
            .map(|place| Place::of(&place, templates))
            .transpose()?;
        let sent = match place {
            None => None,
            Some(place) => {
                let size = fixed()?.ok_or_else(|| strategy.missing("page_size"))?;
                Some((place, size.into()))
            }
        };
        let strategy = match strategy.kind() {
            "CursorPagination" => Strategy::Cursor {
                value: strategy
                    .text(templates, "cursor_value", PAGE)?
                    .ok_or_else(|| strategy.missing("cursor_value"))?,
                stop: strategy.text(templates, "stop_condition", PAGE)?,
                size: fixed()?,
            },
            "PageIncrement" => Strategy::Page {
                first: strategy
                    .get("start_from_page")
                    .and_then(Value::as_i64)
                    .unwrap_or(0),
                at_once,
                size: fixed()?,
            },
            "OffsetIncrement" => Strategy::Offset { at_once, size },
            _ => return Err(part.refuse("pagination_strategy", "is none")),
        };
        Ok(Self {
            strategy,
            token,
            size: sent,
        })
    }

    /// The token of the first request.
    pub(super) fn first(&self) -> Option<Value> {
        match self.strategy {
            Strategy::Page {
                first, at_once: true, ..
            } => Some(first.into()),
            Strategy::Offset { at_once: true, .. } => Some(0.into()),
            _ => None,
        }
    }

    /// Puts the token and the size into a request; returns the path that the token is.
    pub(super) fn put(
        &self,
        said: &mut Said,
        token: Option<&Value>,
        scope: &Scope,
    ) -> Result<Option<String>> {
        if let Some((place, size)) = &self.size {
            place.put(said, size.clone(), scope)?;
        }
        match (&self.token, token) {
            (Some(Token::At(place)), Some(token)) => {
                place.put(said, token.clone(), scope)?;
                Ok(None)
            }
            (Some(Token::Path), Some(token)) => Ok(Some(crate::python::str(token))),
            _ => Ok(None),
        }
    }

    /// The token of the page after this one.
    pub(super) fn next(
        &self,
        page: &Page<'_>,
        token: Option<&Value>,
        scope: &Scope,
    ) -> Result<Option<Value>> {
        let seen = || {
            // Of a list, the first item stands for it.
            let empty = Value::Object(Map::new());
            let body = match page.body {
                Value::Array(items) => items.first().unwrap_or(&empty),
                body => body,
            };
            scope
                .clone()
                .with("response", jinja::value(body))
                .with("headers", headers(page.answer))
                .with("last_page_size", page.kept.into())
                .with(
                    "last_record",
                    page.last
                        .map_or(Jinja::from(()), |last| jinja::value(&Value::Object(last.clone()))),
                )
        };
        let more =
            |size: Option<u64>| page.extracted > 0 && size.is_none_or(|size| page.extracted as u64 >= size);
        Ok(match &self.strategy {
            Strategy::None => None,
            Strategy::Cursor { value, stop, size } => {
                let scope = seen().with("page_size", size.map_or(Jinja::from(()), Jinja::from));
                if let Some(stop) = stop
                    && stop.is_true(&scope)?
                {
                    return Ok(None);
                }
                Some(value.value(&scope)?).filter(jinja::python_truth)
            }
            Strategy::Page { first, size, .. } => {
                let last = token.and_then(Value::as_i64).unwrap_or(*first);
                more(*size).then(|| (last + 1).into())
            }
            Strategy::Offset { size, .. } => {
                let size = size.as_ref().map(|size| size.value(&seen())).transpose()?;
                let last = token.and_then(Value::as_u64).unwrap_or(0);
                more(size.and_then(|size| size.as_u64())).then(|| (last + page.extracted as u64).into())
            }
        })
    }
}

/// Fails when a token comes a second time: the same pages would come forever.
#[derive(Default)]
pub(super) struct Guard(HashSet<String>);

impl Guard {
    pub(super) fn check(&mut self, token: &Value) -> Result<()> {
        if self.0.insert(token.to_string()) {
            return Ok(());
        }
        let shown = crate::python::str(token);
        let shown = melisma_sdk::show(shown.split('?').next().unwrap_or_default());
        Err(Error::input(format!(
            "the source names a next page for the second time ({shown}), and so would never end"
        )))
    }
}
