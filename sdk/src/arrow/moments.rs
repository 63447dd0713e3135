//! Dates, times, date-times and intervals as text.
//!
//! Arrow counts days and parts of seconds from 1970-01-01, in the proleptic Gregorian calendar.

#![expect(
    clippy::cast_sign_loss,
    reason = "parts of a date and of a clock are not negative"
)]

use std::io::Write as _;

use melisma_engine::time::{self, DIGITS};

use super::options::{InvalidDates, ValueOptions};

/// Why a value cannot be written.
pub(super) type Wrong = Box<str>;
pub(super) type Done = Result<(), Wrong>;

const NANOS: i64 = 1_000_000_000;
const DAY_SECONDS: i64 = 86_400;

/// How many digits a part of a second has: nine where the column counts nanoseconds, else six, as Python's `isoformat` and so
/// the Meltano SDK has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fraction {
    Micros,
    Nanos,
}

/// A day of the calendar; year 0 is 1 BC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Civil {
    year: i64,
    month: u8,
    day: u8,
}

impl Civil {
    /// The date of a number of days after 1970-01-01.
    #[inline]
    fn of(days: i64) -> Self {
        let (year, month, day) = time::civil(days);
        Self { year, month, day }
    }

    /// Whether ISO 8601 has a form for it that every reader takes.
    #[inline]
    fn is_plain(self) -> bool {
        (1..=9999).contains(&self.year)
    }

    #[inline]
    fn write(self, out: &mut Vec<u8>) {
        if (0..=9999).contains(&self.year) {
            let (high, low) = (
                DIGITS[(self.year / 100) as usize],
                DIGITS[(self.year % 100) as usize],
            );
            let (month, day) = (DIGITS[usize::from(self.month)], DIGITS[usize::from(self.day)]);
            out.extend_from_slice(&[
                high[0], high[1], low[0], low[1], b'-', month[0], month[1], b'-', day[0], day[1],
            ]);
        } else {
            let (sign, year) = if self.year < 0 {
                ('-', -self.year)
            } else {
                ('+', self.year)
            };
            let _ = write!(out, "{sign}{year:04}-{:02}-{:02}", self.month, self.day);
        }
    }
}

/// Writes the date of a number of days after 1970-01-01, without quotes: `2024-02-29`.
pub fn write_date(days: i64, out: &mut Vec<u8>) {
    Civil::of(days).write(out);
}

/// `12:34:56`
#[inline]
fn write_clock(seconds: i64, out: &mut Vec<u8>) {
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let (h, m, s) = (
        DIGITS[(hour % 100) as usize],
        DIGITS[minute as usize],
        DIGITS[second as usize],
    );
    out.extend_from_slice(&[h[0], h[1], b':', m[0], m[1], b':', s[0], s[1]]);
}

/// `.789000`
#[inline]
fn write_fraction(nanos: i64, fraction: Fraction, out: &mut Vec<u8>) {
    let micros = nanos / 1_000;
    let (high, middle, low) = (
        DIGITS[(micros / 10_000) as usize],
        DIGITS[(micros / 100 % 100) as usize],
        DIGITS[(micros % 100) as usize],
    );
    out.extend_from_slice(&[b'.', high[0], high[1], middle[0], middle[1], low[0], low[1]]);
    if fraction == Fraction::Nanos {
        let _ = write!(out, "{:03}", nanos % 1_000);
    }
}

/// A number of days after 1970-01-01 as a string of JSON.
#[inline]
pub(super) fn date(days: i64, options: ValueOptions, out: &mut Vec<u8>) -> Done {
    let civil = Civil::of(days);
    if civil.is_plain() || options.dates_as_strings {
        out.push(b'"');
        civil.write(out);
        out.push(b'"');
        return Ok(());
    }
    let clamped = if days > 0 { "9999-12-31" } else { "0001-01-01" };
    outside(
        options.invalid_dates,
        "date",
        clamped,
        |out| civil.write(out),
        out,
    )
}

/// A number of seconds after 1970-01-01, and of nanoseconds after that, as a string of JSON, in UTC.
#[inline]
pub(super) fn timestamp(
    (seconds, nanos): (i64, i64),
    fraction: Fraction,
    options: ValueOptions,
    out: &mut Vec<u8>,
) -> Done {
    let civil = Civil::of(seconds.div_euclid(DAY_SECONDS));
    let text = |out: &mut Vec<u8>| {
        civil.write(out);
        out.push(b'T');
        write_clock(seconds.rem_euclid(DAY_SECONDS), out);
        write_fraction(nanos, fraction, out);
        out.extend_from_slice(b"+00:00");
    };
    if civil.is_plain() || options.dates_as_strings {
        out.push(b'"');
        text(out);
        out.push(b'"');
        return Ok(());
    }
    let clamped = if seconds > 0 {
        "9999-12-31T23:59:59.999999+00:00"
    } else {
        "0001-01-01T00:00:00.000000+00:00"
    };
    outside(options.invalid_dates, "date-time", clamped, text, out)
}

/// Writes a value without a plain form.
#[cold]
fn outside(
    invalid: InvalidDates,
    name: &str,
    clamped: &str,
    text: impl Fn(&mut Vec<u8>),
    out: &mut Vec<u8>,
) -> Done {
    match invalid {
        InvalidDates::Error => {
            let mut found = Vec::new();
            text(&mut found);
            return Err(format!(
                "expected a {name} from 0001-01-01 to 9999-12-31, found {} (see the settings invalid_date_handling and \
                 dates_as_string)",
                String::from_utf8_lossy(&found)
            )
            .into());
        }
        InvalidDates::Null => out.extend_from_slice(b"null"),
        InvalidDates::Clamp => {
            out.push(b'"');
            out.extend_from_slice(clamped.as_bytes());
            out.push(b'"');
        }
        InvalidDates::Text => {
            out.push(b'"');
            text(out);
            out.push(b'"');
        }
    }
    Ok(())
}

