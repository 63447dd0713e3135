//! All of it: cells, kills, the scripted sink, planted bugs; several at a time, with a word about each that fails.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::cell::{self, Cell};
use crate::kills::{Counts, Round};
use crate::planted::{self, Caught};
use crate::rig::Programs;
use crate::scripted;
use crate::server::Server;
use crate::taps;

/// At least this part of the kills must find units in flight.
pub const IN_FLIGHT: f64 = 0.6;

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The programs under test.
    pub programs: Programs,
    /// What all seeds follow from.
    pub seed: u64,
    /// How many things are done at a time.
    pub workers: usize,
    /// Named points.
    pub cells: Vec<Cell>,
    /// Taps that fail, and the like.
    pub taps: Vec<taps::Cell>,
    /// Kills at random.
    pub rounds: Vec<Round>,
    /// The scripted sink.
    pub scripted: Vec<scripted::Cell>,
    /// Planted bugs.
    pub planted: bool,
}

impl Plan {
    /// Everything: each point on the way of each target in each way, and 1,000 kills.
    pub fn full(programs: Programs, seed: u64) -> Self {
        Self {
            programs,
            seed,
            workers: thread::available_parallelism().map_or(1, usize::from),
            cells: Cell::all(),
            taps: taps::Cell::all(),
            rounds: Round::all(1000),
            scripted: scripted::Cell::all(),
            planted: true,
        }
    }

    /// A fair part, in about a minute: the cells of SIGKILL at 24 or 12 points for each target, each way in which a tap fails, and
    /// 20 kills.
    pub fn quick(programs: Programs, seed: u64) -> Self {
        Self {
            cells: Cell::quick(),
            taps: taps::Cell::quick(),
            rounds: Round::all(20),
            ..Self::full(programs, seed)
        }
    }

    /// Only what is called so.
    #[must_use]
    pub fn only(mut self, word: &str) -> Self {
        self.cells.retain(|cell| cell.name().contains(word));
        self.taps.retain(|cell| cell.name().contains(word));
        self.rounds.retain(|round| round.name().contains(word));
        self.scripted.retain(|cell| cell.name().contains(word));
        self.planted = "planted".contains(word);
        self
    }
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Report {
    /// Each cell.
    pub cells: Vec<(Cell, cell::Outcome)>,
    /// Each tap that fails.
    pub taps: Vec<(taps::Cell, Result<(), String>)>,
    /// Each round of kills.
    pub rounds: Vec<(Round, Result<(), String>)>,
    /// Of all rounds.
    pub counts: Counts,
    /// Each cell of the scripted sink.
    pub scripted: Vec<(scripted::Cell, Result<(), String>)>,
    /// Each planted bug.
    pub planted: Vec<Caught>,
    /// How long each part took: cells, kills, the scripted sink, planted bugs, taps that fail.
    pub took: [Duration; 5],
}

impl Report {
    /// Everything that is not as it should be: the name of what can be repeated, and what was found.
    pub fn failures(&self) -> Vec<(String, String)> {
        let mut failures = Vec::new();
        let mut add = |name: String, result: &Result<(), String>| {
            if let Err(what) = result {
                failures.push((name, what.clone()));
            }
        };
        for (cell, outcome) in &self.cells {
            add(cell.name(), &outcome.result);
        }
        for (cell, result) in &self.taps {
            add(cell.name(), result);
        }
        for (round, result) in &self.rounds {
            add(round.name(), result);
        }
        for (cell, result) in &self.scripted {
            add(cell.name(), result);
        }
        for caught in &self.planted {
            let missed = caught.by.as_ref().map(|_| ()).map_err(Clone::clone);
            add(format!("planted:{}", caught.bug.name), &missed);
        }
        add("kills".into(), &self.vacuous());
        failures
    }

