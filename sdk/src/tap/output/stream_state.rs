//! A stream that is being read: its plan, its progress and its counts.

use melisma_engine::json;
use serde_json::Value;

use super::buffer::{Lead, Padded};
use crate::metrics::Counter;
use crate::tap::bookmark::progress::{Order, Progress};
use crate::tap::bookmark::state::State;
use crate::tap::catalog::method::Method;
use crate::tap::catalog::opening::Opening;
use crate::tap::catalog::selection::Selection;
use crate::tap::projection::cutter::Cutter;
use crate::tap::projection::schema::{Column, Node, Plan};

/// A stream that is being read.
#[derive(Debug)]
pub(in crate::tap) struct StreamState {
    pub(in crate::tap) name: Box<str>,
    pub(in crate::tap) own_schema: Value,
    pub(in crate::tap) selection: Selection,
    pub(in crate::tap) key: Vec<Box<str>>,
    pub(in crate::tap) method: Method,
    pub(in crate::tap) replication_key: Option<Box<str>>,
    pub(in crate::tap) plan: Plan,
    pub(in crate::tap) progress: Option<Progress>,
    /// What stands before the value of each column.
    pub(in crate::tap) leads: Vec<Lead>,
    /// Where the key of each column, written by a struct, was found in memory, and its length.
    pub(in crate::tap) addresses: Vec<(usize, usize)>,
    /// `{"type":"RECORD","stream":"s","record":`
    pub(in crate::tap) head: Padded,
    /// What its rows begin with that come in a form of COPY.
    pub(in crate::tap) copied_head: Box<[u8]>,
    /// The position of the replication key, when its values move the bookmark.
    pub(in crate::tap) watched: Option<usize>,
    pub(in crate::tap) cutter: Cutter,
    pub(in crate::tap) warned_unknown: bool,
    pub(in crate::tap) records: u64,
    pub(in crate::tap) counted: u64,
    pub(in crate::tap) checkpointed: u64,
    /// The version that its records carry.
    pub(in crate::tap) version: Option<i64>,
    /// Nothing of it is written.
    pub(in crate::tap) silent: bool,
    /// Records that were not written therefore.
    pub(in crate::tap) skipped: u64,
    /// The names of its children, selected or not.
    pub(in crate::tap) children: Vec<Box<str>>,
    pub(in crate::tap) counter: Option<Counter>,
}

impl StreamState {
    #[inline]
    pub(in crate::tap) fn columns(&self) -> &[Column] {
        &self.plan.columns
    }

    pub(in crate::tap) fn none() -> Self {
        let opening = Opening {
            name: "".into(),
            own_schema: Value::Null,
            schema: Value::Null,
            selection: Selection::default(),
            key: Vec::new(),
            method: Method::FullTable,
            replication_key: None,
            order: Order::Manual,
            own_start_date: false,
            silent: false,
            children: Vec::new(),
        };
        Self::new(opening, None)
    }

    pub(in crate::tap) fn new(opening: Opening, progress: Option<Progress>) -> Self {
        let mut head = b"{\"type\":\"RECORD\",\"stream\":".to_vec();
        json::write_string(&mut head, &opening.name);
        head.extend_from_slice(b",\"record\":");
        let empty = Plan::new(&Value::Null, &Value::Null, &opening.selection, &[]);
        let mut current = Self {
            name: opening.name,
            own_schema: opening.own_schema,
            selection: opening.selection,
            key: opening.key,
            method: opening.method,
            replication_key: opening.replication_key,
            plan: empty,
            progress,
            leads: Vec::new(),
            addresses: Vec::new(),
            head: Padded::new(&head),
            copied_head: Box::default(),
            watched: None,
            cutter: Cutter::default(),
            warned_unknown: false,
            records: 0,
            counted: 0,
            checkpointed: 0,
            version: None,
            silent: opening.silent,
            skipped: 0,
            children: opening.children,
            counter: None,
        };
        current.plan(&opening.schema);
        current
    }

    /// Whether there are streams whose records are found at this one's.
    pub(in crate::tap) fn has_children(&self) -> bool {
        !self.children.is_empty()
    }

    /// Puts how far it has come into the state, as far as that is safe.
    pub(in crate::tap) fn store(&mut self, state: &mut State) {
        if let Some(progress) = &mut self.progress {
            progress.store(state);
        }
    }

    /// Applies selection to a schema.
    pub(in crate::tap) fn plan(&mut self, schema: &Value) {
        let forced: Vec<&str> = self
            .key
            .iter()
            .map(|name| &**name)
            .chain(self.replication_key.as_deref())
            .collect();
        self.plan = Plan::new(&self.own_schema, schema, &self.selection, &forced);
        let watches = self.progress.as_ref().filter(|progress| progress.watches());
        let columns = &self.plan.columns;
        self.watched =
            watches.and_then(|progress| columns.iter().position(|column| *column.name == *progress.key()));
        let leads = columns.iter().enumerate().map(|(at, column)| {
            if column.selected && self.watched != Some(at) && column.node == Node::Keep {
                column.lead.clone()
            } else {
                Lead::unusual()
            }
        });
        self.leads = leads.collect();
        self.addresses = vec![(0, 0); columns.len()];
        self.cutter.watched = self.watched.map(|at| columns[at].key.clone());
    }
}
