//! The same projects through real Meltano and through `melisma run`: both hand the same to their plugins.

mod case;
mod differences;
mod handed;
mod tools;

use std::fmt::Write as _;

use case::Case;
use tools::Meltano;

/// What differs between the two in a case, one line for each fact; empty when nothing does.
fn compare(case: &Case, meltano: &mut Meltano) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    // Both work in a folder of the same name, one after the other.
    let project = folder.path().join("project");
    let mut theirs = meltano.facts(case, &project);
    let logs = folder.path().join("logs of Meltano");
    std::fs::create_dir(&logs).expect("created");
    let said = log_of(&project);
    std::fs::remove_dir_all(&project).expect("removed");
    let mut ours = meltano.facts_of_melisma(case, &project);
    differences::forget(&mut theirs);
    differences::forget(&mut ours);
    let mut report = String::new();
    let names: std::collections::BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
    for name in names {
        let (theirs, ours) = (theirs.get(name), ours.get(name));
        if theirs != ours {
            let show =
                |value: Option<&String>| value.map_or("nothing".to_owned(), |value| format!("{value:?}"));
            let _ = writeln!(
                report,
                "  {name}\n    Meltano: {}\n    melisma: {}",
                show(theirs),
                show(ours)
            );
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
    lines[lines.len().saturating_sub(12)..].join("\n")
}

#[test]
fn plugins_are_handed_what_meltano_hands_them() {
    let cases = case::all();
    assert!(cases.len() >= 60, "{} projects", cases.len());
    let only = std::env::var("MELISMA_TEST_PROJECT").unwrap_or_default();
    let mut meltano = Meltano::start();
    let reports: Vec<String> = cases
        .iter()
        .filter(|case| case.name.contains(&only))
        .map(|case| compare(case, &mut meltano))
        .filter(|report| !report.is_empty())
        .collect();
    assert!(
        reports.is_empty(),
        "{} of {} projects differ\n{}",
        reports.len(),
        cases.len(),
        reports.join("\n")
    );
}
