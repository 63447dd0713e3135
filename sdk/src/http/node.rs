//! Reads a stream and its children.
//!
//! Requests are sent ahead of the writing: while the records of one page are written, the next page is on its way, and while
//! the children of one parent are read, the first pages of the next parents' children are. Records are written in the order
//! in which they would come one request after the other. Suppose that a page has the projects 1 to 20, that four requests
//! may be under way, and that the issues of 3 are written: then the issues of 4, 5 and 6 are asked for, or are there already.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use melisma_engine::{Error, Kind, Result};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::client::Client;
use super::json::{Json, Parser};
use super::judge::Rules;
use super::meter::Meter;
use super::pages::{Paginator, Paging, Place, Want};
use super::path::JsonPath;
use super::request::{Body, Request, Response};
use super::since::{SINCE, Since};
use super::template::{Filled, Scope, Target, Template};
use super::url;
use crate::secret;
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
    pub(super) records: JsonPath,
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

/// A page that is asked for.
enum Fetch {
    /// When its turn comes.
    Later(Request),
    /// A thread waits for it.
    Now(Receiver<Result<Response>>),
}

/// The first page of a child of one parent.
struct Ahead {
    scope: Scope,
    context: Scope,
    /// `None` when the child is not read.
    fetch: Option<Fetch>,
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

    fn read_whole(&self, output: &mut Output<'_>, mut scope: Scope) -> Result<()> {
        let bookmark = output.bookmark()?;
        self.set_since(&mut scope, bookmark)?;
        let fetch = Fetch::Later(self.request(&scope, &Paginator::new(&self.paging).first())?);
        self.read_pages(output, &scope, fetch)
    }

