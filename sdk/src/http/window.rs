//! Windows of time: a stream is asked for one after the other, from its bookmark to the moment of the run.
//!
//! Suppose that the bookmark is 2026-01-10, a step is 30 days, and it is March 1. The windows are from January 10 to
//! February 9 and from there to March 1. When the first is complete and its last record is of February 3, the bookmark is
//! February 3 and not the window's end: records of the days after may still appear, and only what was seen is certain.

use std::time::Duration;

use jiff::Timestamp;
use melisma_engine::{Error, Result};
use serde_json::Value;

use super::since::{SINCE, Since, UNTIL};
use super::template::{self, Scope};

/// What the requests of a window can name, and how far the bookmark may move when it is complete.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) scope: Scope,
    /// The end, as bookmarks are; `None` where the end of the stream moves the bookmark.
    pub(super) end: Option<Value>,
}

/// The windows, which are made when their turn comes: a step of a minute since 1970 has millions.
#[derive(Debug)]
pub(super) struct Windows {
    scope: Scope,
    next: Next,
}

#[derive(Debug)]
enum Next {
    /// All of it at once, from here.
    Whole(Option<Since>, Option<Value>, Timestamp),
    Steps {
        since: Since,
        from: Timestamp,
        now: Timestamp,
        form: Form,
        step: Duration,
    },
    None,
}

/// How a bookmark is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Date,
    Moment,
    Seconds,
    Milliseconds,
}

/// The windows from a bookmark, or else from `start_date`, or else from where the author says that the stream starts.
pub(super) fn windows(
    since: Option<&Since>,
    scope: Scope,
    bookmark: Option<Value>,
    start_date: Option<Value>,
    now: Timestamp,
) -> Result<Windows> {
    let Some(since) = since else {
        let next = Next::Whole(None, None, now);
        return Ok(Windows { scope, next });
    };
    let start = || since.start.clone().map(Value::from);
    let Some(step) = since.step else {
        let next = Next::Whole(Some(since.clone()), bookmark.or_else(start), now);
        return Ok(Windows { scope, next });
    };
    let from = bookmark.or(start_date).or_else(start).ok_or_else(|| {
        Error::config("a stream that is read in windows (step) needs a start_date, or a start of its own")
    })?;
    let (form, from) = read(&since.looked_back(&from)?)?;
    let next = Next::Steps {
        since: since.clone(),
        from,
        now: now.max(from),
        form,
        step,
    };
    Ok(Windows { scope, next })
}

impl Windows {
    fn window(&self, since: &Since, from: Option<&Value>, until: &Value) -> Result<Scope> {
        let mut scope = self.scope.clone();
        scope.remove(SINCE);
        if let Some(from) = from {
            scope.insert(SINCE.to_owned(), since.formatted(from)?);
        }
        scope.insert(UNTIL.to_owned(), since.formatted(until)?);
        Ok(scope)
    }

    fn whole(&self, since: Option<&Since>, from: Option<Value>, now: Timestamp) -> Result<Window> {
        let Some(since) = since else {
            return Ok(Window {
                scope: self.scope.clone(),
                end: None,
            });
        };
        let form = from.as_ref().and_then(|from| Some(read(from).ok()?.0));
        let from = from.map(|from| since.looked_back(&from)).transpose()?;
        let scope = self.window(since, from.as_ref(), &form.unwrap_or(Form::Moment).show(now))?;
        Ok(Window { scope, end: None })
    }
}

impl Iterator for Windows {
    type Item = Result<Window>;

    fn next(&mut self) -> Option<Self::Item> {
        match std::mem::replace(&mut self.next, Next::None) {
            Next::None => None,
            Next::Whole(since, from, now) => Some(self.whole(since.as_ref(), from, now)),
            Next::Steps {
                since,
                from,
                now,
                form,
                step,
            } => {
                let end = from.checked_add(step).unwrap_or(now).min(now);
                let shown = if end < now {
                    end.checked_sub(since.granularity).unwrap_or(end).max(from)
                } else {
                    end
                };
                let scope = self.window(&since, Some(&form.show(from)), &form.show(shown));
                if end < now {
                    self.next = Next::Steps {
                        since,
                        from: end,
                        now,
                        form,
                        step,
                    };
                }
                Some(scope.map(|scope| Window {
                    scope,
                    end: Some(form.show(end)),
                }))
            }
        }
    }
}

/// The latest windows first, for samples: what is newest is most like what comes. Then the first ones, if it is known where
/// the stream starts, for sources where nothing is new.
pub(super) fn to_sample(since: Option<&Since>, scope: &Scope, now: Timestamp) -> Result<Vec<Scope>> {
    const NEWEST: u32 = 3;
    const OLDEST: usize = 10;
    let stepped = since.and_then(|since| Some((since, since.step?)));
    let Some((since, step)) = stepped else {
        let whole = windows(since, scope.clone(), None, None, now)?;
        return whole.map(|window| Ok(window?.scope)).collect();
    };
    let start = since.start.clone().map(Value::from);
    let (form, start) = match &start {
        Some(start) => read(start)?,
        None => (Form::Moment, Timestamp::MIN),
    };
    let mut scopes = Vec::new();
    let mut end = now;
    for _ in 0..NEWEST {
        let from = end.checked_sub(step).unwrap_or(start).max(start);
        let begin = form.show(from);
        let one = windows(Some(since), scope.clone(), Some(begin), None, end)?;
        scopes.extend(one.map(|window| Ok(window?.scope)).collect::<Result<Vec<_>>>()?);
        end = from;
        if end <= start {
            return Ok(scopes);
        }
    }
    if since.start.is_some() {
        let first = windows(Some(since), scope.clone(), None, None, end)?.take(OLDEST);
        scopes.extend(
            first
                .map(|window| Ok(window?.scope))
                .collect::<Result<Vec<_>>>()?,
        );
    }
    Ok(scopes)
}

