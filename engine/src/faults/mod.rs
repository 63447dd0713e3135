//! Named places where `cargo xtask faults` kills, fails or hangs the process.
//!
//! Debug builds have them, so that the programs under test are those that `cargo test` builds anyway. A release has the
//! registry of their names and nothing else: [`fault!`](crate::fault) and [`fault_gauge!`](crate::fault_gauge) are empty
//! there. One place is armed at a time, by `MELISMA_FAULT=POINT:KIND[:PASS]`: `sink.commit.before:kill:3` ends the process
//! by SIGKILL when it comes there the third time, `error` fails there, `hang` never leaves. What struck is noted in the
//! file that `MELISMA_FAULT_MARK` names, and the number of units in flight in the file of `MELISMA_FAULT_GAUGE`.

#[cfg(debug_assertions)]
mod armed;
mod points;
#[cfg(feature = "pipeline")]
mod sinks;

#[cfg(debug_assertions)]
pub use armed::{gauge, half, pass};
pub use points::{ALL, On, Point};
#[cfg(feature = "pipeline")]
pub(crate) use sinks::KillPoints;

/// The points by their constants' names.
pub mod at {
    pub use super::points::list::*;
}

/// Comes to a point: `fault!(SINK_WRITE_BEFORE)` in a function that returns [`Result`](crate::Result) or that of an I/O
/// error.
///
/// `fault!(P, if condition)` comes there under a condition, `fault!(P, half bytes => writer)` writes half of the bytes if it
/// strikes now, and `fault!(P, error => ..)` says what an error does.
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
    ($point:ident, half $bytes:expr => $writer:expr) => {
        $crate::faults::half(&$crate::faults::at::$point, $bytes, &mut $writer)?
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

/// Notes how many units are in flight: `fault_gauge!(ledger.in_flight())`.
#[cfg(debug_assertions)]
#[macro_export]
macro_rules! fault_gauge {
    ($units:expr) => {
        $crate::faults::gauge($units)
    };
}

/// Nothing, in a release.
#[cfg(not(debug_assertions))]
#[macro_export]
macro_rules! fault_gauge {
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
    }

    #[test]
    fn enough_points_are_on_the_way_of_every_target() {
        let every = ALL.iter().filter(|point| point.on == On::Every).count();
        assert!(every >= 24, "{every}");
    }
}
