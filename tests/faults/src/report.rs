//! What a campaign has found, for people: a closing table, and docs/faults.md.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use melisma_engine::faults::{ALL, On};

use crate::campaign::Report;
use crate::cell::{Cell, How};
use crate::kills::Counts;
use crate::rig::Kind;
use crate::taps;

/// A share in percent.
fn percent(part: u64, whole: u64) -> u64 {
    (part * 100).checked_div(whole).unwrap_or(0)
}

/// Some lines for the terminal.
pub fn closing(report: &Report) -> String {
    let failed = |results: &mut dyn Iterator<Item = bool>| results.filter(|ok| !ok).count();
    let cells = failed(&mut report.cells.iter().map(|(_, outcome)| outcome.result.is_ok()));
    let rounds = failed(&mut report.rounds.iter().map(|(_, result)| result.is_ok()));
    let scripted = failed(&mut report.scripted.iter().map(|(_, result)| result.is_ok()));
    let taps = failed(&mut report.taps.iter().map(|(_, result)| result.is_ok()));
    let missed = failed(&mut report.planted.iter().map(|caught| caught.by.is_ok()));
    let Counts {
        kills,
        in_flight,
        replays,
        replayed,
        ..
    } = report.counts;
    let mut text = format!(
        "\n{:<24}{:>8}{:>12}{:>8}\n{:<24}{:>8}{:>12}{:>8}\n{:<24}{:>8}{:>12}{:>8}\n",
        "",
        "done",
        "violations",
        "s", //
        "scripted sink, cells",
        report.scripted.len(),
        scripted,
        report.took[2].as_secs(),
        "named points, cells",
        report.cells.len(),
        cells,
        report.took[0].as_secs(),
    );
    let _ = writeln!(
        text,
        "{:<24}{:>8}{taps:>12}{:>8}",
        "taps that fail, cells",
        report.taps.len(),
        report.took[4].as_secs()
    );
    let _ = writeln!(
        text,
        "{:<24}{kills:>8}{rounds:>12}{:>8}",
        "kills at random",
        report.took[1].as_secs()
    );
    let _ = writeln!(
        text,
        "{:<24}{:>8}{missed:>12}{:>8}   (a violation is a bug that no check saw)",
        "planted bugs",
        report.planted.len(),
        report.took[3].as_secs()
    );
    if kills > 0 {
        let _ = writeln!(
            text,
            "\n{}% of the kills found units in flight; {replays} restarts sent {replayed} rows again",
            percent(in_flight, kills)
        );
    }
    for caught in &report.planted {
        let by = match &caught.by {
            Ok(by) => shorten(by),
            Err(what) => shorten(what),
        };
        let _ = writeln!(
            text,
            "invariant {}  {:<16} {by}",
            caught.bug.invariant, caught.bug.name
        );
    }
    text
}

fn shorten(text: &str) -> String {
    let mut short: String = text
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(110)
        .collect();
    if short.len() < text.trim().len() {
        short.push_str("...");
    }
    short
}

