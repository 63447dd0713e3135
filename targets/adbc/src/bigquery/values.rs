//! Values that settings of target-bigquery have.

use melisma_sdk::{Error, JsonSchema, Result, Secret};
use serde::{Deserialize, Serialize};

use crate::dialects::bigquery::ColumnNames;

/// A yes, a no, or patterns of streams, which are refused.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub(super) enum Choice {
    /// For all streams.
    All(bool),
    /// `true` and `false` as the environment has them.
    Text(String),
    /// Patterns.
    Patterns(Vec<String>),
}

/// A value of the driver, or of the Python target's own options.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub(super) enum DriverOption {
    Text(Secret<String>),
    Switch(bool),
    Number(u64),
}

/// `partition_granularity`
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(super) enum Granularity {
    /// One partition a year.
    Year,
    /// One partition a month.
    #[default]
    Month,
    /// One partition a day.
    Day,
    /// One partition an hour.
    Hour,
}

/// `column_name_transforms`
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(inline)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub(super) struct Transforms {
    /// In lower case.
    pub(super) lower: bool,
    /// `orderId` as `order_id`.
    pub(super) snake_case: bool,
    /// An underscore before a digit at the start.
    pub(super) add_underscore_when_invalid: bool,
    /// An underscore for each period.
    pub(super) replace_period_with_underscore: bool,
    /// Accepted and ignored: names are always quoted.
    #[schemars(extend("x-ignored" = "names are always quoted"))]
    pub(super) quote: bool,
}

impl Default for Choice {
    fn default() -> Self {
        Self::All(false)
    }
}

impl Choice {
    /// The choice for all streams.
    pub(super) fn read(&self, setting: &str) -> Result<bool> {
        match self {
            Self::All(all) => Ok(*all),
            Self::Text(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Self::Text(text) if text.is_empty() || text.eq_ignore_ascii_case("false") => Ok(false),
            Self::Patterns(patterns) if patterns.is_empty() => Ok(false),
            _ => Err(Error::config(format!(
                "config: {setting}: expected true or false, which is for all streams, found patterns of streams"
            ))),
        }
    }
}

impl Granularity {
    /// As SQL has it.
    pub(super) fn sql(self) -> &'static str {
        match self {
            Self::Year => "YEAR",
            Self::Month => "MONTH",
            Self::Day => "DAY",
            Self::Hour => "HOUR",
        }
    }
}

impl DriverOption {
    /// As a driver takes it.
    pub(super) fn text(&self) -> Secret<String> {
        match self {
            Self::Text(text) => text.clone(),
            Self::Switch(on) => Secret::new(on.to_string()),
            Self::Number(number) => Secret::new(number.to_string()),
        }
    }
}

impl Transforms {
    /// How columns are named.
    pub(super) fn names(self) -> ColumnNames {
        ColumnNames {
            lower: self.lower,
            snake_case: self.snake_case,
            underscore_before_digit: self.add_underscore_when_invalid,
            periods_as_underscores: self.replace_period_with_underscore,
        }
    }
}
