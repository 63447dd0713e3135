//! Reads dates and timestamps that are infinite or far away, as the server writes them with `DateStyle` ISO.
//!
//! The results count from 2000-01-01, as the binary forms do: the smallest and the largest count are the infinities.

const DAY: i64 = 86_400_000_000;

/// The days of `infinity`, `12024-02-29` or `0044-03-15 BC`.
pub(super) fn days(text: &str) -> Option<i32> {
    match text {
        "infinity" => Some(i32::MAX),
        "-infinity" => Some(i32::MIN),
        text => {
            let (text, era) = without_era(text);
            i32::try_from(civil_days(text, era)?).ok()
        }
    }
}

/// The microseconds of `infinity`, `12024-02-29 12:34:56.5` or `0044-03-15 12:00:00+00 BC`.
pub(super) fn microseconds(text: &str) -> Option<i64> {
    match text {
        "infinity" => return Some(i64::MAX),
        "-infinity" => return Some(i64::MIN),
        _ => {}
    }
    let (text, era) = without_era(text);
    let (date, clock) = text.split_once(' ')?;
    let clock = clock.strip_suffix("+00").unwrap_or(clock);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let mut parts = clock.splitn(3, ':').map(|part| part.parse::<i64>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    let fraction: i64 = format!("{fraction:0<6}").parse().ok()?;
    let of_day = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + fraction;
    civil_days(date, era)?.checked_mul(DAY)?.checked_add(of_day)
}

/// The text without ` BC`, and whether it had that.
fn without_era(text: &str) -> (&str, bool) {
    match text.strip_suffix(" BC") {
        Some(text) => (text, true),
        None => (text, false),
    }
}

/// Days from 2000-01-01 to a day of the proleptic Gregorian calendar (Howard Hinnant's `days_from_civil`).
fn civil_days(text: &str, before_christ: bool) -> Option<i64> {
    let mut parts = text.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let year = if before_christ { 1 - year } else { year };
    // A year that begins in March has its leap day at its end.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 730_425)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_count_from_2000() {
        for (text, expected) in [
            ("2000-01-01", 0),
            ("2000-03-01", 60),
            ("1999-12-31", -1),
            ("0001-01-01", -730_119),
            ("0001-12-31 BC", -730_120),
            ("4714-11-24 BC", -2_451_545),
            ("5874897-12-31", 2_145_031_948),
            ("infinity", i32::MAX),
            ("-infinity", i32::MIN),
        ] {
            assert_eq!(days(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn microseconds_count_from_2000() {
        for (text, expected) in [
            ("2000-01-01 00:00:00", 0),
            ("2000-01-02 01:02:03.5+00", DAY + 3_723_500_000),
            ("0001-12-31 23:59:59.999999 BC", -730_119 * DAY - 1),
            ("infinity", i64::MAX),
        ] {
            assert_eq!(microseconds(text), Some(expected), "{text}");
        }
        assert_eq!(microseconds("2000-01-01"), None);
    }
}