/// The page.
pub fn page(report: &Report, seed: u64, machine: &str) -> String {
    let Counts {
        kills,
        in_flight,
        replays,
        replayed,
        victims,
        late,
    } = report.counts;
    let failures = report.failures().len();
    let mut text = format!(
        "# Faults\n\n\
         Written by `cargo xtask faults --full --seed {seed}`, on {machine}. The programs are debug builds, which have kill points; a \
         release has none.\n\n\
         A scripted tap sends rows that are computed from a seed and their number, in three streams: one with keys, one without, \
         one with repeated keys and versions. A column is added on the way, and there are ACTIVATE_VERSION messages and a STATE every \
         ten rows. `melisma run` loads them into each target. The run is disturbed. What it leaves is read by independent \
         readers, and checked *before* anything is started again; then the run is repeated until it ends well, and once more for \
         new rows.\n\n\
         | | |\n|---|---|\n\
         | P1 | rows that an emitted or stored STATE covers are in the target, at the moment of the crash |\n\
         | P2 | no row is there that was not sent, nor more often than it was sent |\n\
         | P3 | each row is the one that was sent, in its order |\n\
         | P4 | after a run that ended well the target equals the source: no duplicates where keys are merged, nor with `state_in_target` |\n\
         | P5 | new rows are loaded after faults |\n\
         | P6 | the stored STATE is the tap's, byte for byte, and the last one after a run that ended well |\n\
         | P7 | no row and no password is in a log, and nothing but STATE on a target's stdout |\n\
         | P8 | what is overwritten stays as it was when the tap failed, was killed or was interrupted, though its pipe ended |\n\n\
         ## Counts\n\n\
         | | done | violations |\n|---|---|---|\n"
    );
    let bad = |results: &mut dyn Iterator<Item = bool>| results.filter(|ok| !ok).count();
    let _ = writeln!(
        text,
        "| cells: a named point, a target, a fault | {} | {} |",
        report.cells.len(),
        bad(&mut report.cells.iter().map(|(_, outcome)| outcome.result.is_ok()))
    );
    let _ = writeln!(
        text,
        "| taps that fail: a failure, a target, appended to or overwritten | {} | {} |",
        report.taps.len(),
        bad(&mut report.taps.iter().map(|(_, result)| result.is_ok()))
    );
    let _ = writeln!(
        text,
        "| kills at random | {kills} | {} |",
        bad(&mut report.rounds.iter().map(|(_, result)| result.is_ok()))
    );
    let _ = writeln!(
        text,
        "| cells of the scripted sink | {} | {} |",
        report.scripted.len(),
        bad(&mut report.scripted.iter().map(|(_, result)| result.is_ok()))
    );
    let _ = writeln!(
        text,
        "| planted bugs | {} | {} not found |\n",
        report.planted.len() + 1,
        bad(&mut report.planted.iter().map(|caught| caught.by.is_ok()))
    );
    if failures > 0 {
        text.push_str("What was violated:\n\n");
        for (name, what) in report.failures() {
            let _ = writeln!(text, "- `{name}`: {}", shorten(&what));
        }
        text.push('\n');
    }
    points(report, &mut text);
    taps(report, &mut text);
    let _ = write!(
        text,
        "## Kills at random\n\n\
         SIGKILL at random moments, while the processes start or rows are being loaded; {} kills share one growing set of rows, \
         in {} rounds. The runner was killed {} times, the tap {}, the target {}, and all processes of PostgreSQL's server \
         {}. {late} more kills came after the end of the run, and do not count.\n\n\
         {in_flight} of {kills} kills ({}%) found units in flight: the engine's ledger held records that it had read and that \
         were not durable yet. The build with kill points keeps that number in a file, which the harness reads a moment \
         before it kills; below 60% the command fails. After {replays} of them the next run sent rows again, {replayed} in \
         all; without any the command fails as well. A seed decides which process is killed and when, but not how far the processes are \
         by then, so a repeated round is not exactly the same.\n\n\
         SIGKILL ends processes, not the machine: data that was written and not synced survives it. So these tests do not show that \
         files are synced before a STATE is emitted; the code that does it is in `sdk/src/files`.\n\n",
        crate::kills::KILLS_A_ROUND,
        report.rounds.len(),
        victims[0],
        victims[1],
        victims[2],
        victims[3],
        percent(in_flight, kills),
    );
    scripted(report, &mut text);
    planted(report, &mut text);
    text
}

/// Whether all is well, by whether the target is overwritten and how it is disturbed.
type Ways = BTreeMap<(bool, How), bool>;

fn points(report: &Report, text: &mut String) {
    let mut results: BTreeMap<(&str, Kind), Ways> = BTreeMap::new();
    let (mut in_flight, mut replayed) = (0, 0);
    for (
        Cell {
            point,
            kind,
            how,
            overwrite,
        },
        outcome,
    ) in &report.cells
    {
        let ok = results
            .entry((point.name, *kind))
            .or_default()
            .entry((*overwrite, *how))
            .or_insert(true);
        *ok &= outcome.result.is_ok();
        in_flight += u64::from(outcome.in_flight > 0);
        replayed += u64::from(outcome.replayed > 0);
    }
    let _ = write!(
        text,
        "## Named points\n\n\
         At each point the process that reaches it is killed by SIGKILL (k), gets an error (e), or hangs for ever (h) until an \
         operator ends it with SIGTERM, SIGTERM and SIGKILL. A cell whose run does not reach its point fails. In {in_flight} of {} \
         cells rows were in flight; after {replayed} of them rows were sent again. A capital letter is a violation, a dot means \
         that the target has no such point. A letter with a prime is for a target that is overwritten, in which a crash must leave \
         each stream either as it was or as it will be. Rows that tap-postgres hands over as lines of COPY, and stages that \
         target-duckdb commits early, have points of their own, where a test of the suite kills \
         (`tests/e2e/it/postgres/copied_killed.rs`).\n\n\
         | point | what has happened there | jsonl | csv | parquet | postgres | duckdb | sqlite |\n|---|---|---|---|---|---|---|---|\n",
        report.cells.len()
    );
    for point in ALL
        .iter()
        .filter(|point| !matches!(point.on, On::Copied | On::Staged))
    {
        let _ = write!(text, "| `{}` | {} |", point.name, point.stands);
        for kind in Kind::ALL {
            let cells = results.get(&(point.name, kind));
            let letters: String = cells.map_or_else(
                || "·".into(),
                |cells| {
                    cells
                        .iter()
                        .map(|((overwrite, how), ok)| {
                            let letter = &how.name()[..1];
                            let letter = if *ok {
                                letter.to_owned()
                            } else {
                                letter.to_uppercase()
                            };
                            if *overwrite { format!("{letter}'") } else { letter }
                        })
                        .collect()
                },
            );
            let _ = write!(text, " {letters} |");
        }
        text.push('\n');
    }
    text.push('\n');
}

