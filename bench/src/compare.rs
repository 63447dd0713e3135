//! Two reports: what changed beyond noise.
//!
//! A figure has changed when its median differs by more than the noise of both reports: the greater of 3% and the sum
//! of their spreads (the distance between the quartiles, as a part of the median). The greater of two noisy reports
//! therefore hides small changes, and two quiet ones show them. Memory has no spread to speak of where allocators are
//! quiet, and 10% counts as the same.

use std::fmt::Write as _;

use crate::report::{Amount, Case, Measured, Report, Role, seconds};
use crate::stats::Summary;

/// The least change of a time that counts.
const LEAST: f64 = 0.03;
/// The least change of memory that counts.
const LEAST_MEMORY: f64 = 0.1;

/// How a figure changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Within noise.
    Same,
    /// Less of it, beyond noise.
    Better,
    /// More of it, beyond noise.
    Worse,
}

/// One figure of one candidate in both reports.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The records and the shape.
    pub case: String,
    /// The candidate.
    pub name: String,
    /// What it is in the comparison.
    pub role: Role,
    /// `time`, `CPU` or `memory`.
    pub figure: &'static str,
    /// The new median as a multiple of the old one.
    pub ratio: f64,
    /// The part that counts as noise.
    pub noise: f64,
    /// What that means.
    pub change: Change,
    /// Both medians, for people.
    pub medians: (String, String),
}

/// What two reports have in common, and what only one of them has.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// In the order of the first report.
    pub differences: Vec<Difference>,
    /// What casts doubt on all of it, and what could not be compared.
    pub notes: Vec<String>,
}

impl Comparison {
    /// Whether a subject or a rival needs more of anything, beyond noise.
    pub fn is_worse(&self) -> bool {
        self.differences
            .iter()
            .any(|one| one.change == Change::Worse && one.role != Role::Floor)
    }

    /// A line for each figure.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let width = |of: &dyn Fn(&Difference) -> usize| self.differences.iter().map(of).max().unwrap_or(0);
        let (case, name) = (width(&|one| one.case.len()), width(&|one| one.name.len()));
        for one in &self.differences {
            let verdict = match (one.change, one.figure) {
                (Change::Same, _) => "within noise",
                (Change::Better, "time") => "faster",
                (Change::Worse, "time") => "slower",
                (Change::Better, _) => "less",
                (Change::Worse, _) => "more",
            };
            let _ = writeln!(
                out,
                "{:<case$}  {:<name$}  {:<6}  {:>9} -> {:>9}  {:>7.1}%  (noise {:.1}%)  {verdict}",
                one.case,
                one.name,
                one.figure,
                one.medians.0,
                one.medians.1,
                (one.ratio - 1.0) * 100.0,
                one.noise * 100.0
            );
        }
        for note in &self.notes {
            let _ = writeln!(out, "note: {note}");
        }
        out
    }
}

/// Compares what both have: cases by what their input was generated as, candidates by their name.
pub fn compare(old: &Report, new: &Report) -> Comparison {
    let mut comparison = Comparison::default();
    if old.kind != new.kind {
        let note = format!(
            "one report is of `bench {}`, the other of `bench {}`",
            old.kind, new.kind
        );
        comparison.notes.push(note);
    }
    if old.machine != new.machine {
        comparison
            .notes
            .push("the machines are not the same, so times and memory may differ for that reason".to_owned());
    }
    for before in &old.cases {
        match new.cases.iter().find(|after| is_same(before, after)) {
            Some(after) => of_case(before, after, &mut comparison),
            None => comparison
                .notes
                .push(format!("only the first report has {}", label(before))),
        }
    }
    let missing = new
        .cases
        .iter()
        .filter(|after| !old.cases.iter().any(|before| is_same(before, after)));
    for case in missing {
        comparison
            .notes
            .push(format!("only the second report has {}", label(case)));
    }
    let floors: Vec<String> = comparison
        .differences
        .iter()
        .filter(|one| one.role == Role::Floor && one.figure == "time" && one.change != Change::Same)
        .map(|one| {
            format!(
                "the floor {} changed too: the machine itself was not the same",
                one.name
            )
        })
        .collect();
    comparison.notes.extend(floors);
    comparison
}

fn is_same(a: &Case, b: &Case) -> bool {
    let asked = |case: &Case| (case.shape.clone(), case.rows, case.columns, case.streams);
    asked(a) == asked(b) && (a.rows.is_some() || a.records == b.records)
}

fn label(case: &Case) -> String {
    Some(case.title())
        .filter(|title| !title.is_empty())
        .unwrap_or_else(|| "the case".to_owned())
}

