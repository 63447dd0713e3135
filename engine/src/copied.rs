//! Rows that a tap hands over in the forms of PostgreSQL's COPY, instead of RECORD messages.
//!
//! Between a tap and a target for PostgreSQL a record would be written as JSON from the server's values and read back into
//! the same values. When `melisma run` has started both, they may agree to leave that out. Everything else is as ever: the
//! same lines, SCHEMA, STATE, counts and order.
//!
//! ```text
//! {"type":"SCHEMA","stream":"s",...}
//! {"type":"COPY","stream":"s","columns":[{"name":"id","type":"int4"},{"name":"note","type":"text"}]}
//! ␂2026-11-27T00:00:00.000000+00:00          when the next rows were extracted (byte 2)
//! ␁"s":7⇥two\nlines                          a row (byte 1, the stream, tab-separated fields as COPY writes them)
//! ␃"s":...                                   a row in the binary format (byte 3, the stream, a sealed tuple)
//! ```
//!
//! A target whose columns are those of the source passes the fields on, Arrow columns take them one by one, and files of
//! JSON lines get the record that the tap would have written ([`Records`]). Where a target can do none of it, that record
//! goes its usual way; a tuple becomes fields first ([`write_fields`]). RECORD messages may stand in between: a value that has a
//! policy of its own (a date before the year 1, `NaN`) comes as one.

mod fields;
mod numeric;
mod records;
mod tuple;

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::json::write_text;
pub use fields::Tabs;
pub(crate) use fields::{Field, Fields};
pub use numeric::{Number, Numeric};
pub use records::Records;
pub use tuple::{TUPLE, Value, Values, seal, unseal, write_fields};

/// The environment variable by which a runner tells a tap and a target that both know this form.
pub const VARIABLE: &str = "MELISMA_COPIED_ROWS";

/// The first byte of a row.
pub const ROW: u8 = 1;
/// The first byte of the line with the time at which rows were extracted.
pub const EXTRACTED: u8 = 2;

/// How rows are to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As lines of the text format, with the fields in the order of the properties of records.
    Lines,
    /// As tuples of the binary format, with the fields of the key first, in its order.
    KeyedTuples,
}

impl Form {
    /// The value of [`VARIABLE`] for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lines => "lines",
            Self::KeyedTuples => "keyed-tuples",
        }
    }

    /// What a value of [`VARIABLE`] asks for: `None` where rows are to come as records.
    pub fn of(value: Option<&str>) -> Option<Self> {
        [Self::Lines, Self::KeyedTuples]
            .into_iter()
            .find(|form| value == Some(form.name()))
    }
}

/// A field of the rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// The property.
    pub name: Box<str>,
    /// Its type on the source's server.
    #[serde(flatten)]
    pub kind: Kind,
}

/// A type of the source's server, as far as rows of it are handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Kind {
    /// boolean
    Bool,
    /// smallint
    Int2,
    /// integer
    Int4,
    /// bigint
    Int8,
    /// numeric, a number in records.
    Numeric {
        /// Precision and scale, where the column limits them.
        limits: Option<(u32, u32)>,
    },
    /// numeric, a text in records (`singer.decimal`).
    Decimal {
        /// Precision and scale, where the column limits them.
        limits: Option<(u32, u32)>,
    },
    /// Any text.
    Text {
        /// The most characters, where the column limits them.
        length: Option<u32>,
    },
    /// real. The server spells one otherwise than records do (`55101552`, `55101550.0`), and to a column of another type that
    /// is another number.
    Float4,
    /// double precision
    Float8,
    /// jsonb, and json that has neither line ends nor escapes in it; not `null`, which is null in records.
    Json,
    /// uuid
    Uuid,
    /// date, from the year 1 to the year 9999.
    Date,
    /// timestamp without time zone, in those years.
    Timestamp,
    /// timestamp with time zone, in UTC and those years.
    TimestampTz,
}

/// What the rows of a stream begin with, after [`ROW`] or [`TUPLE`]: `␁"s":`.
pub fn head(first: u8, stream: &str) -> Vec<u8> {
    let mut head = vec![first];
    crate::json::write_string(&mut head, stream);
    head.push(b':');
    head
}

impl Kind {
    /// Appends a field as the JSON value that the tap writes.
    pub fn write(self, field: &str, out: &mut Vec<u8>) {
        match self {
            _ if field == "\\N" => out.extend_from_slice(b"null"),
            Self::Text { .. } => quoted(out, |out| write_text_field(field, out)),
            Self::Json => unescape(field, |part| out.extend_from_slice(part.as_bytes())),
            _ => self.write_plain(field, out),
        }
    }

