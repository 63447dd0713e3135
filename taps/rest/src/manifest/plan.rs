//! A stream of a manifest that is ready to be read, and how one slice of it is read: page by page.

use melisma_sdk::http::{Pending, Requester, Response};
use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

use super::cursor::{Cursor, Range};
use super::jinja::{self, Scope};
use super::pages::{Guard, Page, Paginator};
use super::records::Selector;
use super::request::Requests;
use super::routers::{Router, Slice};
use super::said::Said;
use crate::python;

/// A stream, ready to be read.
pub(super) struct Plan {
    pub(super) name: String,
    pub(super) schema: Value,
    pub(super) key: Vec<String>,
    pub(super) requests: Requests,
    pub(super) requester: Requester,
    pub(super) selector: Selector,
    pub(super) paginator: Paginator,
    pub(super) routers: Vec<Router>,
    pub(super) cursor: Option<Cursor>,
    /// Whether only first pages say which partition and window they are of.
    pub(super) slices_first_page_only: bool,
    pub(super) scope: Scope,
}

pub(super) type Record = Map<String, Value>;

/// What takes records.
pub(super) type Take<'t> = dyn FnMut(Vec<Record>) -> Result<()> + 't;

impl Plan {
    /// The windows that start from a bookmark; without a cursor there is one, of all.
    pub(super) fn range(&self, bookmark: Option<&Value>) -> Result<(Option<Range>, Vec<Record>)> {
        let Some(cursor) = &self.cursor else {
            return Ok((None, vec![Map::new()]));
        };
        let mut range = cursor.range(bookmark, &self.scope)?;
        let windows = std::mem::take(&mut range.windows);
        Ok((Some(range), windows))
    }

    /// Asks for the first page of a slice.
    pub(super) fn start(&self, slice: &Slice) -> Result<Pending> {
        self.ask(slice, &slice.scope(&self.scope), self.paginator.first().as_ref())
    }

    fn ask(&self, slice: &Slice, scope: &Scope, token: Option<&Value>) -> Result<Pending> {
        let mut said = Said::default();
        let link = self.paginator.put(&mut said, token, scope)?;
        if token.is_none() || !self.slices_first_page_only {
            for router in &self.routers {
                router.put(&mut said, slice, scope)?;
            }
            if let Some(cursor) = &self.cursor {
                cursor.put(&mut said, &slice.window, scope)?;
            }
        }
        let scope = match token {
            Some(token) => {
                let mut wrapped = Map::new();
                wrapped.insert("next_page_token".to_owned(), token.clone());
                scope
                    .clone()
                    .with("next_page_token", jinja::value(&Value::Object(wrapped)))
            }
            None => scope.clone(),
        };
        let (request, client) = self.requests.request(&scope, said, link.as_deref())?;
        Ok(self.requester.with_client(&client).start(request))
    }

    /// Reads all pages of a slice.
    pub(super) fn read(
        &self,
        slice: &Slice,
        range: Option<&Range>,
        first: Pending,
        take: &mut Take<'_>,
    ) -> Result<()> {
        let scope = slice.scope(&self.scope);
        let mut guard = Guard::default();
        let mut token = self.paginator.first();
        let mut pending = first;
        loop {
            let answer = pending.wait()?;
            if answer.status() >= 400 {
                // Ignored, and the last.
                log::info!("stream {}: an answer {} is ignored", self.name, answer.status());
                return Ok(());
            }
            let (body, mut records, extracted, fed) = self.page(&answer, &scope, range)?;
            let page = Page {
                answer: &answer,
                body: &body,
                extracted,
                last: records.last(),
                kept: records.len(),
            };
            let next = if fed {
                None
            } else {
                self.paginator.next(&page, token.as_ref(), &scope)?
            };
            let following = match &next {
                Some(next) => {
                    guard.check(next)?;
                    Some(self.ask(slice, &scope, Some(next))?)
                }
                None => None,
            };
            if let (Some(cursor), Some(range)) =
                (self.cursor.as_ref().filter(|cursor| cursor.data_feed), range)
            {
                records.retain(|record| range.has(cursor, record));
            }
            take(records)?;
            match following {
                Some(following) => (pending, token) = (following, next),
                None => return Ok(()),
            }
        }
    }

    /// A page: its body, its records, how many there were before any was filtered, and whether it is the last of a data feed.
    pub(super) fn page(
        &self,
        answer: &Response,
        scope: &Scope,
        range: Option<&Range>,
    ) -> Result<(Value, Vec<Record>, usize, bool)> {
        let empty = answer.body.iter().all(u8::is_ascii_whitespace);
        let body = if empty {
            Value::Object(Map::new())
        } else {
            answer.json()?
        };
        let found = self.selector.extract(body.clone(), scope)?;
        let extracted = found.len();
        let own = self.cursor.as_ref().zip(range);
        let fits = |record: &Map<String, Value>| match own {
            Some((cursor, range)) if cursor.client_side && !cursor.data_feed => range.has(cursor, record),
            _ => true,
        };
        let mut records = Vec::with_capacity(extracted);
        for value in found {
            let Value::Object(record) = value else {
                let kind = melisma_sdk::show(&python::str(&value));
                return Err(Error::input(format!("a record is no object: {kind}")));
            };
            records.extend(self.selector.select(record, scope, &self.schema, fits)?);
        }
        let fed = match (own, records.last()) {
            (Some((cursor, range)), Some(last)) => cursor.data_feed && !range.has(cursor, last),
            _ => false,
        };
        Ok((body, records, extracted, fed))
    }
}
