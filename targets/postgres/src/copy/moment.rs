//! Dates and times as the server reads them.

use melisma_sdk::time::{parse_date, parse_date_time, parse_time};

/// What becomes of a date or time that the column can not hold (`invalid_date_handling`).
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
    Time,
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
            Self::Time => "a time of day",
            Self::Timestamp | Self::TimestampTz => "a date and time",
        }
    }

    /// What stands for `invalid_date_handling: max`.
    pub(crate) fn maximum(self) -> &'static str {
        match self {
            Self::Date => "9999-12-31",
            Self::Time => "23:59:59.999999",
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
                    _ => self.write_far(out, text, canonical),
                }
            }
            Self::Time => write_time(out, text, canonical),
            Self::Timestamp | Self::TimestampTz => {
                let Some(micros) = parse_date_time(text) else {
                    return self.write_far(out, text, canonical);
                };
                if canonical || !is_utc(text) {
                    write_micros(out, micros);
                    return Ok(());
                }
                // The server reads it as it is; the zone, which is UTC, means nothing to a column without one.
                out.extend_from_slice(text.as_bytes());
                Ok(())
            }
        }
    }

    /// Dates beyond the years 1 to 9999, as PostgreSQL spells them: `infinity`, `0044-03-15 BC`, `12345-01-01 00:00:00`.
    /// A zone other than UTC is for columns with a time zone only: the server would drop it.
    #[cold]
    fn write_far(self, out: &mut Vec<u8>, text: &str, canonical: bool) -> Result<(), Invalid> {
        if text.eq_ignore_ascii_case("infinity") || text.eq_ignore_ascii_case("-infinity") {
            out.extend(text.bytes().map(|byte| byte.to_ascii_lowercase()));
            return Ok(());
        }
        let (body, bc) = match text.strip_suffix(" BC") {
            Some(body) => (body, true),
            None => (text, false),
        };
        let digits = body.bytes().take_while(u8::is_ascii_digit).count();
        let rest = body.get(digits..).unwrap_or_default();
        // The same day in a year that our reader knows, leap years included, says whether the rest is right.
        let Ok(year) = body[..digits].parse::<i64>() else {
            return Err(Invalid);
        };
        if !(4..=6).contains(&digits) || year == 0 || !(bc || digits > 4) {
            return Err(Invalid);
        }
        let year = if bc { 1 - year } else { year };
        let near = 2000 + year.rem_euclid(400);
        let text_near = format!("{near}{rest}");
        let Some(micros) = parse_date_time(&text_near) else {
            return Err(Invalid);
        };
        if self != Self::TimestampTz && !is_utc(&text_near) {
            return Err(Invalid);
        }
        if !canonical {
            out.extend_from_slice(text.as_bytes());
            return Ok(());
        }
        let days = micros.div_euclid(DAY) + (year - near) / 400 * 146_097;
        if self == Self::Date {
            let bc = write_day(out, days);
            out.extend_from_slice(bc.as_bytes());
        } else {
            write_moment(out, days, micros.rem_euclid(DAY));
        }
        Ok(())
    }
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

