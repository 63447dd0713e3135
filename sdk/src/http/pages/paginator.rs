//! Walks through pages, and never twice through the same.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use melisma_engine::error::show;
use melisma_engine::{Error, Result};
use serde_json::Value;

use super::OnEmpty;
use super::paging::{Compiled, Paging};
use crate::http::json::Json;
use crate::http::link;
use crate::http::request::Response;
use crate::http::url;

/// This many empty pages in a row are a source that never says that it has ended.
const EMPTY_PAGES: u32 = 1000;

/// What a request says of the page that it wants.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::http) enum Want {
    /// The first page of a style with tokens: nothing.
    First,
    /// A token or number.
    Token(Value),
    /// A whole URL.
    Url(String),
}

/// Walks through the pages of one stream, or of one partition of it.
pub(in crate::http) struct Paginator<'p> {
    paging: &'p Paging,
    seen: HashSet<u64>,
    hasher: RandomState,
    number: u64,
    pages: u64,
    empty_pages: u32,
}

impl<'p> Paginator<'p> {
    pub(in crate::http) fn new(paging: &'p Paging) -> Self {
        Self {
            paging,
            seen: HashSet::new(),
            hasher: RandomState::new(),
            number: paging.start,
            pages: 0,
            empty_pages: 0,
        }
    }

    /// What the first request wants.
    pub(in crate::http) fn first(&self) -> Want {
        match self.paging.style {
            Compiled::Number | Compiled::Offset => Want::Token(self.number.into()),
            _ => Want::First,
        }
    }

    /// What the request after this page wants; `None` after the last page.
    pub(in crate::http) fn next(
        &mut self,
        answer: &Response,
        root: Json<'_>,
        records: usize,
        base: &str,
    ) -> Result<Option<Want>> {
        self.pages += 1;
        let records = match &self.paging.counted {
            Some(path) => path.first(root).map_or(0, Json::len),
            None => records,
        };
        if records == 0 {
            self.empty_pages += 1;
            if self.paging.empty == OnEmpty::Stop {
                return Ok(None);
            }
            if self.empty_pages >= EMPTY_PAGES {
                return Err(Error::input(format!(
                    "{EMPTY_PAGES} empty pages in a row, each with a link to another"
                )));
            }
        } else {
            self.empty_pages = 0;
        }
        if let Some(more) = &self.paging.more
            && !more.first(root).is_some_and(Json::is_truthy)
        {
            return Ok(None);
        }
        let mut want = self.following(answer, root, records)?;
        if let (true, Some(Want::Url(url))) = (self.paging.own_origin, &mut want) {
            *url = url::at_origin(base, url);
        }
        if let Some(want) = &want {
            self.guard(want)?;
            if self.paging.max.is_some_and(|max| self.pages >= max) {
                log::warn!(
                    "there are more pages than the {} that are read at most",
                    self.pages
                );
                return Ok(None);
            }
        }
        Ok(want)
    }

    fn following(&mut self, answer: &Response, root: Json<'_>, records: usize) -> Result<Option<Want>> {
        let token = |text: &str| (!text.is_empty()).then(|| Want::Token(text.into()));
        match &self.paging.style {
            Compiled::None => Ok(None),
            Compiled::Link(relation) => {
                let found = answer
                    .all("link")
                    .and_then(|header| link::find(&header, relation));
                found
                    .map(|link| url::resolve(&answer.url, &link).map(Want::Url))
                    .transpose()
            }
            Compiled::NextUrl(path) => {
                let found = path
                    .first(root)
                    .and_then(Json::as_str)
                    .filter(|link| !link.is_empty());
                // A query alone is none without its question mark.
                let link = |link: &str| match link.find(['?', '/', '=']) {
                    Some(at) if link[at..].starts_with('=') => url::resolve(&answer.url, &format!("?{link}")),
                    _ => url::resolve(&answer.url, link),
                };
                found.map(|found| link(found).map(Want::Url)).transpose()
            }
            Compiled::Cursor(path) => {
                let found = path.first(root).filter(|token| token.is_truthy());
                Ok(found.map(|token| Want::Token(token.to_value())))
            }
            Compiled::CursorHeader(name) => Ok(answer.header(name).and_then(token)),
            Compiled::Number => {
                self.number += 1;
                Ok(self.counted(root, records, self.number - self.paging.start))
            }
            Compiled::Offset => {
                let step = self
                    .paging
                    .size
                    .as_ref()
                    .map_or(records as u64, |(_, size)| *size);
                // A server that sends less than it was asked for would otherwise have records skipped.
                let short = (records as u64) < step && !self.paging.short_page_ends && records > 0;
                self.number += if short { records as u64 } else { step };
                Ok(self.counted(root, records, self.number - self.paging.start))
            }
        }
    }

    /// The next number, unless `read` pages or records are all.
    fn counted(&self, root: Json<'_>, records: usize, read: u64) -> Option<Want> {
        let size = self.paging.size.as_ref().map(|(_, size)| *size);
        if self.paging.short_page_ends && size.is_some_and(|size| (records as u64) < size) {
            return None;
        }
        let total = self
            .paging
            .total
            .as_ref()
            .and_then(|path| path.first(root)?.as_u64());
        if total.is_some_and(|total| read >= total) {
            return None;
        }
        Some(Want::Token(self.number.into()))
    }

    /// Fails when the same page is wanted a second time, be it the last one or one long before.
    fn guard(&mut self, want: &Want) -> Result<()> {
        let text = match want {
            Want::First => return Ok(()),
            Want::Token(token) => token.to_string(),
            Want::Url(url) => url.clone(),
        };
        if self.seen.insert(self.hasher.hash_one(&text)) {
            return Ok(());
        }
        let shown = show(url::shown(&text));
        Err(Error::input(format!(
            "the source names a next page for the second time ({shown}), and so would never end"
        )))
    }
}
