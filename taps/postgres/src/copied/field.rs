//! A field of a row: whether the target may see it as it is, and its value in a record.

use melisma_sdk::internal::copied::Kind as CopiedKind;

use super::moment;
use crate::config::Values;
use crate::decode::{Decoder, Result, Wrong};
use crate::discovery::Column;
use crate::kind::Kind;

/// A column, as its values are handed over.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: Box<str>,
    pub(super) kind: CopiedKind,
    /// For values of the binary format. There jsonb is read as the text that it is made of, without the version of its own.
    pub(super) decoder: Decoder,
    pub(super) look: Look,
}

/// What a value is looked at for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Nothing,
    /// `NaN` and the infinities.
    Special,
    /// What is infinite or out of the years 1 to 9999.
    Far,
    /// The `null` of JSON, which is none of SQL.
    Null,
    /// That, and line ends and escapes: what stands between tokens may be anything, and not every escape is for every
    /// target.
    Json,
}

/// The type as it is announced to the target; `None` for one whose values need more than their text.
pub(super) fn copied_kind(column: &Column, values: &Values) -> Option<CopiedKind> {
    let kind = match &column.kind {
        Kind::Bool => CopiedKind::Bool,
        Kind::Int2 => CopiedKind::Int2,
        Kind::Int4 => CopiedKind::Int4,
        Kind::Int8 => CopiedKind::Int8,
        Kind::Numeric { limits } if values.use_singer_decimal => CopiedKind::Decimal { limits: *limits },
        Kind::Numeric { limits } => CopiedKind::Numeric { limits: *limits },
        Kind::Float4 => CopiedKind::Float4,
        Kind::Float8 => CopiedKind::Float8,
        Kind::Json | Kind::Jsonb => CopiedKind::Json,
        // "char" writes bytes beyond ASCII as octal digits.
        Kind::Text { .. } if column.sql_type == "\"char\"" => return None,
        Kind::Text { length } => CopiedKind::Text { length: *length },
        Kind::Uuid => CopiedKind::Uuid,
        Kind::Date if !values.dates_as_string => CopiedKind::Date,
        Kind::Timestamp if !values.dates_as_string => CopiedKind::Timestamp,
        Kind::TimestampTz if !values.dates_as_string => CopiedKind::TimestampTz,
        _ => return None,
    };
    Some(kind)
}

impl Field {
    pub(super) fn new(column: &Column, kind: CopiedKind, values: &Values) -> Self {
        let look = match kind {
            CopiedKind::Numeric { .. }
            | CopiedKind::Decimal { .. }
            | CopiedKind::Float4
            | CopiedKind::Float8 => Look::Special,
            CopiedKind::Json if column.kind == Kind::Jsonb => Look::Null,
            CopiedKind::Json => Look::Json,
            CopiedKind::Date | CopiedKind::Timestamp | CopiedKind::TimestampTz => Look::Far,
            _ => Look::Nothing,
        };
        Self {
            name: column.name.as_str().into(),
            kind,
            decoder: match column.kind {
                Kind::Jsonb => Decoder::Json,
                ref kind => Decoder::of(kind, values),
            },
            look,
        }
    }

    pub(super) fn is_looked_at(&self) -> bool {
        self.look != Look::Nothing
    }

    /// Whether the target may see the text as it is.
    #[inline]
    pub(super) fn is_plain(&self, text: &[u8]) -> bool {
        let ends_in_a_digit = || text.last().is_some_and(u8::is_ascii_digit);
        match self.look {
            Look::Nothing => true,
            Look::Special => ends_in_a_digit() || text == b"\\N",
            Look::Null => !is_json_null(text),
            Look::Json => text == b"\\N" || (memchr::memchr(b'\\', text).is_none() && !is_json_null(text)),
            // `2024-02-29`, `2024-02-29 12:34:56.5+00`; not `infinity`, `12024-02-29` or `0044-03-15 BC`.
            Look::Far => (text.get(4) == Some(&b'-') && ends_in_a_digit()) || text == b"\\N",
        }
    }

    /// Appends a value that is not null as JSON.
    pub(super) fn write(&self, text: &str, out: &mut Vec<u8>) -> Result {
        if self.is_plain(text.as_bytes()) {
            self.kind.write(text, out);
            return Ok(());
        }
        if matches!(self.look, Look::Null | Look::Json) {
            let start = out.len();
            self.kind.write(text, out);
            // They stand between tokens: inside of strings they are escaped.
            for byte in out[start..]
                .iter_mut()
                .filter(|byte| matches!(**byte, b'\n' | b'\r'))
            {
                *byte = b' ';
            }
            return Ok(());
        }
        if self.look == Look::Special {
            out.extend_from_slice(b"null");
            return Ok(());
        }
        let wrong = || Wrong(format!("expected a date or timestamp, found {text}").into());
        if self.kind == CopiedKind::Date {
            let days = moment::days(text).ok_or_else(wrong)?;
            self.decoder.write(&days.to_be_bytes(), out)
        } else {
            let micros = moment::microseconds(text).ok_or_else(wrong)?;
            self.decoder.write(&micros.to_be_bytes(), out)
        }
    }
}

/// Of all that is JSON, only `null` begins with that letter. White space may stand before it.
pub(super) fn is_json_null(text: &[u8]) -> bool {
    text.trim_ascii_start().first() == Some(&b'n')
}
