//! Times of a day.

use melisma_sdk::internal::time::parse_time;

use super::{Invalid, write_day_time, write_number};

/// The largest offset that the server has, in seconds.
const FARTHEST: i64 = 16 * 3600;

/// Appends a time of day as the server reads it; with its zone, or UTC when it has none, if the column has zones.
///
/// RFC 3339's `full-time` always has an offset. A column without one keeps the time as it is on the clock there, as
/// the server and MeltanoLabs' target do.
pub(super) fn write(out: &mut Vec<u8>, text: &str, zones: bool, canonical: bool) -> Result<(), Invalid> {
    let (bare, zone) = match text.find(['Z', 'z', '+', '-']) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let offset = offset(zone).ok_or(Invalid)?;
    let micros = micros(bare).ok_or(Invalid)?;
    let rounded = bare.as_bytes().get(15).is_some_and(u8::is_ascii_digit);
    if canonical || rounded || bare.contains(',') {
        write_day_time(out, micros);
    } else {
        out.extend_from_slice(bare.as_bytes());
    }
    if zones {
        write_offset(out, offset);
    }
    Ok(())
}

/// Microseconds since midnight. The end of the day is a time of it, and a second 60,
/// which leap seconds have, is the first of the next minute.
fn micros(bare: &str) -> Option<i64> {
    if let Some(micros) = parse_time(bare) {
        return Some(micros);
    }
    if bare.get(5..8) == Some(":60") {
        let usual = format!("{}:59{}", &bare[..5], &bare[8..]);
        return Some(micros(&usual)? + 1_000_000).filter(|micros| *micros <= super::DAY);
    }
    let zeros = bare.strip_prefix("24:00")?;
    (zeros.is_empty() || parse_time(&format!("00:00{zeros}")) == Some(0)).then_some(super::DAY)
}

/// Seconds east of UTC of `Z`, `+02`, `+0200`, `+02:00` or `+02:00:00`; nothing is UTC.
fn offset(zone: &str) -> Option<i64> {
    let (sign, digits) = match zone.as_bytes() {
        [] | [b'Z' | b'z'] => return Some(0),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let two = |at: usize| match digits.get(at..at + 2) {
        Some([tens @ b'0'..=b'9', ones @ b'0'..=b'9']) => {
            Some(i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
        }
        _ => None,
    };
    let colon = |at: usize| (digits.get(at) == Some(&b':')).then_some(());
    let (hours, minutes, seconds) = match digits.len() {
        2 => (two(0)?, 0, 0),
        4 => (two(0)?, two(2)?, 0),
        5 => (two(0)?, colon(2).and(two(3))?, 0),
        8 => (two(0)?, colon(2).and(two(3))?, colon(5).and(two(6))?),
        _ => return None,
    };
    let offset = hours * 3600 + minutes * 60 + seconds;
    (minutes < 60 && seconds < 60 && offset < FARTHEST).then_some(sign * offset)
}

/// `+02`, `-03:30`, `+01:02:03`
fn write_offset(out: &mut Vec<u8>, offset: i64) {
    out.push(if offset < 0 { b'-' } else { b'+' });
    let seconds = offset.abs();
    write_number(out, seconds / 3600, 2);
    if seconds % 3600 != 0 {
        out.push(b':');
        write_number(out, seconds / 60 % 60, 2);
    }
    if seconds % 60 != 0 {
        out.push(b':');
        write_number(out, seconds % 60, 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, zones: bool, canonical: bool) -> Option<String> {
        let mut out = Vec::new();
        write(&mut out, text, zones, canonical).ok()?;
        String::from_utf8(out).ok()
    }

    #[test]
    fn an_offset_leaves_the_time_as_it_is_on_the_clock() {
        for zone in [
            "+02:00",
            "+02",
            "+0200",
            "-00:00",
            "+00",
            "+00:00",
            "Z",
            "z",
            "",
            "+05:53:28",
            "-15:59",
        ] {
            let text = format!("08:30:06{zone}");
            assert_eq!(
                written(&text, false, false).as_deref(),
                Some("08:30:06"),
                "{text}"
            );
        }
        for (text, expected) in [
            ("08:30:06+02:00", "08:30:06+02"),
            ("08:30:06-0330", "08:30:06-03:30"),
            ("08:30:06+05:53:28", "08:30:06+05:53:28"),
            ("08:30:06Z", "08:30:06+00"),
            ("08:30:06", "08:30:06+00"),
        ] {
            assert_eq!(written(text, true, false).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn leap_seconds_and_the_end_of_the_day_are_times() {
        for (text, expected) in [
            ("23:59:60", "24:00:00"),
            ("23:59:60.0Z", "24:00:00"),
            ("15:59:60-08:00", "16:00:00"),
            ("24:00:00", "24:00:00"),
            ("24:00:00.000", "24:00:00"),
            ("24:00", "24:00:00"),
            ("23:59:59.9999999", "24:00:00"),
            ("08:30:00,5", "08:30:00.500000"),
            ("08:30:00.1234567", "08:30:00.123457"),
        ] {
            assert_eq!(written(text, false, true).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(
            written("08:30:00,5+01:00", false, false).as_deref(),
            Some("08:30:00.500000")
        );
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "Z",
            "8:30",
            "25:00:00",
            "24:00:01",
            "08:60",
            "08:30:61",
            "23:59:60.5",
            "08:30:06+16:00",
            "08:30:06+2",
            "08:30:06+02:60",
            "08:30:06+02:0",
            "08:30:06 UTC",
            "08:30:06+02:00Z",
            "noon",
            "08:30:00.",
        ] {
            assert_eq!(written(text, false, false), None, "{text}");
        }
    }
}