fn write_time(out: &mut Vec<u8>, text: &str, canonical: bool) -> Result<(), Invalid> {
    let bare = text
        .strip_suffix(['Z', 'z'])
        .or_else(|| text.strip_suffix("+00:00"))
        .unwrap_or(text);
    match parse_time(bare) {
        Some(micros) if canonical => write_day_time(out, micros),
        Some(_) => out.extend_from_slice(bare.as_bytes()),
        // The end of the day, which PostgreSQL knows and RFC 3339 does not.
        None if matches!(bare, "24:00" | "24:00:00") => out.extend_from_slice(b"24:00:00"),
        None => return Err(Invalid),
    }
    Ok(())
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
    write_number(out, month, 2);
    out.push(b'-');
    write_number(out, day, 2);
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

/// Year, month and day of days since 1970-01-01 (proleptic Gregorian; the year 0 is 1 BC).
fn civil(days: i64) -> (i64, i64, i64) {
    // Howard Hinnant's civil_from_days: years that begin in March, in eras of 400 of them.
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(moment: Moment, text: &str, canonical: bool) -> Option<String> {
        let mut out = Vec::new();
        moment.write(&mut out, text, canonical).ok()?;
        String::from_utf8(out).ok()
    }

    #[test]
    fn what_the_server_reads_alike_stays_as_it_came() {
        for text in [
            "2020-02-29T13:00:00Z",
            "2020-02-29 13:00:00.123456+00:00",
            "2020-02-29T13:00",
            "infinity",
            "-infinity",
            "0044-03-15 12:00:00 BC",
            "12345-02-28T00:00:00Z",
        ] {
            assert_eq!(written(Moment::Timestamp, text, false).as_deref(), Some(text));
        }
        assert_eq!(
            written(Moment::Date, "2020-02-29", false).as_deref(),
            Some("2020-02-29")
        );
        assert_eq!(
            written(Moment::Date, "0001-01-01 BC", false).as_deref(),
            Some("0001-01-01 BC")
        );
        assert_eq!(
            written(Moment::Time, "24:00:00", false).as_deref(),
            Some("24:00:00")
        );
    }

    #[test]
    fn offsets_become_utc() {
        for (text, expected) in [
            ("2020-02-29T13:00:00+02:00", "2020-02-29 11:00:00+00"),
            ("2020-01-01T00:30:00.25+0100", "2019-12-31 23:30:00.250000+00"),
            ("0001-01-01T00:00:00+01", "0001-12-31 23:00:00+00 BC"),
            ("9999-12-31T23:59:59-01:00", "10000-01-01 00:59:59+00"),
        ] {
            for moment in [Moment::Timestamp, Moment::TimestampTz] {
                assert_eq!(written(moment, text, false).as_deref(), Some(expected));
            }
        }
    }

    #[test]
    fn equal_moments_are_equal_bytes_when_asked() {
        let key = |text| written(Moment::Timestamp, text, true);
        assert_eq!(key("2020-01-01T12:00:00Z"), key("2020-01-01 13:00:00.000+01:00"));
        assert_eq!(
            written(Moment::Time, "08:30", true),
            written(Moment::Time, "08:30:00.0Z", true)
        );
        assert_eq!(key("infinity"), key("Infinity"));
        assert_eq!(key("12345-01-01"), key("012345-01-01T00:00:00.0Z"));
        assert_eq!(key("0044-03-15 BC").as_deref(), Some("0044-03-15 00:00:00+00 BC"));
        assert_eq!(key("0044-03-15 BC"), key("00044-03-15 00:00 BC"));
        let zoned = |text| written(Moment::TimestampTz, text, true);
        assert_eq!(
            zoned("12345-01-01T00:30:00+01:00").as_deref(),
            Some("12344-12-31 23:30:00+00")
        );
        let day = |text| written(Moment::Date, text, true);
        assert_eq!(day("12345-02-28").as_deref(), Some("12345-02-28"));
        assert_eq!(day("12345-02-28"), day("12345-02-28T00:00:00Z"));
        assert_eq!(day("0001-02-29 BC").as_deref(), Some("0001-02-29 BC"));
    }

    #[test]
    fn midnights_are_dates_and_other_times_are_not() {
        assert_eq!(
            written(Moment::Date, "2020-02-29T00:00:00Z", false).as_deref(),
            Some("2020-02-29")
        );
        assert_eq!(written(Moment::Date, "2020-02-29T00:00:01Z", false), None);
    }

    #[test]
    fn what_no_column_holds_is_invalid() {
        for text in [
            "",
            "2020-02-30",
            "2020-13-01T00:00:00Z",
            "0000-01-01",
            "12345-02-30",
            "tomorrow",
            "12345-01-01T00:00:00+02:00",
            "1234567-01-01",
            "0044-03-15 AD",
            "é",
        ] {
            assert_eq!(written(Moment::Timestamp, text, false), None, "{text}");
        }
        assert_eq!(written(Moment::Time, "08:30+02:00", false), None);
    }

    #[test]
    fn days_of_every_era_agree_with_the_reader() {
        for days in (-719_162..2_932_896).step_by(61) {
            let (year, month, day) = civil(days);
            let text = format!("{year:04}-{month:02}-{day:02}");
            assert_eq!(parse_date(&text).map(i64::from), Some(days), "{text}");
        }
    }
}
