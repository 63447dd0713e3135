//! How a run ended, and what that means.

use std::process::ExitStatus;
use std::time::Duration;

use melisma_sdk::Kind;

use super::plugin_log::Known;
use super::process_group::{describe, kind_of};
use crate::count::Counter;
use crate::state::RunResult;

/// What is known when both processes have ended.
pub(crate) struct Outcome {
    pub(crate) verdict: Verdict,
    pub(crate) elapsed: Duration,
    /// What passed from the tap to the target.
    pub(crate) counter: Counter,
    /// What the target reports that it has done.
    pub(crate) target_facts: Known,
}

/// The verdict on a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Success,
    /// With the message and, in brackets, the exit codes; and the kind of error, which is the run's exit code.
    Failed(String, Kind),
    /// Ended by this signal.
    Interrupted(i32),
}

impl Verdict {
    /// The verdict from both exit statuses. If the target ended first, the tap's status is ignored: its output had no reader.
    /// If both failed otherwise, the kind is the tap's, since the target's failure may follow from it. A target that only
    /// repeats what it learnt from the runner about the tap (`target_follows`) is not to blame.
    pub(crate) fn of(tap: ExitStatus, target: ExitStatus, target_first: bool, target_follows: bool) -> Self {
        let tap_failed = !tap.success() && !target_first;
        let target_failed = !(target.success() || tap_failed && target_follows);
        let (message, statuses) = match (tap_failed, target_failed) {
            (false, false) => return Self::Success,
            (true, false) => ("Extractor failed", describe(tap)),
            (false, true) => ("Loader failed", describe(target)),
            (true, true) => (
                "Extractor and loader failed",
                format!("{} and {}", describe(tap), describe(target)),
            ),
        };
        let kind = kind_of(if tap_failed { tap } else { target });
        Self::Failed(format!("{message} ({statuses})"), kind)
    }
}

impl Outcome {
    /// The result for the row of the run.
    pub(crate) fn result(&self) -> RunResult {
        match &self.verdict {
            Verdict::Success => RunResult::Success,
            Verdict::Failed(why, _) => RunResult::Fail(why.split(" (").next().unwrap_or(why).to_owned()),
            Verdict::Interrupted(signal_hook::consts::SIGINT) => {
                RunResult::Fail("The process was interrupted".to_owned())
            }
            Verdict::Interrupted(_) => RunResult::Fail("The process was terminated".to_owned()),
        }
    }

    /// The exit code of `melisma run`.
    pub(crate) fn exit_code(&self) -> u8 {
        match self.verdict {
            Verdict::Success => 0,
            Verdict::Failed(_, kind) => kind.exit_code(),
            Verdict::Interrupted(signal) => Kind::Interrupted(signal).exit_code(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    fn code(code: i32) -> ExitStatus {
        ExitStatus::from_raw(code << 8)
    }

    #[test]
    fn the_verdict_is_meltanos() {
        let failed = |message: &str| Verdict::Failed(message.to_owned(), Kind::Failed);
        assert_eq!(Verdict::of(code(0), code(0), false, false), Verdict::Success);
        assert_eq!(
            Verdict::of(code(1), code(0), false, false),
            failed("Extractor failed (exit code 1)")
        );
        assert_eq!(
            Verdict::of(code(0), code(2), false, false),
            failed("Loader failed (exit code 2)")
        );
        assert_eq!(
            Verdict::of(code(1), code(2), true, false),
            failed("Loader failed (exit code 2)")
        );
        assert_eq!(Verdict::of(code(1), code(0), true, false), Verdict::Success);
        assert_eq!(
            Verdict::of(code(1), ExitStatus::from_raw(9), false, false),
            failed("Extractor and loader failed (exit code 1 and killed by signal 9)")
        );
        assert_eq!(
            Verdict::of(code(1), code(69), false, true),
            failed("Extractor failed (exit code 1)")
        );
        assert_eq!(
            Verdict::of(code(0), code(69), false, true),
            Verdict::Failed("Loader failed (exit code 69)".to_owned(), Kind::Unavailable)
        );
    }
    #[test]
    fn the_kind_is_that_of_whoever_failed_first() {
        let kind = |tap, target, target_first| match Verdict::of(code(tap), code(target), target_first, false)
        {
            Verdict::Failed(_, kind) => kind.exit_code(),
            verdict => panic!("{verdict:?}"),
        };
        for documented in [64, 65, 69, 70, 74, 75, 78] {
            let code = i32::from(documented);
            assert_eq!(kind(code, 0, false), documented);
            assert_eq!(kind(0, code, false), documented);
            assert_eq!(
                kind(code, 65, false),
                documented,
                "what the target did follows from it"
            );
            assert_eq!(kind(65, code, true), documented, "the tap was ended");
        }
        for other in [1, 2, 3, 66, 77, 130, 143] {
            assert_eq!(kind(other, 0, false), 1);
            assert_eq!(kind(0, other, false), 1);
            assert_eq!(kind(other, 78, false), 1);
        }
    }
}
