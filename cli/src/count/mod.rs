//! Counting Singer messages by stream, for progress and statistics.
//!
//! Counting must keep up with a relay that only copies bytes, and must not fail on anything. So it does not decode a
//! line: it reads the envelope, that is the keys `type` and `stream`, and for the lines after it compares bytes.

mod counter;
mod envelope;
mod state_marks;
mod stream_name;

pub(crate) use counter::{Counter, MAX_STREAMS, StreamCount};
pub(crate) use envelope::{Kind, name, read};
pub(crate) use state_marks::StateMarks;
#[cfg(test)]
pub(crate) use stream_name::MAX_BYTES as MAX_NAME_BYTES;
pub(crate) use stream_name::bounded as bounded_name;

#[cfg(test)]
mod tests;
