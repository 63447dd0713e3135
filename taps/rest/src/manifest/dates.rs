//! Moments as manifests write them: by Python's `strptime` and `strftime`, and by words for numbers of seconds.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{Span, Timestamp, Zoned};
use serde_json::Value;

/// A moment in this format: a directive of `strptime`, or `%s`, `%s_as_float`, `%ms`, `%epoch_microseconds`, `%_ms`.
pub(super) fn parse(text: &str, format: &str) -> Option<Zoned> {
    let utc = |moment: Timestamp| Some(moment.to_zoned(TimeZone::UTC));
    let whole = || text.trim().parse::<i64>().ok();
    match format {
        "%s" => utc(Timestamp::from_second(whole()?).ok()?),
        "%s_as_float" => {
            let seconds: f64 = text.trim().parse().ok()?;
            // Python rounds to microseconds.
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a moment that is too large is refused below"
            )]
            let micros = (seconds * 1e6).round() as i64;
            utc(Timestamp::from_microsecond(micros).ok()?)
        }
        "%ms" => utc(Timestamp::from_millisecond(whole()?).ok()?),
        "%epoch_microseconds" => utc(Timestamp::from_microsecond(whole()?).ok()?),
        format => strptime(text, &format.replace("%_ms", "%f")),
    }
}

/// A value of a record or of a bookmark in the first of these formats that fits.
pub(super) fn parse_value(value: &Value, formats: &[String]) -> Option<Zoned> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    formats.iter().find_map(|format| parse(&text, format))
}

/// A moment as text.
pub(super) fn format(moment: &Zoned, format: &str) -> String {
    let stamp = moment.timestamp();
    match format {
        "%s" => stamp.as_second().to_string(),
        "%s_as_float" => crate::python::float(micros(stamp) / 1e6),
        "%ms" => stamp.as_millisecond().to_string(),
        "%epoch_microseconds" => stamp.as_microsecond().to_string(),
        format => strftime(moment, &format.replace("%_ms", "%3f")),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a float is what is asked for")]
fn micros(stamp: Timestamp) -> f64 {
    stamp.as_microsecond() as f64
}

/// Seconds since 1970, as a float.
pub(super) fn seconds(moment: &Zoned) -> f64 {
    micros(moment.timestamp()) / 1e6
}

/// As Python's `strftime`, whose `%f` has six digits.
pub(super) fn strftime(moment: &Zoned, format: &str) -> String {
    let format = format.replace("%f", "%6f");
    jiff::fmt::strtime::format(&format, moment).unwrap_or(format)
}

/// A moment in ISO 8601, in UTC where it does not say.
pub(super) fn iso(text: &str) -> Option<Zoned> {
    let text = text.trim();
    if let Ok(moment) = jiff::fmt::temporal::DateTimeParser::new().parse_timestamp(text) {
        return Some(moment.to_zoned(TimeZone::UTC));
    }
    if let Ok(local) = text.parse::<DateTime>() {
        return local.to_zoned(TimeZone::UTC).ok();
    }
    [
        "%Y%m%d",
        "%Y-%m",
        "%Y",
        "%Y%m%dT%H%M%S%z",
        "%Y-%m-%dT%H:%M%z",
        "%Y-%m-%dT%H%M%S%z",
    ]
    .iter()
    .find_map(|format| strptime(text, format))
}

/// An ISO 8601 duration: `P1D`, `PT1S`, `P1M`.
pub(super) fn duration(text: &str) -> Option<Span> {
    text.trim().parse().ok()
}

/// Reads a text by the directives of Python's `strptime`.
fn strptime(text: &str, format: &str) -> Option<Zoned> {
    let mut parts = Parts::default();
    let mut rest = text;
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '%' => rest = parts.directive(letters.next()?, rest)?,
            letter if letter.is_whitespace() => {
                let trimmed = rest.trim_start();
                if trimmed.len() == rest.len() {
                    return None;
                }
                rest = trimmed;
            }
            letter => rest = rest.strip_prefix(letter)?,
        }
    }
    if !rest.is_empty() {
        return None;
    }
    parts.moment()
}