    /// The same of a field that is not null, and whose text needs no escapes.
    #[inline]
    pub(crate) fn write_plain(self, field: &str, out: &mut Vec<u8>) {
        let text = field.as_bytes();
        match self {
            Self::Bool => out.extend_from_slice(if field == "t" { b"true" } else { b"false" }),
            Self::Int2 | Self::Int4 | Self::Int8 | Self::Numeric { .. } => out.extend_from_slice(text),
            Self::Json => out.extend_from_slice(text),
            Self::Float4 => write_float::<f32>(field, out),
            Self::Float8 => write_float::<f64>(field, out),
            Self::Decimal { .. } | Self::Uuid | Self::Date | Self::Text { .. } => {
                quoted(out, |out| out.extend_from_slice(text));
            }
            Self::Timestamp | Self::TimestampTz => quoted(out, |out| write_timestamp(text, out)),
        }
    }
}

#[inline]
fn quoted(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    write(out);
    out.push(b'"');
}

/// `2024-02-29 12:34:56.5` as `2024-02-29T12:34:56.500000+00:00`.
fn write_timestamp(bytes: &[u8], out: &mut Vec<u8>) {
    let (day, clock) = bytes.split_at_checked(11).unwrap_or((bytes, &[]));
    let clock = clock.strip_suffix(b"+00").unwrap_or(clock);
    out.extend_from_slice(&day[..day.len().min(10)]);
    out.push(b'T');
    out.extend_from_slice(clock);
    let fraction = match clock.iter().position(|&byte| byte == b'.') {
        Some(point) => clock.len() - point - 1,
        None => {
            out.push(b'.');
            0
        }
    };
    out.extend(std::iter::repeat_n(b'0', 6_usize.saturating_sub(fraction)));
    out.extend_from_slice(b"+00:00");
}

/// The shortest digits that give the same float again; null for what is none.
pub(crate) fn write_float<F: FromStr + Serialize>(field: &str, out: &mut Vec<u8>) {
    // Writing to memory does not fail.
    let _ = serde_json::to_writer(out, &field.parse::<F>().ok());
}

/// A text, with the escapes of COPY turned into those of JSON.
fn write_text_field(field: &str, out: &mut Vec<u8>) {
    unescape(field, |part| write_text(out, part));
}

/// Appends a text with the escapes of COPY, which [`unescape`] takes out of it.
pub fn escape(text: &[u8], out: &mut Vec<u8>) {
    for &byte in text {
        let escape = match byte {
            b'\\' => b'\\',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            8 => b'b',
            12 => b'f',
            11 => b'v',
            _ => {
                out.push(byte);
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', escape]);
    }
}

/// Hands over what a text of COPY stands for, part by part.
pub fn unescape(field: &str, mut part: impl FnMut(&str)) {
    let mut rest = field;
    while let Some((before, after)) = rest.split_once('\\') {
        part(before);
        let mut after = after.chars();
        let escaped = match after.next() {
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('v') => '\u{b}',
            Some(other) => other,
            None => '\\',
        };
        part(escaped.encode_utf8(&mut [0; 4]));
        rest = after.as_str();
    }
    part(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(kind: Kind, field: &str) -> String {
        let mut out = Vec::new();
        kind.write(field, &mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn fields_become_the_values_of_records() {
        let text = Kind::Text { length: None };
        for (kind, field, value) in [
            (Kind::Bool, "t", "true"),
            (Kind::Bool, "f", "false"),
            (Kind::Int8, "-9223372036854775808", "-9223372036854775808"),
            (Kind::Numeric { limits: None }, "1.50", "1.50"),
            (Kind::Decimal { limits: None }, "1.50", "\"1.50\""),
            (Kind::Float4, "55101552", "55101550.0"),
            (Kind::Float8, "1e-07", "1e-7"),
            (Kind::Json, r#"{"a": "b\\\\c\\n"}"#, r#"{"a": "b\\c\n"}"#),
            (Kind::Json, "[1, 2]", "[1, 2]"),
            (Kind::Date, "2024-02-29", "\"2024-02-29\""),
            (
                Kind::Timestamp,
                "2024-02-29 12:34:56.5",
                "\"2024-02-29T12:34:56.500000+00:00\"",
            ),
            (
                Kind::TimestampTz,
                "2024-02-29 12:34:56+00",
                "\"2024-02-29T12:34:56.000000+00:00\"",
            ),
            (text, "\\N", "null"),
            (text, "", "\"\""),
            (text, "a\\\\N \"b\"\\n\\v\\t", r#""a\\N \"b\"\n\u000b\t""#),
        ] {
            assert_eq!(json(kind, field), value, "{kind:?} {field}");
        }
    }
}
