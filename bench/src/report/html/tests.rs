//! The page is well-formed, names in it are text, and it asks for nothing.

use super::super::form::{CheckForm, RatioForm, SettingsForm, VERSION};
use super::*;
use crate::machine::Machine;

fn candidate(name: &str, role: Role, seconds: f64) -> Measured {
    let run = |turn| RunForm {
        turn,
        wall_seconds: seconds,
        user_seconds: seconds / 2.0,
        peak_bytes: Some(3 << 20),
        first_byte_seconds: Some(0.01),
        first_record_seconds: Some(0.02),
        ..RunForm::default()
    };
    let runs: Vec<RunForm> = (1..=3).map(run).collect();
    Measured {
        name: name.into(),
        role,
        command: format!("{name} --config 'a & b'"),
        outcome: Outcome::Measured,
        why: None,
        check: CheckForm {
            passed: Some(true),
            how: "count and checksum of its output".into(),
        },
        figures: Figures::of(&runs, Some(1_000_000), Some(468_000_000)),
        runs,
    }
}

/// A report with a name that would be a tag, a floor, a rival that is missing, and doubts.
pub(crate) fn report() -> Report {
    let missing = Measured {
        outcome: Outcome::Missing,
        why: Some("there is no program psql".into()),
        runs: Vec::new(),
        figures: None,
        ..candidate("psql", Role::Rival, 1.0)
    };
    let candidates = vec![
        candidate("tap-<x>", Role::Subject, 2.0),
        candidate("cat", Role::Floor, 1.0),
        missing,
    ];
    let case = Case {
        shape: Some("lineitem".into()),
        rows: Some(1_000_000),
        records: Some(1_000_000),
        bytes: Some(468_000_000),
        ratios: vec![RatioForm::of(&candidates[1], &candidates[0])],
        candidates,
        doubts: vec!["too busy".into()],
        ..Case::default()
    };
    let mut small = case.clone();
    small.records = Some(1000);
    Report {
        version: VERSION,
        melisma: "0.1.0".into(),
        kind: "tap".into(),
        title: "tap-<x>".into(),
        measured_at: "2026-11-27T04:00:00Z".into(),
        machine: Machine::here(),
        settings: SettingsForm {
            runs: 3,
            max_spread: 0.1,
            max_load: 0.25,
            ..SettingsForm::default()
        },
        cases: vec![case, small],
    }
}

/// Every tag that is open at the end, and every end of a tag that is not.
fn unbalanced(page: &str) -> Vec<String> {
    const VOID: [&str; 5] = ["meta", "br", "line", "polyline", "!doctype"];
    let mut open: Vec<String> = Vec::new();
    let mut wrong = Vec::new();
    for rest in page.split('<').skip(1) {
        let tag = rest.split('>').next().unwrap_or_default();
        let name = tag
            .split([' ', '/'])
            .find(|part| !part.is_empty())
            .unwrap_or_default()
            .to_owned();
        if VOID.contains(&name.as_str()) {
            continue;
        }
        if tag.starts_with('/') {
            if open.last() == Some(&name) {
                open.pop();
            } else {
                wrong.push(format!("</{name}> within {open:?}"));
            }
        } else {
            open.push(name);
        }
    }
    wrong.extend(open);
    wrong
}

#[test]
fn the_page_is_well_formed_and_names_are_text() {
    let page = page(&report());
    assert_eq!(unbalanced(&page), Vec::<String>::new());
    assert!(page.contains("tap-&lt;x&gt;") && !page.contains("<x>"), "{page}");
    assert!(page.contains("a &amp; b"));
    assert!(page.contains("not found: there is no program psql"));
    assert!(page.contains("<li>too busy</li>"));
    assert!(page.contains("class=\"plot\""), "two sizes are plotted");
    assert_eq!(unbalanced("<p><b></p>").len(), 3);
}

#[test]
fn the_page_asks_for_nothing() {
    let page = page(&report());
    for outside in [
        "http:", "https:", "src=", "href=", "<script", "<link", "<img", "<iframe", "@import", "url(",
    ] {
        assert!(!page.contains(outside), "{outside}");
    }
    // A browser holds the page to it as well.
    assert!(page.contains("content=\"default-src 'none'; style-src 'unsafe-inline'\">"));
}

#[test]
fn a_report_survives_its_json() {
    let report = report();
    let text = report.to_json().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.json");
    std::fs::write(&path, &text).unwrap();
    let again = Report::read(&path).unwrap();
    assert_eq!(again.to_json().unwrap(), text);
    assert_eq!(super::page(&again), super::page(&report));
}