    /// Puts the bookmark where the requests find it.
    fn set_since(&self, scope: &mut Scope, bookmark: Option<Value>) -> Result<()> {
        scope.remove(SINCE);
        if let (Some(since), Some(bookmark)) = (&self.since, bookmark) {
            scope.insert(SINCE.to_owned(), since.value(&bookmark)?);
        }
        Ok(())
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
            let nodes = parser
                .parse(&mut body)
                .map_err(|error| error.in_stream(&self.name))?;
            let root = Json::root(&nodes);
            self.check_failure(root, &answer)?;
            let mut records = Vec::new();
            self.records.each(root, &mut |record| {
                records.push(record);
                Ok(())
            })?;
            let next = pages.next(&answer, root, records.len(), &self.client.base)?;
            let next = next.map(|want| self.request(scope, &want)).transpose()?;
            let next = next.map(|request| self.start(request));
            self.write(output, &records, scope, &added)?;
            match next {
                Some(next) => fetch = next,
                None => return Ok(()),
            }
            is_first = false;
        }
    }

    /// Fails when the answer says so, whatever its status.
    pub(super) fn check_failure(&self, root: Json<'_>, answer: &Response) -> Result<()> {
        let found = self.failure.as_ref().and_then(|path| path.first(root));
        let Some(found) = found.filter(|found| found.is_truthy()) else {
            return Ok(());
        };
        let said = found.as_str().or_else(|| found.get("message")?.as_str());
        let said = melisma_engine::error::show(&secret::mask(said.unwrap_or("it does not say why")));
        let url = url::shown(&answer.url);
        Err(Error::new(
            Kind::Unavailable,
            format!("{url}: the answer says that the request failed: {said}"),
        ))
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

    fn write(
        &self,
        output: &mut Output<'_>,
        records: &[Json<'_>],
        scope: &Scope,
        added: &[(&str, Value)],
    ) -> Result<()> {
        if self.children.is_empty() {
            for json in records {
                self.write_one(output, *json, added)?;
            }
            return output.checkpoint();
        }
        let reads: Vec<bool> = self
            .children
            .iter()
            .map(|child| output.reads_child(&child.name))
            .collect();
        let window = self.client.concurrency().saturating_sub(1) / self.children.len() + 1;
        let mut ahead: VecDeque<Vec<Ahead>> = VecDeque::new();
        let mut parents = records.iter();
        for json in records {
            while ahead.len() < window
                && let Some(parent) = parents.next()
            {
                ahead.push_back(self.ahead(output, *parent, scope, &reads)?);
            }
            self.write_one(output, *json, added)?;
            for (child, ahead) in self.children.iter().zip(ahead.pop_front().into_iter().flatten()) {
                child.read_for_parent(output, ahead)?;
            }
            output.checkpoint()?;
        }
        Ok(())
    }

    fn write_one(&self, output: &mut Output<'_>, json: Json<'_>, added: &[(&str, Value)]) -> Result<()> {
        if !json.is_object() {
            let (path, kind) = (self.records.as_str(), json.kind());
            return Err(Error::input(format!(
                "the records at {path} are to be objects, and one is {kind}"
            )));
        }
        let Some(map) = &self.map else {
            return output.record(&Record { json, added });
        };
        match self.mapped(&**map, json, added)? {
            Some(record) => output.record(&record),
            None => Ok(()),
        }
    }

    /// A record after [`RestStream::map`](super::RestStream::map).
    pub(super) fn mapped(
        &self,
        map: &(dyn Fn(Map<String, Value>) -> Result<Option<Value>> + Send + Sync),
        json: Json<'_>,
        added: &[(&str, Value)],
    ) -> Result<Option<Value>> {
        match serde_json::to_value(Record { json, added }) {
            Ok(Value::Object(record)) => map(record).map_err(|error| error.in_stream(&self.name)),
            _ => Ok(None),
        }
    }

    /// Asks for the first pages of a parent's children.
    fn ahead(
        &self,
        output: &Output<'_>,
        parent: Json<'_>,
        scope: &Scope,
        reads: &[bool],
    ) -> Result<Vec<Ahead>> {
        let children = self.children.iter().zip(reads);
        let ahead = children.map(|(child, reads)| {
            child
                .ahead_of(output, parent, scope, *reads)
                .map_err(|error| error.in_stream(&child.name))
        });
        ahead.collect()
    }

    /// What the children of this parent are found by.
    pub(super) fn context_of(&self, parent: Json<'_>, scope: &Scope) -> Result<Scope> {
        let mut context = scope.clone();
        context.remove(SINCE);
        for (name, path) in &self.context {
            let value = path.first(parent).filter(|value| !value.is_null());
            let value = value.ok_or_else(|| {
                Error::input(format!(
                    "a record of the parent has no {}, which {name} is taken from",
                    path.as_str()
                ))
            })?;
            context.insert(name.clone(), value.to_value());
        }
        Ok(context)
    }

    fn ahead_of(&self, output: &Output<'_>, parent: Json<'_>, scope: &Scope, reads: bool) -> Result<Ahead> {
        let context = self.context_of(parent, scope)?;
        let mut scope = context.clone();
        let bookmark = output.child_bookmark(&self.name, (!self.shared_bookmark).then_some(&context))?;
        self.set_since(&mut scope, bookmark)?;
        let fetch = if reads {
            Some(self.start(self.request(&scope, &Paginator::new(&self.paging).first())?))
        } else {
            None
        };
        Ok(Ahead {
            scope,
            context,
            fetch,
        })
    }

    fn read_for_parent(&self, output: &mut Output<'_>, ahead: Ahead) -> Result<()> {
        let Ahead {
            scope,
            context,
            fetch,
        } = ahead;
        let Some(fetch) = fetch else { return Ok(()) };
        let read = |output: &mut Output<'_>| self.read_pages(output, &scope, fetch);
        if self.shared_bookmark {
            output.child_with_one_bookmark(&self.name, read)
        } else {
            output.child(&self.name, &context, read)
        }
    }

    /// Sends a request at once, in a thread, unless one at a time is wanted.
    fn start(&self, request: Request) -> Fetch {
        if self.client.concurrency() == 1 {
            return Fetch::Later(request);
        }
        let (sender, receiver) = mpsc::sync_channel(1);
        let (client, meter, rules) = (
            self.client.clone(),
            Arc::clone(&self.meter),
            Arc::clone(&self.rules),
        );
        let later = request.clone();
        // When the run ends with an error, there is no receiver for the answer: the thread is left alone.
        let started = thread::Builder::new().name("request".to_owned()).spawn(move || {
            let _ = sender.send(client.ask(&request, &meter, &*rules));
        });
        started.map_or(Fetch::Later(later), |_| Fetch::Now(receiver))
    }

    fn receive(&self, fetch: Fetch) -> Result<Response> {
        match fetch {
            Fetch::Later(request) => self.client.ask(&request, &self.meter, &*self.rules),
            Fetch::Now(receiver) => receiver.recv().unwrap_or_else(|_| {
                self.client.stop().check()?;
                Err(Error::bug("the thread of a request died"))
            }),
        }
    }

    /// The request for a page.
    pub(super) fn request(&self, scope: &Scope, want: &Want) -> Result<Request> {
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
        if let Some(name) = self.since.as_ref().and_then(|since| since.query.as_deref())
            && let Some(since) = scope.get(SINCE).and_then(text)
        {
            query.push((name, since));
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

    /// The properties that are added to all records of these pages.
    pub(super) fn added(&self, scope: &Scope) -> Result<Vec<(&str, Value)>> {
        let pairs = self.add.iter().map(|(name, value)| {
            let value = value.value(scope)?.unwrap_or_default();
            Ok((name.as_str(), value))
        });
        pairs.collect()
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

/// A record with what is added to it.
pub(super) struct Record<'r> {
    pub(super) json: Json<'r>,
    pub(super) added: &'r [(&'r str, Value)],
}

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.added.is_empty() {
            return self.json.serialize(serializer);
        }
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.json.members() {
            if !self.added.iter().any(|(added, _)| *added == name) {
                map.serialize_entry(name, &value)?;
            }
        }
        for (name, value) in self.added {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
