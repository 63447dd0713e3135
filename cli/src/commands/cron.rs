//! Intervals of schedules: cron expressions, and Meltano's names for some.

use melisma_sdk::{Error, Result};

/// Names, each with the expression that it stands for. Those without one are for runs by hand.
const NAMES: &[(&str, Option<&str>)] = &[
    ("@once", None),
    ("@manual", None),
    ("@none", None),
    ("@hourly", Some("0 * * * *")),
    ("@daily", Some("0 0 * * *")),
    ("@weekly", Some("0 0 * * 0")),
    ("@monthly", Some("0 0 1 * *")),
    ("@yearly", Some("0 0 1 1 *")),
    ("@annually", Some("0 0 1 1 *")),
    ("@midnight", Some("0 0 * * *")),
];

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// A field of an expression.
struct Field {
    least: usize,
    most: usize,
    names: &'static [&'static str],
    /// Letters that stand for it as a whole.
    letters: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field {
        least: 0,
        most: 59,
        names: &[],
        letters: &["*"],
    },
    Field {
        least: 0,
        most: 23,
        names: &[],
        letters: &["*"],
    },
    Field {
        least: 1,
        most: 31,
        names: &[],
        letters: &["*", "?", "l"],
    },
    Field {
        least: 1,
        most: 12,
        names: &MONTHS,
        letters: &["*"],
    },
    // 7 is Sunday too.
    Field {
        least: 0,
        most: 7,
        names: &WEEKDAYS,
        letters: &["*", "?"],
    },
];

/// The cron expression of an interval; `None` for runs by hand.
pub(super) fn expression(interval: &str) -> Option<&str> {
    match NAMES.iter().find(|(name, _)| *name == interval) {
        Some((_, expression)) => *expression,
        None => Some(interval).filter(|interval| !interval.is_empty()),
    }
}

/// Refuses what is neither a name nor a cron expression of five fields.
pub(super) fn check(interval: &str) -> Result<()> {
    let text = interval.to_ascii_lowercase();
    let fields: Vec<&str> = text.split_whitespace().collect();
    let valid = NAMES.iter().any(|(name, _)| *name == interval)
        || (fields.len() == FIELDS.len()
            && FIELDS.iter().zip(fields).all(|(field, text)| field.accepts(text)));
    if valid {
        return Ok(());
    }
    let names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
    Err(Error::config(format!(
        "interval {interval:?}: expected a cron expression of five fields, or one of {}",
        names.join(", ")
    )))
}

impl Field {
    fn accepts(&self, text: &str) -> bool {
        self.letters.contains(&text) || text.split(',').all(|part| self.accepts_part(part))
    }

    fn accepts_part(&self, part: &str) -> bool {
        let (base, step) = match part.split_once('/') {
            Some((base, step)) => (base, Some(step)),
            None => (part, None),
        };
        if step.is_some_and(|step| {
            step.parse::<u32>().is_ok_and(|step| step == 0) || step.parse::<u32>().is_err()
        }) {
            return false;
        }
        match base.split_once('-') {
            _ if base == "*" => step.is_some(),
            // A range of weekdays may go over the end of the week.
            Some((from, to)) => match (self.value(from), self.value(to)) {
                (Some(from), Some(to)) => from <= to || self.most == 7,
                _ => false,
            },
            None => self.value(base).is_some(),
        }
    }

    fn value(&self, text: &str) -> Option<usize> {
        let named = self.names.iter().position(|name| *name == text);
        let value = named.map(|at| at + self.least).or_else(|| text.parse().ok())?;
        (self.least..=self.most).contains(&value).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_expressions_are_accepted_and_others_refused() {
        for good in [
            "@daily",
            "@once",
            "0 5 * * *",
            "*/5 0-6,12 l jan-mar fri-mon",
            "0 0 ? * 7",
            "1-30/2 * * * SUN",
        ] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "daily",
            "@often",
            "* * * *",
            "60 * * * *",
            "* * 0 * *",
            "*/0 * * * *",
            "0,99 * * * *",
            "5-1 * * * *",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert_eq!(expression("@midnight"), Some("0 0 * * *"));
        assert_eq!(expression("@manual"), None);
        assert_eq!(expression("1 2 * * *"), Some("1 2 * * *"));
    }
}
