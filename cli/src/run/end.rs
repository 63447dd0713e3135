//! How a run ended, and what that means.

use std::process::ExitStatus;
use std::time::Duration;

use super::logs::Facts;
use super::process::describe;
use crate::state::Outcome;
use crate::tally::Tally;

/// Exit code of a run whose tap or target failed, as Meltano has it.
const FAILED: u8 = 1;

/// What is known when both sides are gone.
pub(crate) struct End {
    pub(crate) verdict: Verdict,
    pub(crate) elapsed: Duration,
    /// What passed from the tap to the target.
    pub(crate) tally: Tally,
    /// What the target says it has done.
    pub(crate) said: Facts,
}

/// The verdict over a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Success,
    /// With the message and, in brackets, the exit codes.
    Failed(String),
    /// Ended by this signal.
    Interrupted(i32),
}

impl Verdict {
    /// Judges by the exits of both sides. When the target went first, what the tap did after counts for nothing.
    pub(crate) fn of(tap: ExitStatus, target: ExitStatus, target_first: bool) -> Self {
        let tap_failed = !tap.success() && !target_first;
        let (message, statuses) = match (tap_failed, !target.success()) {
            (false, false) => return Self::Success,
            (true, false) => ("Extractor failed", describe(tap)),
            (false, true) => ("Loader failed", describe(target)),
            (true, true) => (
                "Extractor and loader failed",
                format!("{} and {}", describe(tap), describe(target)),
            ),
        };
        Self::Failed(format!("{message} ({statuses})"))
    }
}

impl End {
    /// For the run's row.
    pub(crate) fn outcome(&self) -> Outcome {
        match &self.verdict {
            Verdict::Success => Outcome::Success,
            Verdict::Failed(why) => Outcome::Fail(why.split(" (").next().unwrap_or(why).to_owned()),
            Verdict::Interrupted(signal_hook::consts::SIGINT) => {
                Outcome::Fail("The process was interrupted".to_owned())
            }
            Verdict::Interrupted(_) => Outcome::Fail("The process was terminated".to_owned()),
        }
    }

    /// Of `melisma run`.
    pub(crate) fn exit_code(&self) -> u8 {
        match self.verdict {
            Verdict::Success => 0,
            Verdict::Failed(_) => FAILED,
            Verdict::Interrupted(signal) => melisma_sdk::Kind::Interrupted(signal).exit_code(),
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
        let failed = |message: &str| Verdict::Failed(message.to_owned());
        assert_eq!(Verdict::of(code(0), code(0), false), Verdict::Success);
        assert_eq!(
            Verdict::of(code(1), code(0), false),
            failed("Extractor failed (exit code 1)")
        );
        assert_eq!(
            Verdict::of(code(0), code(2), false),
            failed("Loader failed (exit code 2)")
        );
        assert_eq!(
            Verdict::of(code(1), code(2), true),
            failed("Loader failed (exit code 2)")
        );
        assert_eq!(Verdict::of(code(1), code(0), true), Verdict::Success);
        assert_eq!(
            Verdict::of(code(1), ExitStatus::from_raw(9), false),
            failed("Extractor and loader failed (exit code 1 and killed by signal 9)")
        );
    }
}
