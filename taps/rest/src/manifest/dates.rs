//! Moments as manifests write them: by Python's `strptime` and `strftime`, and by words for numbers of seconds.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};
use serde_json::Value;

use super::strptime::strptime;

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
