//! A sample of the cases through the processes of every target.

use serde_json::Value;

use super::singer::{BEFORE, cases};
use crate::harness::{Every, run};

const SAMPLE: &[&str] = &[
    "type: missing",
    "record: NaN",
    "record: not closed",
    "record: 129 levels",
    "record: a million brackets",
    "SCHEMA: key not in the schema",
    "types and keywords: type unknown",
    "STATE: value twice",
    "STATE: value null",
    "ACTIVATE_VERSION and BATCH: BATCH",
    "lines: UTF-16",
    "lines: two messages on a line",
    "lines: cut in a character",
    "lines: CRLF",
    "lines: blank",
    "members of the envelope: record twice",
];

/// The ids of the rows that are there.
fn ids(target: &Every) -> Vec<u64> {
    match target {
        // CSV has text where the others have numbers.
        Every::Files(target) => {
            let id = |row: &Value| row["id"].as_u64().or_else(|| row["id"].as_str()?.parse().ok());
            target.rows("s").iter().filter_map(id).collect()
        }
        Every::Table { database, .. } => {
            let rows = database.sql("select id from public.s");
            rows.lines().map(|id| id.parse().expect("an id")).collect()
        }
    }
}

/// The exit code is that of the error, stderr says where and why, what came before is there, and its STATE is emitted.
#[test]
fn say_the_same_as_the_engine() {
    let cases: Vec<_> = cases()
        .into_iter()
        .filter(|case| SAMPLE.contains(&case.label().as_str()))
        .collect();
    assert_eq!(cases.len(), SAMPLE.len());
    for (name, target) in Every::all() {
        for case in &cases {
            let label = format!("{name}, {}", case.label());
            let expected = case.run();
            let outcome = run(&mut target.command(), &case.input());
            let emitted = expected.emitted.last().map(|emitted| emitted.value.clone());
            assert_eq!(
                outcome.states().last(),
                emitted.as_ref(),
                "{label}: {}",
                outcome.stderr
            );
            match (&expected.result, case.refused) {
                (Ok(()), _) => assert_eq!(outcome.code, Some(0), "{label}: {}", outcome.stderr),
                (Err(error), line) => {
                    assert_eq!(outcome.code, Some(65), "{label}: {}", outcome.stderr);
                    let place = format!("line {}, byte ", BEFORE + line.expect("a line"));
                    assert!(outcome.stderr.contains(&place), "{label}: {}", outcome.stderr);
                    assert!(
                        outcome.stderr.contains(&error.to_string()),
                        "{label}: {}",
                        outcome.stderr
                    );
                }
            }
            assert!(
                !outcome.stderr.contains("panicked"),
                "{label}: {}",
                outcome.stderr
            );
            let ids = ids(&target);
            assert!(ids.contains(&1), "{label}: {ids:?}");
        }
        assert!(ids(&target).contains(&9), "{name}: the last record of a good run");
    }
}
