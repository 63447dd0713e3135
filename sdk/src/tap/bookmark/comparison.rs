//! Comparing values of a replication key by what they mean: numbers as numbers, times as times.

use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use melisma_engine::json;
use serde_json::Value;

/// What the values of a replication key are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyType {
    /// Integers and numbers.
    Number,
    /// Dates and times; `date-time` alone has a signpost.
    Time {
        /// Whether the format is `date-time`.
        timestamp: bool,
    },
    /// Anything else: in the order of its text, except that two texts that are dates or times are compared as such, since
    /// many taps read times as texts without saying so in the schema.
    Text,
}

impl KeyType {
    /// The type that a property's JSON Schema says.
    pub(crate) fn of(schema: &Value) -> Self {
        let is = |word: &str| match schema.get("type") {
            Some(Value::String(name)) => name == word,
            Some(Value::Array(names)) => names.iter().any(|name| name == word),
            _ => false,
        };
        match schema.get("format").and_then(Value::as_str) {
            Some("date-time") => Self::Time { timestamp: true },
            Some("date" | "partial-date-time") => Self::Time { timestamp: false },
            _ if is("string") => Self::Text,
            _ if is("integer") || is("number") => Self::Number,
            _ => {
                let branches = ["anyOf", "oneOf"]
                    .into_iter()
                    .filter_map(|word| schema.get(word)?.as_array());
                branches
                    .flatten()
                    .map(Self::of)
                    .find(|&kind| kind != Self::Text)
                    .unwrap_or(Self::Text)
            }
        }
    }

    /// Whether values with this JSON Schema can be told to be earlier or later.
    pub(in crate::tap) fn has_order(schema: &Value) -> bool {
        let sorts = |name: &Value| matches!(name.as_str(), Some("string" | "integer" | "number"));
        let format = schema.get("format").and_then(Value::as_str);
        if matches!(format, Some("time" | "partial-time" | "duration")) {
            return false;
        }
        match (
            schema.get("type"),
            ["anyOf", "oneOf"]
                .iter()
                .find_map(|word| schema.get(word)?.as_array()),
        ) {
            (Some(Value::Array(names)), _) => names.iter().any(sorts),
            (Some(name), _) => sorts(name),
            (None, Some(branches)) => branches.iter().any(Self::has_order),
            (None, None) => true,
        }
    }

    /// Compares two values as they stand in JSON.
    pub(crate) fn compare(self, a: &[u8], b: &[u8]) -> Ordering {
        if a == b {
            return Ordering::Equal;
        }
        let order = match self {
            Self::Number => numbers(a, b),
            Self::Time { .. } | Self::Text => same_shape(a, b).or_else(|| times(a, b)),
        };
        order.unwrap_or_else(|| texts(a, b))
    }
}

fn text(raw: &[u8]) -> &str {
    let raw = std::str::from_utf8(raw).unwrap_or_default();
    raw.strip_prefix('"')
        .and_then(|raw| raw.strip_suffix('"'))
        .unwrap_or(raw)
}

fn numbers(a: &[u8], b: &[u8]) -> Option<Ordering> {
    // Whole numbers without a sign, as JSON has them without leading zeros: the usual case, and cheap.
    if [a, b].iter().all(|digits| digits.iter().all(u8::is_ascii_digit)) {
        return Some(a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    }
    let (a, b) = (text(a), text(b));
    if let (Ok(a), Ok(b)) = (a.parse::<i64>(), b.parse::<i64>()) {
        return Some(a.cmp(&b));
    }
    if let (Ok(a), Ok(b)) = (a.parse::<i128>(), b.parse::<i128>()) {
        return Some(a.cmp(&b));
    }
    a.parse::<f64>().ok()?.partial_cmp(&b.parse::<f64>().ok()?)
}

/// Two times written alike, in the same zone, are in the order of their bytes: the usual case, and cheap.
fn same_shape(a: &[u8], b: &[u8]) -> Option<Ordering> {
    // The part after the date (and the quote before it) that is a zone must be the same bytes.
    const DATE: usize = 11;
    if a.len() != b.len() || a.len() < DATE {
        return None;
    }
    let zone = a[DATE..]
        .iter()
        .position(|&b| matches!(b, b'Z' | b'z' | b'+' | b'-'))
        .map_or(a.len(), |i| DATE + i);
    if a[zone..] != b[zone..] {
        return None;
    }
    let alike = a[..zone]
        .iter()
        .zip(&b[..zone])
        .all(|(a, b)| a == b || (a.is_ascii_digit() && b.is_ascii_digit()));
    // A sign before the year turns the order around.
    (alike && a[1].is_ascii_digit()).then(|| a.cmp(b))
}

fn times(a: &[u8], b: &[u8]) -> Option<Ordering> {
    // A look at the year before the parser, whose errors cost more than what it reads.
    let dated = |value: &[u8]| {
        value
            .get(1..6)
            .is_some_and(|year| year[4] == b'-' && year[..4].iter().all(u8::is_ascii_digit))
    };
    if !dated(a) || !dated(b) {
        return None;
    }
    Some(time(text(a))?.cmp(&time(text(b))?))
}

/// Whether a text is a date that a reader sees and that neither sorts as text nor is ISO 8601: `12/31/2025`, `31.12.2025`,
/// `Wed, 31 Dec 2025`, `31-Dec-2025`.
pub(in crate::tap) fn is_unsortable_date(text: &str) -> bool {
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
    let parts: Vec<&str> = text
        .split(['/', '.', '-', ' ', ',', 'T', ':'])
        .filter(|part| !part.is_empty())
        .take(4)
        .collect();
    let is_number = |part: &&str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_month = |part: &&str| {
        let part = part.to_ascii_lowercase();
        part.len() >= 3 && MONTHS.iter().any(|month| month.starts_with(&part))
    };
    let year = |part: &&str| is_number(part, 4..=4);
    let day = |part: &&str| is_number(part, 1..=2);
    match parts.as_slice() {
        [a, b, c, ..] if day(a) && day(b) && year(c) => true,
        [a, b, c, ..] if day(a) && is_month(b) && (year(c) || day(c)) => true,
        [a, b, c, ..] if is_month(a) && day(b) && year(c) => true,
        [_, a, b, c] => (day(a) && is_month(b) && year(c)) || (is_month(a) && day(b)),
        _ => false,
    }
}

/// A date or time as an instant; one without a zone is in UTC.
pub(in crate::tap) fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant);
    }
    let civil: DateTime = text.parse().ok()?;
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

