//! Dates and times of `chrono`, `jiff` and `time`: in the form of RFC 3339, one without a zone as it is.

#[cfg(any(feature = "chrono", feature = "time"))]
use std::fmt;

use serde::ser::Serializer;
use serde_json::{Value, json};

use super::Field;
use super::short::text;

/// Types that write themselves in the form of their format, as `$shown`.
macro_rules! times {
    ($($type:ty, $format:literal, |$value:ident| $shown:expr;)*) => {
        $(impl Field for $type {
            fn schema() -> Value {
                json!({"type": "string", "format": $format})
            }

            #[inline]
            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let $value = self;
                text(&$shown, serializer)
            }
        })*
    };
}

#[cfg(feature = "chrono")]
times! {
    chrono::NaiveDate, "date", |date| date;
    chrono::NaiveTime, "time", |time| time;
    chrono::NaiveDateTime, "date-time", |time| Civil(time.date(), time.time());
}

// Its own text of a time with a zone has no `T`.
#[cfg(feature = "chrono")]
impl<Z: chrono::TimeZone> Field for chrono::DateTime<Z> {
    fn schema() -> Value {
        json!({"type": "string", "format": "date-time"})
    }

    #[inline]
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use chrono::Offset;
        let civil = self.naive_local();
        let offset = self.offset().fix();
        text(&Zoned(Civil(civil.date(), civil.time()), offset), serializer)
    }
}

#[cfg(feature = "jiff")]
times! {
    jiff::civil::Date, "date", |date| date;
    jiff::civil::Time, "time", |time| time;
    jiff::civil::DateTime, "date-time", |time| time;
    jiff::Timestamp, "date-time", |time| time;
    jiff::Zoned, "date-time", |time| time.strftime("%Y-%m-%dT%H:%M:%S%.f%:z");
}

#[cfg(feature = "time")]
times! {
    time::Date, "date", |date| Day(*date);
    time::Time, "time", |time| Clock(*time);
    time::PrimitiveDateTime, "date-time", |time| Civil(Day(time.date()), Clock(time.time()));
    time::UtcDateTime, "date-time", |time| Zoned(Civil(Day(time.date()), Clock(time.time())), "Z");
    time::OffsetDateTime, "date-time", |time| Zoned(Civil(Day(time.date()), Clock(time.time())), Offset(time.offset()));
}

/// A date and a time: `2026-01-31T12:00:00.5`.
#[cfg(any(feature = "chrono", feature = "time"))]
struct Civil<D, T>(D, T);

#[cfg(any(feature = "chrono", feature = "time"))]
impl<D: fmt::Display, T: fmt::Display> fmt::Display for Civil<D, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}T{}", self.0, self.1)
    }
}

/// A time and its offset: `2026-01-31T12:00:00+01:00`.
#[cfg(any(feature = "chrono", feature = "time"))]
struct Zoned<T, O>(T, O);

#[cfg(any(feature = "chrono", feature = "time"))]
impl<T: fmt::Display, O: fmt::Display> fmt::Display for Zoned<T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.0, self.1)
    }
}

/// `2026-01-31`
#[cfg(feature = "time")]
struct Day(time::Date);

#[cfg(feature = "time")]
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.0.to_calendar_date();
        write!(f, "{year:04}-{:02}-{day:02}", u8::from(month))
    }
}

/// `12:00:00`, and the fraction of a second where there is one.
#[cfg(feature = "time")]
struct Clock(time::Time);

#[cfg(feature = "time")]
impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hour, minute, second, nanosecond) = self.0.as_hms_nano();
        write!(f, "{hour:02}:{minute:02}:{second:02}")?;
        match nanosecond {
            0 => Ok(()),
            _ if nanosecond % 1_000_000 == 0 => write!(f, ".{:03}", nanosecond / 1_000_000),
            _ if nanosecond % 1_000 == 0 => write!(f, ".{:06}", nanosecond / 1_000),
            _ => write!(f, ".{nanosecond:09}"),
        }
    }
}

/// `+01:00`
#[cfg(feature = "time")]
struct Offset(time::UtcOffset);

#[cfg(feature = "time")]
impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hours, minutes, _) = self.0.as_hms();
        let sign = if self.0.is_negative() { '-' } else { '+' };
        write!(
            f,
            "{sign}{:02}:{:02}",
            hours.unsigned_abs(),
            minutes.unsigned_abs()
        )
    }
}