    /// Whether the kills say anything: enough of them came while something was under way, and rows came again.
    fn vacuous(&self) -> Result<(), String> {
        let Counts {
            kills,
            in_flight,
            replays,
            ..
        } = self.counts;
        if kills == 0 {
            return Ok(());
        }
        if (in_flight as f64) < IN_FLIGHT * kills as f64 {
            return Err(format!(
                "vacuous: only {in_flight} of {kills} kills found units in flight"
            ));
        }
        if replays == 0 {
            return Err("vacuous: no row was ever sent again".into());
        }
        Ok(())
    }
}

/// Does what the plan says. `say` gets a line now and then.
pub fn run(plan: &Plan, say: &(dyn Fn(&str) + Sync)) -> Report {
    let mut report = Report::default();
    let servers = Servers::default();
    let began = Instant::now();
    report.scripted = spread(&plan.scripted, plan.workers, say, "scripted cells", |cell, _| {
        let result = cell.run(plan.seed);
        announce(say, &cell.name(), &result);
        result
    });
    report.took[2] = began.elapsed();

    let began = Instant::now();
    report.cells = spread(&plan.cells, plan.workers, say, "cells", |cell, worker| {
        let outcome = cell.run(&plan.programs, Some(servers.of(worker)), plan.seed);
        announce(say, &cell.name(), &outcome.result);
        outcome
    });
    report.took[0] = began.elapsed();

    let began = Instant::now();
    report.taps = spread(&plan.taps, plan.workers, say, "taps that fail", |cell, worker| {
        let result = cell.run(&plan.programs, Some(servers.of(worker)), plan.seed);
        announce(say, &cell.name(), &result);
        result
    });
    report.took[4] = began.elapsed();

    let began = Instant::now();
    let (counts, done) = (Mutex::new(Counts::default()), AtomicUsize::new(0));
    let all: u64 = plan.rounds.iter().map(|round| round.kills).sum();
    report.rounds = spread(&plan.rounds, plan.workers, &|_| {}, "", |round, worker| {
        let mut mine = Counts::default();
        let tick = || {
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            if done % 100 == 0 {
                say(&format!("{done} of {all} kills, {} s", began.elapsed().as_secs()));
            }
        };
        let result = round.run(
            &plan.programs,
            Some(servers.of(worker)),
            plan.seed,
            &mut mine,
            &tick,
        );
        counts.lock().unwrap_or_else(PoisonError::into_inner).add(&mine);
        announce(say, &round.name(), &result);
        result
    });
    report.counts = counts.into_inner().unwrap_or_else(PoisonError::into_inner);
    report.took[1] = began.elapsed();

    let began = Instant::now();
    if plan.planted {
        let bugs = planted::BUGS;
        report.planted = spread(&bugs, plan.workers, say, "planted bugs", |bug, worker| {
            planted::find(bug, &plan.programs, servers.of(worker), plan.seed)
        })
        .into_iter()
        .map(|(_, caught)| caught)
        .collect();
    }
    report.took[3] = began.elapsed();
    report
}

fn announce(say: &(dyn Fn(&str) + Sync), name: &str, result: &Result<(), String>) {
    if let Err(what) = result {
        say(&format!("VIOLATION in {name}: {what}"));
    }
}

/// A PostgreSQL server for each worker, started when it is first asked for.
#[derive(Default)]
struct Servers([OnceLock<Server>; 16]);

impl Servers {
    fn of(&self, worker: usize) -> &Server {
        self.0[worker % self.0.len()].get_or_init(Server::start)
    }
}

/// Does the work on all jobs, several at a time; the results are in the jobs' order.
pub(crate) fn spread<J: Clone + Sync, R: Send>(
    jobs: &[J],
    workers: usize,
    say: &(dyn Fn(&str) + Sync),
    what: &str,
    work: impl Fn(&J, usize) -> R + Sync,
) -> Vec<(J, R)> {
    let (next, done, began) = (AtomicUsize::new(0), Mutex::new(Vec::new()), Instant::now());
    thread::scope(|scope| {
        for worker in 0..workers.clamp(1, 16) {
            let (next, done, work) = (&next, &done, &work);
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(number) else { return };
                    let result = work(job, worker);
                    let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                    done.push((number, result));
                    if done.len() % 50 == 0 || done.len() == jobs.len() {
                        say(&format!(
                            "{} of {} {what}, {} s",
                            done.len(),
                            jobs.len(),
                            began.elapsed().as_secs()
                        ));
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(number, _)| *number);
    done.into_iter()
        .map(|(number, result)| (jobs[number].clone(), result))
        .collect()
}
