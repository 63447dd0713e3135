//! Infers the type of a column from a sample of its cells.

use serde_json::{Value, json};

use crate::value;

/// What a column's cells are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Integer,
    Number,
    Boolean,
    Date,
    DateTime,
}

impl Kind {
    /// The narrow kinds, the narrowest first.
    const NARROW: [Self; 5] = [
        Self::Integer,
        Self::Number,
        Self::Boolean,
        Self::Date,
        Self::DateTime,
    ];

    /// Whether a cell may stand in a column of this kind, as it is written.
    #[inline]
    pub(crate) fn accepts(self, text: &str) -> bool {
        match self {
            Self::Text => true,
            Self::Integer => value::is_integer(text),
            Self::Number => value::is_number(text),
            Self::Boolean => value::boolean(text).is_some(),
            Self::Date => value::is_date(text.as_bytes()),
            Self::DateTime => value::is_date_time(text),
        }
    }

    /// Whether a cell makes a column one of this kind: it is accepted, and every target can hold it. Integers have 64 bits,
    /// numbers are in the range of 64-bit floats, dates in the years 1 to 9999, and a minute has sixty seconds. What a
    /// catalog declares is taken by [`accepts`](Self::accepts) alone.
    fn suggests(self, text: &str) -> bool {
        self.accepts(text)
            && match self {
                Self::Integer => text.parse::<i64>().is_ok(),
                Self::Number => value::fits_float(text),
                Self::Date => !text.starts_with("0000"),
                Self::DateTime => !text.starts_with("0000") && text.get(17..19) != Some("60"),
                Self::Text | Self::Boolean => true,
            }
    }

    /// The property's JSON Schema.
    pub(crate) fn schema(self) -> Value {
        match self {
            Self::Text => json!({"type": ["string", "null"]}),
            Self::Integer => json!({"type": ["integer", "null"]}),
            Self::Number => json!({"type": ["number", "null"]}),
            Self::Boolean => json!({"type": ["boolean", "null"]}),
            Self::Date => json!({"type": ["string", "null"], "format": "date"}),
            Self::DateTime => json!({"type": ["string", "null"], "format": "date-time"}),
        }
    }

    /// The kind that a property's JSON Schema asks for; `None` when a cell cannot be of that type.
    pub(crate) fn of(schema: &Value) -> Option<Self> {
        let types: Vec<&str> = match schema.get("type") {
            None => return Some(Self::Text),
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            Some(_) => return None,
        };
        let has = |name: &str| types.contains(&name);
        // The widest type that is allowed takes every cell.
        Some(if has("string") {
            match schema.get("format").and_then(Value::as_str) {
                Some("date") => Self::Date,
                Some("date-time") => Self::DateTime,
                _ => Self::Text,
            }
        } else if has("number") {
            Self::Number
        } else if has("integer") {
            Self::Integer
        } else if has("boolean") {
            Self::Boolean
        } else {
            return None;
        })
    }

    /// What is expected, for messages.
    pub(crate) fn expected(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "an integer",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::Date => "a date (YYYY-MM-DD)",
            Self::DateTime => "a date-time (YYYY-MM-DDThh:mm:ss)",
        }
    }
}

/// What is known of a column so far.
#[derive(Clone, Debug)]
pub(crate) struct Guess {
    /// The kinds that all cells so far allow.
    kinds: Vec<Kind>,
    /// Whether there was any cell.
    seen: bool,
}

impl Default for Guess {
    fn default() -> Self {
        Self {
            kinds: Kind::NARROW.to_vec(),
            seen: false,
        }
    }
}

impl Guess {
    /// Takes a cell into account, which is neither empty nor null.
    pub(crate) fn add(&mut self, text: &str) {
        self.seen = true;
        self.kinds.retain(|kind| kind.suggests(text));
    }