fn of_case(before: &Case, after: &Case, comparison: &mut Comparison) {
    for case in [before, after] {
        for doubt in &case.doubts {
            comparison.notes.push(format!("{}: {doubt}", label(case)));
        }
    }
    for old in &before.candidates {
        let Some(new) = after.candidates.iter().find(|new| new.name == old.name) else {
            comparison
                .notes
                .push(format!("only the first report has {}", old.name));
            continue;
        };
        match (&old.figures, &new.figures) {
            (Some(a), Some(b)) => {
                let time = |summary: &Summary| seconds(summary.median);
                let memory = |summary: &Summary| format!("{}B", Amount(summary.median));
                let mut add = |figure, a: &Summary, b: &Summary, least, show: &dyn Fn(&Summary) -> String| {
                    comparison.differences.extend(difference(
                        &label(before),
                        old,
                        figure,
                        (a, b),
                        least,
                        show,
                    ));
                };
                add("time", &a.wall_seconds, &b.wall_seconds, LEAST, &time);
                add("CPU", &a.cpu_seconds, &b.cpu_seconds, LEAST, &time);
                if let (Some(a), Some(b)) = (&a.peak_bytes, &b.peak_bytes) {
                    add("memory", a, b, LEAST_MEMORY, &memory);
                }
            }
            _ => comparison
                .notes
                .push(format!("{} has no figures in one of the reports", old.name)),
        }
    }
}

fn difference(
    case: &str,
    of: &Measured,
    figure: &'static str,
    (old, new): (&Summary, &Summary),
    least: f64,
    show: &dyn Fn(&Summary) -> String,
) -> Option<Difference> {
    if old.median <= 0.0 || new.median <= 0.0 {
        return None;
    }
    let ratio = new.median / old.median;
    let noise = (old.spread() + new.spread()).max(least);
    Some(Difference {
        case: case.to_owned(),
        name: of.name.clone(),
        role: of.role,
        figure,
        ratio,
        noise,
        change: change(ratio, noise),
        medians: (show(old), show(new)),
    })
}

/// Both ways alike: twice as slow is as far from the same as twice as fast.
fn change(ratio: f64, noise: f64) -> Change {
    if ratio > 1.0 + noise {
        Change::Worse
    } else if ratio < 1.0 / (1.0 + noise) {
        Change::Better
    } else {
        Change::Same
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Machine;
    use crate::report::{CheckForm, Figures, Outcome, RunForm, SettingsForm, VERSION};

    fn report(times: &[f64]) -> Report {
        let runs: Vec<RunForm> = times
            .iter()
            .map(|&wall_seconds| RunForm {
                wall_seconds,
                user_seconds: 1.0,
                peak_bytes: Some(1 << 20),
                ..RunForm::default()
            })
            .collect();
        let subject = Measured {
            name: "tap-x".into(),
            role: Role::Subject,
            command: String::new(),
            outcome: Outcome::Measured,
            why: None,
            check: CheckForm::default(),
            figures: Figures::of(&runs, Some(1000), None),
            runs,
        };
        Report {
            version: VERSION,
            melisma: "0.1.0".into(),
            kind: "tap".into(),
            title: "tap-x".into(),
            measured_at: String::new(),
            machine: Machine::default(),
            settings: SettingsForm::default(),
            cases: vec![Case {
                records: Some(1000),
                candidates: vec![subject],
                ..Case::default()
            }],
        }
    }

    fn of_time(old: &[f64], new: &[f64]) -> Change {
        let found = compare(&report(old), &report(new));
        found
            .differences
            .iter()
            .find(|one| one.figure == "time")
            .unwrap()
            .change
    }

    #[test]
    fn quiet_reports_show_small_changes_and_noisy_ones_do_not() {
        let quiet = [1.0, 1.0, 1.01];
        assert_eq!(of_time(&quiet, &[1.02, 1.02, 1.03]), Change::Same);
        assert_eq!(of_time(&quiet, &[1.1, 1.1, 1.11]), Change::Worse);
        assert_eq!(of_time(&quiet, &[0.9, 0.9, 0.91]), Change::Better);
        assert_eq!(of_time(&quiet, &[0.9, 1.1, 1.5]), Change::Same);
    }

    #[test]
    fn only_more_of_something_is_worse() {
        let (one, two) = (report(&[1.0, 1.0]), report(&[2.0, 2.0]));
        assert!(compare(&one, &two).is_worse());
        assert!(!compare(&two, &one).is_worse());
        assert!(!compare(&one, &one).is_worse());
        let text = compare(&one, &two).text();
        assert!(
            text.contains("100.0%") && text.contains("slower") && text.contains("within noise"),
            "{text}"
        );
    }

    #[test]
    fn what_only_one_report_has_is_named() {
        let mut other = report(&[1.0]);
        other.cases[0].records = Some(7);
        other.machine.cores = 64;
        let notes = compare(&report(&[1.0]), &other).notes.join("\n");
        for part in [
            "only the first report has 1,000 records",
            "only the second report has 7 records",
            "machines",
        ] {
            assert!(notes.contains(part), "{notes}");
        }
    }
}
