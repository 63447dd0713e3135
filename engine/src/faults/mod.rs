//! Named places where `cargo xtask faults` kills, fails or hangs the process, and bugs that it plants.
//!
//! Debug builds have them, so that the programs under test are those that `cargo test` builds anyway. A release has the
//! registries below and nothing else: [`fault!`](crate::fault), [`planted!`](crate::planted) and
//! [`faulty!`](crate::faulty) are empty there. One place is armed at a time, by `MELISMA_FAULT=POINT:KIND[:PASS]`: `sink.commit.before:kill:3` ends the process by SIGKILL
//! when it comes there the third time, `error` fails there, `hang` never leaves. What struck is noted in the file that
//! `MELISMA_FAULT_MARK` names, and the number of units in flight in the file of `MELISMA_FAULT_GAUGE`.

#[cfg(debug_assertions)]
mod armed;
mod points;
mod sinks;

#[cfg(debug_assertions)]
pub use armed::{arrives, gauge, has, pass, strike};
pub use points::{ALL, On, Point};
pub(crate) use sinks::KillPoints;

/// The points by their constants' names.
pub mod at {
    pub use super::points::list::*;
}

/// A bug that can be planted (`MELISMA_BUG=NAME`), to see that the harness finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bug {
    /// As the environment variable has it.
    pub name: &'static str,
    /// The number of the invariant in ARCHITECTURE.md that it breaks.
    pub invariant: u8,
    /// What it does.
    pub does: &'static str,
}

macro_rules! bugs {
    ($($id:ident $invariant:literal $name:literal $does:literal;)*) => {
        /// The bugs by their constants' names.
        pub mod bug {
            use super::Bug;
            $(#[doc = $does] pub const $id: Bug = Bug { name: $name, invariant: $invariant, does: $does };)*
        }
        /// Every bug that can be planted in the program.
        pub const BUGS: &[Bug] = &[$(bug::$id),*];
    };
}

bugs! {
    EARLY_STATE 1 "early-state" "STATE is told when it comes, whatever is durable";
    STATE_BYTES 1 "state-bytes" "STATE is read and written anew instead of passed on";
    SWAPPED_BATCHES 2 "swapped-batches" "of two batches that wait for a writer, the second goes first";
    NO_BARRIER 2 "no-barrier" "ACTIVATE_VERSION does not wait for the rows before it";
    DROPPED_BATCH 3 "dropped-batch" "the second batch of a run is counted, and not written";
    NO_BUDGET 4 "no-budget" "queues have no end, and nobody waits for memory";
    FLOAT_NUMBERS 5 "float-numbers" "integers pass through a float";
    STRAY_LINE 6 "stray-line" "a line that is no STATE goes to stdout";
    END_IS_SUCCESS 9 "end-is-success" "the end of the input is the end of the data, however the tap ended";
    TOLD_SECRET 7 "told-secret" "a password is written to the log";
}

/// Comes to a point: `fault!(SINK_WRITE_BEFORE)` in a function that returns [`Result`](crate::Result).
///
/// `fault!(P, if condition)` comes there under a condition, `fault!(P, io)` in a function that returns an I/O error,
/// `fault!(P, io, { .. })` does something first if it strikes now, and `fault!(P, error => ..)` says what an error does.
#[cfg(debug_assertions)]
#[macro_export]
macro_rules! fault {
    ($point:ident) => {
        $crate::faults::pass(&$crate::faults::at::$point)?
    };
    ($point:ident, if $condition:expr) => {
        if $condition {
            $crate::faults::pass(&$crate::faults::at::$point)?
        }
    };
    ($point:ident, io) => {
        $crate::faults::pass(&$crate::faults::at::$point).map_err(::std::io::Error::other)?
    };
    ($point:ident, io, $first:block) => {
        if $crate::faults::arrives(&$crate::faults::at::$point) {
            $first
            $crate::faults::strike(&$crate::faults::at::$point).map_err(::std::io::Error::other)?
        }
    };
    ($point:ident, $first:block) => {
        if $crate::faults::arrives(&$crate::faults::at::$point) {
            $first
            $crate::faults::strike(&$crate::faults::at::$point)?
        }
    };
    ($point:ident, $first:block, $error:ident => $then:expr) => {
        if $crate::faults::arrives(&$crate::faults::at::$point) {
            $first
            if let Err($error) = $crate::faults::strike(&$crate::faults::at::$point) {
                $then
            }
        }
    };
    ($point:ident, $error:ident => $then:expr) => {
        if let Err($error) = $crate::faults::pass(&$crate::faults::at::$point) {
            $then
        }
    };
}

/// Nothing, in a release.
#[cfg(not(debug_assertions))]
#[macro_export]
macro_rules! fault {
    ($($any:tt)*) => {};
}

/// What is there in debug builds only.
#[cfg(debug_assertions)]
#[macro_export]
macro_rules! faulty {
    ($($any:tt)*) => { $($any)* };
}

/// Nothing, in a release.
#[cfg(not(debug_assertions))]
#[macro_export]
macro_rules! faulty {
    ($($any:tt)*) => {};
}

/// A bug, planted when the environment names it: `planted!(EARLY_STATE, { .. })`.
#[cfg(debug_assertions)]
#[macro_export]
macro_rules! planted {
    ($bug:ident, $does:block) => {
        if $crate::faults::has(&$crate::faults::bug::$bug) {
            $does
        }
    };
}

/// Nothing, in a release.
#[cfg(not(debug_assertions))]
#[macro_export]
macro_rules! planted {
    ($($any:tt)*) => {};
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_name_is_there_twice() {
        let points: HashSet<_> = ALL.iter().map(|point| point.name).collect();
        assert_eq!(points.len(), ALL.len());
        let bugs: HashSet<_> = BUGS.iter().map(|bug| bug.name).collect();
        assert_eq!(bugs.len(), BUGS.len());
    }

    #[test]
    fn each_invariant_that_code_can_break_has_a_bug() {
        // 8 is about `unsafe`, which the compiler refuses.
        for invariant in (1..8).chain([9]) {
            assert!(BUGS.iter().any(|bug| bug.invariant == invariant), "{invariant}");
        }
    }

    #[test]
    fn enough_points_are_on_the_way_of_every_target() {
        let every = ALL.iter().filter(|point| point.on == On::Every).count();
        assert!(every >= 24, "{every}");
    }
}
