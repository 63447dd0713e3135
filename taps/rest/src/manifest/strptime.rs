//! Texts that are moments, read by the directives of Python's `strptime`.

use jiff::Zoned;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

/// Reads a text by the directives of Python's `strptime`.
pub(super) fn strptime(text: &str, format: &str) -> Option<Zoned> {
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

/// A number of `least` to `most` digits, and what follows it.
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
