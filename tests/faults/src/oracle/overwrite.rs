//! Targets that are overwritten: a crash leaves each stream as it was, or as it will be.

use std::collections::BTreeMap;

use super::Oracle;
use crate::read::{self, Found, Parts};
use crate::rig::{Ended, Rig};
use crate::source::{Row, Stream};
use crate::tap::Sent;

impl Oracle {
    /// Looks after a crash: each stream has the rows of the last good run, or all of the one that was cut short, and all
    /// have these when a STATE says so.
    ///
    /// # Errors
    /// What is violated.
    pub fn overwritten_after_a_crash(
        &mut self,
        rig: &Rig<'_>,
        good: Option<Sent>,
        end: u64,
    ) -> Result<(), String> {
        self.states(rig)?;
        let found = read::all(rig, &mut Parts::default(), false)?;
        let from = rig.sent.last().map_or(0, |sent| sent.from);
        let emitted = self.now == end;
        for stream in Stream::ALL {
            let new = check(rig, &found, stream, from, end);
            let old = match good {
                Some(good) => check(rig, &found, stream, good.from, good.to),
                None if found.of(stream).is_empty() => Ok(()),
                None => Err("there was none".into()),
            };
            match (new, old) {
                (Ok(()), _) => {}
                (Err(_), Ok(())) if !emitted => {}
                (Err(new), Ok(())) => return Err(format!("P1: the last STATE was emitted, but {new}")),
                (Err(new), Err(old)) => {
                    return Err(format!(
                        "P4: {} is neither new ({new}) nor old ({old})",
                        stream.name()
                    ));
                }
            }
        }
        Ok(())
    }

    /// Looks after a run whose input did not end well: each stream has exactly the rows of the last good run, and the STATE
    /// that is kept is that run's.
    ///
    /// # Errors
    /// What is violated.
    pub fn overwritten_by_nobody(&mut self, rig: &Rig<'_>, good: Sent) -> Result<(), String> {
        self.states(rig)?;
        if self.now != good.to {
            return Err(format!(
                "P8: the STATE of row {} is kept, the last good run ended at {}",
                self.now, good.to
            ));
        }
        let found = read::all(rig, &mut Parts::default(), false)?;
        let checked = Stream::ALL.into_iter().map(|stream| {
            check(rig, &found, stream, good.from, good.to)
                .map_err(|what| format!("P8: {} was replaced: {what}", stream.name()))
        });
        checked.collect::<Result<Vec<()>, String>>().map(drop)
    }

    /// Looks after a run that ended well: exactly its rows are there.
    ///
    /// # Errors
    /// What is violated.
    pub fn overwritten_at_the_end(&mut self, rig: &Rig<'_>, ended: &Ended, end: u64) -> Result<(), String> {
        self.ended_well(rig, ended, end)?;
        let found = read::all(rig, &mut Parts::default(), false)?;
        let from = rig.sent.last().map_or(0, |sent| sent.from);
        let checked = Stream::ALL
            .into_iter()
            .map(|stream| check(rig, &found, stream, from, end));
        checked.collect::<Result<Vec<()>, String>>().map(drop)
    }
}

/// A stream has exactly the rows of a run.
fn check(rig: &Rig<'_>, found: &Found, stream: Stream, from: u64, to: u64) -> Result<(), String> {
    let sent = (from..to).filter(|&n| rig.source.stream(n) == stream);
    let rows = found.of(stream);
    let wanted: Vec<u64> = if rig.kind.has_tables() && stream.is_keyed() {
        // The last of each key, if its version is the last that was activated.
        let mut newest = BTreeMap::new();
        let last = rig.source.version(to.saturating_sub(1));
        for n in sent.filter(|&n| stream != Stream::People || rig.source.version(n) == last) {
            newest.insert(rig.source.row(n).id, n);
        }
        let mut wanted: Vec<u64> = newest.into_values().collect();
        wanted.sort_unstable();
        wanted
    } else {
        sent.collect()
    };
    let there: Vec<u64> = rows.iter().map(|row| row.n).collect();
    if there != wanted {
        let (has, should) = (there.len(), wanted.len());
        return Err(format!(
            "{} has {has} rows, not the {should} of {from}..{to}",
            stream.name()
        ));
    }
    let wrong = |row: &&Row| rig.source.row(row.n) != **row;
    rows.iter()
        .find(wrong)
        .map_or(Ok(()), |row| Err(format!("row {} is another", row.n)))
}
