//! Who decides what an answer means.

use std::time::Duration;

use super::json::{Json, Parser};
use super::path::JsonPath;
use super::request::Response;

/// What is done about an answer with a certain status, or with something in it, when that is not what is done as a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnStatus {
    /// There is nothing to read; skipped and counted.
    Skip,
    /// The request is sent again, as often as [`Retry::tries`](super::Retry::tries) says.
    Retry,
    /// The request is sent again after a wait, as for 429.
    Wait,
    /// The run ends.
    Fail,
}

/// Decides what answers mean, where that depends on more than their status.
///
/// ```
/// use std::time::Duration;
/// use melisma_sdk::http::{Judge, Judgement, Response};
///
/// /// A server that says in an answer with status 200 that it is busy.
/// struct Busy;
///
/// impl Judge for Busy {
///     fn judge(&self, answer: &Response) -> Option<Judgement> {
///         let busy = answer.header("X-State") == Some("busy");
///         busy.then_some(Judgement::Wait)
///     }
///
///     fn wait(&self, _: Option<&Response>, tried: u32) -> Option<Duration> {
///         Some(Duration::from_secs(u64::from(tried)))
///     }
/// }
/// ```
pub trait Judge: Send + Sync {
    /// What is done about this answer; `None` leaves it to the client: what is 2xx is taken, what may be mended by another try
    /// is tried again, and all else ends the run.
    fn judge(&self, answer: &Response) -> Option<Judgement>;

    /// How long to wait before a request is sent again that was `tried` so often; `None` for what the server asks for, or a
    /// wait that doubles. There is no answer when the connection broke.
    fn wait(&self, answer: Option<&Response>, tried: u32) -> Option<Duration> {
        let _ = (answer, tried);
        None
    }

    /// How often a request is sent at most, where that is not what the client says.
    fn tries(&self) -> Option<u32> {
        None
    }
}

/// What is done about an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It is handed to who has asked, whatever its status.
    Take,
    /// The request is sent again a few times.
    Retry,
    /// The request is sent again after a wait, however often, as for 429.
    Wait,
    /// The request is sent again with new credentials, once; after that it is tried again as by [`Retry`](Self::Retry).
    Renew,
    /// The run ends, for this reason.
    Fail(Option<String>),
}

/// All is as a rule.
pub(super) struct NoRules;

impl Judge for NoRules {
    fn judge(&self, _: &Response) -> Option<Judgement> {
        None
    }
}

/// What a stream says of certain answers: by their statuses, and by what is in them.
#[derive(Default)]
pub(super) struct Rules {
    pub(super) statuses: Vec<(u16, OnStatus)>,
    pub(super) bodies: Vec<(JsonPath, OnStatus)>,
}

impl Rules {
    /// Whether what is in an answer says that there is nothing to read.
    pub(super) fn skips(&self, root: Json<'_>) -> bool {
        self.in_body(root) == Some(OnStatus::Skip)
    }

    fn in_body(&self, root: Json<'_>) -> Option<OnStatus> {
        let says = |path: &JsonPath| path.first(root).is_some_and(Json::is_truthy);
        let (_, rule) = self.bodies.iter().find(|(path, _)| says(path))?;
        Some(*rule)
    }

    fn rule(&self, answer: &Response) -> Option<OnStatus> {
        if let Some((_, rule)) = self.statuses.iter().find(|(status, _)| *status == answer.status) {
            return Some(*rule);
        }
        if self.bodies.is_empty() {
            return None;
        }
        let mut body = answer.body.clone();
        // What is no JSON says nothing here; whether that is an error is decided by who reads it.
        let nodes = Parser::default().parse(&mut body).ok()?;
        self.in_body(Json::root(&nodes))
    }
}

impl Judge for Rules {
    fn judge(&self, answer: &Response) -> Option<Judgement> {
        Some(match self.rule(answer)? {
            OnStatus::Skip => Judgement::Take,
            OnStatus::Retry => Judgement::Retry,
            OnStatus::Wait => Judgement::Wait,
            OnStatus::Fail => Judgement::Fail(None),
        })
    }
}
