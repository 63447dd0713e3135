//! A stream that is read from an API: what its requests are, and where its records are found.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use melisma_engine::{Error, Result};
use serde_json::{Map, Value, json};

use super::client::Client;
use super::judge::{OnStatus, Rules};
use super::meter::Meter;
use super::node::{MapRecord, Node};
use super::pages::{Pages, Paging, Place};
use super::path::JsonPath;
use super::since::{SINCE, Since};
use super::template::{Filled, Template};
use crate::tap::Stream;

/// A stream that is read from an API, page by page.
///
/// ```
/// use melisma_sdk::http::{Client, Pages};
/// use melisma_sdk::{Context, Record, Result, Stream, Tap};
///
/// #[derive(Record)]
/// struct Ticket {
///     id: i64,
///     updated_at: String,
/// }
///
/// # fn streams(client: &Client) -> Result<Stream<'static>> {
/// let tickets = Stream::of::<Ticket>("tickets").key(["id"]).replication_key("updated_at");
/// client
///     .get("/tickets", tickets)
///     .query("include", "tags")
///     .records("$.tickets[*]")
///     .pages(Pages::next_url("$.links.next"))
///     .since("updated_since")
///     .stream()
/// # }
/// ```
///
/// The path, the values of the query and of the headers, and the texts of the body may have placeholders: `{name}` for what
/// [`from_parent`](Self::from_parent) and [`partitions`](Self::partitions) name, and `{since}` for the bookmark.
pub struct RestStream<'t> {
    client: Client,
    stream: Stream<'t>,
    method: String,
    path: String,
    query: Vec<(String, Value)>,
    headers: Vec<(String, String)>,
    body: Option<Value>,
    form: Vec<(String, Value)>,
    records: String,
    pages: Option<Pages>,
    since: Option<Since>,
    context: Vec<(String, String)>,
    partitions: Vec<Map<String, Value>>,
    add: Vec<(String, Value)>,
    map: Option<MapRecord>,
    rules: Vec<(u16, OnStatus)>,
    failure: Option<String>,
    shared_bookmark: bool,
    children: Vec<RestStream<'t>>,
}

impl Client {
    /// A stream whose records are read by GET from this path.
    pub fn get<'t>(&self, path: impl Into<String>, stream: Stream<'t>) -> RestStream<'t> {
        self.request("GET", path, stream)
    }

    /// A stream whose records are read by POST from this path.
    pub fn post<'t>(&self, path: impl Into<String>, stream: Stream<'t>) -> RestStream<'t> {
        self.request("POST", path, stream)
    }

    /// A stream whose records are read by another method.
    pub fn request<'t>(
        &self,
        method: impl Into<String>,
        path: impl Into<String>,
        stream: Stream<'t>,
    ) -> RestStream<'t> {
        RestStream {
            client: self.clone(),
            stream,
            method: method.into(),
            path: path.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            form: Vec::new(),
            records: "$[*]".to_owned(),
            pages: None,
            since: None,
            context: Vec::new(),
            partitions: Vec::new(),
            add: Vec::new(),
            map: None,
            rules: Vec::new(),
            failure: None,
            shared_bookmark: false,
            children: Vec::new(),
        }
    }
}

