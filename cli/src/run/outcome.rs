//! How a run ended, and what that means.

use std::process::ExitStatus;
use std::time::Duration;

use melisma_sdk::Kind;

use super::plugin_log::Known;
use super::process_group::{describe, kind_of};
use crate::count::Counter;
use crate::signals::Interruption;
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
    /// Ended by a signal or by `--timeout`.
    Interrupted(Interruption),
}

/// How the processes of a run ended.
pub(crate) struct Ends {
    pub(crate) tap: ExitStatus,
    pub(crate) target: ExitStatus,
    /// The first mapper that failed.
    pub(crate) mapper: Option<MapperEnd>,
    /// The target ended, or stopped reading, before it had everything.
    pub(crate) target_first: bool,
    /// The target only repeats what it learnt from the runner about its input, so it is not to blame.
    pub(crate) target_follows: bool,
}

/// How a mapper failed.
#[derive(Clone)]
pub(crate) struct MapperEnd {
    pub(crate) name: String,
    pub(crate) status: ExitStatus,
    /// It ended before it had everything.
    pub(crate) early: bool,
}

impl Verdict {
    /// The verdict from all exit statuses. If the target or a mapper ended first, the status of what is before it is
    /// ignored: its output had no reader. If several failed otherwise, the kind is that of the first in the chain, since the
    /// failure of the others may follow from it.
    pub(crate) fn of(ends: &Ends) -> Self {
        let mapper = ends.mapper.as_ref().filter(|_| !ends.target_first);
        let unread = ends.target_first || mapper.is_some_and(|mapper| mapper.early);
        let tap_failed = !ends.tap.success() && !unread;
        let input_failed = tap_failed || mapper.is_some();
        let target_failed = !(ends.target.success() || input_failed && ends.target_follows);
        let (message, statuses) = match (tap_failed, target_failed, mapper) {
            (false, false, None) => return Self::Success,
            (false, false, Some(mapper)) => {
                let early = if mapper.early {
                    ", before the end of its input"
                } else {
                    ""
                };
                let status = describe(mapper.status);
                ("Mappers failed", format!("{}: {status}{early}", mapper.name))
            }
            (true, false, _) => ("Extractor failed", describe(ends.tap)),
            (false, true, _) => ("Loader failed", describe(ends.target)),
            (true, true, _) => (
                "Extractor and loader failed",
                format!("{} and {}", describe(ends.tap), describe(ends.target)),
            ),
        };
        let first = match (tap_failed, mapper) {
            (true, _) => ends.tap,
            (false, Some(mapper)) => mapper.status,
            (false, None) => ends.target,
        };
        Self::Failed(format!("{message} ({statuses})"), kind_of(first))
    }
}

impl Outcome {
    /// The result for the row of the run.
    pub(crate) fn result(&self) -> RunResult {
        match &self.verdict {
            Verdict::Success => RunResult::Success,
            Verdict::Failed(why, _) => RunResult::Fail(why.split(" (").next().unwrap_or(why).to_owned()),
            Verdict::Interrupted(interruption) => RunResult::Fail(match interruption {
                Interruption::Signal(signal_hook::consts::SIGINT) => "The process was interrupted".to_owned(),
                Interruption::Signal(_) => "The process was terminated".to_owned(),
                Interruption::Timeout(_) => interruption.to_string(),
            }),
        }
    }

    /// The exit code of `melisma run`.
    pub(crate) fn exit_code(&self) -> u8 {
        match self.verdict {
            Verdict::Success => 0,
            Verdict::Failed(_, kind) => kind.exit_code(),
            Verdict::Interrupted(interruption) => interruption.kind().exit_code(),
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

    fn verdict(tap: ExitStatus, target: ExitStatus, target_first: bool, target_follows: bool) -> Verdict {
        Verdict::of(&Ends {
            tap,
            target,
            mapper: None,
            target_first,
            target_follows,
        })
    }

    #[test]
    fn the_verdict_is_meltanos() {
        let failed = |message: &str| Verdict::Failed(message.to_owned(), Kind::Failed);
        assert_eq!(verdict(code(0), code(0), false, false), Verdict::Success);
        assert_eq!(
            verdict(code(1), code(0), false, false),
            failed("Extractor failed (exit code 1)")
        );
        assert_eq!(
            verdict(code(0), code(2), false, false),
            failed("Loader failed (exit code 2)")
        );
        assert_eq!(
            verdict(code(1), code(2), true, false),
            failed("Loader failed (exit code 2)")
        );
        assert_eq!(verdict(code(1), code(0), true, false), Verdict::Success);
        assert_eq!(
            verdict(code(1), ExitStatus::from_raw(9), false, false),
            failed("Extractor and loader failed (exit code 1 and killed by signal 9)")
        );
        assert_eq!(
            verdict(code(1), code(69), false, true),
            failed("Extractor failed (exit code 1)")
        );
        assert_eq!(
            verdict(code(0), code(69), false, true),
            Verdict::Failed("Loader failed (exit code 69)".to_owned(), Kind::Unavailable)
        );
    }

    #[test]
    fn a_mapper_that_ends_early_is_to_blame_for_the_tap_and_not_for_the_target() {
        let with = |tap, target, status, early, target_follows| {
            Verdict::of(&Ends {
                tap: code(tap),
                target: code(target),
                mapper: Some(MapperEnd {
                    name: "m".to_owned(),
                    status: code(status),
                    early,
                }),
                target_first: false,
                target_follows,
            })
        };
        let failed = |message: &str, kind| Verdict::Failed(message.to_owned(), kind);
        assert_eq!(
            with(1, 69, 65, true, true),
            failed(
                "Mappers failed (m: exit code 65, before the end of its input)",
                Kind::Input
            )
        );
        assert_eq!(
            with(0, 0, 2, false, true),
            failed("Mappers failed (m: exit code 2)", Kind::Failed)
        );
        assert_eq!(
            with(1, 69, 2, false, true),
            failed("Extractor failed (exit code 1)", Kind::Failed)
        );
        assert_eq!(
            with(0, 74, 2, false, false),
            failed("Loader failed (exit code 74)", Kind::Failed)
        );
    }

    #[test]
    fn the_kind_is_that_of_whoever_failed_first() {
        let kind = |tap, target, target_first| match verdict(code(tap), code(target), target_first, false) {
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
