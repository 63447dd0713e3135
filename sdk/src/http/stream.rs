//! A stream that is read from an API: what its requests are, and where its records are found.

use melisma_engine::{Error, Result};
use serde_json::{Map, Value, json};

use super::client::Client;
use super::filter::{Comparison, Condition};
use super::format::Format;
use super::judge::OnStatus;
use super::node::MapRecord;
use super::pages::Pages;
use super::since::Since;
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
    pub(super) client: Client,
    pub(super) stream: Stream<'t>,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: Vec<(String, Value)>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<Value>,
    pub(super) form: Vec<(String, Value)>,
    pub(super) format: Format,
    pub(super) records: String,
    pub(super) conditions: Vec<Condition>,
    pub(super) select: Option<Vec<String>>,
    pub(super) rename: Vec<(String, String)>,
    pub(super) pages: Option<Pages>,
    pub(super) since: Option<Since>,
    pub(super) context: Vec<(String, String)>,
    pub(super) partitions: Vec<Map<String, Value>>,
    pub(super) add: Vec<(String, Value)>,
    pub(super) map: Option<MapRecord>,
    pub(super) rules: Vec<(u16, OnStatus)>,
    pub(super) body_rules: Vec<(String, OnStatus)>,
    pub(super) failure: Option<String>,
    pub(super) shared_bookmark: bool,
    pub(super) children: Vec<RestStream<'t>>,
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
            format: Format::Json,
            records: "$[*]".to_owned(),
            conditions: Vec::new(),
            select: None,
            rename: Vec::new(),
            pages: None,
            since: None,
            context: Vec::new(),
            partitions: Vec::new(),
            add: Vec::new(),
            map: None,
            rules: Vec::new(),
            body_rules: Vec::new(),
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

    /// What the answers are written in: JSON if not set. Of CSV and XML all values are texts; where the schema says that a
    /// property is a number or a boolean, its text becomes that, and an empty one null.
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// Leaves out records that do not meet a condition, and reads no children of them. `path` is a property as the source names
    /// it, or several names with dots between: `owner.id`.
    ///
    /// ```
    /// use melisma_sdk::http::{Client, Comparison, RestStream};
    /// use melisma_sdk::{Stream, json};
    ///
    /// # fn streams<'t>(client: &Client, stream: Stream<'t>) -> RestStream<'t> {
    /// client.get("/tickets", stream).filter("status", Comparison::In(vec![json!("open"), json!("pending")]))
    /// # }
    /// ```
    #[must_use]
    pub fn filter(mut self, path: &str, comparison: Comparison) -> Self {
        self.conditions.push(Condition::new(path, comparison));
        self
    }

    /// Writes these properties alone, by the names that the source has for them, and what is [added](Self::add).
    #[must_use]
    pub fn select<N: Into<String>>(mut self, properties: impl IntoIterator<Item = N>) -> Self {
        self.select = Some(properties.into_iter().map(Into::into).collect());
        self
    }

    /// Writes a property by another name than the source has for it. Keys and the schema have the new name.
    #[must_use]
    pub fn rename(mut self, property: impl Into<String>, name: impl Into<String>) -> Self {
        self.rename.push((property.into(), name.into()));
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

    /// What is done when an answer has something at this JSON path, whatever its status: for APIs that say so in an answer
    /// that they are busy, such as those of GraphQL.
    ///
    /// ```
    /// use melisma_sdk::http::{OnStatus, RestStream};
    ///
    /// # fn stream<'t>(stream: RestStream<'t>) -> RestStream<'t> {
    /// stream.on_body("$.errors[?@.extensions.code=='THROTTLED']", OnStatus::Wait)
    /// # }
    /// ```
    #[must_use]
    pub fn on_body(mut self, path: impl Into<String>, what: OnStatus) -> Self {
        self.body_rules.push((path.into(), what));
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
}
