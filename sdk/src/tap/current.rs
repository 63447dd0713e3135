//! The stream being read: its plan, its progress and its counts.

use melisma_engine::json;
use serde_json::Value;

use super::buffer::{Lead, Padded};
use super::opening::Opening;
use super::plan::{Column, Plan};
use super::progress::{Order, Progress};
use super::prune::Cutter;
use super::selection::Selection;
use super::stream::Method;
use crate::metrics::Counter;

/// The stream being read.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) name: Box<str>,
    pub(super) own_schema: Value,
    pub(super) selection: Selection,
    pub(super) key: Vec<Box<str>>,
    pub(super) method: Method,
    pub(super) replication_key: Option<Box<str>>,
    pub(super) plan: Plan,
    pub(super) progress: Option<Progress>,
    /// What stands before the value of each column.
    pub(super) leads: Vec<Lead>,
    /// `{"type":"RECORD","stream":"s","record":`
    pub(super) head: Padded,
    /// The position of the replication key, when its values move the bookmark.
    pub(super) watched: Option<usize>,
    pub(super) cutter: Cutter,
    pub(super) warned_unknown: bool,
    pub(super) records: u64,
    pub(super) counted: u64,
    pub(super) checkpointed: u64,
    pub(super) state_records: u64,
    pub(super) counter: Option<Counter>,
}

impl Current {
    #[inline]
    pub(super) fn columns(&self) -> &[Column] {
        &self.plan.columns
    }

    pub(super) fn none() -> Self {
        let opening = Opening {
            name: "".into(),
            own_schema: Value::Null,
            schema: Value::Null,
            selection: Selection::default(),
            key: Vec::new(),
            method: Method::FullTable,
            replication_key: None,
            order: Order::Manual,
        };
        Self::new(opening, None)
    }

    pub(super) fn new(opening: Opening, progress: Option<Progress>) -> Self {
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
            head: Padded::new(&head),
            watched: None,
            cutter: Cutter::default(),
            warned_unknown: false,
            records: 0,
            counted: 0,
            checkpointed: 0,
            state_records: 0,
            counter: None,
        };
        current.plan(&opening.schema);
        current
    }

    /// Applies selection to a schema.
    pub(super) fn plan(&mut self, schema: &Value) {
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
            if column.selected && self.watched != Some(at) {
                Lead::new(&column.key)
            } else {
                Lead::unusual()
            }
        });
        self.leads = leads.collect();
        self.cutter.watched = self.watched.map(|at| columns[at].key.clone());
    }
}
