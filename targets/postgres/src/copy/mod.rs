//! Rows in the text format of COPY, written from cells without anything between.

mod array;
mod encoder;
mod expand;
mod form;
mod groups;
mod index;
mod limits;
mod long;
mod moment;
mod number;
mod text;
mod walk;

pub(crate) use encoder::{CopyBatch, CopyEncoder, Layout, Unwritten};
pub(crate) use expand::{Expand, Member, Node, Step};
pub use form::InvalidValues;
pub(crate) use form::{Form, Mercy, Place, Wider};
pub(crate) use groups::{Deed, Group, Mask};
pub use moment::InvalidDates;
pub(crate) use moment::Moment;
pub(crate) use text::Nul;

/// What the server makes of a field; `None` is null. For tests: slow and plain.
#[cfg(test)]
pub(crate) fn read_field(field: &[u8]) -> Option<String> {
    if field == b"\\N" {
        return None;
    }
    let mut text = Vec::new();
    let mut bytes = field.iter();
    while let Some(&byte) = bytes.next() {
        let byte = match byte {
            b'\\' => match bytes.next() {
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b't') => b'\t',
                Some(b'b') => 8,
                Some(b'f') => 12,
                Some(&other) => other,
                None => b'\\',
            },
            byte => byte,
        };
        text.push(byte);
    }
    Some(String::from_utf8(text).expect("UTF-8"))
}
