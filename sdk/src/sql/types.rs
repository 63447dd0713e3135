//! The types that columns of SQL tables have here, and which of them holds the values of another.
//!
//! Two questions with two answers. Whether a column can stay as it is ([`SqlType::takes`]): a column of floats takes every
//! number, because it was made to, and rounds it. What it becomes when it cannot stay ([`SqlType::join`]): a type that
//! keeps every digit of what is stored.

use arrow_schema::DataType as Arrow;

use melisma_engine::schema::DataType;

/// Decimal digits that come back from a 64-bit float as they went in.
const DOUBLE_DIGITS: u8 = 15;
/// The most digits of a decimal.
const MAX_PRECISION: u8 = 38;

/// The type of a column. What it is called is for the [`Dialect`](super::Dialect) to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SqlType {
    /// True or false.
    Boolean,
    /// An integer of 64 bits.
    BigInt,
    /// A decimal: its number of digits, and the number of those after the point.
    Decimal(u8, u8),
    /// A float of 64 bits.
    Double,
    /// Text of any length.
    Text,
    /// A date.
    Date,
    /// A time of day in microseconds.
    Time,
    /// A moment in microseconds, UTC.
    Timestamp,
    /// JSON.
    Json,
    /// Another type, by its name. What it takes is left to the database.
    Other(String),
}

impl SqlType {
    /// The type for the values of an Arrow column that holds the property of this type.
    pub fn of(arrow: &Arrow, property: DataType) -> Self {
        match arrow {
            Arrow::Boolean => Self::Boolean,
            Arrow::Int64 => Self::BigInt,
            Arrow::Decimal128(precision, scale) => {
                Self::Decimal(*precision, u8::try_from(*scale).unwrap_or_default())
            }
            Arrow::Float64 => Self::Double,
            Arrow::Date32 => Self::Date,
            Arrow::Time64(_) => Self::Time,
            Arrow::Timestamp(..) => Self::Timestamp,
            _ if property == DataType::Json => Self::Json,
            _ => Self::Text,
        }
    }

    /// Digits before and after the point that every value of an exact number type fits in.
    fn digits(&self) -> Option<(u8, u8)> {
        match self {
            Self::BigInt => Some((19, 0)),
            Self::Decimal(precision, scale) => Some((precision - scale, *scale)),
            _ => None,
        }
    }

    fn is_number(&self) -> bool {
        self.digits().is_some() || *self == Self::Double
    }

    /// Whether a column of this type takes the values of `other`, each as well as such a column can.
    pub fn takes(&self, other: &Self) -> bool {
        match (self, other) {
            (a, b) if a == b => true,
            (Self::Text | Self::Other(_), _) | (Self::Timestamp, Self::Date) => true,
            (Self::Double, number) => number.is_number(),
            (Self::Decimal(..), number) => match (self.digits(), number.digits()) {
                (Some((whole, scale)), Some((other_whole, other_scale))) => {
                    whole >= other_whole && scale >= other_scale
                }
                _ => false,
            },
            _ => false,
        }
    }

    /// The least type that keeps what a column of this type holds, digit by digit, and takes `other`; `None` if there is
    /// none.
    ///
    /// A column of integers that is to hold floats becomes one of floats: whoever changes it makes sure that it holds no
    /// integer that a float would round.
    /// ```
    /// use melisma_sdk::sql::SqlType::{BigInt, Date, Decimal, Double, Json, Text, Timestamp};
    ///
    /// assert_eq!(BigInt.join(&Decimal(10, 2)), Some(Decimal(21, 2)));
    /// assert_eq!(Decimal(38, 0).join(&Decimal(10, 2)), None);
    /// assert_eq!(BigInt.join(&Double), Some(Double));
    /// assert_eq!(Date.join(&Timestamp), Some(Timestamp));
    /// assert_eq!(Json.join(&BigInt), Some(Text));
    /// ```
    pub fn join(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (a, b) if a.takes(b) => Some(a.clone()),
            (Self::BigInt, Self::Double) => Some(Self::Double),
            (Self::Decimal(precision, _), Self::Double) => {
                (*precision <= DOUBLE_DIGITS).then_some(Self::Double)
            }
            (Self::Date, Self::Timestamp) => Some(Self::Timestamp),
            (a, b) => match (a.digits(), b.digits()) {
                (Some((whole, scale)), Some((other_whole, other_scale))) => {
                    let (whole, scale) = (whole.max(other_whole), scale.max(other_scale));
                    (whole + scale <= MAX_PRECISION).then_some(Self::Decimal(whole + scale, scale))
                }
                _ => Some(Self::Text),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SqlType::{self, *};

    const ALL: [SqlType; 10] = [
        Boolean,
        BigInt,
        Decimal(10, 2),
        Decimal(38, 10),
        Double,
        Text,
        Date,
        Time,
        Timestamp,
        Json,
    ];

    #[test]
    fn what_two_types_become_takes_both_and_is_no_wider_than_needed() {
        for (a, b) in ALL.iter().flat_map(|a| ALL.iter().map(move |b| (a, b))) {
            match a.join(b) {
                Some(both) => {
                    assert!(both.takes(b), "{a:?} and {b:?} become {both:?}");
                    assert!(both.takes(a), "{a:?} and {b:?} become {both:?}");
                    assert_eq!(&both == a, a.takes(b), "{a:?} and {b:?} become {both:?}");
                }
                None => assert!(a.is_number() && b.is_number(), "{a:?} and {b:?}"),
            }
        }
    }
}
