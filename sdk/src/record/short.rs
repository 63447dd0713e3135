//! Short texts without an allocation.

use std::fmt::{self, Write};

use serde::ser::{Error, Serializer};

/// The text of a value, which is at most so long: a date, a time, the digits of a decimal.
pub(super) struct Short {
    bytes: [u8; 64],
    length: usize,
}

impl Short {
    pub(super) fn of(value: &impl fmt::Display) -> Result<Self, fmt::Error> {
        let mut short = Self {
            bytes: [0; 64],
            length: 0,
        };
        write!(short, "{value}")?;
        Ok(short)
    }

    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self
            .bytes
            .get_mut(self.length..self.length + text.len())
            .ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length += text.len();
        Ok(())
    }
}

/// Writes a value as a text.
#[inline]
pub(super) fn text<S: Serializer>(value: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    let short = Short::of(value).map_err(S::Error::custom)?;
    serializer.serialize_str(short.as_str())
}

/// Writes a value as a number by its digits; other serializers than that of records get a text.
#[cfg(feature = "rust_decimal")]
#[inline]
pub(super) fn digits<S: Serializer>(value: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    let short = Short::of(value).map_err(S::Error::custom)?;
    serializer.serialize_newtype_struct(super::DIGITS, short.as_str())
}
