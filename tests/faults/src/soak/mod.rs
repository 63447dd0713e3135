//! A day's records in half an hour, into all four targets at once, with a kill every minute: is memory flat, are file
//! descriptors, and does anything get lost?
//!
//! Each target has a `lane`: its own project, in which `melisma run` moves rows from the [`tap`] at the pace that brings
//! all of them through in time, and is started again after each kill. The `watch` looks at the processes once a second.
//! After each kill the newest rows are compared with the STATE that is stored, and at the end every row is read back
//! (`check`). The `report` is a page and a picture.
#![allow(clippy::print_stdout, reason = "stdout is for people here")]

mod check;
mod lane;
mod report;
pub mod tap;
mod watch;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::processes::{self, Role};
use crate::random::Random;
use crate::rig::{Kind, Programs};
use crate::server::Server;

use lane::Lane;
use watch::Watch;

/// How long and how much.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The programs, built without faults.
    pub programs: Programs,
    /// How long rows are sent.
    pub time: Duration,
    /// Rows in all, a quarter of them for each target.
    pub rows: u64,
    /// What all rows, and the victims, follow from.
    pub seed: u64,
    /// The folder for `soak.md`.
    pub report: Option<PathBuf>,
}

/// Time between kills.
const BETWEEN: Duration = Duration::from_mins(1);
/// The targets of the lanes.
pub(crate) const KINDS: [Kind; 4] = [Kind::Jsonl, Kind::Csv, Kind::Parquet, Kind::Postgres];
/// How often progress is reported.
const TELL: Duration = Duration::from_secs(30);

/// The name of the process that was killed.
type Victim = &'static str;

/// Runs all of it; says how it went.
///
/// # Errors
/// Anything was lost, came wrongly, grew, or went wrong by itself.
pub fn run(plan: &Plan) -> Result<(), String> {
    let server = Server::start();
    let begun = Instant::now();
    let lanes: Vec<Lane<'_>> = KINDS
        .into_iter()
        .map(|kind| Lane::new(plan, kind, &server))
        .collect::<Result<_, _>>()?;
    let over = AtomicBool::new(false);
    let mut watch = Watch::default();
    let mut kills = Vec::new();
    let ended: Vec<Result<(), String>> = thread::scope(|scope| {
        let running: Vec<_> = lanes.iter().map(|lane| scope.spawn(|| lane.run())).collect();
        let watching = scope.spawn(|| watch.look(&lanes, &over));
        disturb(plan, &lanes, begun, &mut kills, || {
            running.iter().all(thread::ScopedJoinHandle::is_finished)
        });
        let ended = running
            .into_iter()
            .map(|lane| lane.join().unwrap_or_else(|_| Err("the lane panicked".into())))
            .collect();
        over.store(true, Ordering::Relaxed);
        let _ = watching.join();
        ended
    });
    for (lane, ended) in lanes.iter().zip(ended) {
        ended.map_err(|what| format!("{}: {what}", lane.kind.name()))?;
    }
    report::tell(plan, &lanes, &watch, &kills)
}

/// Kills somebody every minute, and tells how far things are, until all lanes have ended.
fn disturb(
    plan: &Plan,
    lanes: &[Lane<'_>],
    begun: Instant,
    kills: &mut Vec<Victim>,
    over: impl Fn() -> bool,
) {
    let mut random = Random::new(plan.seed);
    let (mut next_kill, mut next_word) = (begun + BETWEEN, begun + TELL);
    while !over() {
        thread::sleep(Duration::from_millis(200));
        let now = Instant::now();
        // The end is left to itself: that of a run that nobody disturbed.
        if now >= next_kill && now + TELL <= begun + plan.time {
            next_kill += BETWEEN;
            let lane = &lanes[kills.len() % lanes.len()];
            let round = kills.len() / lanes.len();
            kills.extend(lane.kill(round, &mut random));
        }
        if now >= next_word {
            next_word += TELL;
            let words: Vec<String> = lanes.iter().map(Lane::progress).collect();
            println!(
                "{:>5} s  {} kills; {}",
                begun.elapsed().as_secs(),
                kills.len(),
                words.join("; ")
            );
        }
    }
}

/// Kills one process of a run: who it was.
fn strike(run: &str, role: Role) -> Option<&'static str> {
    processes::kill(run, role).then(|| role.name())
}
