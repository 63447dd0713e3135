//! The report as tables for a page of documentation.

use std::fmt::Write as _;

use super::form::Report;
use super::table::{grid, heading};

/// A table for each case, under the machine.
pub fn markdown(report: &Report) -> String {
    let mut out = format!("{}; melisma {}.\n", report.machine.describe(), report.melisma);
    for case in &report.cases {
        let _ = writeln!(out, "\n{}:\n", heading(case, report.settings.runs));
        for (at, line) in grid(case).iter().enumerate() {
            let cells: Vec<String> = line.iter().map(|cell| cell.replace('|', "\\|")).collect();
            let _ = writeln!(out, "| {} |", cells.join(" | "));
            if at == 0 {
                let _ = writeln!(out, "|---{}|", "|---:".repeat(line.len() - 1));
            }
        }
        for doubt in &case.doubts {
            let _ = writeln!(out, "\nThe machine was too noisy to tell: {doubt}.");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::html::tests::report;
    use super::*;

    #[test]
    fn each_case_is_a_table_whose_lines_have_the_same_cells() {
        let text = markdown(&report());
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(lines.len(), 8, "{text}");
        let cells = |line: &str| line.matches('|').count();
        assert!(lines.iter().all(|line| cells(line) == cells(lines[0])), "{text}");
        assert!(
            text.contains("| cat (floor) |") && text.contains("too noisy to tell: too busy."),
            "{text}"
        );
    }
}