/// A time of day, in nanoseconds: `"12:34:56.789000"`, `"12:34:56"`; `"24:00:00"` is a time, too.
pub(super) fn time(nanos: i64, out: &mut Vec<u8>) -> Done {
    if !(0..=DAY_SECONDS * NANOS).contains(&nanos) {
        return Err(format!("expected a time of day, found {nanos} nanoseconds").into());
    }
    out.push(b'"');
    write_clock(nanos / NANOS, out);
    let part = nanos % NANOS;
    if part != 0 {
        let whole = part % 1_000 == 0;
        write_fraction(part, if whole { Fraction::Micros } else { Fraction::Nanos }, out);
    }
    out.push(b'"');
    Ok(())
}

/// An interval as DuckDB writes it, which PostgreSQL reads, too: `"1 year 2 months -3 days 04:05:06.789"`.
pub(super) fn interval(months: i32, days: i32, nanos: i128, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut first = true;
    for (count, unit) in [(months / 12, "year"), (months % 12, "month"), (days, "day")] {
        if count == 0 {
            continue;
        }
        let space = if first { "" } else { " " };
        let plural = if matches!(count, -1 | 1) { "" } else { "s" };
        let _ = write!(out, "{space}{count} {unit}{plural}");
        first = false;
    }
    if first || nanos != 0 {
        let space = if first { "" } else { " " };
        let sign = if nanos < 0 { "-" } else { "" };
        let _ = write!(out, "{space}{sign}");
        clock_of_interval(nanos.unsigned_abs(), out);
    }
    out.push(b'"');
}

/// `100:05:06.789`
fn clock_of_interval(nanos: u128, out: &mut Vec<u8>) {
    let seconds = nanos / NANOS as u128;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let _ = write!(out, "{hour:02}:{minute:02}:{second:02}");
    let part = nanos % NANOS as u128;
    if part != 0 {
        let _ = write!(out, ".{part:09}");
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn days_are_dates_of_any_year() {
        let date = |days| text(|out| write_date(days, out));
        for (days, expected) in [
            (0, "1970-01-01"),
            (19_782, "2024-02-29"),
            (-1, "1969-12-31"),
            (-719_162, "0001-01-01"),
            (2_932_896, "9999-12-31"),
            (2_932_897, "+10000-01-01"),
            (-719_529, "-0001-12-31"),
            (i64::from(i32::MAX), "+5881580-07-11"),
        ] {
            assert_eq!(date(days), expected);
        }
    }

    #[test]
    fn what_iso_8601_cannot_express_is_handled_as_asked() {
        let options = |invalid_dates| ValueOptions {
            invalid_dates,
            ..ValueOptions::default()
        };
        let date = |days, invalid| {
            let mut out = Vec::new();
            let done = date(days, options(invalid), &mut out);
            done.map(|()| String::from_utf8(out).expect("UTF-8"))
        };
        let wrong = date(2_932_897, InvalidDates::Error).expect_err("an error");
        assert!(wrong.contains("found +10000-01-01"), "{wrong}");
        assert_eq!(date(2_932_897, InvalidDates::Null), Ok("null".into()));
        assert_eq!(date(2_932_897, InvalidDates::Clamp), Ok("\"9999-12-31\"".into()));
        assert_eq!(date(-800_000, InvalidDates::Clamp), Ok("\"0001-01-01\"".into()));
        assert_eq!(date(-719_529, InvalidDates::Text), Ok("\"-0001-12-31\"".into()));
        let moment = |seconds| {
            text(|out| {
                timestamp((seconds, 0), Fraction::Micros, options(InvalidDates::Clamp), out)
                    .expect("written");
            })
        };
        assert_eq!(moment(i64::MAX), "\"9999-12-31T23:59:59.999999+00:00\"");
        assert_eq!(moment(i64::MIN), "\"0001-01-01T00:00:00.000000+00:00\"");
    }

    #[test]
    fn parts_of_seconds_have_the_digits_of_their_unit() {
        let moment = |seconds, nanos, fraction| {
            text(|out| timestamp((seconds, nanos), fraction, ValueOptions::default(), out).expect("written"))
        };
        assert_eq!(
            moment(-1, 999_999_999, Fraction::Nanos),
            "\"1969-12-31T23:59:59.999999999+00:00\""
        );
        assert_eq!(
            moment(0, 500_000_000, Fraction::Micros),
            "\"1970-01-01T00:00:00.500000+00:00\""
        );
        let time = |nanos| text(|out| time(nanos, out).expect("a time"));
        assert_eq!(time(0), "\"00:00:00\"");
        assert_eq!(time(86_400 * NANOS), "\"24:00:00\"");
        assert_eq!(time(500_000_000), "\"00:00:00.500000\"");
        assert_eq!(time(1), "\"00:00:00.000000001\"");
        assert!(super::time(-1, &mut Vec::new()).is_err());
    }

    #[test]
    fn intervals_are_as_duckdb_has_them() {
        let of = |months, days, nanos| text(|out| interval(months, days, nanos, out));
        assert_eq!(of(0, 0, 0), "\"00:00:00\"");
        assert_eq!(
            of(14, -3, 14_706_789_000_000),
            "\"1 year 2 months -3 days 04:05:06.789\""
        );
        assert_eq!(of(1, 0, 0), "\"1 month\"");
        assert_eq!(of(0, 0, -1), "\"-00:00:00.000000001\"");
        assert_eq!(of(-12, 1, 0), "\"-1 year 1 day\"");
    }
}
