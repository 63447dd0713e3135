//! The quick part of `cargo xtask faults`, on the debug build of the programs, which has the kill points.

use std::sync::{Mutex, PoisonError};

use melisma_faults::campaign::{Plan, Report, run};
use melisma_faults::rig::Programs;

/// The programs under test.
fn programs() -> Programs {
    Programs {
        melisma: melisma_processes::melisma().to_owned(),
        tap: env!("CARGO_BIN_EXE_melisma-faults").into(),
    }
}

fn seed() -> u64 {
    let given = std::env::var("MELISMA_TEST_SEED").ok();
    given.and_then(|seed| seed.parse().ok()).unwrap_or(1)
}

/// Runs a part of the quick plan; one at a time, because each keeps all processors busy.
fn check(part: impl FnOnce(Plan) -> Plan) -> Report {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let nothing = Plan {
        cells: Vec::new(),
        taps: Vec::new(),
        rounds: Vec::new(),
        scripted: Vec::new(),
        planted: false,
        ..Plan::quick(programs(), seed())
    };
    let report = run(&part(nothing), &|_| {});
    let failures: Vec<String> = report
        .failures()
        .iter()
        .map(|(name, what)| {
            format!(
                "{name}: {what}\n  again: cargo xtask faults --seed {} --only {name}\n",
                seed()
            )
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    report
}

#[test]
fn a_kill_at_any_named_point_loses_nothing() {
    let report = check(|nothing| Plan {
        cells: Plan::quick(programs(), seed()).cells,
        ..nothing
    });
    assert_eq!(report.cells.len(), 122);
}

#[test]
fn a_tap_that_fails_replaces_nothing_and_loses_nothing() {
    let report = check(|nothing| Plan {
        taps: Plan::quick(programs(), seed()).taps,
        ..nothing
    });
    assert_eq!(report.taps.len(), 10);
}

#[test]
fn a_kill_at_any_moment_loses_nothing() {
    let report = check(|nothing| Plan {
        rounds: Plan::quick(programs(), seed()).rounds,
        ..nothing
    });
    assert_eq!(report.counts.kills, 20);
}

#[test]
fn every_planted_bug_is_found() {
    let report = check(|nothing| Plan {
        planted: true,
        ..nothing
    });
    assert_eq!(report.planted.len(), melisma_faults::planted::BUGS.len());
}
