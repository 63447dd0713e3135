//! Which slices of a stream are read, one after the other.

use std::collections::VecDeque;
use std::sync::Arc;

use melisma_sdk::http::Pending;
use melisma_sdk::{Output, Result};
use serde_json::Value;

use super::cursor::Range;
use super::plan::Plan;
use super::routers::Slice;

/// A slice whose first page is asked for.
pub(super) struct Ahead {
    pub(super) slice: Slice,
    pub(super) range: Option<Arc<Range>>,
    /// Whether it is the first of its partition.
    pub(super) begins: bool,
    pub(super) pending: Pending,
}

/// The slices of all partitions, in their order.
pub(super) struct Slices<'p> {
    plan: &'p Plan,
    partitions: std::slice::Iter<'p, Slice>,
    shared: Option<&'p Value>,
    current: VecDeque<Slice>,
    range: Option<Arc<Range>>,
    begins: bool,
}

impl<'p> Slices<'p> {
    /// Those of these partitions; `shared` is the bookmark of all.
    pub(super) fn of(plan: &'p Plan, partitions: &'p [Slice], shared: Option<&'p Value>) -> Self {
        Self {
            plan,
            partitions: partitions.iter(),
            shared,
            current: VecDeque::new(),
            range: None,
            begins: false,
        }
    }

    /// The next one, whose first page is asked for.
    pub(super) fn next(&mut self, output: &Output<'_>, apart: bool) -> Result<Option<Ahead>> {
        while self.current.is_empty() {
            let Some(partition) = self.partitions.next() else {
                return Ok(None);
            };
            let bookmark = if apart {
                output.partition_bookmark(&partition.partition)?
            } else {
                self.shared.cloned()
            };
            let (range, windows) = self.plan.range(bookmark.as_ref())?;
            self.range = range.map(Arc::new);
            self.begins = true;
            self.current = windows
                .into_iter()
                .map(|window| Slice {
                    window,
                    ..partition.clone()
                })
                .collect();
        }
        let Some(slice) = self.current.pop_front() else {
            return Ok(None);
        };
        Ok(Some(Ahead {
            pending: self.plan.start(&slice)?,
            range: self.range.clone(),
            begins: std::mem::take(&mut self.begins),
            slice,
        }))
    }
}
