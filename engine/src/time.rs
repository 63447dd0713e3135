//! Parses dates and times as taps write them, without loss.
//!
//! What is read is RFC 3339 and the usual departures from it, which PostgreSQL and Python's `fromisoformat` read as well: a
//! space for the `T`, no zone (UTC), an offset without colon, without minutes, with seconds or after a space, seconds left
//! out, a comma before the fraction, `24:00:00` for the end of a day. A leap second is the first second of the next minute,
//! as in PostgreSQL. A fraction of more than six digits is rounded to the nearest microsecond, and to the even one of two
//! that are as near; what that carries over changes the second, the day or the year.

#![expect(
    clippy::cast_sign_loss,
    reason = "parts of a date and of a clock are not negative"
)]

const DAY: i64 = 86_400_000_000;
const SECOND: i64 = 1_000_000;

/// `00` to `99`.
pub const DIGITS: [[u8; 2]; 100] = {
    let mut digits = [[0; 2]; 100];
    let mut i = 0;
    while i < 100 {
        digits[i] = [b'0' + (i / 10) as u8, b'0' + (i % 10) as u8];
        i += 1;
    }
    digits
};

/// Year, month and day of the day with this number after 1970-01-01 (proleptic Gregorian; the year 0 is 1 BC): Howard Hinnant's
/// `civil_from_days`. Years begin in March there, so that the leap day is the last.
/// ```
/// assert_eq!(melisma_engine::time::civil(1), (1970, 1, 2));
/// assert_eq!(melisma_engine::time::civil(-719_469), (0, 2, 29));
/// ```
#[inline]
pub fn civil(days: i64) -> (i64, u8, u8) {
    const DAYS_OF_400_YEARS: i64 = 146_097;
    let days = days + 719_468;
    let era = days.div_euclid(DAYS_OF_400_YEARS);
    let day = days.rem_euclid(DAYS_OF_400_YEARS);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + i64::from(month <= 2);
    (year, month as u8, day as u8)
}

/// Appends the day with this number after 1970-01-01 as `2024-02-29`. `None` outside of the years 1 to 9999; then nothing is
/// appended.
/// ```
/// let mut text = Vec::new();
/// assert_eq!(melisma_engine::time::write_date(-719_162, &mut text), Some(()));
/// assert_eq!(text, b"0001-01-01");
/// assert_eq!(melisma_engine::time::write_date(-719_163, &mut text), None);
/// ```
#[inline]
pub fn write_date(days: i64, out: &mut Vec<u8>) -> Option<()> {
    // Far from what the calendar can count.
    if days.unsigned_abs() > 4_000_000 {
        return None;
    }
    let (year, month, day) = civil(days);
    if !(1..=9999).contains(&year) {
        return None;
    }
    let (high, low) = (DIGITS[(year / 100) as usize], DIGITS[(year % 100) as usize]);
    let (month, day) = (DIGITS[usize::from(month)], DIGITS[usize::from(day)]);
    out.extend_from_slice(&[
        high[0], high[1], low[0], low[1], b'-', month[0], month[1], b'-', day[0], day[1],
    ]);
    Some(())
}

/// Appends a time of the day, in microseconds, as PostgreSQL writes it: `12:34:56.7`, without zeros at its end.
/// ```
/// let mut text = Vec::new();
/// melisma_engine::time::write_clock(45_296_700_000, &mut text);
/// assert_eq!(text, b"12:34:56.7");
/// ```
#[inline]
pub fn write_clock(microseconds: i64, out: &mut Vec<u8>) {
    let seconds = microseconds / SECOND;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let two = |number: i64| DIGITS[(number % 100) as usize];
    let (h, m, s) = (two(hour), two(minute), two(second));
    out.extend_from_slice(&[h[0], h[1], b':', m[0], m[1], b':', s[0], s[1]]);
    write_fraction(microseconds, out);
}

