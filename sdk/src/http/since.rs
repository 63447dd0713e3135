//! The bookmark in a request: only what is new since the last run.

use std::time::Duration;

use jiff::Timestamp;
use melisma_engine::{Error, Result};
use serde_json::Value;

use super::template;

/// The placeholder of the bookmark.
pub(super) const SINCE: &str = "since";

/// Where and how the bookmark goes into a request.
///
/// ```
/// use std::time::Duration;
/// use melisma_sdk::http::Since;
///
/// let plain = Since::query("updated_since");
/// let seconds = Since::query("start").format("epoch").lookback(Duration::from_secs(300));
/// let elsewhere = Since::placeholder(); // {since} in the path, the query, the headers or the body
/// ```
#[derive(Clone, Debug, Default)]
pub struct Since {
    pub(super) query: Option<String>,
    format: Option<String>,
    lookback: Duration,
}

impl Since {
    /// A parameter of the query, which a first run without `start_date` does not have.
    pub fn query(name: impl Into<String>) -> Self {
        Self {
            query: Some(name.into()),
            ..Self::default()
        }
    }

    /// The placeholder `{since}`, which may have a format of its own: `{since:%Y-%m-%d}`. What it is in is left out while
    /// there is no bookmark.
    pub fn placeholder() -> Self {
        Self::default()
    }

    /// How the moment is written: by the directives of `strftime`, or as `epoch` (seconds since 1970) or `epoch_ms`. If not
    /// set, the bookmark is sent as the records have it.
    #[must_use]
    pub fn format(mut self, format: impl Into<String>) -> Self {
        self.format = Some(format.into());
        self
    }

    /// Asks for this much more than the bookmark says, for records that the source shows late. The bookmark stays where it is.
    #[must_use]
    pub fn lookback(mut self, duration: Duration) -> Self {
        self.lookback = duration;
        self
    }

    /// What the request says for this bookmark.
    pub(super) fn value(&self, bookmark: &Value) -> Result<Value> {
        let mut value = bookmark.clone();
        if !self.lookback.is_zero() {
            value = earlier(bookmark, self.lookback).ok_or_else(|| {
                Error::config(format!("a lookback needs a date, and the bookmark is {bookmark}"))
            })?;
        }
        match &self.format {
            Some(format) => template::show(&value, Some(format)).map(Value::from),
            None => Ok(value),
        }
    }
}

/// A parameter of the query.
impl From<&str> for Since {
    fn from(name: &str) -> Self {
        Self::query(name)
    }
}

/// The moment before, in the form that the bookmark has.
fn earlier(bookmark: &Value, by: Duration) -> Option<Value> {
    if let Some(seconds) = bookmark.as_i64() {
        return Some((seconds - i64::try_from(by.as_secs()).ok()?).into());
    }
    let text = bookmark.as_str()?;
    let moment: Timestamp = template::moment(text)?.checked_sub(by).ok()?;
    let date_only = text.len() == "2026-01-31".len();
    let shown = moment.to_string();
    Some(if date_only {
        shown[..10].into()
    } else {
        shown.into()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_lookback_keeps_the_form_of_the_bookmark() {
        let since = Since::query("since").lookback(Duration::from_hours(36));
        let value = |bookmark: Value| since.value(&bookmark).expect("a date");
        assert_eq!(value(json!("2026-01-03T12:00:00Z")), "2026-01-02T00:00:00Z");
        assert_eq!(value(json!("2026-01-03")), "2026-01-01");
        assert_eq!(value(json!(1_767_225_600)), 1_767_096_000);
        assert!(since.value(&json!("abc")).is_err());
    }

    #[test]
    fn a_format_is_applied_after_the_lookback() {
        let since = Since::query("since")
            .format("epoch")
            .lookback(Duration::from_secs(1));
        assert_eq!(
            since.value(&json!("2026-01-01T00:00:00Z")).expect("a date"),
            "1767225599"
        );
        assert_eq!(Since::placeholder().value(&json!("x")).expect("as it is"), "x");
    }
}
