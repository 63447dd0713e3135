//! The same projects through real Meltano and through `melisma run`: both hand the same to their plugins.

mod alternate;
mod case;
mod commands;
mod differences;
mod handed;
mod random;
mod tools;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use case::Case;
use differences::{Both, DIFFERENCES, Fact, is_known};
use handed::Facts;
use tools::Meltano;

/// What differs between the two in a case, one line for each fact; empty when nothing does.
fn compare(case: &Case, meltano: &mut Meltano) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    // Both work in a folder of the same name, one after the other.
    let project = folder.path().join("project");
    let theirs = meltano.facts(case, &project);
    let said = log_of(&project);
    std::fs::remove_dir_all(&project).expect("removed");
    let ours = meltano.facts_of_melisma(case, &project);
    let failed = |facts: &Facts| {
        facts
            .iter()
            .any(|(name, value)| name.ends_with(", exit") && value != "success")
    };
    let both = Both {
        meltano_failed: failed(&theirs),
        melisma_failed: failed(&ours),
        meltano_said: said.clone(),
    };
    let mut report = String::new();
    let names: BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
    for name in names {
        let [meltano, melisma] = [&theirs, &ours].map(|facts| facts.get(name).map(String::as_str));
        let fact = Fact {
            case: &both,
            name,
            melisma,
        };
        if meltano != melisma && !is_known(&fact) {
            let show = |value: Option<&str>| value.map_or("nothing".to_owned(), |value| format!("{value:?}"));
            let (meltano, melisma) = (show(meltano), show(melisma));
            let _ = writeln!(report, "  {name}\n    Meltano: {meltano}\n    melisma: {melisma}");
        }
    }
    if !report.is_empty() {
        let _ = write!(
            report,
            "  Meltano said:\n{said}\n  melisma said:\n{}",
            log_of(&project)
        );
        report.insert_str(0, &format!("{}:\n", case.name));
    }
    report
}

/// The log of the last run in a project.
fn log_of(project: &std::path::Path) -> String {
    let logs = (0..10).map(|index| project.with_extension(format!("{index}.log")));
    let text: Vec<String> = logs.filter_map(|log| std::fs::read_to_string(log).ok()).collect();
    let text = text.join("\n");
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(25)..].join("\n")
}

/// Compares all of them, by as many pairs of tools as there are processors; panics with what differs.
fn compare_all(cases: &[Case]) {
    let next = AtomicUsize::new(0);
    let workers = std::thread::available_parallelism().map_or(1, |processors| processors.get().min(4));
    let reports = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let mut meltano = Meltano::start();
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let report = compare(case, &mut meltano);
                    if !report.is_empty() {
                        reports.lock().expect("no panic").push(report);
                    }
                }
            });
        }
    });
    let reports = reports.into_inner().expect("no panic");
    assert!(
        reports.is_empty(),
        "{} of {} projects differ\n{}",
        reports.len(),
        cases.len(),
        reports.join("\n")
    );
}

/// `MELISMA_TEST_PROJECT` chooses the cases whose names contain it.
#[test]
fn plugins_are_handed_what_meltano_hands_them() {
    let mut cases = case::all();
    assert!(cases.len() >= 60, "{} projects", cases.len());
    if let Ok(only) = std::env::var("MELISMA_TEST_PROJECT") {
        cases.retain(|case| case.name.contains(&only));
    }
    compare_all(&cases);
}

/// `MELISMA_TEST_PROJECTS` is how many, `MELISMA_TEST_SEED` the first one.
#[test]
fn random_projects_are_handed_the_same() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let first = number("MELISMA_TEST_SEED").unwrap_or(0);
    let count = number("MELISMA_TEST_PROJECTS").unwrap_or(30);
    compare_all(&(first..first + count).map(random::project).collect::<Vec<_>>());
}

#[test]
fn the_documentation_has_every_difference_and_they_are_few() {
    let page = std::fs::read_to_string(crate::harness::root().join("docs/meltano.md")).expect("readable");
    let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(DIFFERENCES.len() <= 10);
    for difference in DIFFERENCES {
        assert!(
            page.contains(difference.sentence),
            "docs/meltano.md lacks: {}",
            difference.sentence
        );
    }
}
