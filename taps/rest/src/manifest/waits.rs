//! How long a manifest waits before a request is sent again.

use melisma_sdk::http::Response;
use melisma_sdk::{Error, Result};
use regex::Regex;
use serde_json::Value;

use super::jinja::{Scope, Templates};
use super::part::Part;

/// A backoff strategy.
pub(super) enum Wait {
    Constant(f64),
    Exponential(f64),
    Header {
        name: String,
        pattern: Option<Regex>,
        most: Option<f64>,
    },
    Until {
        name: String,
        pattern: Option<Regex>,
        least: Option<f64>,
    },
}

impl Wait {
    pub(super) fn of(part: &Part<'_>, templates: &Templates, scope: &Scope) -> Result<Self> {
        let number = |name: &str| {
            let value = part
                .text(templates, name, &[])?
                .map(|text| text.value(scope))
                .transpose()?;
            let value = value.filter(|value| !value.is_null() && value != "");
            let number = |value: Value| value.as_f64().ok_or_else(|| part.refuse(name, "is no number"));
            value.map(number).transpose()
        };
        let header = || {
            let name = part
                .text(templates, "header", &[])?
                .ok_or_else(|| part.missing("header"))?;
            name.text(scope)
        };
        let pattern = || {
            let pattern = part
                .text(templates, "regex", &[])?
                .map(|text| text.text(scope))
                .transpose()?;
            let compiled = pattern.filter(|pattern| !pattern.is_empty()).map(|pattern| {
                Regex::new(&pattern).map_err(|_| part.refuse("regex", "is not one that is supported"))
            });
            compiled.transpose()
        };
        Ok(match part.kind() {
            "ConstantBackoffStrategy" => Self::Constant(
                number("backoff_time_in_seconds")?.ok_or_else(|| part.missing("backoff_time_in_seconds"))?,
            ),
            "ExponentialBackoffStrategy" => Self::Exponential(number("factor")?.unwrap_or(5.0)),
            "WaitTimeFromHeader" => Self::Header {
                name: header()?,
                pattern: pattern()?,
                most: number("max_waiting_time_in_seconds")?,
            },
            "WaitUntilTimeFromHeader" => Self::Until {
                name: header()?,
                pattern: pattern()?,
                least: number("min_wait")?,
            },
            other => {
                return Err(Error::config(format!(
                    "{}: {other} is no way to wait",
                    part.place
                )));
            }
        })
    }

    /// How long, in seconds, before a request is sent again that was tried so often.
    pub(super) fn seconds(&self, answer: Option<&Response>, tried: u32) -> Option<f64> {
        let found = |name: &str, pattern: &Option<Regex>| {
            let text = answer?.header(name)?;
            let matched = pattern
                .as_ref()
                .and_then(|pattern| pattern.find(text))
                .filter(|found| found.start() == 0);
            matched
                .map_or(text, |found| found.as_str())
                .trim()
                .parse::<f64>()
                .ok()
        };
        match self {
            Self::Constant(seconds) => Some(*seconds),
            Self::Exponential(factor) => {
                Some(factor * 2_f64.powi(i32::try_from(tried).unwrap_or(20).min(20)))
            }
            // A wait that is too long is one that ends the run, as max_wait of the client does.
            Self::Header { name, pattern, most } => found(name, pattern).map(|wait| match most {
                Some(most) if wait >= *most => f64::from(u32::MAX),
                _ => wait,
            }),
            Self::Until { name, pattern, least } => {
                let now = jiff::Timestamp::now().as_duration().as_secs_f64();
                match (found(name, pattern).map(|until| until - now), least) {
                    (Some(wait), Some(least)) => Some(wait.max(*least)),
                    (Some(wait), None) => (wait >= 0.0).then_some(wait),
                    (None, least) => *least,
                }
            }
        }
    }
}
