//! When a request is tried again, and after which wait.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;

use super::judge::Judgement;
use super::request::Response;

/// How requests that failed are tried again.
///
/// Tried again are answers with the statuses 408, 425, 429 and 5xx (but 501 and 505), connections that failed or broke, and
/// servers that are silent. An answer 403 that says that a rate limit was reached counts as a 429.
///
/// A server that asks for a wait gets it: `Retry-After` in seconds or as a date, `RateLimit-Reset`, `X-RateLimit-Reset`, and
/// the `t` of a structured `RateLimit`. All other waits double, with jitter, up to a minute.
#[derive(Clone, Debug)]
pub struct Retry {
    /// How often a request is sent at most. Answers 429 do not count: they say that the server is well.
    pub tries: u32,
    /// The longest wait that a server may ask for, also in the sum of several 429 for one request. Where more is asked for,
    /// the run ends with exit code 75 and its STATE is kept.
    pub max_wait: Duration,
    /// More statuses that are tried again.
    pub statuses: Vec<u16>,
    /// Another header that says how long to wait: seconds, a date, or a moment in seconds since 1970.
    pub wait_header: Option<String>,
    /// How much longer to wait than a server asks for.
    pub wait_extra: Duration,
}

impl Default for Retry {
    /// Five tries, and ten minutes.
    fn default() -> Self {
        Self {
            tries: 5,
            max_wait: Duration::from_mins(10),
            statuses: Vec::new(),
            wait_header: None,
            wait_extra: Duration::ZERO,
        }
    }
}

/// What an answer means for its request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is what was asked for.
    Good,
    /// Too many requests: again later, however often.
    Slow,
    /// Again, a few times.
    Again,
    /// Again with new credentials.
    Renew,
    /// There is no use in trying again, for this reason.
    Bad(Option<String>),
}

impl From<Judgement> for Verdict {
    fn from(judgement: Judgement) -> Self {
        match judgement {
            Judgement::Take => Self::Good,
            Judgement::Retry => Self::Again,
            Judgement::Wait => Self::Slow,
            Judgement::Renew => Self::Renew,
            Judgement::Fail(why) => Self::Bad(why),
        }
    }
}

impl Retry {
    pub(super) fn judge(&self, response: &Response) -> Verdict {
        match response.status {
            200..=299 => Verdict::Good,
            429 => Verdict::Slow,
            403 if reached_a_limit(response) => Verdict::Slow,
            408 | 425 | 500 | 502..=504 | 506..=599 => Verdict::Again,
            status if self.statuses.contains(&status) => Verdict::Again,
            _ => Verdict::Bad(None),
        }
    }
}

/// GitHub and others answer 403 where 429 is meant.
fn reached_a_limit(response: &Response) -> bool {
    let none_left = [
        "ratelimit-remaining",
        "x-ratelimit-remaining",
        "x-rate-limit-remaining",
    ]
    .iter()
    .any(|name| response.header(name).is_some_and(|left| left.trim() == "0"));
    none_left || response.header("retry-after").is_some()
}

/// The wait before the next of several tries, the first of which is 0: doubled each time, and shorter by up to a half, so
/// that many clients do not come back at once.
pub(super) fn backoff(tried: u32) -> Duration {
    let full = Duration::from_millis(500) * 2_u32.pow(tried.min(7));
    full.min(Duration::from_mins(1))
        .mul_f64(1.0 - fastrand::f64() / 2.0)
}

/// The wait that a server asks for.
pub(super) fn asked(response: &Response, now: Timestamp, retry: &Retry) -> Option<Duration> {
    let own = retry.wait_header.as_deref().and_then(|name| {
        let text = response.header(name)?.trim();
        reset(text, now).or_else(|| until(text, now))
    });
    own.or_else(|| usual(response, now))
        .map(|wait| wait + retry.wait_extra)
}

fn usual(response: &Response, now: Timestamp) -> Option<Duration> {
    let header = |name: &str| response.header(name).map(str::trim);
    let retry_after = header("retry-after").and_then(|text| seconds(text).or_else(|| until(text, now)));
    let limits = || {
        ["ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset"]
            .iter()
            .find_map(|name| reset(header(name)?, now))
    };
    retry_after
        .or_else(limits)
        .or_else(|| header("ratelimit").and_then(structured))
}

/// Seconds, also with a fraction, which is not legal and is seen all the same.
fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.parse().ok()?;
    Duration::try_from_secs_f64(seconds.max(0.0)).ok()
}

