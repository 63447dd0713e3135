//! SIGKILL at random moments: of the runner, the tap, the target, and PostgreSQL's server.

use std::thread;
use std::time::{Duration, Instant};

use crate::oracle::{Oracle, quiet};
use crate::processes::{self, Role};
use crate::random::{Random, named};
use crate::rig::{Disturbance, Kind, Programs, Rig, Variant};
use crate::server::Server;
use crate::source::Source;

/// Kills of one growing set of rows.
pub const KILLS_A_ROUND: u64 = 40;
/// Rows of the run that ends a round.
const LAST: u64 = 150;
const PATIENCE: Duration = Duration::from_mins(1);
/// A kill that comes before this is one of processes that start.
const EARLY: Duration = Duration::from_millis(15);

/// What is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Victim {
    /// A process of the run.
    Process(Role),
    /// The server.
    Postgres,
}

impl Victim {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Process(role) => role.name(),
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// What came of a number of kills.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Kills that hit somebody.
    pub kills: u64,
    /// Kills that came when all was over: not counted above.
    pub late: u64,
    /// Kills with units in flight.
    pub in_flight: u64,
    /// Runs that began again before where the last had ended.
    pub replays: u64,
    /// Rows that were sent again.
    pub replayed: u64,
    /// Kills by victim: runner, tap, target, PostgreSQL.
    pub victims: [u64; 4],
}

impl Counts {
    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        self.kills += other.kills;
        self.late += other.late;
        self.in_flight += other.in_flight;
        self.replays += other.replays;
        self.replayed += other.replayed;
        for (mine, theirs) in self.victims.iter_mut().zip(other.victims) {
            *mine += theirs;
        }
    }
}

/// One growing set of rows in one target, and its kills.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// The target.
    pub kind: Kind,
    /// How it runs.
    pub variant: Variant,
    /// Which of the rounds it is; its own seed follows from it.
    pub number: u64,
    /// How many kills.
    pub kills: u64,
}

impl Round {
    /// `kills:3:target-csv`, as `--only` takes it.
    pub fn name(&self) -> String {
        format!("kills:{}:{}", self.number, self.kind.name())
    }

    /// Rounds of so many kills in all, over all targets and ways of running.
    pub fn all(kills: u64) -> Vec<Self> {
        let held = Variant {
            held: true,
            ..Variant::default()
        };
        let ways = [
            (Kind::Jsonl, Variant::default()),
            (Kind::Postgres, Variant::default()),
            (Kind::Csv, Variant::default()),
            (Kind::Parquet, Variant::default()),
            (Kind::DuckDb, Variant::default()),
            (Kind::Sqlite, Variant::default()),
            (Kind::Postgres, held),
            (Kind::DuckDb, held),
            (Kind::Sqlite, held),
            (
                Kind::Jsonl,
                Variant {
                    parts: true,
                    state_file: true,
                    ..Variant::default()
                },
            ),
        ];
        let rounds = kills.div_ceil(KILLS_A_ROUND).max(6);
        (0..rounds)
            .map(|number| {
                let (kind, variant) = ways[number as usize % ways.len()];
                let share = kills / rounds + u64::from(number < kills % rounds);
                Self {
                    kind,
                    variant,
                    number,
                    kills: share,
                }
            })
            .collect()
    }

