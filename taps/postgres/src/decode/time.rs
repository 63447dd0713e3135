//! Decodes dates, times, timestamps and intervals.
//!
//! PostgreSQL counts days and microseconds from 2000-01-01 in the proleptic Gregorian calendar; the smallest and the
//! largest count stand for `-infinity` and `infinity`.

#![expect(
    clippy::cast_sign_loss,
    reason = "parts of a date and of a clock are not negative"
)]

use std::io::Write;

use melisma_sdk::internal::time::{self, DIGITS};

use super::{Dates, Result, Wrong, fixed, take};
use crate::config::InvalidDates;

/// PostgreSQL counts from 2000-01-01.
const DAYS_1970_TO_2000: i64 = 10_957;
const DAY: i64 = 86_400_000_000;
const HOUR: i64 = 3_600_000_000;
const MINUTE: i64 = 60_000_000;
const SECOND: i64 = 1_000_000;

/// A day of the calendar; year 0 is 1 BC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Civil {
    year: i64,
    month: u8,
    day: u8,
}

impl Civil {
    /// The date of a number of days after 2000-01-01.
    #[inline]
    fn of(days: i64) -> Self {
        let (year, month, day) = time::civil(days + DAYS_1970_TO_2000);
        Self { year, month, day }
    }

    /// Whether ISO 8601 has a form for it that everybody reads.
    #[inline]
    fn is_plain(self) -> bool {
        (1..=9999).contains(&self.year)
    }

    /// `2024-02-29`; a year before 1 is counted back from 1 BC.
    #[inline]
    fn write(self, out: &mut Vec<u8>) {
        let year = if self.year > 0 { self.year } else { 1 - self.year };
        if year <= 9999 {
            let (high, low) = (DIGITS[(year / 100) as usize], DIGITS[(year % 100) as usize]);
            let (month, day) = (DIGITS[usize::from(self.month)], DIGITS[usize::from(self.day)]);
            out.extend_from_slice(&[
                high[0], high[1], low[0], low[1], b'-', month[0], month[1], b'-', day[0], day[1],
            ]);
        } else {
            let _ = write!(out, "{year}-{:02}-{:02}", self.month, self.day);
        }
    }
}

/// `12:34:56`
#[inline]
fn write_clock(microseconds: i64, out: &mut Vec<u8>) {
    let seconds = microseconds / SECOND;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let (h, m, s) = (
        DIGITS[(hour % 100) as usize],
        DIGITS[minute as usize],
        DIGITS[second as usize],
    );
    out.extend_from_slice(&[h[0], h[1], b':', m[0], m[1], b':', s[0], s[1]]);
}

/// `.789000`, as Python's `isoformat` and so the Meltano SDK has it.
#[inline]
fn write_microseconds(microseconds: i64, out: &mut Vec<u8>) {
    let fraction = microseconds % SECOND;
    let (high, middle, low) = (
        DIGITS[(fraction / 10_000) as usize],
        DIGITS[(fraction / 100 % 100) as usize],
        DIGITS[(fraction % 100) as usize],
    );
    out.extend_from_slice(&[b'.', high[0], high[1], middle[0], middle[1], low[0], low[1]]);
}

pub(super) fn date(value: &[u8], dates: Dates, out: &mut Vec<u8>) -> Result {
    let days = i32::from_be_bytes(fixed(value, "a date")?);
    let infinite = matches!(days, i32::MIN | i32::MAX);
    let civil = Civil::of(days.into());
    out.push(b'"');
    if !infinite && civil.is_plain() {
        civil.write(out);
    } else {
        let write_text = |out: &mut Vec<u8>| {
            if infinite {
                write_infinity(days > 0, out);
                return;
            }
            civil.write(out);
            write_era(civil, out);
        };
        let clamped = if days > 0 { "9999-12-31" } else { "0001-01-01" };
        if !outside(dates, "date", clamped, write_text, out)? {
            return Ok(());
        }
    }
    out.push(b'"');
    Ok(())
}

pub(super) fn timestamp(value: &[u8], dates: Dates, zoned: bool, out: &mut Vec<u8>) -> Result {
    let count = i64::from_be_bytes(fixed(value, "a timestamp")?);
    let infinite = matches!(count, i64::MIN | i64::MAX);
    let (days, clock) = (count.div_euclid(DAY), count.rem_euclid(DAY));
    let civil = Civil::of(days);
    out.push(b'"');
    if !infinite && civil.is_plain() && dates != Dates::Postgres {
        civil.write(out);
        out.push(b'T');
        write_clock(clock, out);
        write_microseconds(clock, out);
        out.extend_from_slice(b"+00:00");
    } else {
        let write_text = |out: &mut Vec<u8>| {
            if infinite {
                write_infinity(count > 0, out);
                return;
            }
            civil.write(out);
            out.push(b' ');
            time::write_clock(clock, out);
            if zoned {
                out.extend_from_slice(b"+00");
            }
            write_era(civil, out);
        };
        let clamped = if count > 0 {
            "9999-12-31T23:59:59.999999+00:00"
        } else {
            "0001-01-01T00:00:00+00:00"
        };
        if !outside(dates, "timestamp", clamped, write_text, out)? {
            return Ok(());
        }
    }
    out.push(b'"');
    Ok(())
}