impl<'t> RestStream<'t> {
    /// A parameter in the query of the first page; it takes the place of the client's parameter of that name.
    #[must_use]
    pub fn query(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// A header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sends this JSON with each request.
    #[must_use]
    pub fn json(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// Sends this field of a form with each request.
    #[must_use]
    pub fn form(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.form.push((name.into(), value.into()));
        self
    }

    /// Sends a GraphQL query and its variables. An answer with errors is a failure. The variable of a [`Pages::cursor`] is at
    /// `Place::Body("variables.after".into())`.
    #[must_use]
    pub fn graphql(self, query: &str, variables: &Value) -> Self {
        // The query's own braces are no placeholders.
        let query = query.replace('{', "{{").replace('}', "}}");
        self.json(json!({"query": query, "variables": variables}))
            .fails_when("$.errors[0]")
    }

    /// Where the records are: `$[*]` if not set, the items of a list.
    #[must_use]
    pub fn records(mut self, path: impl Into<String>) -> Self {
        self.records = path.into();
        self
    }

    /// How the pages follow each other; if not set, as the client says.
    #[must_use]
    pub fn pages(mut self, pages: Pages) -> Self {
        self.pages = Some(pages);
        self
    }

    /// Asks only for what is new since the bookmark; if not set, as the client says.
    #[must_use]
    pub fn since(mut self, since: impl Into<Since>) -> Self {
        self.since = Some(since.into());
        self
    }

    /// Reads this stream for each record of its parent, and gives a value of the parent's record a name: the placeholder
    /// `{name}`, a property of the records when the schema has it, and a part of the context that the bookmark is kept for.
    /// `path` is where the value is in the parent's record: `id`, `owner.login`.
    ///
    /// A parent for which the server answers 404, since it is gone by now, is skipped and counted.
    #[must_use]
    pub fn from_parent(mut self, name: impl Into<String>, path: impl Into<String>) -> Self {
        self.context.push((name.into(), path.into()));
        self
    }

    /// Reads the stream once for each of these, each with a bookmark of its own. Their members are placeholders, and
    /// properties of the records when the schema has them.
    #[must_use]
    pub fn partitions(mut self, partitions: impl IntoIterator<Item = Map<String, Value>>) -> Self {
        self.partitions = partitions.into_iter().collect();
        self
    }

    /// Keeps one bookmark for the records of all parents instead of one for each, which the state has no room for when there
    /// are very many. It moves when all are read.
    #[must_use]
    pub fn shared_bookmark(mut self) -> Self {
        self.shared_bookmark = true;
        self
    }

    /// Adds a property to each record; a text may have placeholders.
    #[must_use]
    pub fn add(mut self, property: impl Into<String>, value: impl Into<Value>) -> Self {
        self.add.push((property.into(), value.into()));
        self
    }

    /// Changes each record, after what is [added](Self::add); `None` leaves it out. This costs more than a record that is
    /// written as it came.
    #[must_use]
    pub fn map(
        mut self,
        change: impl Fn(Map<String, Value>) -> Result<Option<Value>> + Send + Sync + 'static,
    ) -> Self {
        self.map = Some(Box::new(change));
        self
    }

    /// An answer that has something at this JSON path says that the request failed, though its status is 200: the run ends
    /// with the text, or the member `message`, that is there.
    #[must_use]
    pub fn fails_when(mut self, path: impl Into<String>) -> Self {
        self.failure = Some(path.into());
        self
    }

    /// What is done when the server answers with this status.
    #[must_use]
    pub fn on_status(mut self, status: u16, what: OnStatus) -> Self {
        self.rules.push((status, what));
        self
    }

    /// Adds a stream that is read for each record of this one: see [`from_parent`](Self::from_parent).
    #[must_use]
    pub fn child(mut self, child: RestStream<'t>) -> Self {
        self.children.push(child);
        self
    }

    /// The stream as a tap discovers it. Mistakes in paths and placeholders are errors here.
    pub fn stream(self) -> Result<Stream<'t>> {
        if !self.context.is_empty() {
            let message = "it takes values from a parent, and is no child of another stream";
            return Err(Error::config(message).in_stream(self.stream.name()));
        }
        let (stream, node) = self.compile(&[])?;
        Ok(stream.sync(move |output| node.read(output)))
    }

    /// The stream without what reads it, and that. `inherited` are the placeholders of its parents.
    pub(super) fn compile(self, inherited: &[String]) -> Result<(Stream<'t>, Node)> {
        let name = self.stream.name().to_owned();
        self.compiled(inherited).map_err(|error| error.in_stream(&name))
    }

    fn compiled(mut self, inherited: &[String]) -> Result<(Stream<'t>, Node)> {
        let mut query = self.client.query.clone();
        for (name, value) in std::mem::take(&mut self.query) {
            query.retain(|(known, _)| *known != name);
            query.push((name, value));
        }
        let filled = |pairs: Vec<(String, Value)>| {
            let pair = |(name, value): (String, Value)| Ok((name, Filled::compile(&value)?));
            pairs.into_iter().map(pair).collect::<Result<Vec<_>>>()
        };
        let headers = self
            .headers
            .iter()
            .map(|(name, text)| Ok((name.clone(), Template::compile(text)?)));
        let context = self
            .context
            .iter()
            .map(|(name, path)| Ok((name.clone(), JsonPath::compile(path)?)));
        let mut rules = self.rules;
        if !self.context.is_empty() && !rules.iter().any(|(status, _)| *status == 404) {
            rules.push((404, OnStatus::Skip));
        }
        let mut node = Node {
            name: self.stream.name().into(),
            method: self.method,
            path: Template::compile(&self.path)?,
            endpoint: self.path,
            query: filled(query)?,
            headers: headers.collect::<Result<_>>()?,
            body: self.body.as_ref().map(Filled::compile).transpose()?,
            form: filled(self.form)?,
            records: JsonPath::compile(&self.records)?,
            map: self.map,
            paging: Paging::compile(self.pages.as_ref().unwrap_or(&self.client.pages))?,
            since: self.since.or_else(|| self.client.since.clone()),
            client: self.client,
            context: context.collect::<Result<_>>()?,
            partitions: self.partitions,
            add: filled(self.add)?,
            rules: Arc::new(Rules(rules)),
            failure: self.failure.as_deref().map(JsonPath::compile).transpose()?,
            shared_bookmark: self.shared_bookmark,
            meter: Arc::new(Meter::new(self.stream.name())),
            skipped: AtomicU64::new(0),
            children: Vec::new(),
        };
        let known = node.placeholders(inherited);
        node.check(&known)?;
        node.add_properties(&known, self.stream.schema())?;
        let mut stream = self.stream;
        if node.shared_bookmark {
            stream = stream.unsorted();
        }
        let inherited: Vec<String> = known.into_iter().filter(|name| *name != SINCE).collect();
        for child in self.children {
            if child.context.is_empty() {
                let message = "a child stream takes at least one value from its parent (from_parent)";
                return Err(Error::config(message).in_stream(child.stream.name()));
            }
            if !child.partitions.is_empty() {
                let message = "a child stream has a partition for each parent, and no others";
                return Err(Error::config(message).in_stream(child.stream.name()));
            }
            let (child, below) = child.compile(&inherited)?;
            stream = stream.child(child);
            node.children.push(below);
        }
        Ok((stream, node))
    }
}

impl Node {
    /// The placeholders that this stream's requests may have.
    fn placeholders(&self, inherited: &[String]) -> Vec<String> {
        let mut known = inherited.to_vec();
        known.extend(self.context.iter().map(|(name, _)| name.clone()));
        known.extend(
            self.partitions
                .iter()
                .flat_map(|partition| partition.keys().cloned()),
        );
        if self.since.is_some() {
            known.push(SINCE.to_owned());
        }
        known.sort();
        known.dedup();
        known
    }

