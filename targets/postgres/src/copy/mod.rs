//! Rows in the text format of COPY, written straight from cells.
//!
//! # Groups and duplicate keys
//!
//! A batch is loaded with few statements, although its records may have different columns and repeat keys. Two rules
//! make that possible:
//!
//! - Rows with the same columns form a *group*, which one COPY and one `INSERT ... ON CONFLICT` load. A column that a
//!   record lacks must keep its value in the table, so it must not be in the statement.
//! - A batch has each key at most once. `ON CONFLICT` updates no row twice, and of equal keys the last record wins.
//!
//! So a row that repeats a key replaces the earlier one, wherever that is. Take a stream with the key `id` and the columns
//! `name` and `age`, and four records:
//!
//! ```text
//! record                             group 0: id name age     group 1: id age     group 2: id name
//! 1 {"id":7,"name":"Ann","age":30}   7 Ann 30
//! 2 {"id":8,"age":41}                7 Ann 30                 8 41
//! 3 {"id":7,"age":31}                7 Ann 31                 8 41
//! 4 {"id":8,"name":"Bob"}            7 Ann 31                 (discarded)
//!                                    8 Bob 41
//! ```
//!
//! - Record 2 lacks `name`: it opens group 1.
//! - Record 3 has the key of record 1, but lacks `name`. Its line, `7 31`, is merged with the earlier one
//!   (`groups::replace_with`): the columns of record 3, and `Ann`, which only record 1 has. The merged row has the columns of
//!   both, so it goes to group 0, and the line of record 1 is discarded.
//! - Record 4 has the key of record 2. Together they have all columns: the merged row goes to group 0, the line of
//!   record 2 is discarded, and group 2 is empty again.
//!
//! A line that is discarded stays in its buffer, and is skipped when the group is written. The *index* (`index.rs`) maps the
//! hash of a key to the location of its row. A record that deletes its row (`hard_delete`) discards an earlier row with its
//! key, and goes to a group of deletions, which is executed before the others.
//!
//! # Keys that only the server can compare
//!
//! All of this needs keys that are equal exactly when their bytes are ([`Layout::exact`]). The intervals `1 day` and
//! `24:00:00` are equal, and their bytes differ. For such types each line ends with the number of its group and its position
//! in the batch, and the server finds the last row of each key (`ordered.rs`):
//!
//! ```text
//! 1 day     a   0 0      three rows of one interval, of which the last
//! 24:00:00  b   0 1      determines the columns that it has
//! 24:00         1 2      group 1 lacks the second column
//! ```

mod binary;
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

pub(crate) use binary::{Binary, HEADER, TRAILER, write_tuple};
pub(crate) use encoder::{CopyBatch, CopyEncoder, Layout, PassedOn, PassedTuples, Unwritten};
pub(crate) use expand::{Expand, Member, Node, Step};
pub use form::InvalidValues;
pub(crate) use form::{CopyColumn, Form, InvalidValuePolicy, Wider};
pub(crate) use groups::{Group, Mask, RowOp};
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