    /// The narrowest kind that fits all cells; text when there was none.
    pub(crate) fn kind(&self) -> Kind {
        match self.kinds.first() {
            Some(&kind) if self.seen => kind,
            _ => Kind::Text,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kind(cells: &[&str]) -> Kind {
        let mut guess = Guess::default();
        for cell in cells {
            guess.add(cell);
        }
        guess.kind()
    }

    #[test]
    fn the_narrowest_kind_that_fits_all() {
        assert_eq!(kind(&[]), Kind::Text);
        assert_eq!(kind(&["1", "-2", "0"]), Kind::Integer);
        assert_eq!(kind(&["1", "2.50", "1e3"]), Kind::Number);
        assert_eq!(kind(&["1", "007"]), Kind::Text);
        assert_eq!(kind(&["true", "False"]), Kind::Boolean);
        assert_eq!(kind(&["true", "1"]), Kind::Text);
        assert_eq!(kind(&["2024-01-31"]), Kind::Date);
        assert_eq!(
            kind(&["2024-01-31T10:00:00Z", "2024-01-31 10:00:00"]),
            Kind::DateTime
        );
        assert_eq!(kind(&["2024-01-31", "2024-01-31 10:00:00"]), Kind::Text);
    }

    #[test]
    fn a_kind_holds_every_value_that_suggested_it() {
        for (inside, outside, narrow) in [
            ("9223372036854775807", "9223372036854775808", Kind::Integer),
            ("-9223372036854775808", "-9223372036854775809", Kind::Integer),
            ("1", "18446744073709551615", Kind::Integer),
            ("1", "-99999999999999999999999", Kind::Integer),
            ("1.7e308", "1.8e308", Kind::Number),
            ("0.5", "12e4567", Kind::Number),
            ("0.5", "-1e400", Kind::Number),
            ("0e-999", "1e-400", Kind::Number),
            ("0.5", "12345678901234567890", Kind::Number),
            ("0001-01-01", "0000-01-01", Kind::Date),
            ("9999-12-31", "10000-01-01", Kind::Date),
            ("2016-12-31T23:59:59Z", "2016-12-31T23:59:60Z", Kind::DateTime),
            ("2016-12-31 23:59:59.999", "2016-12-31 23:59:60.5", Kind::DateTime),
            ("0001-01-01T00:00:00Z", "0000-01-01T00:00:00Z", Kind::DateTime),
        ] {
            assert_eq!(kind(&[inside]), narrow, "{inside}");
            assert_eq!(kind(&[inside, outside]), Kind::Text, "{outside}");
        }
        for text in ["+1", "1_000", "1.", ".5", "24:00:00", "NaN", "1e"] {
            assert_eq!(kind(&[text]), Kind::Text, "{text}");
        }
        assert_eq!(kind(&["-0"]), Kind::Integer);
    }

    #[test]
    fn a_kind_comes_back_from_its_schema() {
        for kind in Kind::NARROW.into_iter().chain([Kind::Text]) {
            assert_eq!(Kind::of(&kind.schema()), Some(kind));
        }
        assert_eq!(Kind::of(&json!({"type": "integer"})), Some(Kind::Integer));
        assert_eq!(
            Kind::of(&json!({"type": ["null", "integer", "string"]})),
            Some(Kind::Text)
        );
        assert_eq!(Kind::of(&json!({})), Some(Kind::Text));
        assert_eq!(Kind::of(&json!({"type": ["object", "null"]})), None);
    }

    proptest! {
        /// Every text that is taken for a number is one to serde_json too, with the same digits, and the reverse.
        #[test]
        fn numbers_are_exactly_those_of_json(text in "-?[0-9]{0,3}(\\.[0-9]{0,3})?([eE][+-]?[0-9]{0,2})?") {
            let json: Result<&serde_json::value::RawValue, _> = serde_json::from_str(&text);
            prop_assert_eq!(Kind::Number.accepts(&text), json.is_ok());
            if Kind::Integer.accepts(&text) {
                prop_assert!(Kind::Number.accepts(&text));
                let number: i64 = text.parse().unwrap();
                prop_assert_eq!(number.to_string(), text.strip_prefix('-').filter(|t| *t == "0").unwrap_or(&text));
            }
        }

        /// A date is taken if and only if a calendar has it, and it comes back as written.
        #[test]
        fn dates_are_exactly_those_of_the_calendar(year in 0_i16..=9999, month in 0_u8..=14, day in 0_u8..=33) {
            let text = format!("{year:04}-{month:02}-{day:02}");
            let date: Option<jiff::civil::Date> =
                jiff::civil::Date::new(year, i8::try_from(month).unwrap(), i8::try_from(day).unwrap()).ok();
            prop_assert_eq!(Kind::Date.accepts(&text), date.is_some());
            if let Some(date) = date {
                prop_assert_eq!(date.to_string(), text);
            }
        }
    }
}