/// Appends the part of a second: `.7`, without zeros at its end; nothing for 0.
#[inline]
pub fn write_fraction(microseconds: i64, out: &mut Vec<u8>) {
    let two = |number: i64| DIGITS[(number % 100) as usize];
    let fraction = microseconds % SECOND;
    if fraction != 0 {
        let (high, middle, low) = (two(fraction / 10_000), two(fraction / 100), two(fraction));
        out.extend_from_slice(&[b'.', high[0], high[1], middle[0], middle[1], low[0], low[1]]);
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
}

/// Days since 1970-01-01 of `YYYY-MM-DD`, years 1 to 9999 (proleptic Gregorian).
/// ```
/// assert_eq!(melisma_engine::time::parse_date("1970-01-02"), Some(1));
/// assert_eq!(melisma_engine::time::parse_date("2026-02-29"), None);
/// ```
#[inline]
pub fn parse_date(text: &str) -> Option<i32> {
    date(text.as_bytes().try_into().ok()?)
}

/// The same of ten bytes.
#[inline]
pub fn date(text: &[u8; 10]) -> Option<i32> {
    let start = u64::from_le_bytes(*text.first_chunk()?);
    let end = u64::from(u16::from_le_bytes(*text.last_chunk()?));
    // YYYYMMDD as eight bytes, each to be a digit. All are checked at once: a branch for each would cost more than
    // the arithmetic.
    let digits = (start & 0xFFFF_FFFF | start >> 8 & 0xFFFF << 32 | end << 48) ^ 0x3030_3030_3030_3030;
    let no_digits = (digits | digits.wrapping_add(0x0606_0606_0606_0606)) & 0xF0F0_F0F0_F0F0_F0F0;
    if no_digits != 0 || start & 0xFF00_00FF_0000_0000 != 0x2D00_002D_0000_0000 {
        return None;
    }
    // Each pair of digits as a number, in every second byte.
    let pairs = digits.wrapping_mul(10 * 0x100 + 1) >> 8;
    let pair = |i: u32| (pairs >> (16 * i) & 0xFF) as i32;
    let (year, month, day) = (pair(0) * 100 + pair(1), pair(2), pair(3));
    if year == 0 || !(1..=12).contains(&month) || day == 0 || day > 28 && day > days_in(year, month) {
        return None;
    }
    Some(days(year, month, day))
}

/// Microseconds since midnight of `HH:MM[:SS[.ffffff]]`, a time on the clock: a zone, a leap second and `24:00` are
/// refused. A fraction may be rounded up to the end of the day.
pub fn parse_time(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.starts_with(b"24") || bytes.get(6..8) == Some(b"60") {
        return None;
    }
    match time(bytes)? {
        (micros, []) => Some(micros),
        _ => None,
    }
}

/// Microseconds since midnight UTC of a time of day that may have a zone, the `full-time` of RFC 3339; without one it is
/// taken as UTC. What an offset, a leap second or a rounded fraction takes out of the day comes in at its other end.
pub fn parse_time_utc(text: &str) -> Option<i64> {
    let (micros, zone) = time(text.as_bytes())?;
    Some((micros - offset(zone)?).rem_euclid(DAY))
}

/// Microseconds since 1970-01-01T00:00:00Z. Text without a zone is taken as UTC, a date alone as its midnight.
/// ```
/// use melisma_engine::time::parse_date_time;
///
/// assert_eq!(parse_date_time("1970-01-01T01:00:00.5+01:00"), Some(500_000));
/// assert_eq!(parse_date_time("1970-01-02"), Some(86_400_000_000));
/// ```
#[inline]
pub fn parse_date_time(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let day = i64::from(date(bytes.first_chunk()?)?) * DAY;
    let (micros, zone) = match bytes.get(10..)? {
        [] => return Some(day),
        [b'T' | b't' | b' ', rest @ ..] => time(rest)?,
        _ => return None,
    };
    Some(day + micros - offset(zone)?)
}

/// A time of day and what follows it.
#[inline]
fn time(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (hour, minute) = (two(bytes, 0)?, two(bytes, 3)?);
    if bytes.get(2) != Some(&b':') || hour > 23 || minute > 59 {
        return end_of_day(bytes);
    }
    let micros = i64::from(hour * 60 + minute) * 60_000_000;
    let rest = bytes.get(5..)?;
    if rest.first() != Some(&b':') {
        return Some((micros, rest));
    }
    let second = two(rest, 1)?;
    if second > 60 {
        return None;
    }
    let micros = micros + i64::from(second) * 1_000_000;
    match rest.get(3..)? {
        [b'.' | b',', rest @ ..] => {
            let (fraction, rest) = fraction(rest)?;
            Some((micros + fraction, rest))
        }
        rest => Some((micros, rest)),
    }
}

/// `24:00[:00[.000000]]`
#[cold]
fn end_of_day(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let rest = bytes.strip_prefix(b"24:00")?;
    let Some(rest) = rest.strip_prefix(b":00") else {
        return Some((DAY, rest));
    };
    match rest {
        [b'.' | b',', rest @ ..] => match fraction(rest)? {
            (0, rest) => Some((DAY, rest)),
            _ => None,
        },
        rest => Some((DAY, rest)),
    }
}

/// Digits after the point as microseconds: a million of them where those after the sixth are rounded up to a second.
#[inline]
fn fraction(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        return None;
    }
    let (digits, rest) = bytes.split_at(digits);
    let micros = (0..6).fold(0, |micros, i| {
        micros * 10 + digits.get(i).map_or(0, |digit| i64::from(digit - b'0'))
    });
    let up = digits.len() > 6 && rounds_up(micros, &digits[6..]);
    Some((micros + i64::from(up), rest))
}

