//! Dates and times as the server reads them.
//!
//! Digits behind microseconds are rounded here, to the nearest and of two as near to the even one, as the server
//! would: it does so with binary floating numbers, and only where the text goes to it as it came. So one moment is one
//! value, however it is spelled:
//!
//! ```text
//! 2024-01-01T00:00:00.123456Z         sent as it is       2024-01-01 00:00:00.123456
//! 2024-01-01T00:00:00.1234567Z        rounded             2024-01-01 00:00:00.123457
//! 2024-01-01T01:00:00.1234567+01:00   turned into UTC     2024-01-01 00:00:00.123457
//! 2024-01-01T00:00:00,9999999Z        a comma: rewritten  2024-01-01 00:00:01
//! 2016-12-31T23:59:60Z                a leap second       2017-01-01 00:00:00
//! ```

mod far;
mod time_of_day;

use melisma_sdk::internal::time::{civil, parse_date, parse_date_time};

use far::write_far;

/// What becomes of a date or time that the column cannot hold (`invalid_date_handling`).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum InvalidDates {
    /// The record is refused.
    #[default]
    Error,
    /// Null takes its place.
    Null,
    /// The greatest that Meltano's SDK knows takes its place: `9999-12-31 23:59:59.999999`.
    Max,
}

/// What a column of dates or times holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Date,
    /// Without time zone: an offset is left out, and the time stays as it is on the clock there.
    Time,
    TimeTz,
    /// Without time zone: offsets are turned into UTC.
    Timestamp,
    TimestampTz,
}

/// The text does not name a moment that the column can hold.
pub(crate) struct Invalid;

const DAY: i64 = 86_400_000_000;

impl Moment {
    pub(crate) fn expected(self) -> &'static str {
        match self {
            Self::Date => "a date",
            Self::Time | Self::TimeTz => "a time of day",
            Self::Timestamp | Self::TimestampTz => "a date and time",
        }
    }

    /// What stands for `invalid_date_handling: max`.
    pub(crate) fn maximum(self) -> &'static str {
        match self {
            Self::Date => "9999-12-31",
            Self::Time => "23:59:59.999999",
            Self::TimeTz => "23:59:59.999999+00",
            Self::Timestamp => "9999-12-31 23:59:59.999999",
            Self::TimestampTz => "9999-12-31 23:59:59.999999+00",
        }
    }

    /// Appends the moment as the server reads it. `canonical`: so that equal moments are equal bytes.
    #[inline]
    pub(crate) fn write(self, out: &mut Vec<u8>, text: &str, canonical: bool) -> Result<(), Invalid> {
        match self {
            Self::Date => {
                if parse_date(text).is_some() {
                    out.extend_from_slice(text.as_bytes());
                    return Ok(());
                }
                match parse_date_time(text) {
                    // The midnight at which a date begins is that date with nothing lost.
                    Some(micros) if Some(micros) == parse_date_time(&text[..10]) && is_utc(text) => {
                        out.extend_from_slice(&text.as_bytes()[..10]);
                        Ok(())
                    }
                    Some(_) => Err(Invalid),
                    None => write_far(out, text, self, canonical),
                }
            }
            Self::Time | Self::TimeTz => time_of_day::write(out, text, self == Self::TimeTz, canonical),
            Self::Timestamp | Self::TimestampTz => {
                // The server reads it as it is; the zone, which is UTC, means nothing to a column without one.
                let as_it_is = !canonical
                    && is_utc(text)
                    && is_usual(text.as_bytes())
                    && (self == Self::Timestamp || text.ends_with(['Z', 'z']));
                if as_it_is && parse_date_time(text).is_some() {
                    out.extend_from_slice(text.as_bytes());
                    return Ok(());
                }
                match parse_date_time(text) {
                    Some(micros) => {
                        write_micros(out, micros);
                        Ok(())
                    }
                    None => write_far(out, text, self, canonical),
                }
            }
        }
    }
}

/// Whether the server reads a date and time as we do: not with a comma, a fraction that is to be rounded, a second 60
/// or 24 hours.
#[inline]
fn is_usual(text: &[u8]) -> bool {
    text.get(19) != Some(&b',')
        && !text.get(26).is_some_and(u8::is_ascii_digit)
        && text.get(17) != Some(&b'6')
        && text.get(11..13) != Some(b"24")
}

/// Whether a date and time that was read has no offset from UTC.
#[inline]
fn is_utc(text: &str) -> bool {
    match text.as_bytes() {
        [.., b'Z' | b'z'] => true,
        // `2020-01-01`, or an offset behind the time: its sign is the sixth, the fifth or the third from the end.
        bytes if bytes.len() <= 10 => true,
        bytes => match bytes[10..].iter().position(|byte| matches!(byte, b'+' | b'-')) {
            Some(at) => bytes[10 + at + 1..]
                .iter()
                .all(|byte| matches!(byte, b'0' | b':')),
            None => true,
        },
    }
}

/// `2020-02-29 13:00:00.5+00`
fn write_micros(out: &mut Vec<u8>, micros: i64) {
    write_moment(out, micros.div_euclid(DAY), micros.rem_euclid(DAY));
}

/// The same, by days since 1970-01-01 and microseconds of the day.
fn write_moment(out: &mut Vec<u8>, days: i64, micros: i64) {
    let bc = write_day(out, days);
    out.push(b' ');
    write_day_time(out, micros);
    out.extend_from_slice(b"+00");
    out.extend_from_slice(bc.as_bytes());
}

/// `2020-02-29`; returns what has to stand at the end: ` BC` before the year 1.
fn write_day(out: &mut Vec<u8>, days: i64) -> &'static str {
    let (year, month, day) = civil(days);
    // The year 0 is 1 BC.
    write_number(out, if year < 1 { 1 - year } else { year }, 4);
    out.push(b'-');
    write_number(out, month.into(), 2);
    out.push(b'-');
    write_number(out, day.into(), 2);
    if year < 1 { " BC" } else { "" }
}

fn write_day_time(out: &mut Vec<u8>, micros: i64) {
    let seconds = micros / 1_000_000;
    write_number(out, seconds / 3600, 2);
    out.push(b':');
    write_number(out, seconds / 60 % 60, 2);
    out.push(b':');
    write_number(out, seconds % 60, 2);
    let fraction = micros % 1_000_000;
    if fraction != 0 {
        out.push(b'.');
        write_number(out, fraction, 6);
    }
}

/// At least `width` digits of a number that is not negative.
fn write_number(out: &mut Vec<u8>, value: i64, width: u32) {
    let value = value.unsigned_abs();
    let mut unit = 10_u64.pow(width - 1);
    while value / unit >= 10 {
        unit *= 10;
    }
    while unit > 0 {
        out.push(b'0' + (value / unit % 10) as u8);
        unit /= 10;
    }
}

#[cfg(test)]
mod tests;
