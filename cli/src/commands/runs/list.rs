//! `melisma runs` as a table.

use std::io::{self, IsTerminal as _};

use jiff::Timestamp;
use melisma_sdk::Result;
use melisma_sdk::internal::printable::printable;

use super::super::output::{print, table};
use super::entry::{duration, outcome, rate, seconds, time};
use super::sparkline::Sparkline;
use crate::run::units::{bytes, number};
use crate::state::RunRow;

/// The first characters of an id that are shown: of a UUID of version 7 the milliseconds.
const SHOWN: usize = 13;
/// Shown for what is not known.
const UNKNOWN: &str = "-";

const NONE: &str = "No runs found. Runs with --state FILE or --no-state-update are not recorded; \
`melisma run --report FILE` writes what such a run has done.";

pub(super) fn print_list(rows: &[RunRow]) -> Result<()> {
    if rows.is_empty() {
        return print(NONE);
    }
    let sparkline = io::stdout().is_terminal().then(Sparkline::for_terminal);
    let mut header = vec![
        "RUN",
        "STATE ID",
        "OUTCOME",
        "STARTED",
        "DURATION",
        "TAP",
        "TARGET",
        "BYTES",
        "RECORDS/S",
        "TRY",
    ];
    if sparkline.is_some() {
        header.push("RATE");
    }
    let ids = short_ids(rows);
    let lines: Vec<Vec<String>> = rows
        .iter()
        .zip(ids)
        .map(|(row, id)| line(row, id, sparkline))
        .collect();
    print(&table(&header, &lines))
}

fn line(row: &RunRow, id: &str, sparkline: Option<Sparkline>) -> Vec<String> {
    let report = row.report.as_ref();
    let known = |value: Option<String>| value.unwrap_or_else(|| UNKNOWN.to_owned());
    let mut cells = vec![
        id.to_owned(),
        printable(&row.state_id).into_owned(),
        outcome(row).to_owned(),
        known(row.started.map(time)),
        known(seconds(row, Timestamp::now()).map(duration)),
        known(report.and_then(|report| report.tap_output.records).map(number)),
        known(report.and_then(|report| report.target_input.records).map(number)),
        known(report.and_then(|report| report.target_input.bytes).map(bytes)),
        known(rate(row).map(per_second).map(number)),
        known(report.map(|report| report.attempt.to_string())),
    ];
    if let Some(sparkline) = sparkline {
        cells.push(report.map_or_else(String::new, |report| sparkline.draw(&report.samples.records)));
    }
    cells
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is not negative"
)]
pub(super) fn per_second(rate: f64) -> u64 {
    rate.round() as u64
}

/// The beginnings of ids, as long as they need to be to tell these runs apart.
fn short_ids(rows: &[RunRow]) -> Vec<&str> {
    let beginning = |row: &'_ RunRow, length: usize| row.run_id.get(..length).map(str::to_owned);
    let tells_apart = |&length: &usize| {
        rows.iter().enumerate().all(|(at, row)| {
            rows[..at]
                .iter()
                .all(|other| other.run_id == row.run_id || beginning(other, length) != beginning(row, length))
        })
    };
    let length = (SHOWN..36).find(tells_apart).unwrap_or(36);
    rows.iter()
        .map(|row| row.run_id.get(..length).unwrap_or(&row.run_id))
        .collect()
}