    fn check(&self, known: &[String]) -> Result<()> {
        let page = self.paging.placeholder();
        let names: Vec<&str> = known.iter().map(String::as_str).chain(page).collect();
        let in_values = |pairs: &[(String, Filled)]| -> Result<()> {
            let mut templates = pairs.iter().flat_map(|(_, filled)| filled.templates());
            templates.try_for_each(|template| template.check(&names))
        };
        self.path.check(&names)?;
        in_values(&self.query)?;
        in_values(&self.form)?;
        self.headers
            .iter()
            .try_for_each(|(_, template)| template.check(&names))?;
        self.body
            .iter()
            .flat_map(Filled::templates)
            .try_for_each(|template| template.check(&names))?;
        if matches!(self.paging.place, Some(Place::Body(_))) && self.body.is_none() {
            return Err(Error::config(
                "the pages are asked for in the body, and there is no JSON body",
            ));
        }
        if self.body.is_some() && !self.form.is_empty() {
            return Err(Error::config("a request has a JSON body or a form, and not both"));
        }
        let constants: Vec<&str> = known
            .iter()
            .map(String::as_str)
            .filter(|name| *name != SINCE)
            .collect();
        let added = self.add.iter().flat_map(|(_, filled)| filled.templates());
        added
            .into_iter()
            .try_for_each(|template| template.check(&constants))
    }

    /// What names a partition is a property of its records, when the schema has it.
    fn add_properties(&mut self, known: &[String], schema: &Value) -> Result<()> {
        let properties = schema.get("properties").and_then(Value::as_object);
        for name in known.iter().filter(|name| *name != SINCE) {
            let has = properties.is_some_and(|properties| properties.contains_key(name));
            if has && !self.add.iter().any(|(property, _)| property == name) {
                let template = Value::from(format!("{{{name}}}"));
                self.add.push((name.clone(), Filled::compile(&template)?));
            }
        }
        Ok(())
    }
}
