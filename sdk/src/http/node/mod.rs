//! Reads a stream and its children.
//!
//! Requests are sent ahead of the writing: while the records of one page are written, the next page is on its way, and while
//! the children of one parent are read, the first pages of the next parents' children are. Records are written in the order
//! in which they would come one request after the other. Suppose that a page has the projects 1 to 20, that four requests
//! may be under way, and that the issues of 3 are written: then the issues of 4, 5 and 6 are asked for, or are there already.

mod ask;
mod children;
mod fetch;
mod page;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use melisma_engine::{Error, Kind, Result};
use serde_json::{Map, Value};

use self::fetch::Fetch;
use super::client::Client;
use super::filter::Condition;
use super::format::Format;
use super::json::{Json, Parser};
use super::judge::Rules;
use super::meter::Meter;
use super::pages::{Paginator, Paging};
use super::path::JsonPath;
use super::record::View;
use super::request::Response;
use super::since::Since;
use super::template::{Filled, Scope, Template};
use super::url;
use super::window::{Windows, windows};
use crate::tap::Output;

/// The bookmarks of partitions that are kept at most, apart from those that a run has read: the state is written often.
const PARTITIONS: usize = 10_000;

/// Changes a record, or leaves it out.
pub(super) type MapRecord = Box<dyn Fn(Map<String, Value>) -> Result<Option<Value>> + Send + Sync>;

/// A stream, ready to be read.
pub(super) struct Node {
    pub(super) name: Box<str>,
    pub(super) client: Client,
    pub(super) method: String,
    pub(super) path: Template,
    pub(super) endpoint: String,
    pub(super) query: Vec<(String, Filled)>,
    pub(super) headers: Vec<(String, Template)>,
    pub(super) body: Option<Filled>,
    pub(super) form: Vec<(String, Filled)>,
    pub(super) format: Format,
    pub(super) records: JsonPath,
    pub(super) conditions: Vec<Condition>,
    pub(super) view: View,
    pub(super) paging: Paging,
    pub(super) since: Option<Since>,
    pub(super) context: Vec<(String, JsonPath)>,
    pub(super) partitions: Vec<Scope>,
    pub(super) add: Vec<(String, Filled)>,
    pub(super) map: Option<MapRecord>,
    pub(super) rules: Arc<Rules>,
    /// Where an answer says that the request failed.
    pub(super) failure: Option<JsonPath>,
    pub(super) shared_bookmark: bool,
    pub(super) meter: Arc<Meter>,
    /// Parents that are gone.
    pub(super) skipped: AtomicU64,
    pub(super) children: Vec<Node>,
}

impl Node {
    /// Reads the stream, its partitions and its children.
    pub(super) fn read(&self, output: &mut Output<'_>) -> Result<()> {
        let done = self.read_partitions(output);
        self.finish();
        done?;
        self.forget_parents(output, self.since.is_some() && output.replication_key().is_some());
        Ok(())
    }

    /// Forgets the bookmarks for parents that are gone; where only the changed parents were read, those of the oldest, when
    /// there are very many. Nothing is lost: a forgotten partition is read from its start.
    fn forget_parents(&self, output: &mut Output<'_>, some: bool) {
        for child in &self.children {
            if !child.shared_bookmark {
                output.limit_child_partitions(&child.name, if some { PARTITIONS } else { 0 });
            }
            child.forget_parents(output, some || child.since.is_some());
        }
    }

    fn read_partitions(&self, output: &mut Output<'_>) -> Result<()> {
        if self.partitions.is_empty() {
            return self.read_whole(output, Scope::new());
        }
        for partition in &self.partitions {
            output.partition(partition)?;
            self.read_whole(output, partition.clone())?;
        }
        let wanted = |context: &Value| {
            self.partitions
                .iter()
                .any(|partition| context.as_object() == Some(partition))
        };
        output.retain_partitions(wanted);
        Ok(())
    }

    fn read_whole(&self, output: &mut Output<'_>, scope: Scope) -> Result<()> {
        let bookmark = output.bookmark()?;
        let mut windows = self.windows(scope, bookmark, output.start_date())?;
        let Some(first) = windows.next().transpose()? else {
            return Ok(());
        };
        let request = self.request(&first.scope, &Paginator::new(&self.paging).first())?;
        self.read_windows(output, first, windows, Fetch::Later(request))
    }

    /// The windows of time that the stream is read in from this bookmark: without `since.step` there is one.
    fn windows(&self, scope: Scope, bookmark: Option<Value>, start_date: Option<Value>) -> Result<Windows> {
        windows(
            self.since.as_ref(),
            scope,
            bookmark,
            start_date,
            self.client.now(),
        )
    }

    /// Reads all windows, of which the first is asked for.
    fn read_windows(
        &self,
        output: &mut Output<'_>,
        first: super::window::Window,
        mut windows: Windows,
        fetch: Fetch,
    ) -> Result<()> {
        let (mut window, mut fetch) = (first, fetch);
        loop {
            let next = match windows.next().transpose()? {
                Some(next) => {
                    let request = self.request(&next.scope, &Paginator::new(&self.paging).first())?;
                    Some((next, self.start(request)))
                }
                None => None,
            };
            self.read_pages(output, &window.scope, fetch)?;
            if let Some(end) = window.end.as_ref().filter(|_| !self.shared_bookmark) {
                output.complete_until(end)?;
                output.checkpoint()?;
            }
            match next {
                Some((next, asked)) => (window, fetch) = (next, asked),
                None => return Ok(()),
            }
        }
    }

    /// Reads all pages, of which the first is asked for.
    fn read_pages(&self, output: &mut Output<'_>, scope: &Scope, first: Fetch) -> Result<()> {
        let mut pages = Paginator::new(&self.paging);
        let mut parser = Parser::default();
        let mut fetch = first;
        let mut is_first = true;
        let added = self.added(scope)?;
        loop {
            let mut answer = self.receive(fetch)?;
            if !(200..300).contains(&answer.status) {
                return self.skip(&answer, is_first);
            }
            let mut body = std::mem::take(&mut answer.body);
            let nodes = self.parse(&mut parser, &mut body, &answer)?;
            if self.rules.skips(Json::root(&nodes)) {
                return self.skip(&answer, is_first);
            }
            let (root, mut records) = self.records_of(&nodes, &answer)?;
            let next = pages.next(&answer, root, records.len(), &self.client.base)?;
            let next = next.map(|want| self.request(scope, &want)).transpose()?;
            let next = next.map(|request| self.start(request));
            records.retain(|record| self.keeps(*record));
            self.write(output, &records, scope, &added)?;
            match next {
                Some(next) => fetch = next,
                None => return Ok(()),
            }
            is_first = false;
        }
    }

    /// An answer that a rule says to skip. In the middle of a stream it would be a loss.
    fn skip(&self, answer: &Response, is_first: bool) -> Result<()> {
        if !is_first {
            let (status, url) = (answer.status, url::shown(&answer.url));
            return Err(Error::new(
                Kind::Unavailable,
                format!("{url}: {status} after other pages of the same list"),
            ));
        }
        self.skipped.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Logs the counts of this stream and of its children.
    fn finish(&self) {
        self.meter.finish();
        let skipped = self.skipped.swap(0, Ordering::Relaxed);
        if skipped > 0 {
            let stream = &*self.name;
            log::warn!(
                stream_name = stream;
                "stream {stream}: {skipped} requests were answered with a status that is skipped, because what they ask for is \
                 gone"
            );
        }
        self.children.iter().for_each(Node::finish);
    }
}
