//! What must hold after each crash and at the end: P1 to P8.
//!
//! | | |
//! |---|---|
//! | P1 | rows that an emitted or stored STATE covers are in the target, at the moment of the crash |
//! | P2 | nothing is there that was not sent |
//! | P3 | each row is the one that was sent, in the order in which it was |
//! | P4 | after a run that ended well the target equals the source, without doubles where none are promised |
//! | P5 | fresh rows pass after faults |
//! | P6 | the STATE that is kept is the tap's, byte for byte, and the last one after a run that ended well |
//! | P7 | no row and no password is in a log, and nothing but STATE was on stdout |
//! | P8 | what is overwritten stays as it was when the tap failed, was killed or was interrupted, though its pipe ended |

mod overwrite;

use std::collections::HashMap;

use crate::read::{self, Found, Parts};
use crate::rig::{Ended, Rig};
use crate::source::{CANARY, Row, Stream};

/// What it knows of one rig.
#[derive(Default)]
pub struct Oracle {
    parts: Parts,
    /// All rows below are covered by a STATE that was seen once.
    covered: u64,
    /// The same, by the STATEs that are there now: the next run may send what is behind them again.
    now: u64,
}

impl Oracle {
    /// Rows below are covered by a STATE.
    pub fn covered(&self) -> u64 {
        self.covered
    }

    /// Looks at the target after a crash, before anything is started again.
    ///
    /// # Errors
    /// What is violated.
    pub fn after_a_crash(&mut self, rig: &Rig<'_>) -> Result<(), String> {
        self.states(rig)?;
        let found = read::all(rig, &mut self.parts, true)?;
        self.rows(rig, &found)?;
        if rig.variant.held {
            // The table of a first load has no key until it ends, so that of `people` cannot be judged yet.
            exactly(rig, &found, self.now, &[Stream::Orders, Stream::Events])?;
        }
        Ok(())
    }

    /// A run that nobody disturbed succeeded, and its last STATE is kept.
    fn ended_well(&mut self, rig: &Rig<'_>, ended: &Ended, end: u64) -> Result<(), String> {
        if !ended.status.success() {
            return Err(format!(
                "P4: a run that nobody disturbed failed: {}\n{}",
                ended.status, ended.log
            ));
        }
        self.states(rig)?;
        if self.now != end {
            return Err(format!(
                "P6: the last STATE kept is that of row {}, not {end}",
                self.now
            ));
        }
        Ok(())
    }

    /// Looks at the target after a run that ended well at the row `end`.
    ///
    /// # Errors
    /// What is violated.
    pub fn at_the_end(&mut self, rig: &Rig<'_>, ended: &Ended, end: u64) -> Result<(), String> {
        self.ended_well(rig, ended, end)?;
        let found = read::all(rig, &mut self.parts, false)?;
        self.rows(rig, &found)?;
        exactly(rig, &found, end, &Stream::ALL)
    }

    /// The kept STATEs are the tap's, and none is ahead of what was sent.
    fn states(&mut self, rig: &Rig<'_>) -> Result<(), String> {
        if rig.sent.iter().any(|sent| sent.foreign) {
            return Err("P6: the tap was given a STATE that is not its own".into());
        }
        let stored = read::stored(rig)?;
        self.now = 0;
        for (state, place) in [(stored, "stored"), (read::emitted(rig), "emitted")] {
            let Some(state) = state else { continue };
            let next = rig
                .source
                .next_of(&state)
                .ok_or_else(|| format!("P6: the {place} STATE is not the tap's: {state}"))?;
            if next > rig.sent_to() {
                return Err(format!(
                    "P2: the {place} STATE covers row {next}, sent were {}",
                    rig.sent_to()
                ));
            }
            self.covered = self.covered.max(next);
            self.now = self.now.max(next);
        }
        Ok(())
    }

    /// What holds at any time.
    fn rows(&self, rig: &Rig<'_>, found: &Found) -> Result<(), String> {
        for stream in Stream::ALL {
            let rows = found.of(stream);
            let mut counts: HashMap<u64, usize> = HashMap::with_capacity(rows.len());
            for row in rows {
                expected(rig, stream, row)?;
                *counts.entry(row.n).or_default() += 1;
            }
            let keyed = rig.kind.has_tables() && stream == Stream::People;
            if keyed {
                newest_people(rig, rows, self.now)?;
            } else {
                order(rig, stream, rows)?;
                let mine = (0..self.covered).filter(|&n| rig.source.stream(n) == stream);
                let lost: Vec<u64> = mine.filter(|n| !counts.contains_key(n)).take(5).collect();
                if !lost.is_empty() {
                    return Err(format!(
                        "P1: {} lost rows {lost:?}, which the STATE of row {} covers",
                        stream.name(),
                        self.covered
                    ));
                }
            }
            for (n, count) in counts {
                let sent = rig
                    .sent
                    .iter()
                    .filter(|sent| (sent.from..sent.to).contains(&n))
                    .count();
                if count > sent {
                    return Err(format!(
                        "P2: row {n} of {} is there {count} times, sent {sent} times",
                        stream.name()
                    ));
                }
            }
        }
        Ok(())
    }
}

