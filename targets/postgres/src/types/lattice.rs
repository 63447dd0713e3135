//! The lattice of types: which type holds all values of another, and the type that a column is widened to.
//!
//! Two questions, with two answers. Whether a column can stay as it is ([`Type::takes`]): a column of `double
//! precision` takes every number, as it was made to, and rounds it. What it becomes when it cannot stay
//! ([`Type::join`]): a type that keeps every digit of what is stored, so that a `bigint` that meets a
//! `double precision` becomes `numeric`, which loses nothing of either.

use super::Type;

/// Decimal digits that come back from `real` and from `double precision` as they went in.
const REAL_DIGITS: i32 = 6;
const DOUBLE_DIGITS: i32 = 15;

impl Type {
    /// Digits before and after the point that every value of an exact number type fits in.
    fn digits(&self) -> Option<(i32, i32)> {
        match self {
            Self::SmallInt => Some((5, 0)),
            Self::Integer => Some((10, 0)),
            Self::BigInt => Some((19, 0)),
            Self::Numeric(Some((precision, scale))) => {
                Some((i32::from(*precision) - i32::from(*scale), i32::from(*scale)))
            }
            _ => None,
        }
    }

    fn is_number(&self) -> bool {
        self.digits().is_some() || matches!(self, Self::Numeric(_) | Self::Real | Self::Double)
    }

    fn is_moment(&self) -> bool {
        matches!(self, Self::Date | Self::Timestamp(_) | Self::TimestampTz(_))
    }

    fn is_text(&self) -> bool {
        matches!(self, Self::Text | Self::Varchar(_) | Self::Char(_))
    }

    /// Whether its text says all that its value does.
    fn is_scalar(&self) -> bool {
        !matches!(
            self,
            Self::Jsonb | Self::Json | Self::Bytea | Self::Array(_) | Self::Other(_)
        )
    }

    /// Whether a column of this type takes the values of `other`, each as well as such a column can.
    ///
    /// Text and JSON take anything, as long as the text is not too long. A floating column takes numbers as it can:
    /// that is what it was made for. A type that is not in the lattice is left to the server.
    pub(crate) fn takes(&self, other: &Self) -> bool {
        match (self, other) {
            (a, b) if a == b => true,
            (Self::Jsonb | Self::Json | Self::Other(_), _) => true,
            (a, _) if a.is_text() => true,
            (Self::Real | Self::Double | Self::Numeric(None), b) => b.is_number(),
            (Self::Integer, Self::SmallInt) | (Self::BigInt, Self::SmallInt | Self::Integer) => true,
            (Self::Numeric(Some(_)), b) => match (self.digits(), b.digits()) {
                (Some((whole, scale)), Some((other_whole, other_scale))) => {
                    whole >= other_whole && scale >= other_scale
                }
                _ => false,
            },
            (Self::Timestamp(_) | Self::TimestampTz(_), b) => b.is_moment(),
            (Self::Time(_), Self::Time(_)) | (Self::TimeTz(_), Self::Time(_) | Self::TimeTz(_)) => true,
            (Self::Array(a), Self::Array(b)) => a.takes(b),
            _ => false,
        }
    }

    /// Whether some values of `other` fit a column of this type, so that the column stays until one does not.
    ///
    /// Dates and UUIDs travel as text. A text is never taken for a number or a boolean.
    pub(crate) fn takes_some(&self, other: &Self) -> bool {
        match (self, other) {
            (a, b) if a.takes(b) || a.is_number() && b.is_number() => true,
            (a, b) if a.is_moment() => b.is_moment() || b.is_text(),
            (Self::Time(_) | Self::TimeTz(_), b) => {
                matches!(b, Self::Time(_) | Self::TimeTz(_)) || b.is_text()
            }
            (Self::Uuid, b) => b.is_text(),
            (Self::Array(_), Self::Array(_)) => true,
            _ => false,
        }
    }