struct Parts {
    year: i16,
    month: i8,
    day: i8,
    day_of_year: Option<i16>,
    hour: i8,
    afternoon: Option<bool>,
    minute: i8,
    second: i8,
    nanosecond: i32,
    offset: Option<i32>,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            year: 1900,
            month: 1,
            day: 1,
            day_of_year: None,
            hour: 0,
            afternoon: None,
            minute: 0,
            second: 0,
            nanosecond: 0,
            offset: None,
        }
    }
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const DAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

impl Parts {
    /// Reads one part; returns the rest.
    fn directive<'t>(&mut self, directive: char, text: &'t str) -> Option<&'t str> {
        match directive {
            'Y' => self.year = number(text, 4, 4)?.0.try_into().ok()?,
            'm' => self.month = number(text, 1, 2)?.0.try_into().ok()?,
            'd' | 'e' => self.day = number(text, 1, 2)?.0.try_into().ok()?,
            'H' | 'I' => self.hour = number(text, 1, 2)?.0.try_into().ok()?,
            'M' => self.minute = number(text, 1, 2)?.0.try_into().ok()?,
            'S' => self.second = number(text, 1, 2)?.0.try_into().ok()?,
            'y' => {
                let (year, _) = number(text, 2, 2)?;
                self.year = (if year < 69 { 2000 + year } else { 1900 + year })
                    .try_into()
                    .ok()?;
            }
            'j' => self.day_of_year = Some(number(text, 1, 3)?.0.try_into().ok()?),
            'f' => {
                let (value, rest) = number(text, 1, 6)?;
                let digits = u32::try_from(text.len() - rest.len()).ok()?;
                self.nanosecond = i32::try_from(value).ok()? * 10_i32.pow(9 - digits);
                return Some(rest);
            }
            'z' => return self.zone(text),
            'Z' => {
                let rest = ["UTC", "GMT", "Z"]
                    .iter()
                    .find_map(|name| text.strip_prefix(name));
                return Some(rest.unwrap_or(text));
            }
            'b' | 'B' | 'h' => {
                let (at, rest) = name(text, &MONTHS)?;
                self.month = i8::try_from(at).ok()? + 1;
                return Some(rest);
            }
            'a' | 'A' => return name(text, &DAYS).map(|(_, rest)| rest),
            'p' => {
                let word = text.get(..2)?.to_ascii_lowercase();
                self.afternoon = Some(match word.as_str() {
                    "am" => false,
                    "pm" => true,
                    _ => return None,
                });
                return Some(&text[2..]);
            }
            'T' => {
                return ["%H", ":", "%M", ":", "%S"].iter().try_fold(text, |rest, part| {
                    match part.strip_prefix('%') {
                        Some(directive) => self.directive(directive.chars().next()?, rest),
                        None => rest.strip_prefix(part),
                    }
                });
            }
            '%' => return text.strip_prefix('%'),
            _ => return None,
        }
        let longest = if directive == 'Y' {
            4
        } else if directive == 'j' {
            3
        } else {
            2
        };
        number(text, 1, longest).map(|(_, rest)| rest)
    }

    /// `Z`, `+0100`, `+01:00`, `+01:00:30`.
    fn zone<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        if let Some(rest) = text.strip_prefix(['Z', 'z']) {
            self.offset = Some(0);
            return Some(rest);
        }
        let sign = match text.chars().next()? {
            '+' => 1,
            '-' => -1,
            _ => return None,
        };
        let (hours, rest) = number(&text[1..], 2, 2)?;
        let (minutes, mut rest) = number(rest.strip_prefix(':').unwrap_or(rest), 2, 2)?;
        let mut seconds = 0;
        if let Some((more, after)) = rest.strip_prefix(':').and_then(|rest| number(rest, 2, 2)) {
            (seconds, rest) = (more, after);
        }
        self.offset = Some(sign * i32::try_from(hours * 3600 + minutes * 60 + seconds).ok()?);
        Some(rest)
    }

    fn moment(&self) -> Option<Zoned> {
        let hour = match self.afternoon {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let mut local = DateTime::new(
            self.year,
            self.month,
            self.day,
            hour,
            self.minute,
            self.second.min(59),
            self.nanosecond,
        )
        .ok()?;
        if let Some(day) = self.day_of_year {
            local = local.with().day_of_year(day).build().ok()?;
        }
        let zone = match self.offset {
            Some(0) | None => TimeZone::UTC,
            Some(seconds) => TimeZone::fixed(Offset::from_seconds(seconds).ok()?),
        };
        local.to_zoned(zone).ok()
    }
}

