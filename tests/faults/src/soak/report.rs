//! The verdict and the page.

use std::fmt::Write as _;
use std::fs;

use super::lane::Lane;
use super::watch::{Sample, Watch, runs, usual};
use super::{Plan, Victim};
use crate::rig::Kind;

/// How much a run may grow from the first third of its time to the last: the noise of an allocator, and of where in its
/// part a Parquet file is. At the full pace that is two bytes a row.
const GROWTH_KIB: u64 = 4096;

/// What is said of one lane.
struct Line {
    kind: Kind,
    kills: u64,
    again: u64,
    /// Usual memory of all three processes, and the highest, KiB.
    memory: [u64; 2],
    /// The most that a run has grown: memory in KiB, open files.
    growth: [u64; 2],
    files: u64,
    /// How many runs were long enough to be judged.
    judged: usize,
}

impl Line {
    fn of(lane: &Lane<'_>, samples: &[Sample]) -> Self {
        let memory = |sample: &Sample| sample.memory;
        let files = |sample: &Sample| sample.files;
        Self {
            kind: lane.kind,
            kills: lane.kills(),
            again: lane.again(),
            memory: [
                usual(samples, memory),
                samples.iter().map(memory).max().unwrap_or(0),
            ],
            growth: [growth(samples, memory), growth(samples, files)],
            files: usual(samples, files),
            judged: runs(samples).count(),
        }
    }

    fn is_flat(&self) -> bool {
        self.judged > 0 && self.growth[0] <= GROWTH_KIB && self.growth[1] == 0
    }

    fn row(&self, rows: u64) -> String {
        let mib = |kib: u64| format!("{:.1}", kib as f64 / 1024.0);
        format!(
            "| {} | {rows} | {} | {} | {} | {} | {} | {} | {} | {} |",
            self.kind.name(),
            self.kills,
            self.again,
            mib(self.memory[0]),
            mib(self.memory[1]),
            mib(self.growth[0]),
            self.files,
            self.growth[1],
            if self.is_flat() { "flat" } else { "GREW" }
        )
    }
}

/// The most that a run has grown, from what was usual in the first third of its time to the last third.
fn growth(samples: &[Sample], value: fn(&Sample) -> u64) -> u64 {
    let of_run = |run: &[Sample]| {
        let third = run.len() / 3;
        usual(&run[run.len() - third..], value).saturating_sub(usual(&run[..third], value))
    };
    runs(samples).map(of_run).max().unwrap_or(0)
}

/// Prints the table and writes the report.
///
/// # Errors
/// Something grew, or nobody was killed though there was time.
pub(super) fn tell(plan: &Plan, lanes: &[Lane<'_>], watch: &Watch, kills: &[Victim]) -> Result<(), String> {
    let all: Vec<Line> = lanes
        .iter()
        .zip(&watch.lanes)
        .map(|(lane, samples)| Line::of(lane, samples))
        .collect();
    let table = table(plan, &all);
    println!("{table}\nnothing lost: {} rows read back", plan.rows / 4 * 4);
    if let Some(folder) = &plan.report {
        let write = |name: &str, text: String| {
            fs::write(folder.join(name), text).map_err(|error| format!("{name}: {error}"))
        };
        write("soak.md", page(plan, &table, kills))?;
    }
    if let Some(grown) = all.iter().find(|line| !line.is_flat()) {
        return Err(format!("{}: memory or files grew", grown.kind.name()));
    }
    let minutes = plan.time.as_secs() / 60;
    if (kills.len() as u64) + 2 < minutes {
        return Err(format!("only {} kills in {minutes} minutes", kills.len()));
    }
    Ok(())
}

fn table(plan: &Plan, all: &[Line]) -> String {
    let mut table = String::from(
        "| target | rows | kills | rows sent again | memory, MiB | highest | growth in a run | files open | growth in a run | |\n\
         |---|---|---|---|---|---|---|---|---|---|\n",
    );
    for line in all {
        let _ = writeln!(table, "{}", line.row(plan.rows / 4));
    }
    table
}

fn page(plan: &Plan, table: &str, kills: &[Victim]) -> String {
    let victims = ["runner", "tap", "target", "PostgreSQL"].map(|name| {
        let count = kills.iter().filter(|victim| **victim == name).count();
        format!("{name} {count}")
    });
    let (rows, minutes) = (plan.rows, plan.time.as_secs() / 60);
    format!(
        "# A day's records in {minutes} minutes\n\n\
         `cargo xtask soak --minutes {minutes} --rows {rows} --seed {seed}`: {rows} rows, which is what a source of 1,000 rows a \
         second sends in {hours:.1} hours, into the four\n\
         targets at once, each by a `melisma run` of its own. Every minute a process is killed with SIGKILL ({kills} kills: \
         {victims}), and the run is started again.\n\n\
         {table}\n\
         Memory is that of runner, tap and target together. A kill ends a run, and the next begins anew, a little higher or \
         lower; so growth is looked for\n\
         within each run: the last third of its time against the first, the first seconds left out, and the table has the \
         run that grew most. At most {most} MiB\n\
         and no file counts as flat.\n\n\
         After each kill, before anything was started again, the stored STATE covered no row that the target did not have. At \
         the end every row was read back: all\n\
         are there, as they were sent. target-postgres, with `state_in_target`, has none twice though the stream has no key; \
         of files no more rows\n\
         are there twice than were sent again. Written by `cargo xtask soak`.\n",
        seed = plan.seed,
        hours = plan.rows as f64 / 3_600_000.0,
        kills = kills.len(),
        victims = victims.join(", "),
        most = GROWTH_KIB / 1024,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs of 200 seconds each.
    fn samples(memory: impl Fn(u64) -> u64, files: impl Fn(u64) -> u64) -> Vec<Sample> {
        let sample = |second| Sample {
            run: second / 200,
            memory: memory(second),
            files: files(second),
        };
        (0..1000).map(sample).collect()
    }

    fn is_flat(samples: &[Sample]) -> bool {
        let line = Line {
            kind: Kind::Jsonl,
            kills: 1,
            again: 0,
            memory: [0, 0],
            growth: [
                growth(samples, |sample| sample.memory),
                growth(samples, |sample| sample.files),
            ],
            files: 0,
            judged: runs(samples).count(),
        };
        line.is_flat()
    }

    #[test]
    fn a_leak_is_seen_and_noise_is_not() {
        let noise = |second: u64| 30_000 + second % 7 * 500;
        assert!(is_flat(&samples(noise, |_| 40)));
        // Every run takes another amount, and none of them grows.
        assert!(is_flat(&samples(|second| 30_000 + second / 200 * 5000, |_| 40)));
        // Three MiB a minute.
        assert!(!is_flat(&samples(
            |second| 30_000 + second % 200 * 3072 / 60,
            |_| 40
        )));
        // A file each hundred seconds.
        assert!(!is_flat(&samples(noise, |second| 40 + second % 200 / 100)));
        assert!(!is_flat(&[]));
    }
}
