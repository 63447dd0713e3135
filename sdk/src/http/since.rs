//! The bookmark in a request: only what is new since the last run.

use std::time::Duration;

use jiff::Timestamp;
use melisma_engine::{Error, Result};
use serde_json::Value;

use super::template;

/// The placeholder of the bookmark, or of the moment that a window begins with.
pub(super) const SINCE: &str = "since";
/// The placeholder of the moment that a window ends with.
pub(super) const UNTIL: &str = "until";

/// Where and how the bookmark goes into a request.
///
/// ```
/// use std::time::Duration;
/// use melisma_sdk::http::Since;
///
/// let plain = Since::query("updated_since");
/// let seconds = Since::query("start").format("epoch").lookback(Duration::from_secs(300));
/// let elsewhere = Since::placeholder(); // {since} in the path, the query, the headers or the body
/// let month_by_month = Since::query("from").until("to").step(Duration::from_hours(30 * 24)).start("2020-01-01");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Since {
    pub(super) query: Option<String>,
    pub(super) until: Option<String>,
    pub(super) start: Option<String>,
    pub(super) step: Option<Duration>,
    pub(super) granularity: Duration,
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

    /// Another parameter of the query, with the moment up to which records are asked for: that of the run, or the end of the
    /// [window](Self::step). Elsewhere it is the placeholder `{until}`.
    #[must_use]
    pub fn until(mut self, query: impl Into<String>) -> Self {
        self.until = Some(query.into());
        self
    }

    /// Asks for this much time at once, from the bookmark or the start to the moment of the run. The bookmark moves when a
    /// window is complete, as far as records were, so an interrupted run resumes with the window in which it was.
    #[must_use]
    pub fn step(mut self, duration: Duration) -> Self {
        self.step = Some(duration);
        self
    }

    /// Where the first run begins when there is no `start_date`: a date, or a date with a time.
    #[must_use]
    pub fn start(mut self, moment: impl Into<String>) -> Self {
        self.start = Some(moment.into());
        self
    }

    /// How much earlier a window ends than the next begins, for sources that count the end in: a day, where they have dates.
    /// If not set, a window ends where the next begins, and what is exactly there may come twice.
    #[must_use]
    pub fn granularity(mut self, duration: Duration) -> Self {
        self.granularity = duration;
        self
    }

    /// The bookmark, earlier by the lookback.
    pub(super) fn looked_back(&self, bookmark: &Value) -> Result<Value> {
        if self.lookback.is_zero() {
            return Ok(bookmark.clone());
        }
        earlier(bookmark, self.lookback)
            .ok_or_else(|| Error::config(format!("a lookback needs a date, and the bookmark is {bookmark}")))
    }

    /// A moment as requests have it.
    pub(super) fn formatted(&self, value: &Value) -> Result<Value> {
        match &self.format {
            Some(format) => template::show(value, Some(format)).map(Value::from),
            None => Ok(value.clone()),
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
    if let Some(number) = bookmark.as_i64() {
        let by = if template::is_milliseconds(number) {
            i64::try_from(by.as_millis())
        } else {
            i64::try_from(by.as_secs())
        };
        return Some((number - by.ok()?).into());
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

    /// What a request says for a bookmark.
    fn value(since: &Since, bookmark: &Value) -> Result<Value> {
        since.formatted(&since.looked_back(bookmark)?)
    }

    #[test]
    fn a_lookback_keeps_the_form_of_the_bookmark() {
        let since = Since::query("since").lookback(Duration::from_hours(36));
        let earlier = |bookmark: &Value| value(&since, bookmark).expect("a date");
        assert_eq!(earlier(&json!("2026-01-03T12:00:00Z")), "2026-01-02T00:00:00Z");
        assert_eq!(earlier(&json!("2026-01-03")), "2026-01-01");
        assert_eq!(earlier(&json!(1_767_225_600)), 1_767_096_000);
        assert_eq!(earlier(&json!(1_767_225_600_000_i64)), 1_767_096_000_000_i64);
        assert!(value(&since, &json!("abc")).is_err());
    }

    #[test]
    fn a_format_is_applied_after_the_lookback() {
        let since = Since::query("since")
            .format("epoch")
            .lookback(Duration::from_secs(1));
        assert_eq!(
            value(&since, &json!("2026-01-01T00:00:00Z")).expect("a date"),
            "1767225599"
        );
        assert_eq!(value(&Since::placeholder(), &json!("x")).expect("as it is"), "x");
    }
}