    /// The least type that keeps what a column of this type holds, digit by digit, and takes `other`.
    ///
    /// Smallint, integer, bigint, numeric, text; date, timestamp, text; an array of scalars, JSON. `None` where there
    /// is none: JSON, bytes and objects do not become text.
    pub(crate) fn join(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (a, b) if a.takes(b) => Some(a.clone()),
            (Self::Array(a), Self::Array(b)) => a.join(b).map(|element| Self::Array(Box::new(element))),
            (Self::Array(element), Self::Jsonb) if element.is_scalar() => Some(Self::Jsonb),
            (a, b) if a.is_number() && b.is_number() => Some(a.join_numbers(b)),
            (Self::Date, b) if b.is_moment() => Some(b.clone()),
            // A text that is limited would cut what is stored.
            (a, Self::Varchar(_)) if a.is_scalar() => Some(Self::Varchar(None)),
            (a, b) if a.is_scalar() && b.is_scalar() => Some(Self::Text),
            _ => None,
        }
    }

    /// What a column of this type becomes for a value of `other` that does not fit it, although it may take others.
    pub(crate) fn widened(&self, other: &Self) -> Option<Self> {
        let wide = match (self, other) {
            (a, b) if a == b => return None,
            (Self::Varchar(Some(most)), Self::Varchar(Some(longer))) if longer > most => other.clone(),
            (Self::Varchar(Some(_)), _) => Self::Varchar(None),
            (Self::Char(_), _) => Self::Text,
            (Self::Array(a), Self::Array(b)) => Self::Array(Box::new(a.widened(b)?)),
            // Out of range: what is merely rounded fits.
            (Self::Real, Self::Double) => Self::Double,
            (Self::Real | Self::Double, Self::Numeric(None)) => Self::Numeric(None),
            _ => self.join(other)?,
        };
        (wide != *self).then_some(wide)
    }

    fn join_numbers(&self, other: &Self) -> Self {
        if let (Some((whole, scale)), Some((other_whole, other_scale))) = (self.digits(), other.digits()) {
            if other.takes(self) {
                return other.clone();
            }
            return numeric(whole.max(other_whole), scale.max(other_scale));
        }
        let (float, exact) = match (self, other) {
            (Self::Real | Self::Double, exact) => (self, exact),
            (exact, float) => (float, exact),
        };
        match (float, exact) {
            (Self::Double, Self::Real) | (Self::Real, Self::Double) => Self::Double,
            (Self::Real | Self::Double, exact) => match exact.digits() {
                Some((whole, scale))
                    if *float == Self::Real && whole.max(0) + scale.max(0) <= REAL_DIGITS =>
                {
                    Self::Real
                }
                Some((whole, scale)) if whole.max(0) + scale.max(0) <= DOUBLE_DIGITS => Self::Double,
                _ => Self::Numeric(None),
            },
            _ => Self::Numeric(None),
        }
    }

    /// The expression that makes a `wide` of a column of this type.
    ///
    /// The server's own casts from floating numbers to `numeric` round to 6 and 15 digits, and so does that from
    /// `real` to `double precision` show digits that were not there: the way by text keeps the shortest digits that
    /// name the number.
    pub(crate) fn conversion(&self, column: &str, wide: &Self) -> String {
        let sql = wide.sql();
        match (self, wide) {
            (Self::Array(_), Self::Jsonb) => format!("pg_catalog.to_jsonb({column})"),
            (from, _) if from.is_floating() && !wide.is_text() => format!("{column}::text::{sql}"),
            _ => format!("{column}::{sql}"),
        }
    }

    fn is_floating(&self) -> bool {
        match self {
            Self::Real | Self::Double => true,
            Self::Array(element) => element.is_floating(),
            _ => false,
        }
    }
}

/// A `numeric` with room for these digits before and after the point; without limits when they are too many.
fn numeric(whole: i32, scale: i32) -> Type {
    match (u16::try_from(whole + scale), i16::try_from(scale)) {
        (Ok(precision @ 1..=1000), Ok(scale)) => Type::Numeric(Some((precision, scale))),
        _ => Type::Numeric(None),
    }
}