/// The moment that a bookmark means, and how it is written.
fn read(bookmark: &Value) -> Result<(Form, Timestamp)> {
    let wrong = || {
        Error::config(format!(
            "windows of time need a date, and the bookmark is {}",
            melisma_engine::error::show(&bookmark.to_string())
        ))
    };
    if let Some(number) = bookmark.as_i64() {
        return Ok(if template::is_milliseconds(number) {
            let moment = Timestamp::from_millisecond(number).map_err(|_| wrong())?;
            (Form::Milliseconds, moment)
        } else {
            (
                Form::Seconds,
                Timestamp::from_second(number).map_err(|_| wrong())?,
            )
        });
    }
    let text = bookmark.as_str().ok_or_else(wrong)?;
    let moment = match text.parse::<jiff::civil::Date>() {
        Ok(date) if text.len() == "2026-01-31".len() => {
            let zoned = date.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| wrong())?;
            return Ok((Form::Date, zoned.timestamp()));
        }
        _ => template::moment(text).ok_or_else(wrong)?,
    };
    Ok((Form::Moment, moment))
}

impl Form {
    fn show(self, moment: Timestamp) -> Value {
        match self {
            Self::Date => moment.to_string()[..10].into(),
            Self::Moment => moment.to_string().into(),
            Self::Seconds => moment.as_second().into(),
            Self::Milliseconds => moment.as_millisecond().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn all(since: &Since, bookmark: Value, now: &str) -> Vec<(Value, Value, Option<Value>)> {
        let now = now.parse().expect("a moment");
        let windows = windows(Some(since), Scope::new(), Some(bookmark), None, now).expect("windows");
        windows
            .map(|window| {
                let mut window = window.expect("a window");
                let mut take = |name| window.scope.remove(name).unwrap_or_default();
                (take(SINCE), take(UNTIL), window.end)
            })
            .collect()
    }

    #[test]
    fn windows_follow_each_other_up_to_the_moment_of_the_run() {
        let since = Since::query("from").until("to").step(30 * DAY);
        let end = |day: &str| Some(json!(day));
        assert_eq!(
            all(&since, json!("2026-01-10"), "2026-03-01T12:00:00Z"),
            [
                (json!("2026-01-10"), json!("2026-02-09"), end("2026-02-09")),
                (json!("2026-02-09"), json!("2026-03-01"), end("2026-03-01"))
            ]
        );
        let seconds = all(&since, json!(1_767_225_600), "2026-01-03T00:00:00Z");
        let (from, until) = (json!(1_767_225_600), json!(1_767_398_400));
        assert_eq!(seconds, [(from, until.clone(), Some(until))]);
        // The clock of the source may be ahead.
        let ahead = all(&since, json!("2026-01-10T00:00:00Z"), "2026-01-09T00:00:00Z");
        let same = json!("2026-01-10T00:00:00Z");
        assert_eq!(ahead, [(same.clone(), same.clone(), Some(same))]);
    }

    #[test]
    fn a_window_may_end_before_the_next_begins_and_starts_earlier_by_the_lookback() {
        let since = Since::query("from").until("to").step(10 * DAY);
        let since = since.granularity(DAY).lookback(5 * DAY).format("%Y%m%d");
        assert_eq!(
            all(&since, json!("2026-01-10T06:00:00Z"), "2026-01-18T00:00:00Z"),
            [
                (
                    json!("20260105"),
                    json!("20260114"),
                    Some(json!("2026-01-15T06:00:00Z"))
                ),
                (
                    json!("20260115"),
                    json!("20260118"),
                    Some(json!("2026-01-18T00:00:00Z"))
                )
            ]
        );
    }

    #[test]
    fn without_a_step_there_is_one_window_and_without_a_bookmark_it_has_no_start() {
        let since = Since::query("from").until("to");
        let now = "2026-01-18T00:00:00Z".parse().expect("a moment");
        let one = |bookmark: Option<Value>| {
            let mut all = windows(Some(&since), Scope::new(), bookmark, None, now).expect("windows");
            let scope = all.next().expect("one").expect("fine").scope;
            assert!(all.next().is_none());
            Value::Object(scope)
        };
        assert_eq!(one(None), json!({"until": "2026-01-18T00:00:00Z"}));
        assert_eq!(
            one(Some(json!("2026-01-01"))),
            json!({"since": "2026-01-01", "until": "2026-01-18"})
        );
    }

    #[test]
    fn what_cannot_be_cut_into_windows_is_refused() {
        let since = Since::query("from").step(DAY);
        let now = Timestamp::UNIX_EPOCH;
        assert!(windows(Some(&since), Scope::new(), None, None, now).is_err());
        assert!(windows(Some(&since), Scope::new(), Some(json!("abc")), None, now).is_err());
    }

    #[test]
    fn samples_are_of_the_newest_windows_and_then_of_the_oldest() {
        let since = Since::query("from")
            .until("to")
            .step(10 * DAY)
            .start("2026-01-01");
        let now = "2026-12-31T00:00:00Z".parse().expect("a moment");
        let scopes = to_sample(Some(&since), &Scope::new(), now).expect("windows");
        let from: Vec<&str> = scopes.iter().filter_map(|scope| scope[SINCE].as_str()).collect();
        assert_eq!(
            from[..5],
            [
                "2026-12-21",
                "2026-12-11",
                "2026-12-01",
                "2026-01-01",
                "2026-01-11"
            ]
        );
        assert_eq!(from.len(), 13);
    }
}
