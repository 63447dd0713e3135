//! `melisma runs show`: everything that is known of one run.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, IsTerminal as _};

use jiff::Timestamp;
use melisma_sdk::internal::printable::printable;
use melisma_sdk::{Error, Result};

use super::super::output::{copy, print, table};
use super::entry::{duration, error, outcome, rate, seconds, time};
use super::list::per_second;
use super::sparkline::Sparkline;
use crate::report::{Amount, PairReport};
use crate::run::log_path;
use crate::run::units::{bytes, number, plural};
use crate::state::{RunFilter, RunRow};

/// The most rows that are looked at: the pairs and attempts of one run.
const MOST_ROWS: u32 = 10_000;
/// The most ids that a message lists.
const LISTED: usize = 5;

/// The rows of the one run whose id begins like this, the first one first.
pub(super) fn find(id: &str, read: impl Fn(&RunFilter) -> Result<Vec<RunRow>>) -> Result<Vec<RunRow>> {
    let prefix = id.replace('-', "").to_ascii_lowercase();
    let is_id =
        !prefix.is_empty() && prefix.len() <= 32 && prefix.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut rows = Vec::new();
    if is_id {
        rows = read(&RunFilter {
            id_prefix: Some(prefix),
            limit: MOST_ROWS,
            ..RunFilter::default()
        })?;
    }
    let mut ids: Vec<&str> = rows.iter().map(|row| &*row.run_id).collect();
    ids.dedup();
    match ids.len() {
        0 => Err(Error::config(format!(
            "there is no run {id:?}; `melisma runs` has the ids of the newest runs"
        ))),
        1 => {
            rows.reverse();
            Ok(rows)
        }
        several => {
            let more = if several > LISTED { " and more" } else { "" };
            ids.truncate(LISTED);
            Err(Error::config(format!(
                "{several} runs have ids that begin with {id:?}: {}{more}",
                ids.join(", ")
            )))
        }
    }
}

pub(super) fn print_run(rows: &[RunRow], with_log: bool) -> Result<()> {
    let described: Vec<String> = rows.iter().map(describe).collect();
    print(&described.join("\n\n"))?;
    if !with_log {
        return Ok(());
    }
    let mut paths: Vec<_> = rows
        .iter()
        .filter_map(|row| log_path(&row.state_id, &row.run_id))
        .collect();
    paths.dedup();
    for path in paths {
        print(&format!("\n{}:", path.display()))?;
        let mut log = File::open(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::config(format!("there is no log at {}", path.display())),
            _ => Error::io(format!("cannot read {}", path.display()), error),
        })?;
        copy(&mut log)?;
    }
    Ok(())
}

fn describe(row: &RunRow) -> String {
    let mut out = String::new();
    let mut say = |name: &str, text: &str| {
        let _ = writeln!(out, "{name:<12}{}", printable(text));
    };
    say("Run:", &row.run_id);
    say("State id:", &row.state_id);
    if let Some(report) = &row.report {
        let mut names = vec![&*report.tap];
        names.extend(report.mappers.iter().map(|mapper| &**mapper));
        names.push(&report.target);
        say("Pair:", &names.join(" > "));
    }
    match error(row) {
        Some(error) => say("Outcome:", &format!("{}: {error}", outcome(row))),
        None => say("Outcome:", outcome(row)),
    }
    if let Some(started) = row.started {
        say("Started:", &format!("{} UTC", time(started)));
    }
    if let Some(ended) = row.ended {
        say("Ended:", &format!("{} UTC", time(ended)));
    }
    if let Some(seconds) = seconds(row, Timestamp::now()) {
        say("Duration:", &duration(seconds));
    }
    say("Trigger:", row.trigger.as_deref().unwrap_or("not recorded"));
    match &row.report {
        Some(report) => of_report(report, row, &mut say),
        None => say(
            "Records:",
            "not recorded: this is a run of Meltano, or of an older melisma",
        ),
    }
    if let Some(path) = log_path(&row.state_id, &row.run_id) {
        let is_there = if path.is_file() { "" } else { " (not there)" };
        say("Log:", &format!("{}{is_there}", path.display()));
    }
    if let Some(report) = row.report.as_ref().filter(|report| !report.streams.is_empty()) {
        let _ = write!(out, "\n{}", streams(report));
    }
    out.trim_end().to_owned()
}

fn of_report(report: &PairReport, row: &RunRow, say: &mut impl FnMut(&str, &str)) {
    if report.attempt > 1 {
        say("Attempt:", &report.attempt.to_string());
    }
    let ended: Vec<String> = report
        .processes
        .iter()
        .map(|process| match process.exit_code {
            Some(code) => format!("{} {code}", process.name),
            None => format!("{} {}", process.name, process.describe()),
        })
        .collect();
    if !ended.is_empty() {
        say("Exit codes:", &ended.join(", "));
    }
    let rate = rate(row).map(|rate| format!("; {}/s", plural(per_second(rate), "record")));
    let written = report
        .written_records
        .map(|records| format!("; {} written", number(records)));
    say(
        "Tap:",
        &amount(report.tap_output).map_or_else(|| "not known".to_owned(), |text| format!("{text} out")),
    );
    if let Some(input) = amount(report.target_input) {
        let more = written.unwrap_or_default() + &rate.unwrap_or_default();
        say("Target:", &format!("{input} in{more}"));
    }
    let states = &report.states;
    let place = states.location.as_ref().map(|place| format!(" in {place}"));
    say(
        "States:",
        &format!(
            "{} emitted; stored {}{}",
            number(states.emitted),
            plural(states.stored, "time"),
            place.unwrap_or_default()
        ),
    );
    if let Some(location) = &report.location {
        say("Rows:", location);
    }
    if io::stdout().is_terminal() {
        let line = Sparkline::for_terminal().draw(&report.samples.records);
        if !line.is_empty() {
            say("Rate:", &line);
        }
    }
}

fn amount(amount: Amount) -> Option<String> {
    let records = plural(amount.records?, "record");
    Some(match amount.bytes {
        Some(length) => format!("{records}, {}", bytes(length)),
        None => records,
    })
}

fn streams(report: &PairReport) -> String {
    let cell = |value: Option<u64>, text: fn(u64) -> String| value.map_or_else(|| "-".to_owned(), text);
    let mut rows: Vec<Vec<String>> = report
        .streams
        .iter()
        .map(|stream| {
            vec![
                printable(&stream.stream).into_owned(),
                cell(stream.tap_output.records, number),
                cell(stream.target_input.records, number),
                cell(stream.target_input.bytes, bytes),
                cell(stream.written_records, number),
            ]
        })
        .collect();
    if report.streams_not_listed > 0 {
        rows.push(vec![format!("and {} more", number(report.streams_not_listed))]);
    }
    table(&["STREAM", "TAP", "TARGET", "BYTES", "WRITTEN"], &rows)
}