fn taps(report: &Report, text: &mut String) {
    text.push_str(
        "## Taps that fail\n\n\
         To a target the end of its input looks the same whether the tap has sent everything, failed or was killed. The tap sends \
         rows and then fails, is killed, or waits until the runner is interrupted or killed, always after a run that ended \
         well. A target that appends must keep every row that a STATE covers. In one that is overwritten no row may have \
         changed (P8), and the stored STATE is that of the run before. Then two runs end well. An a means appended to, \
         an o overwritten, a capital letter a violation.\n\n\
         | what happens | jsonl | csv | parquet | postgres | duckdb | sqlite |\n|---|---|---|---|---|---|---|\n",
    );
    for how in taps::How::ALL {
        let _ = write!(text, "| {} |", how.does());
        for kind in Kind::ALL {
            let cells = report
                .taps
                .iter()
                .filter(|(cell, _)| (cell.how, cell.kind) == (how, kind));
            let letters: String = cells
                .map(|(cell, result)| match (cell.overwrite, result.is_ok()) {
                    (false, true) => 'a',
                    (false, false) => 'A',
                    (true, true) => 'o',
                    (true, false) => 'O',
                })
                .collect();
            let _ = write!(text, " {letters} |");
        }
        text.push('\n');
    }
    text.push('\n');
}

fn scripted(report: &Report, text: &mut String) {
    let mut table: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (cell, result) in &report.scripted {
        let name = cell.name();
        let mut words = name.split(':').skip(1);
        let row = format!(
            "{} | {}",
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default()
        );
        let (done, bad) = table.entry(row).or_default();
        *done += 1;
        *bad += usize::from(result.is_err());
    }
    text.push_str(
        "## The scripted sink\n\n\
         The pipeline alone, with a sink that rejects a call, fails after it has done the work, blocks, or is slow: with one writer, \
         with two, with commits at STATEs, with one commit at the end, each at two points. Checked are the ledger's invariants \
         (I1: an emitted STATE covers durable rows only; I2: STATEs go forward; I3: a good end emits the last; I4: records are \
         durable, or the run failed) and P1 to P3, that reading stops while a sink blocks, and that rows are on the right \
         side of each SCHEMA and ACTIVATE_VERSION.\n\n| call | trouble | cells | violations |\n|---|---|---|---|\n",
    );
    for (row, (done, bad)) in table {
        let _ = writeln!(text, "| {row} | {done} | {bad} |");
    }
    text.push('\n');
}

fn planted(report: &Report, text: &mut String) {
    text.push_str(
        "## Planted bugs\n\n\
         A bug for each invariant of ARCHITECTURE.md, planted around the target by the harness. The same check is \
         green without the bug.\n\n| invariant | bug | what it does | caught by |\n|---|---|---|---|\n",
    );
    for caught in &report.planted {
        let by = match &caught.by {
            Ok(by) => shorten(by).replace('|', "\\|"),
            Err(what) => format!("**{}**", shorten(what)),
        };
        let _ = writeln!(
            text,
            "| {} | `{}` | {} | {by} |",
            caught.bug.invariant, caught.bug.name, caught.bug.does
        );
    }
    text.push_str("| 8 | `planted-unsafe` | an `unsafe` block in the engine | the compiler, in a test of `cargo xtask test`: `unsafe_code` is forbidden, the build fails |\n");
}
