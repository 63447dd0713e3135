//! A stream's table while its records are read: a value that its column does not hold widens the column.
//!
//! The decoding thread decides, by a plan of its own that needs no server; the writing thread follows that plan when it
//! comes to the rows behind it. The plans of SCHEMA messages and these are in one queue, in the order in which they
//! were made.

use std::sync::Arc;

use melisma_sdk::Result;

use crate::copy::{Layout, Widen};
use crate::streams::{Run, Streams};

/// Widens the columns of one stream.
#[derive(Debug)]
pub(crate) struct Widener {
    pub(crate) streams: Arc<Streams>,
    pub(crate) run: Arc<Run>,
    pub(crate) stream: Box<str>,
}

impl Widen for Widener {
    fn widen(&self, properties: &[&str]) -> Result<Arc<Layout>> {
        self.streams.widen(&self.run, &self.stream, properties)
    }
}
