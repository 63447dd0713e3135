//! The report as text for a terminal.

use std::fmt::Write as _;

use super::form::{Case, Figures, Measured, Outcome, Report, Role};
use super::units::{Amount, grouped, mebibytes, percent, seconds, three};
use crate::stats::Summary;

/// A column: its header, and the cell of a candidate that was measured.
type Column<'a> = (
    &'static str,
    Box<dyn Fn(&Measured, &Figures) -> Option<String> + 'a>,
);

/// The whole report.
pub fn table(report: &Report) -> String {
    let mut out = format!("{}\n", report.machine.describe());
    for case in &report.cases {
        out.push('\n');
        add(&mut out, case, report.settings.runs);
    }
    out
}

/// `1,000,000 records of lineitem (468 MB), 5 runs of each in turns`
pub(super) fn heading(case: &Case, runs: u32) -> String {
    let bytes = case.bytes.map_or_else(String::new, |bytes| {
        format!(" ({} MB)", grouped(bytes.div_ceil(1_000_000)))
    });
    let title = Some(case.title()).filter(|title| !title.is_empty());
    let title = title.unwrap_or_else(|| "no records seen".to_owned());
    format!("{title}{bytes}, {runs} runs of each in turns")
}

fn add(out: &mut String, case: &Case, runs: u32) {
    let _ = writeln!(out, "{}\n", heading(case, runs));
    rows(out, case);
    out.push('\n');
    let checks = case
        .candidates
        .iter()
        .filter(|one| one.outcome == Outcome::Measured && one.role != Role::Floor);
    for one in checks {
        let verdict = if one.check.passed.is_some() {
            "rows arrived"
        } else {
            "not checked"
        };
        let _ = writeln!(out, "{}: {verdict}: {}", one.name, one.check.how);
    }
    for one in case
        .candidates
        .iter()
        .filter(|one| one.outcome != Outcome::Measured)
    {
        let why = one.why.as_deref().unwrap_or_default().replace('\n', "\n    ");
        let _ = writeln!(out, "{}: {}: {why}", one.name, outcome(one.outcome));
    }
    for note in &case.notes {
        let _ = writeln!(out, "note: {note}");
    }
    for doubt in &case.doubts {
        let _ = writeln!(out, "noisy: {doubt}");
    }
}

/// Why there are no figures, in two words.
pub(super) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Measured => "measured",
        Outcome::Missing => "not found",
        Outcome::Failed => "failed",
        Outcome::Wrong => "wrong rows",
    }
}

/// The columns that any candidate has a cell for.
fn columns(case: &Case) -> Vec<Column<'_>> {
    let time = |summary: &Option<Summary>| summary.map(|summary| seconds(summary.median));
    vec![
        (
            "time",
            Box::new(|_, figures| Some(seconds(figures.wall_seconds.median))),
        ),
        ("spread", Box::new(|_, figures| Some(percent(figures.spread)))),
        ("ratio", Box::new(|one, _| ratio(case, one))),
        (
            "records/s",
            Box::new(|_, figures| figures.records_per_second.map(|rate| Amount(rate).to_string())),
        ),
        (
            "MB/s",
            Box::new(|_, figures| figures.megabytes_per_second.map(three)),
        ),
        (
            "CPU s/M",
            Box::new(|_, figures| figures.cpu_seconds_per_million.map(three)),
        ),
        (
            "memory",
            Box::new(|_, figures| figures.peak_bytes.map(|peak| mebibytes(peak.median))),
        ),
        (
            "first byte",
            Box::new(move |_, figures| time(&figures.first_byte_seconds)),
        ),
        (
            "first record",
            Box::new(move |_, figures| time(&figures.first_record_seconds)),
        ),
        (
            "start-up",
            Box::new(move |_, figures| time(&figures.start_up_seconds)),
        ),
    ]
}

/// How many times as long as the subject: the median of the turns, and their range.
fn ratio(case: &Case, one: &Measured) -> Option<String> {
    if one.role == Role::Subject {
        return Some("1".to_owned());
    }
    let time = case.ratios.iter().find(|ratio| ratio.name == one.name)?.time?;
    Some(format!(
        "{}x ({}-{})",
        three(time.median),
        three(time.least),
        three(time.greatest)
    ))
}

/// A header, and a line for each candidate that was measured.
pub(super) fn grid(case: &Case) -> Vec<Vec<String>> {
    let measured: Vec<(&Measured, &Figures)> = case
        .candidates
        .iter()
        .filter_map(|one| Some((one, one.figures.as_ref()?)))
        .collect();
    let mut columns = columns(case);
    columns.retain(|(_, cell)| measured.iter().any(|(one, figures)| cell(one, figures).is_some()));
    let header: Vec<String> = std::iter::once(String::new())
        .chain(columns.iter().map(|(name, _)| (*name).to_owned()))
        .collect();
    let lines = measured.iter().map(|(one, figures)| {
        let name = match one.role {
            Role::Floor => format!("{} (floor)", one.name),
            Role::Subject | Role::Rival => one.name.clone(),
        };
        let cells = columns
            .iter()
            .map(|(_, cell)| cell(one, figures).unwrap_or_else(|| "-".to_owned()));
        std::iter::once(name).chain(cells).collect::<Vec<_>>()
    });
    std::iter::once(header).chain(lines).collect()
}

fn rows(out: &mut String, case: &Case) {
    let lines = grid(case);
    let width = |column: usize| {
        lines
            .iter()
            .map(|line| line[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..lines.first().map_or(0, Vec::len)).map(width).collect();
    for line in &lines {
        let mut text = String::new();
        for (at, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let _ = if at == 0 {
                write!(text, "{cell:<width$}")
            } else {
                write!(text, "  {cell:>width$}")
            };
        }
        out.push_str(text.trim_end());
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::super::html::tests::report;
    use super::*;

    #[test]
    fn the_table_has_figures_ratios_checks_and_doubts() {
        let text = table(&report());
        for part in [
            "1,000,000 records of lineitem (468 MB), 3 runs of each in turns",
            "cat (floor)",
            "0.50x (0.50-0.50)",
            "records/s",
            "tap-<x>: rows arrived: count and checksum of its output",
            "psql: not found: there is no program psql",
            "noisy: too busy",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert!(!text.contains("start-up"), "a column that is empty: {text}");
    }
}
