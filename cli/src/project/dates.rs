//! Relative dates, such as `3 days ago`, in settings of the kind `date_iso8601`.
//!
//! Meltano gives everything that is not a date in ISO 8601 to a parser for human dates of many languages. Here the phrases
//! that configurations use are known; every other one is refused by name, since a date that is understood differently would
//! extract other rows.

use jiff::civil::DateTime;
use jiff::{Span, Timestamp, tz};

/// For errors: what is understood.
pub(super) const KNOWN: &str =
    "known are phrases such as \"3 days ago\", \"in 2 weeks\", \"yesterday\", \"last month\"";

/// The date that `text` stands for at `now`; text that is a date in ISO 8601 stays as it is.
pub(super) fn resolve(text: &str, now: Timestamp) -> Option<String> {
    if text.is_empty() || is_iso(text) {
        return Some(text.to_owned());
    }
    let words = text.trim().to_lowercase();
    let words: Vec<&str> = words
        .split([' ', '\t', ','])
        .filter(|word| !word.is_empty() && *word != "and")
        .collect();
    let span = span_of(&words)?;
    let now = tz::TimeZone::UTC.to_datetime(now);
    now.checked_add(span).ok().map(isoformat)
}

/// As Python's `isoformat` writes it: six digits after the point, or none.
fn isoformat(time: DateTime) -> String {
    let format = if time.subsec_nanosecond() / 1000 == 0 {
        "%Y-%m-%dT%H:%M:%S"
    } else {
        "%Y-%m-%dT%H:%M:%S%.6f"
    };
    time.strftime(format).to_string()
}

/// A date, or a date and a time to the second, with an optional offset of whole or half hours.
fn is_iso(text: &str) -> bool {
    let shape = |text: &str, pattern: &str| {
        text.len() == pattern.len()
            && text.bytes().zip(pattern.bytes()).all(|(byte, want)| match want {
                b'0' => byte.is_ascii_digit(),
                want => byte == want,
            })
    };
    let Some((date, rest)) = text.split_at_checked(10) else {
        return false;
    };
    let in_range = |part: Option<&str>, range: std::ops::RangeInclusive<u8>| {
        part.and_then(|part| part.parse().ok())
            .is_some_and(|number: u8| range.contains(&number))
    };
    if !shape(date, "0000-00-00") || !in_range(date.get(5..7), 1..=12) || !in_range(date.get(8..), 1..=31) {
        return false;
    }
    let zone = match rest
        .strip_prefix([' ', 'T'])
        .and_then(|time| time.split_at_checked(8))
    {
        Some((time, rest)) => {
            let fits = shape(time, "00:00:00")
                && in_range(time.get(..2), 0..=23)
                && in_range(time.get(3..5), 0..=59)
                && in_range(time.get(6..), 0..=59);
            let digits = |text: &str| text.trim_start_matches(|c: char| c.is_ascii_digit()).to_owned();
            match rest.strip_prefix('.') {
                _ if !fits => return false,
                Some(fraction) if fraction.starts_with(|c: char| c.is_ascii_digit()) => digits(fraction),
                _ => rest.to_owned(),
            }
        }
        None => rest.to_owned(),
    };
    match zone.strip_prefix(['+', '-']) {
        Some(offset) => {
            (shape(offset, "00:00") && in_range(offset.get(..2), 0..=12))
                && matches!(offset.get(3..), Some("00" | "30"))
        }
        None => zone.is_empty() || zone == "Z",
    }
}

/// How far the phrase is from now.
fn span_of(words: &[&str]) -> Option<Span> {
    match words {
        ["now" | "today"] => Some(Span::new()),
        ["yesterday"] => Some(Span::new().days(-1)),
        ["tomorrow"] => Some(Span::new().days(1)),
        ["last", unit] => add(Span::new(), unit, -1),
        ["next", unit] => add(Span::new(), unit, 1),
        ["in", parts @ ..] => sum(parts, 1),
        [parts @ .., "ago"] => sum(parts, -1),
        _ => None,
    }
}

/// `1 year 2 months`, `an hour`.
fn sum(parts: &[&str], sign: i64) -> Option<Span> {
    if parts.is_empty() || !parts.len().is_multiple_of(2) {
        return None;
    }
    parts.chunks(2).try_fold(Span::new(), |span, part| {
        let count = match part[0] {
            "a" | "an" | "one" => 1,
            number => number.parse::<u32>().ok()?.into(),
        };
        add(span, part[1], sign.checked_mul(count)?)
    })
}

fn add(span: Span, unit: &str, count: i64) -> Option<Span> {
    let unit = unit
        .strip_suffix('s')
        .filter(|unit| unit.len() > 1)
        .unwrap_or(unit);
    match unit {
        "year" | "yr" => span.try_years(i64::from(span.get_years()) + count),
        "month" => span.try_months(i64::from(span.get_months()) + count),
        "week" => span.try_weeks(i64::from(span.get_weeks()) + count),
        "day" => span.try_days(i64::from(span.get_days()) + count),
        "hour" | "hr" => span.try_hours(i64::from(span.get_hours()) + count),
        "minute" | "min" => span.try_minutes(span.get_minutes() + count),
        "second" | "sec" => span.try_seconds(span.get_seconds() + count),
        _ => return None,
    }
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_counted_from_now() {
        let now: Timestamp = "2026-03-31T10:11:12.5Z".parse().expect("a time");
        for (text, expected) in [
            ("now", Some("2026-03-31T10:11:12.500000")),
            ("Yesterday", Some("2026-03-30T10:11:12.500000")),
            ("3 days ago", Some("2026-03-28T10:11:12.500000")),
            // As relativedelta does it: the last day of a shorter month.
            ("1 month ago", Some("2026-02-28T10:11:12.500000")),
            ("last month", Some("2026-02-28T10:11:12.500000")),
            ("a year and 2 weeks ago", Some("2025-03-17T10:11:12.500000")),
            ("in 2 hours", Some("2026-03-31T12:11:12.500000")),
            ("2 hours", None),
            ("day before yesterday", None),
            ("ago", None),
            ("99999999 years ago", None),
            ("2024-01-01", Some("2024-01-01")),
            ("2024-01-01T00:00:00Z", Some("2024-01-01T00:00:00Z")),
            (
                "2024-01-01 00:00:00.123+02:00",
                Some("2024-01-01 00:00:00.123+02:00"),
            ),
            ("2024-13-01", None),
            ("2024-01-01T00:00", None),
            ("2024-01-01x", None),
        ] {
            assert_eq!(resolve(text, now).as_deref(), expected, "{text}");
        }
        let whole: Timestamp = "2026-03-31T10:11:12Z".parse().expect("a time");
        assert_eq!(resolve("today", whole).as_deref(), Some("2026-03-31T10:11:12"));
    }
}
