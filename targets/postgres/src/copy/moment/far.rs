//! Dates beyond the years 1 to 9999.

use melisma_sdk::internal::time::parse_date_time;

use super::{DAY, Invalid, Moment, is_usual, is_utc, write_day, write_moment};

/// The last years of the server's types, and the first one, with its first day.
const LAST_OF_DATES: i64 = 5_874_897;
const LAST_OF_TIMESTAMPS: i64 = 294_276;
const FIRST_BC: i64 = 4714;
const FIRST_DAY: &str = "-11-24";

/// Days of 400 years: the calendar is the same after them.
const CYCLE: i64 = 146_097;

/// Appends a moment beyond the years 1 to 9999 that is spelled as PostgreSQL spells it: `infinity`, `0044-03-15 BC`,
/// `12345-01-01 00:00:00`. A zone other than UTC is for columns with a time zone only: the server would drop it. So it
/// would do with the time of a date.
#[cold]
pub(super) fn write_far(
    out: &mut Vec<u8>,
    text: &str,
    moment: Moment,
    canonical: bool,
) -> Result<(), Invalid> {
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
    let Ok(year) = body[..digits].parse::<i64>() else {
        return Err(Invalid);
    };
    let last = match (bc, moment) {
        (true, _) => FIRST_BC,
        (false, Moment::Date) => LAST_OF_DATES,
        (false, _) => LAST_OF_TIMESTAMPS,
    };
    let too_early = bc && year == FIRST_BC && rest < FIRST_DAY;
    if too_early || !(4..=7).contains(&digits) || !(1..=last).contains(&year) || !(bc || digits > 4) {
        return Err(Invalid);
    }
    // The same day in a year that our reader knows, leap years included, says whether the rest is right.
    let year = if bc { 1 - year } else { year };
    let near_year = 2000 + year.rem_euclid(400);
    let near = format!("{near_year}{rest}");
    let micros = parse_date_time(&near).ok_or(Invalid)?;
    if moment != Moment::TimestampTz && !is_utc(&near) || moment == Moment::Date && micros % DAY != 0 {
        return Err(Invalid);
    }
    let time = near.get(10..).unwrap_or_default();
    let anew = match moment {
        Moment::Date => !time.is_empty(),
        // Without a zone the server would take that of the session.
        Moment::TimestampTz => !time.contains(['Z', 'z', '+', '-']),
        _ => false,
    };
    if !canonical && !anew && is_usual(near.as_bytes()) {
        out.extend_from_slice(text.as_bytes());
        return Ok(());
    }
    let days = micros.div_euclid(DAY) + (year - near_year) / 400 * CYCLE;
    if moment == Moment::Date {
        let bc = write_day(out, days);
        out.extend_from_slice(bc.as_bytes());
    } else {
        write_moment(out, days, micros.rem_euclid(DAY));
    }
    Ok(())
}
