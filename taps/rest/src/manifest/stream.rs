//! Reads a stream of a manifest.
//!
//! Its partitions are read one after the other, each in windows of time where the cursor has them, each of those page by page.
//! The first requests of the next windows and partitions are under way while the records of one are written.

use std::collections::{HashSet, VecDeque};

use melisma_sdk::{Output, Result};
use serde_json::Value;

use super::plan::Plan;
use super::routers::{Found, ParentStream, Reached, Router, Slice, TakeParent, product, unique};
use super::slices::Slices;

/// Where the state keeps how far the parents of an incremental stream are.
const PARENTS: &str = "parent_state";

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
}

impl ParentStream for Plan {
    fn name(&self) -> &str {
        &self.name
    }

    fn each_record(
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
}