fn texts(a: &[u8], b: &[u8]) -> Ordering {
    let (a, b) = (text(a), text(b));
    if !a.contains('\\') && !b.contains('\\') {
        return a.cmp(b);
    }
    let plain = |raw| {
        let mut text = String::new();
        json::unescape(raw, &mut text);
        text
    };
    plain(a).cmp(&plain(b))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TIME: KeyType = KeyType::Time { timestamp: true };

    fn order(kind: KeyType, a: &str, b: &str) -> Ordering {
        let order = kind.compare(a.as_bytes(), b.as_bytes());
        assert_eq!(kind.compare(b.as_bytes(), a.as_bytes()), order.reverse());
        order
    }

    #[test]
    fn numbers_are_not_text() {
        assert_eq!(order(KeyType::Number, "9", "10"), Ordering::Less);
        assert_eq!(order(KeyType::Number, "-9", "-10"), Ordering::Greater);
        assert_eq!(order(KeyType::Number, "1.5", "1.25"), Ordering::Greater);
        assert_eq!(
            order(KeyType::Number, "9223372036854775808", "9223372036854775807"),
            Ordering::Greater
        );
    }

    #[test]
    fn times_compare_as_instants_whatever_their_zone_and_precision() {
        let a = |a, b| order(TIME, &format!("{a:?}"), &format!("{b:?}"));
        assert_eq!(
            a("2026-01-01T00:00:00+00:00", "2026-01-01T01:00:00+02:00"),
            Ordering::Greater
        );
        assert_eq!(
            a("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000001Z"),
            Ordering::Less
        );
        assert_eq!(
            a("2026-01-01T00:00:00Z", "2026-01-01T00:00:00+00:00"),
            Ordering::Equal
        );
        assert_eq!(a("2026-01-01 00:00:00", "2026-01-01T00:00:01Z"), Ordering::Less);
        assert_eq!(
            a("2025-12-31T23:59:59.5Z", "2026-01-01T00:00:00.0Z"),
            Ordering::Less
        );
        assert_eq!(a("2026-01-02", "2026-01-10"), Ordering::Less);
    }

    #[test]
    fn dates_that_do_not_sort_are_known() {
        for date in [
            "12/31/2025",
            "1/2/2026 10:00",
            "31.12.2025",
            "31-Dec-2025",
            "Wed, 31 Dec 2025 10:00:00 GMT",
            "Dec 31, 2025",
            "Wed Dec 31 10:00:00 2025",
        ] {
            assert!(is_unsortable_date(date), "{date}");
        }
        for other in [
            "2025-12-31",
            "2025/12/31",
            "20251231",
            "1.2.3",
            "a/b/c",
            "mayor 1 2020",
            "192.168.0.1",
            "",
        ] {
            assert!(!is_unsortable_date(other), "{other}");
        }
    }

    #[test]
    fn texts_that_are_times_compare_as_times() {
        let a = "\"2026-01-01T00:00:00Z\"";
        assert_eq!(
            order(KeyType::Text, a, "\"2026-01-01T00:00:00.5Z\""),
            Ordering::Less
        );
        assert_eq!(
            order(
                KeyType::Text,
                "\"2026-01-01T00:00:00.5Z\"",
                "\"2026-01-01T00:00:01Z\""
            ),
            Ordering::Less
        );
        assert_eq!(
            order(KeyType::Text, a, "\"2026-01-01T00:30:00+01:00\""),
            Ordering::Greater
        );
        assert_eq!(order(KeyType::Text, a, "\"2026-01-x\""), Ordering::Less, "texts");
    }

    #[test]
    fn what_has_no_order_is_no_replication_key() {
        for schema in [
            json!({"type": "boolean"}),
            json!({"type": ["array", "null"]}),
            json!({"type": "object"}),
            json!({"type": "string", "format": "time"}),
        ] {
            assert!(!KeyType::has_order(&schema), "{schema}");
        }
        for schema in [
            json!({}),
            json!({"type": ["null", "string"]}),
            json!({"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        ] {
            assert!(KeyType::has_order(&schema), "{schema}");
        }
    }

    #[test]
    fn text_compares_as_what_it_stands_for() {
        assert_eq!(order(KeyType::Text, r#""b""#, r#""a\n""#), Ordering::Greater);
        assert_eq!(order(KeyType::Text, r#""\u0061x""#, r#""ay""#), Ordering::Less);
    }

    #[test]
    fn the_type_comes_from_the_schema() {
        assert_eq!(
            KeyType::of(&json!({"type": ["null", "integer"]})),
            KeyType::Number
        );
        assert_eq!(
            KeyType::of(&json!({"type": "string", "format": "date-time"})),
            TIME
        );
        assert_eq!(
            KeyType::of(&json!({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]})),
            TIME
        );
        assert_eq!(KeyType::of(&json!({"type": ["string", "null"]})), KeyType::Text);
    }
}