/// Whether digits after the microseconds make one more of them.
#[cold]
fn rounds_up(micros: i64, beyond: &[u8]) -> bool {
    match beyond {
        [b'5', rest @ ..] => micros % 2 == 1 || rest.iter().any(|digit| *digit != b'0'),
        [first, ..] => *first > b'5',
        [] => false,
    }
}

/// Microseconds east of UTC.
#[inline]
fn offset(zone: &[u8]) -> Option<i64> {
    let (sign, digits) = match zone {
        [] | [b'Z' | b'z'] => return Some(0),
        [b' ', zone @ (b'+' | b'-'), digits @ ..] => (if *zone == b'-' { -1 } else { 1 }, digits),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let (hours, minutes, seconds) = match digits.len() {
        2 => (two(digits, 0)?, 0, 0),
        4 => (two(digits, 0)?, two(digits, 2)?, 0),
        5 if digits[2] == b':' => (two(digits, 0)?, two(digits, 3)?, 0),
        // Local time before there were zones, as Python writes it: `+00:19:32`.
        8 if digits[2] == b':' && digits[5] == b':' => (two(digits, 0)?, two(digits, 3)?, two(digits, 6)?),
        _ => return None,
    };
    if hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    Some(sign * i64::from(hours * 3600 + minutes * 60 + seconds) * 1_000_000)
}

#[inline]
fn two(bytes: &[u8], at: usize) -> Option<i32> {
    let (&tens, &ones) = (bytes.get(at)?, bytes.get(at + 1)?);
    (tens.is_ascii_digit() && ones.is_ascii_digit())
        .then(|| i32::from(tens - b'0') * 10 + i32::from(ones - b'0'))
}

fn days_in(year: i32, month: i32) -> i32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from the start of a year that begins in March to the start of each month, January first.
const OF_YEAR: [i32; 13] = [0, 306, 337, 0, 31, 61, 92, 122, 153, 184, 214, 245, 275];

/// Days since 1970-01-01, by years that begin in March: the day that leap years add is then the last.
#[inline]
fn days(year: i32, month: i32, day: i32) -> i32 {
    let year = (year - i32::from(month <= 2)).unsigned_abs();
    let centuries = year / 100;
    let leaps = (year / 4 - centuries + centuries / 4).cast_signed();
    365 * year.cast_signed() + leaps + OF_YEAR[month.clamp(0, 12).unsigned_abs() as usize] + day - 719_469
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_are_days_since_1970() {
        for (text, days) in [
            ("1970-01-01", 0),
            ("1969-12-31", -1),
            ("2000-02-29", 11_016),
            ("0001-01-01", -719_162),
            ("9999-12-31", 2_932_896),
        ] {
            assert_eq!(parse_date(text), Some(days), "{text}");
        }
        for text in [
            "",
            "1970-1-1",
            "1970-13-01",
            "1900-02-29",
            "0000-01-01",
            "1970-01-01x",
            "197a-01-01",
            "10000-01-01",
        ] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut expected = -719_162;
        for year in 1..=9999 {
            for month in 1..=12 {
                for day in 1..=days_in(year, month) {
                    assert_eq!(days(year, month, day), expected);
                    expected += 1;
                }
            }
        }
    }

    #[test]
    fn date_times_are_microseconds_in_utc() {
        for (text, micros) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01", 0),
            ("1970-01-01 00:00:01", 1_000_000),
            ("1970-01-01t00:00:00.5z", 500_000),
            ("1970-01-01T01:00:00+01:00", 0),
            ("1970-01-01T00:00:00.1234567-0030", 1_800_123_457),
            ("1970-01-01T00:00+00", 0),
            ("1970-01-01 00:00:00,5", 500_000),
            ("1970-01-01 05:30:00 +0530", 0),
            ("1970-01-01T00:19:32+00:19:32", 0),
            ("1970-01-01T23:59:60Z", 86_400_000_000),
            ("1970-01-01T23:59:60.5Z", 86_400_500_000),
            ("1970-01-01T24:00:00.000Z", 86_400_000_000),
            ("1970-01-01T24:00-01:00", 90_000_000_000),
            ("9999-12-31T23:59:59.999999+00:00", 253_402_300_799_999_999),
        ] {
            assert_eq!(parse_date_time(text), Some(micros), "{text}");
        }
        for text in [
            "",
            "now",
            "1970-01-01T",
            "1970-01-01T24:00:01",
            "1970-01-01T24:01",
            "1970-01-01T25:00:00",
            "1970-01-01T00:00:61",
            "1970-01-01T00:00:00 ",
            "1970-01-01T00:00:00 Z",
            "1970-01-01T00:00:00.",
            "0000-01-01T00:00:00Z",
            "1970-01-01T00:00:00+1",
            "1970-01-01T00:00:00 UTC",
            "1970-01-01T00:00:00+25:00",
            "-001-01-01T00:00:00Z",
            "é970-01-01T00:00",
        ] {
            assert_eq!(parse_date_time(text), None, "{text}");
        }
    }

    #[test]
    fn fractions_are_rounded_to_the_nearest_microsecond() {
        for (fraction, micros) in [
            ("1234564", 123_456),
            ("1234565", 123_456),
            ("12345650", 123_456),
            ("12345650001", 123_457),
            ("1234575", 123_458),
            ("1234569", 123_457),
            ("0000000004", 0),
            ("999999499", 999_999),
            ("9999995", 1_000_000),
        ] {
            let text = format!("1970-01-01T00:00:00.{fraction}Z");
            assert_eq!(parse_date_time(&text), Some(micros), "{text}");
        }
        for (text, next) in [
            ("2023-12-31T23:59:59.9999999Z", "2024-01-01T00:00:00Z"),
            ("2024-02-28T23:59:59.99999951", "2024-02-29T00:00:00Z"),
            ("1969-12-31T23:59:59.9999999Z", "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(parse_date_time(text), parse_date_time(next), "{text}");
        }
    }

    #[test]
    fn times_with_a_zone_are_those_of_utc() {
        for (text, micros) in [
            ("08:30:06Z", 30_606_000_000),
            ("20:20:39+00:00", 73_239_000_000),
            ("20:20:39.5-05:00", 4_839_500_000),
            ("01:00:00+02:00", 82_800_000_000),
            ("08:30", 30_600_000_000),
            ("23:59:60Z", 0),
            ("24:00:00", 0),
            ("23:59:59.9999999", 0),
        ] {
            assert_eq!(parse_time_utc(text), Some(micros), "{text}");
        }
        for text in [
            "",
            "8:30",
            "08:30:06 Z",
            "08:30:06 UTC",
            "24:00:01",
            "noon",
            "2024-01-01T08:30:06Z",
        ] {
            assert_eq!(parse_time_utc(text), None, "{text}");
        }
    }

    #[test]
    fn times_have_no_zone() {
        assert_eq!(parse_time("23:59:59.999999"), Some(86_399_999_999));
        assert_eq!(parse_time("08:30"), Some(30_600_000_000));
        assert_eq!(parse_time("08:30Z"), None);
        assert_eq!(parse_time("24:00:00"), None);
        assert_eq!(parse_time("23:59:60"), None);
        assert_eq!(parse_time("23:59:59.9999999"), Some(DAY));
    }

    proptest! {
        /// The same as by fractions of whole numbers.
        #[test]
        fn any_fraction_is_rounded_to_the_nearest(digits in "[0-9]{1,14}|[0-9]{6}50{0,8}") {
            let (number, unit) = (digits.parse::<u128>().expect("digits"), 10_u128.pow(digits.len() as u32));
            let (micros, left) = (number * 1_000_000 / unit, number * 1_000_000 % unit);
            let up = 2 * left > unit || 2 * left == unit && micros % 2 == 1;
            let expected = i64::try_from(micros + u128::from(up)).expect("a second");
            prop_assert_eq!(parse_time_utc(&format!("00:00:00.{digits}Z")), Some(expected));
            prop_assert_eq!(parse_date_time(&format!("1970-01-01 00:00:00,{digits}")), Some(expected));
        }
    }
}
