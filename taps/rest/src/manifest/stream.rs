//! Reads a stream of a manifest.
//!
//! Its partitions are read one after the other, each in windows of time where the cursor has them, each of those page by page.
//! The first requests of the next windows and partitions are under way while the records of one are written.

use std::collections::{HashSet, VecDeque};

use melisma_sdk::http::{Pending, Requester, Response};
use melisma_sdk::{Output, Result};
use serde_json::{Map, Value};

use super::cursor::{Cursor, Range};
use super::jinja::{self, Scope};
use super::pages::{Guard, Page, Paginator};
use super::records::Selector;
use super::request::{Requests, Said};
use super::routers::{Found, Reached, Router, Slice, product};
use super::slices::{Slices, unique};
use crate::python;

/// Where the state keeps how far the parents of an incremental stream are.
const PARENTS: &str = "parent_state";

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
type Take<'t> = dyn FnMut(Vec<Record>) -> Result<()> + 't;

/// What takes records as parents, with their partitions.
type TakeParent<'t> = dyn FnMut(Record, &Map<String, Value>) -> Result<()> + 't;

impl Plan {
    /// Writes the stream.
    pub(super) fn sync(&self, found: &Found, output: &mut Output<'_>) -> Result<()> {
        let synced = self.write(found, output);
        self.requester.finish();
        synced
    }

    fn write(&self, found: &Found, output: &mut Output<'_>) -> Result<()> {
        let incremental = output.replication_key().is_some();
        let cursor = self.cursor.as_ref().filter(|_| incremental);
        let depends = cursor.is_some() && self.depends();
        let mut reached = Reached::default();
        if depends {
            reached.before = output.kept(PARENTS)?.unwrap_or_default();
        }
        let partitions = unique(product(&self.routers, found, &mut reached)?);
        let apart = cursor.is_some_and(|cursor| !cursor.global) && !self.routers.is_empty();
        let shared: Option<Value> = if apart || cursor.is_none() {
            None
        } else {
            output.bookmark()?
        };
        let mut latest = shared.clone().filter(|_| cursor.is_some());
        let mut slices = Slices::of(self, &partitions, shared.as_ref());
        let mut ahead = VecDeque::new();
        let window = self.requester.concurrent();
        loop {
            while ahead.len() < window
                && let Some(next) = slices.next(output, apart)?
            {
                ahead.push_back(next);
            }
            let Some(next) = ahead.pop_front() else { break };
            if next.begins && apart {
                output.partition(&next.slice.partition)?;
                latest = output.bookmark()?;
            }
            let range = next.range.clone();
            self.read(&next.slice, range.as_deref(), next.pending, &mut |records| {
                for record in &records {
                    output.record(record)?;
                    if let Some(cursor) = cursor {
                        cursor.observe(record, &mut latest);
                    }
                }
                output.checkpoint()
            })?;
            if let (Some(latest), true) = (&latest, cursor.is_some() && (apart || self.routers.is_empty())) {
                output.set_bookmark(latest)?;
            }
            output.checkpoint()?;
        }
        if let (Some(latest), false) = (&latest, apart) {
            output.set_bookmark(latest)?;
        }
        if depends {
            output.keep(PARENTS, &reached.now)?;
        } else if apart {
            let known: HashSet<String> = partitions
                .iter()
                .map(|slice| Value::Object(slice.partition.clone()).to_string())
                .collect();
            output.retain_partitions(|context| known.contains(&context.to_string()));
        }
        Ok(())
    }

    /// Whether its parents are read from where the last run left them.
    fn depends(&self) -> bool {
        self.routers.iter().any(|router| match router {
            Router::List { .. } => false,
            Router::Parents(parents) => parents.iter().any(|parent| parent.incremental),
        })
    }

    /// Hands all records to who reads them as parents, with their partitions; returns the latest moment.
    pub(super) fn each_record(
        &self,
        found: &Found,
        bookmark: Option<&Value>,
        take: &mut TakeParent<'_>,
    ) -> Result<Option<Value>> {
        let partitions = unique(product(&self.routers, found, &mut Reached::default())?);
        let mut latest = bookmark.cloned();
        for partition in partitions {
            let (range, windows) = self.range(bookmark)?;
            for window in windows {
                let slice = Slice {
                    window,
                    ..partition.clone()
                };
                let pending = self.start(&slice)?;
                self.read(&slice, range.as_ref(), pending, &mut |records| {
                    for record in records {
                        if let Some(cursor) = &self.cursor {
                            cursor.observe(&record, &mut latest);
                        }
                        take(record, &slice.partition)?;
                    }
                    Ok(())
                })?;
            }
        }
        self.requester.finish();
        Ok(latest)
    }

    /// Some records, for a schema.
    pub(super) fn sample(&self, found: &Found, count: usize) -> Result<Vec<Value>> {
        let mut samples = Vec::new();
        let partitions = product(&self.routers, found, &mut Reached::default())?;
        for partition in partitions.into_iter().take(10) {
            let (range, windows) = self.range(None)?;
            // What is newest is most like what comes.
            for window in windows.into_iter().rev().take(3) {
                let slice = Slice {
                    window,
                    ..partition.clone()
                };
                let scope = slice.scope(&self.scope);
                let answer = self.start(&slice)?.wait()?;
                let (_, records, _, _) = self.page(&answer, &scope, range.as_ref())?;
                samples.extend(records.into_iter().map(Value::Object));
                if samples.len() >= count {
                    samples.truncate(count);
                    return Ok(samples);
                }
            }
        }
        Ok(samples)
    }

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
    fn read(&self, slice: &Slice, range: Option<&Range>, first: Pending, take: &mut Take<'_>) -> Result<()> {
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
    fn page(
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
                return Err(melisma_sdk::Error::input(format!(
                    "a record is no object: {kind}"
                )));
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