fn write_infinity(positive: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(if positive { b"infinity" } else { b"-infinity" });
}

fn write_era(civil: Civil, out: &mut Vec<u8>) {
    if civil.year <= 0 {
        out.extend_from_slice(b" BC");
    }
}

/// Writes a value without a plain ISO form after the quote that stands at the end of `out`; when it is null, that
/// takes the quote's place, and no closing one is due.
#[cold]
fn outside(
    dates: Dates,
    name: &str,
    clamped: &str,
    write_text: impl Fn(&mut Vec<u8>),
    out: &mut Vec<u8>,
) -> Result<bool> {
    match dates {
        Dates::Postgres | Dates::Iso(InvalidDates::Text) => write_text(out),
        Dates::Iso(InvalidDates::Clamp) => out.extend_from_slice(clamped.as_bytes()),
        Dates::Iso(InvalidDates::Null) => {
            out.pop();
            out.extend_from_slice(b"null");
            return Ok(false);
        }
        Dates::Iso(InvalidDates::Error) => {
            let mut text = Vec::new();
            write_text(&mut text);
            return Err(Wrong::new(format!(
                "expected a {name} from 0001-01-01 to 9999-12-31, found {} (see the settings \
                 invalid_date_handling and dates_as_string)",
                String::from_utf8_lossy(&text)
            )));
        }
    }
    Ok(true)
}

/// The microseconds of a clock, which shows no more than a day.
#[inline]
fn of_day(count: i64, value: &[u8], name: &str) -> Result<i64> {
    if (0..=DAY).contains(&count) {
        Ok(count)
    } else {
        Err(Wrong::form(value, name))
    }
}

/// `12:34:56.789000`, `12:34:56`; `24:00:00` is a time, too.
pub(super) fn time(value: &[u8], out: &mut Vec<u8>) -> Result {
    const NAME: &str = "a time";
    let count = of_day(i64::from_be_bytes(fixed(value, NAME)?), value, NAME)?;
    out.push(b'"');
    write_clock(count, out);
    if count % SECOND != 0 {
        write_microseconds(count, out);
    }
    out.push(b'"');
    Ok(())
}

/// `12:34:56.789000+02:00`
pub(super) fn time_with_zone(value: &[u8], out: &mut Vec<u8>) -> Result {
    const NAME: &str = "a time with time zone";
    let mut rest = value;
    let count = of_day(i64::from_be_bytes(take(&mut rest, NAME)?), value, NAME)?;
    // Seconds west of Greenwich.
    let west = i64::from(i32::from_be_bytes(fixed(rest, NAME)?));
    out.push(b'"');
    write_clock(count, out);
    if count % SECOND != 0 {
        write_microseconds(count, out);
    }
    let (sign, offset) = if west > 0 { ('-', west) } else { ('+', -west) };
    let _ = write!(out, "{sign}{:02}:{:02}", offset / 3600, offset / 60 % 60);
    if offset % 60 != 0 {
        let _ = write!(out, ":{:02}", offset % 60);
    }
    out.push(b'"');
    Ok(())
}

/// An interval in PostgreSQL's own style: `1 year 2 mons -3 days +04:05:06.789`.
pub(super) fn interval(value: &[u8], out: &mut Vec<u8>) -> Result {
    const NAME: &str = "an interval";
    let mut rest = value;
    let clock = i64::from_be_bytes(take(&mut rest, NAME)?);
    let days = i32::from_be_bytes(take(&mut rest, NAME)?);
    let months = i32::from_be_bytes(fixed(rest, NAME)?);
    out.push(b'"');
    match (clock, days, months) {
        (i64::MAX, i32::MAX, i32::MAX) => out.extend_from_slice(b"infinity"),
        (i64::MIN, i32::MIN, i32::MIN) => out.extend_from_slice(b"-infinity"),
        _ => finite_interval(clock, days, months, out),
    }
    out.push(b'"');
    Ok(())
}

fn finite_interval(clock: i64, days: i32, months: i32, out: &mut Vec<u8>) {
    let mut first = true;
    let mut after_negative = false;
    for (count, unit) in [(months / 12, "year"), (months % 12, "mon"), (days, "day")] {
        if count == 0 {
            continue;
        }
        let space = if first { "" } else { " " };
        // A plus shows where the sign changes back.
        let plus = if after_negative && count > 0 { "+" } else { "" };
        let plural = if count == 1 { "" } else { "s" };
        let _ = write!(out, "{space}{plus}{count} {unit}{plural}");
        after_negative = count < 0;
        first = false;
    }
    if !first && clock == 0 {
        return;
    }
    if !first {
        out.push(b' ');
    }
    if clock < 0 {
        out.push(b'-');
    } else if after_negative {
        out.push(b'+');
    }
    // The smallest count has no positive one.
    let clock = i128::from(clock).unsigned_abs();
    let (hour, minute) = (clock / HOUR as u128, clock / MINUTE as u128 % 60);
    let _ = write!(out, "{hour:02}:{minute:02}:{:02}", clock / SECOND as u128 % 60);
    time::write_fraction((clock % SECOND as u128) as i64, out);
}
