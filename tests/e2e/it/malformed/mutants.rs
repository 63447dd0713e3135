//! Mutants of real streams, the same for the same seed.

use std::fmt::Write;
use std::fs;

use melisma_properties::mutate::{Random, mutate};

use super::judge::judge;
use super::memory::run;
use crate::harness::root;

/// Mutants in the test command; `MELISMA_TEST_MUTANTS` is another number.
const MUTANTS: usize = 6_000;

/// The committed streams, and made ones.
fn streams() -> Vec<Vec<u8>> {
    let folder = root().join("tests/e2e/streams");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("tests/e2e/streams")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    let mut streams: Vec<Vec<u8>> = files
        .iter()
        .map(|file| fs::read(file).expect("a stream"))
        .collect();
    let mut random = Random::new(7);
    streams.extend((0..12).map(|_| made(&mut random).into_bytes()));
    streams
}

/// A stream of a few messages, as some writer might spell it.
fn made(random: &mut Random) -> String {
    const VALUES: [&str; 14] = [
        "null",
        "1",
        "-7",
        "1.50",
        "12345678901234567890",
        "1e3",
        "true",
        r#""x""#,
        r#""é\u00e9\n\"""#,
        r#""2026-01-01T00:00:00Z""#,
        "[1,[2,{}]]",
        r#"{"a":{"b":[null]}}"#,
        r#""a longer text that does not fit into sixteen or into thirty-two bytes, and not into sixty-four""#,
        "[]",
    ];
    let gap = [" ", ""][random.below(2)];
    let mut text = String::new();
    for stream in 0..=random.below(3) {
        let _ = writeln!(
            text,
            r#"{{"type":{gap}"SCHEMA",{gap}"stream":{gap}"s{stream}",{gap}"schema":{gap}{{"type":"object","properties":{gap}{{"id":{{"type":"integer"}},"a":{{}},"b":{{"type":["string","null","number","boolean","array","object"]}}}}}},{gap}"key_properties":{gap}["id"]}}"#
        );
        for id in 0..=random.below(7) {
            let (a, b) = (VALUES[random.below(14)], VALUES[random.below(14)]);
            let end = match random.below(4) {
                0 => format!(",{gap}\"time_extracted\":{gap}\"2026-01-01T00:00:00Z\""),
                1 => format!(",{gap}\"version\":{gap}7"),
                _ => String::new(),
            };
            let _ = writeln!(
                text,
                r#"{{"type":{gap}"RECORD",{gap}"stream":{gap}"s{stream}",{gap}"record":{gap}{{"id":{gap}{id},{gap}"a":{gap}{a},{gap}"b":{gap}{b}}}{end}}}"#
            );
            if random.below(3) == 0 {
                let _ = writeln!(
                    text,
                    r#"{{"type":{gap}"STATE",{gap}"value":{gap}{{"s{stream}":{gap}{id}}}}}"#
                );
            }
        }
    }
    text
}

fn setting(name: &str, default: u64) -> u64 {
    let set = std::env::var(name).ok();
    set.map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn end_well_or_say_where_and_nothing_is_lost() {
    let streams = streams();
    let seed = setting("MELISMA_TEST_SEED", 1);
    let mut random = Random::new(seed);
    let (mut good, mut bad) = (0, 0);
    for n in 0..setting("MELISMA_TEST_MUTANTS", MUTANTS as u64) {
        let mut mutant = streams[random.below(streams.len())].clone();
        let other = &streams[random.below(streams.len())];
        mutate(&mut random, &mut mutant, other);
        let judged = std::panic::catch_unwind(|| {
            let outcome = run(&mutant);
            judge(&mutant, &outcome);
            outcome.result.is_ok()
        });
        let ended_well = judged.unwrap_or_else(|_| {
            panic!(
                "mutant {n} of MELISMA_TEST_SEED={seed}: {}",
                mutant.escape_ascii()
            )
        });
        good += u64::from(ended_well);
        bad += u64::from(!ended_well);
    }
    // A guard against mutants that are all alike: some of each must be there.
    assert!(good > bad / 20 && bad > good / 20, "{good} good, {bad} bad");
}
