//! What plugins report about themselves in their log, for the progress display and the summary.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::line::LogLine;
use crate::count::{MAX_STREAMS, bounded_name};

/// Characters of a location that are kept; no path is longer.
pub(super) const MAX_LOCATION: usize = 4096;

/// What a plugin has reported so far; clones share it.
#[derive(Clone, Default)]
pub(crate) struct Facts(Arc<Mutex<Known>>);

/// See [`Facts`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// Records by stream, from METRIC lines.
    pub(crate) records: BTreeMap<String, u64>,
    /// Where the target's rows are.
    pub(crate) location: Option<String>,
    /// The number of records that a tap expects of a stream.
    pub(crate) expected: BTreeMap<String, u64>,
}

impl Facts {
    /// What has been reported so far.
    pub(crate) fn known(&self) -> Known {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn collect(&self, line: &LogLine) {
        let count = line.record_count();
        if count.is_none() && line.location.is_none() && line.expected.is_none() {
            return;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((stream, count)) = count {
            add(&mut known.records, bounded_name(stream), count);
        }
        if let Some((stream, count)) = &line.expected {
            add(&mut known.expected, bounded_name(stream.clone()), *count);
        }
        if let Some(location) = &line.location {
            known.location = Some(location.chars().take(MAX_LOCATION).collect());
        }
    }
}

/// Adds to the count of a stream. A log may name any number of streams; those beyond the limit are ignored.
fn add(counts: &mut BTreeMap<String, u64>, stream: String, count: u64) {
    if let Some(known) = counts.get_mut(&stream) {
        *known = known.saturating_add(count);
    } else if counts.len() < MAX_STREAMS {
        counts.insert(stream, count);
    }
}
