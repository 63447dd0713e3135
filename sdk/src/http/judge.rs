//! Who decides what an answer means.

use std::time::Duration;

use super::request::Response;

/// What is done about an answer with a certain status, when that is not what is done as a rule.
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

/// By their statuses.
pub(super) struct Rules(pub(super) Vec<(u16, OnStatus)>);

impl Judge for Rules {
    fn judge(&self, answer: &Response) -> Option<Judgement> {
        let (_, rule) = self.0.iter().find(|(status, _)| *status == answer.status)?;
        Some(match rule {
            OnStatus::Skip => Judgement::Take,
            OnStatus::Retry => Judgement::Retry,
            OnStatus::Wait => Judgement::Wait,
            OnStatus::Fail => Judgement::Fail(None),
        })
    }
}
