//! Decides which values of a replication key can be bookmarks, so that a later run can read on from them.
//!
//! After `infinity` and NaN comes nothing, in the order of PostgreSQL: as a bookmark they would end the stream for ever,
//! without a word. And a value that the record does not have, because `invalid_date_handling` put null or another date in
//! its place, is not one that a reader of the records knows of. Rows with such keys are written; the bookmark stays at the
//! last key before them.

use crate::config::{InvalidDates, Values};
use crate::kind::Kind;

/// 0001-01-01 and 9999-12-31, in days after 2000-01-01.
const FIRST: i32 = -730_119;
const LAST: i32 = 2_921_939;
const DAY: i64 = 86_400_000_000;

/// The positions of a column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Positions {
    test: Test,
    /// Dates beyond ISO 8601 are written as PostgreSQL has them, and so are positions.
    all_dates: bool,
}

#[derive(Clone, Copy, Debug)]
enum Test {
    Date,
    Timestamp,
    Interval,
    Float4,
    Float8,
    Numeric,
    /// Every value is one.
    None,
}

impl Positions {
    /// Those of a column of this kind.
    pub(crate) fn of(kind: &Kind, values: &Values) -> Self {
        Self {
            test: match kind {
                Kind::Date => Test::Date,
                Kind::Timestamp | Kind::TimestampTz => Test::Timestamp,
                Kind::Interval => Test::Interval,
                Kind::Float4 => Test::Float4,
                Kind::Float8 => Test::Float8,
                Kind::Numeric { .. } => Test::Numeric,
                _ => Test::None,
            },
            all_dates: values.dates_as_string || values.invalid_date_handling == InvalidDates::Text,
        }
    }

    /// Whether a value, in its binary form, is a position.
    #[inline]
    pub(crate) fn has(self, value: &[u8]) -> bool {
        match self.test {
            Test::None => true,
            Test::Date => value.try_into().is_ok_and(|bytes| {
                let days = i32::from_be_bytes(bytes);
                (FIRST..=LAST).contains(&days) || self.all_dates && days != i32::MIN && days != i32::MAX
            }),
            Test::Timestamp => value.try_into().is_ok_and(|bytes| {
                let count = i64::from_be_bytes(bytes);
                let plain = i64::from(FIRST) * DAY..(i64::from(LAST) + 1) * DAY;
                plain.contains(&count) || self.all_dates && count != i64::MIN && count != i64::MAX
            }),
            Test::Float4 => value
                .try_into()
                .is_ok_and(|bytes| f32::from_be_bytes(bytes).is_finite()),
            Test::Float8 => value
                .try_into()
                .is_ok_and(|bytes| f64::from_be_bytes(bytes).is_finite()),
            // The sign, which says so of NaN and the infinities.
            Test::Numeric => value.get(4).is_some_and(|sign| sign & 0xc0 != 0xc0),
            Test::Interval => !is_infinite_interval(value),
        }
    }

    /// Whether a bookmark of an earlier run is a position: earlier releases kept every key.
    pub(crate) fn has_text(self, text: &str) -> bool {
        match self.test {
            Test::None => true,
            Test::Date | Test::Timestamp => {
                let year = text.find('-').filter(|&at| at > 0);
                let is_plain = year == Some(4) && !text.ends_with("BC");
                is_plain || self.all_dates && year.is_some()
            }
            _ => !["nan", "infinity", "-infinity"]
                .iter()
                .any(|word| text.eq_ignore_ascii_case(word)),
        }
    }
}

/// Both extremes of its three fields: microseconds, days and months (PostgreSQL 17).
fn is_infinite_interval(value: &[u8]) -> bool {
    let of = |sign: u8, rest: u8| {
        let field = |length: usize| std::iter::once(sign).chain(std::iter::repeat_n(rest, length - 1));
        value.iter().copied().eq(field(8).chain(field(4)).chain(field(4)))
    };
    of(0x7f, 0xff) || of(0x80, 0x00)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn positions(kind: &Kind, handling: InvalidDates) -> Positions {
        let values = Values {
            invalid_date_handling: handling,
            ..Values::default()
        };
        Positions::of(kind, &values)
    }

    #[test]
    fn what_has_nothing_after_it_or_was_changed_is_no_position() {
        let date = |days: i32, handling| positions(&Kind::Date, handling).has(&days.to_be_bytes());
        for handling in [
            InvalidDates::Null,
            InvalidDates::Clamp,
            InvalidDates::Text,
            InvalidDates::Error,
        ] {
            assert!(date(0, handling) && date(FIRST, handling) && date(LAST, handling));
            assert!(!date(i32::MAX, handling) && !date(i32::MIN, handling));
            let text = handling == InvalidDates::Text;
            assert_eq!(
                (date(FIRST - 1, handling), date(LAST + 1, handling)),
                (text, text)
            );
        }
        let at = |count: i64| positions(&Kind::TimestampTz, InvalidDates::Clamp).has(&count.to_be_bytes());
        let end = (i64::from(LAST) + 1) * DAY;
        assert!(at(0) && at(end - 1) && at(i64::from(FIRST) * DAY));
        assert!(!at(end) && !at(i64::MAX) && !at(i64::MIN));
        let float = |value: f64| positions(&Kind::Float8, InvalidDates::Error).has(&value.to_be_bytes());
        assert!(float(-1e300) && !float(f64::NAN) && !float(f64::INFINITY));
        let numeric = |sign: u8| {
            let kind = Kind::Numeric { limits: None };
            positions(&kind, InvalidDates::Error).has(&[0, 0, 0, 0, sign, 0, 0, 0])
        };
        assert!(numeric(0) && numeric(0x40));
        assert!(!numeric(0xc0) && !numeric(0xd0) && !numeric(0xf0));
        let interval = |value: &[u8]| positions(&Kind::Interval, InvalidDates::Error).has(value);
        let mut infinite = [0xff_u8; 16];
        for at in [0, 8, 12] {
            infinite[at] = 0x7f;
        }
        assert!(interval(&[0; 16]) && !interval(&infinite));
    }

    #[test]
    fn a_bookmark_of_an_earlier_release_is_looked_at() {
        let has = |kind: &Kind, handling, text| positions(kind, handling).has_text(text);
        assert!(has(&Kind::Date, InvalidDates::Null, "2024-02-29"));
        assert!(!has(&Kind::Date, InvalidDates::Text, "infinity"));
        assert!(!has(&Kind::Date, InvalidDates::Text, "-infinity"));
        assert!(!has(
            &Kind::Timestamp,
            InvalidDates::Clamp,
            "12024-01-01 00:00:00"
        ));
        assert!(has(&Kind::Timestamp, InvalidDates::Text, "12024-01-01 00:00:00"));
        assert!(!has(
            &Kind::Timestamp,
            InvalidDates::Null,
            "0044-03-15 00:00:00 BC"
        ));
        assert!(!has(&Kind::Float8, InvalidDates::Error, "NaN"));
        assert!(has(&Kind::Text { length: None }, InvalidDates::Error, "infinity"));
    }
}