/// A date as HTTP writes it; one that is over means now.
fn until(text: &str, now: Timestamp) -> Option<Duration> {
    let date = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

/// A number that is a wait in seconds, or, when it is large, a moment: seconds or milliseconds since 1970.
fn reset(text: &str, now: Timestamp) -> Option<Duration> {
    let number: f64 = text.parse().ok()?;
    let moment = if number > 1e11 { number / 1000.0 } else { number };
    if moment < 1e9 {
        return seconds(text);
    }
    let now = now.duration_since(Timestamp::UNIX_EPOCH).as_secs_f64();
    Duration::try_from_secs_f64((moment - now).max(0.0)).ok()
}

/// `"default";r=0;t=30`
fn structured(text: &str) -> Option<Duration> {
    let mut parameters = text.split([';', ',']).map(str::trim);
    parameters.find_map(|parameter| seconds(parameter.strip_prefix("t=")?))
}

#[cfg(test)]
mod tests {
    use ureq::http::{HeaderMap, HeaderName, HeaderValue};

    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)]) -> Response {
        let pair = |(name, value): &(&str, &str)| {
            let name: HeaderName = name.parse().expect("a name");
            (name, HeaderValue::from_str(value).expect("a value"))
        };
        Response {
            status,
            headers: headers.iter().map(pair).collect::<HeaderMap>(),
            body: Vec::new(),
            url: "https://a.example".to_owned(),
        }
    }

    fn wait(name: &str, value: &str) -> Option<Duration> {
        // 2026-01-01T00:00:00Z
        let now = Timestamp::constant(1_767_225_600, 0);
        asked(&answer(429, &[(name, value)]), now, &Retry::default())
    }

    #[test]
    fn a_header_of_ones_own_goes_before_the_usual_ones_and_an_extension_comes_on_top() {
        let retry = Retry {
            wait_header: Some("X-Wait".to_owned()),
            wait_extra: Duration::from_secs(5),
            ..Retry::default()
        };
        let wait = |headers: &[(&str, &str)]| {
            asked(
                &answer(429, headers),
                Timestamp::constant(1_767_225_600, 0),
                &retry,
            )
            .map(|wait| wait.as_secs())
        };
        assert_eq!(wait(&[("X-Wait", "7"), ("Retry-After", "60")]), Some(12));
        assert_eq!(wait(&[("Retry-After", "60")]), Some(65));
        assert_eq!(wait(&[]), None);
    }

    #[test]
    fn waits_are_read_in_every_form() {
        let seconds = |n| Some(Duration::from_secs(n));
        assert_eq!(wait("Retry-After", "7"), seconds(7));
        assert_eq!(wait("Retry-After", "0.25"), Some(Duration::from_millis(250)));
        assert_eq!(wait("Retry-After", "-3"), seconds(0));
        assert_eq!(wait("Retry-After", "Thu, 01 Jan 2026 00:01:30 GMT"), seconds(90));
        assert_eq!(wait("Retry-After", "Wed, 31 Dec 2025 00:00:00 GMT"), seconds(0));
        assert_eq!(wait("Retry-After", "soon"), None);
        assert_eq!(wait("RateLimit-Reset", "12"), seconds(12));
        assert_eq!(wait("X-RateLimit-Reset", "1767225605"), seconds(5));
        assert_eq!(wait("X-RateLimit-Reset", "1767225605000"), seconds(5));
        assert_eq!(wait("X-RateLimit-Reset", "1000000000"), seconds(0));
        assert_eq!(wait("RateLimit", "\"default\";r=0;t=30"), seconds(30));
        assert_eq!(wait("Date", "x"), None);
    }

    #[test]
    fn statuses_are_judged() {
        let retry = Retry {
            statuses: vec![409],
            ..Retry::default()
        };
        let judge = |status, headers: &[_]| retry.judge(&answer(status, headers));
        assert_eq!(judge(204, &[]), Verdict::Good);
        assert_eq!(judge(429, &[]), Verdict::Slow);
        assert_eq!(judge(403, &[]), Verdict::Bad(None));
        assert_eq!(judge(403, &[("X-RateLimit-Remaining", "0")]), Verdict::Slow);
        assert_eq!(judge(403, &[("Retry-After", "9")]), Verdict::Slow);
        for status in [408, 425, 500, 502, 503, 504, 529, 409] {
            assert_eq!(judge(status, &[]), Verdict::Again, "{status}");
        }
        for status in [301, 400, 401, 404, 501, 505] {
            assert_eq!(judge(status, &[]), Verdict::Bad(None), "{status}");
        }
    }

    #[test]
    fn waits_double_up_to_a_minute_and_are_never_nothing() {
        for tried in 0..40 {
            let full = Duration::from_millis(500) * 2_u32.pow(tried.min(7));
            let full = full.min(Duration::from_mins(1));
            let wait = backoff(tried);
            assert!(wait <= full && wait >= full / 2, "{tried}: {wait:?}");
        }
    }
}
