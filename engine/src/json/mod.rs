//! JSON as bytes: scanning, checking and escaping, without building values.

mod escape;
pub(crate) mod scan;
pub(crate) mod skip;

pub(crate) use escape::unescape_bytes;
pub use escape::{unescape, write_string, write_text};
pub use skip::{MAX_DEPTH, Syntax, skip_value};