/// The row is the one that was sent.
fn expected(rig: &Rig<'_>, stream: Stream, row: &Row) -> Result<(), String> {
    if row.n >= rig.sent_to() || rig.source.stream(row.n) != stream {
        return Err(format!("P2: row {} of {} was not sent", row.n, stream.name()));
    }
    let mut sent = rig.source.row(row.n);
    if sent == *row {
        return Ok(());
    }
    // Parquet has a timestamp, JSON a float, CSV text: all read back into the same; so this is a real difference.
    sent.text.truncate(60);
    let mut found = row.clone();
    found.text.truncate(60);
    Err(format!("P3: {}: found {found:?}, sent {sent:?}", stream.name()))
}

/// Rows of a stream stand in the order in which they were sent: the number falls back at a restart only.
fn order(rig: &Rig<'_>, stream: Stream, rows: &[Row]) -> Result<(), String> {
    if rig.kind.has_tables() {
        return Ok(());
    }
    let falls = rows.windows(2).filter(|pair| pair[1].n <= pair[0].n).count();
    if falls < rig.sent.len().max(1) {
        return Ok(());
    }
    Err(format!(
        "P3: rows of {} fall back {falls} times in {} runs",
        stream.name(),
        rig.sent.len()
    ))
}

/// Rows with keys that come again: the newest one that is covered, or a newer one, is there. Those of the first
/// version are gone once the second was activated.
fn newest_people(rig: &Rig<'_>, rows: &[Row], covered: u64) -> Result<(), String> {
    let mut there: HashMap<i64, u64> = HashMap::new();
    for row in rows {
        let newest = there.entry(row.id).or_default();
        *newest = row.n.max(*newest);
    }
    let may_be_gone = rig.sent_to() >= rig.source.activate;
    let must_be_gone = covered > rig.source.activate;
    let mut wanted: HashMap<i64, u64> = HashMap::new();
    for n in (0..covered).filter(|&n| rig.source.stream(n) == Stream::People) {
        wanted.insert(rig.source.row(n).id, n);
    }
    for (id, n) in wanted {
        let old = rig.source.version(n) == 1;
        match there.get(&id) {
            Some(&found) if found >= n => {}
            None if old && may_be_gone => {}
            found => {
                return Err(format!(
                    "P1: people {id} should be row {n} or newer, is {found:?}"
                ));
            }
        }
    }
    let old = rows.iter().find(|row| rig.source.version(row.n) == 1);
    match old {
        Some(row) if must_be_gone => Err(format!("P4: people row {} is of a version that is gone", row.n)),
        _ => Ok(()),
    }
}

/// The target equals the first `end` rows of the source, where it promises so much.
fn exactly(rig: &Rig<'_>, found: &Found, end: u64, streams: &[Stream]) -> Result<(), String> {
    if !rig.kind.has_tables() {
        // At least once: that all rows are there was seen already.
        return Ok(());
    }
    for &stream in streams {
        if stream == Stream::Events && !rig.variant.held {
            continue;
        }
        let mut wanted: HashMap<i64, u64> = HashMap::new();
        let mine = (0..end).filter(|&n| rig.source.stream(n) == stream);
        for n in mine {
            let gone = stream == Stream::People && end > rig.source.activate && rig.source.version(n) == 1;
            if !gone {
                wanted.insert(rig.source.row(n).id, n);
            }
        }
        let rows = found.of(stream);
        let doubled = rows.len() != wanted.len();
        let wrong = rows.iter().find(|row| wanted.get(&row.id) != Some(&row.n));
        if let (true, _) | (_, Some(_)) = (doubled, wrong) {
            return Err(format!(
                "P4: {} has {} rows, the source {}; {:?} is one too many",
                stream.name(),
                rows.len(),
                wanted.len(),
                wrong.map(|row| (row.id, row.n))
            ));
        }
    }
    Ok(())
}

/// Nothing secret is in a log, and the target's stdout has STATE alone.
///
/// # Errors
/// What is violated. `half`: half a line of STATE was asked for.
pub fn quiet(log: &str, half: bool) -> Result<(), String> {
    if let Some(line) = log.lines().find(|line| line.contains(CANARY)) {
        return Err(format!("P7: a row is in the log: {line}"));
    }
    if let Some(line) = log
        .lines()
        .find(|line| line.contains(melisma_testing::postgres::PASSWORD))
    {
        return Err(format!("P7: the password is in the log: {line}"));
    }
    match log
        .lines()
        .find(|line| line.contains("is not JSON to its stdout"))
    {
        Some(line) if !half => Err(format!("P7: {line}")),
        _ => Ok(()),
    }
}