/// A number of so many digits, and what follows it.
fn number(text: &str, least: usize, most: usize) -> Option<(u32, &str)> {
    let digits = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if digits < least {
        return None;
    }
    let (digits, rest) = text.split_at(digits);
    Some((digits.parse().ok()?, rest))
}

/// One of these names, whole or its first three letters.
fn name<'t>(text: &'t str, names: &[&str]) -> Option<(usize, &'t str)> {
    let lower = text.to_ascii_lowercase();
    names.iter().enumerate().find_map(|(at, name)| {
        let length = if lower.starts_with(name) { name.len() } else { 3 };
        lower.starts_with(&name[..length]).then(|| (at, &text[length..]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_and_written_in_every_format() {
        for (format_, text) in [
            ("%Y-%m-%dT%H:%M:%S%z", "2026-01-31T12:30:05+0000"),
            ("%Y-%m-%dT%H:%M:%S.%f%z", "2026-01-31T12:30:05.250000+0130"),
            ("%Y-%m-%dT%H:%M:%SZ", "2026-01-31T12:30:05Z"),
            ("%Y-%m-%dT%H:%M:%S.%_msZ", "2026-01-31T12:30:05.250Z"),
            ("%Y-%m-%d", "2026-01-31"),
            ("%d %b %Y %I:%M %p", "31 Jan 2026 12:30 PM"),
            ("%s", "1769862605"),
            ("%ms", "1769862605250"),
            ("%s_as_float", "1769862605.25"),
            ("%epoch_microseconds", "1769862605250000"),
        ] {
            let moment = parse(text, format_).expect(text);
            assert_eq!(format(&moment, format_), text, "{format_}");
        }
        let same = |text: &str, format: &str| parse(text, format).expect(text).timestamp().to_string();
        assert_eq!(
            same("2026-01-31T12:30:05+01:00", "%Y-%m-%dT%H:%M:%S%z"),
            "2026-01-31T11:30:05Z"
        );
        assert_eq!(
            same("2026-1-3 1:2:3.5", "%Y-%m-%d %H:%M:%S.%f"),
            "2026-01-03T01:02:03.5Z"
        );
        assert_eq!(same("Sat, 31 January 26", "%a, %d %B %y"), "2026-01-31T00:00:00Z");
        assert_eq!(same("2026032", "%Y%j"), "2026-02-01T00:00:00Z");
        for (format, text) in [
            ("%Y-%m-%d", "2026-02-30"),
            ("%Y-%m-%d", "2026-01-01T00"),
            ("%Y", "26"),
            ("%s", "soon"),
            ("%Y-%m-%dT%H:%M:%S%z", "2026-01-01T00:00:00"),
        ] {
            assert!(parse(text, format).is_none(), "{text}");
        }
    }

    #[test]
    fn iso_8601_is_in_utc_unless_it_says_otherwise() {
        for text in [
            "2026-01-31",
            "2026-01-31T00:00:00Z",
            "2026-01-31T01:00:00+01:00",
            "20260131",
            "2026-01-31 00:00:00",
        ] {
            assert_eq!(
                iso(text).expect(text).timestamp().to_string(),
                "2026-01-31T00:00:00Z",
                "{text}"
            );
        }
        assert!(iso("31.1.2026").is_none());
    }
}
