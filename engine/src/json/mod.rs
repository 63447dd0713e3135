//! JSON as bytes: scanning, checking and escaping, without building values.

mod escape;
pub(crate) mod scan;
pub(crate) mod skip;
mod unescape;
mod unicode;

pub use escape::{write_ascii_string, write_string, write_text};
pub use skip::{MAX_DEPTH, Syntax, skip_value};
pub use unescape::unescape;
pub(crate) use unescape::{Room, read_string};
