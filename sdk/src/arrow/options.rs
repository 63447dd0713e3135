//! The form of values where there is a choice.

use schemars::JsonSchema;
use serde::Deserialize;

/// The form of values where there is a choice.
#[derive(Clone, Copy, Debug, Default)]
pub struct ValueOptions {
    /// Decimals are strings of format `singer.decimal`, with precision and scale, instead of numbers. Their digits are exact
    /// either way.
    pub decimals_as_strings: bool,
    /// Dates and date-times have no format in the schema, and every year is valid.
    pub dates_as_strings: bool,
    /// What happens to dates and date-times before the year 1 and after 9999.
    pub invalid_dates: InvalidDates,
}

/// What happens to dates and date-times that ISO 8601 cannot express.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InvalidDates {
    /// The run ends with an error.
    #[default]
    Error,
    /// Null.
    Null,
    /// The nearest date: 0001-01-01 or 9999-12-31, with the last moment of the day in a date-time.
    Clamp,
    /// The date with as many digits as its year has, and a sign: `+12024-01-01`, `-0043-03-15`.
    Text,
}