    /// Kills, looks and starts again, and at the end lets the run end. `tick` is called after each kill.
    ///
    /// # Errors
    /// What is violated, with what was done before.
    pub fn run(
        &self,
        programs: &Programs,
        server: Option<&Server>,
        seed: u64,
        counts: &mut Counts,
        tick: &dyn Fn(),
    ) -> Result<(), String> {
        let mut random = Random::new(named(seed, &self.name()));
        let source = Source {
            seed: random.number(),
            state_every: 10,
            change: 400 + random.below(400),
            activate: 900 + random.below(400),
        };
        let mut rig = Rig::new(programs, self.kind, self.variant, source, server)?;
        rig.pace = (7, 1800);
        let mut oracle = Oracle::default();
        let mut history = Vec::new();
        let mut done = 0;
        while done < self.kills {
            let before = rig.sent_to();
            let (victim, after) = self.draw(&mut random);
            let story =
                |history: &[String], what: String| format!("{what}\nkills so far: {}", history.join(", "));
            let kill = strike(&mut rig, victim, after, &mut oracle)?;
            history.push(format!("{} after {} ms", victim.name(), after.as_millis()));
            if let Err(what) = &kill.result {
                return Err(story(&history, what.clone()));
            }
            if let Some(sent) = kill.began
                && sent < before
            {
                counts.replays += 1;
                counts.replayed += before - sent;
            }
            if kill.hit {
                done += 1;
                counts.kills += 1;
                counts.in_flight += u64::from(kill.in_flight > 0);
                counts.victims[place(victim)] += 1;
                tick();
            } else {
                counts.late += 1;
            }
        }
        for more in [LAST, 20] {
            let end = rig.sent_to().max(1) + more;
            let ended = rig.run(end, &Disturbance::default())?;
            oracle
                .at_the_end(&rig, &ended, end)
                .map_err(|what| format!("{what}\nkills: {}", history.join(", ")))?;
            quiet(&ended.log, false)?;
        }
        Ok(())
    }

    fn draw(&self, random: &mut Random) -> (Victim, Duration) {
        let victim = match random.below(20) {
            0..3 if self.kind == Kind::Postgres => Victim::Postgres,
            0..9 => Victim::Process(Role::Target),
            9..14 => Victim::Process(Role::Runner),
            14..18 => Victim::Process(Role::Tap),
            _ => Victim::Process(Role::Target),
        };
        // Now and then while the processes start; mostly while rows are under way.
        let after = match random.below(8) {
            0 => random.below(15),
            _ => 15 + random.below(140),
        };
        (victim, Duration::from_millis(after))
    }
}

fn place(victim: Victim) -> usize {
    match victim {
        Victim::Process(Role::Runner) => 0,
        Victim::Process(Role::Tap) => 1,
        Victim::Process(Role::Target) => 2,
        Victim::Postgres => 3,
    }
}

/// One kill.
#[derive(Debug)]
pub struct Kill {
    /// What the oracle says.
    pub result: Result<(), String>,
    /// Whether there was somebody to kill.
    pub hit: bool,
    /// Units in flight a moment before.
    pub in_flight: u64,
    /// The row that the tap began with, if it came so far.
    pub began: Option<u64>,
}

/// Starts a run without end, kills somebody so long after the tap's first sign of life, waits until nobody is left, and
/// looks at what is there.
///
/// # Errors
/// The run can not be started, or does not end.
pub fn strike(
    rig: &mut Rig<'_>,
    victim: Victim,
    after: Duration,
    oracle: &mut Oracle,
) -> Result<Kill, String> {
    let mut running = rig.start(u64::MAX, &Disturbance::default())?;
    let deadline = Instant::now() + PATIENCE;
    while rig.sending().is_none() && !running.has_ended() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(1));
    }
    // A driver takes its time to open a database.
    let opens = rig.kind.is_sql() && after >= EARLY;
    while opens && !rig.path("gauge").exists() && !running.has_ended() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(after);
    let in_flight = rig.in_flight();
    let hit = match victim {
        Victim::Process(role) => processes::kill(&running.id, role),
        Victim::Postgres => rig.server.as_ref().is_some_and(|(server, _)| {
            server.kill();
            true
        }),
    };
    let ended = running.end(PATIENCE);
    if victim == Victim::Postgres
        && let Some((server, _)) = &rig.server
    {
        server.restart();
    }
    let ended = ended?;
    let began = rig.sending().map(|sent| sent.from);
    rig.note_sent();
    let looked = oracle.after_a_crash(rig).and_then(|()| quiet(&ended.log, true));
    Ok(Kill {
        result: looked.map_err(|what| format!("{what}\n{}", ended.log)),
        hit: hit && !ended.status.success(),
        in_flight,
        began,
    })
}
