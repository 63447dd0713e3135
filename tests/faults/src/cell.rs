//! One cell: a run that is disturbed at a named point, a look at what is left, and runs to the end.

use std::time::{Duration, Instant};

use melisma_engine::faults::{ALL, On, Point};

use crate::oracle::{Oracle, quiet};
use crate::random::named;
use crate::rig::{Disturbance, Kind, Programs, Rig, Variant};
use crate::server::Server;
use crate::source::Source;

/// Rows of a cell.
const ROWS: u64 = 400;
/// Rows that come fresh when all is over.
const FRESH: u64 = 25;
/// A row that does not come.
const NEVER: u64 = 1 << 40;
/// Rows of the run before, where the target is overwritten.
const HALF: u64 = 130;
/// The runner said that all was well when it could not pass rows on, and when it could not read the last STATE.
const BROKE_ONCE: [&str; 2] = [
    "run.relay:error:target-jsonl",
    "run.state_read:error:target-jsonl:overwrite",
];
/// The points of a run that overwrites.
const OVERWRITING: [&str; 14] = [
    "decode.batch",
    "sink.write.after",
    "sink.commit.",
    "sink.finish.",
    "ledger.commit.",
    "state.tell.",
    "target.end",
    "run.relay",
    "run.state_read",
    "run.verdict",
    "store.",
    "files.part.",
    "postgres.commit.",
    "sql.commit.",
];
/// How the complaint of a cell begins whose point was not reached.
const VACUOUS: &str = "vacuous";
/// How long a point may take to strike.
const PATIENCE: Duration = Duration::from_secs(30);

/// What happens at the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// The process ends by SIGKILL.
    Kill,
    /// The call fails.
    Error,
    /// The call never returns; an operator ends the run.
    Hang,
}

impl How {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Kill, Self::Error, Self::Hang];

    /// As `MELISMA_FAULT` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Error => "error",
            Self::Hang => "hang",
        }
    }
}

/// A point, a target and a way.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// Where it strikes.
    pub point: &'static Point,
    /// The target.
    pub kind: Kind,
    /// What happens.
    pub how: How,
    /// Whether the target is overwritten: only the end makes rows durable.
    pub overwrite: bool,
}

/// What came of a cell.
#[derive(Debug)]
pub struct Outcome {
    /// What was violated.
    pub result: Result<(), String>,
    /// Units in flight when it struck.
    pub in_flight: u64,
    /// Rows that were sent again after the restart.
    pub replayed: u64,
}

impl Cell {
    /// `sink.commit.before:kill:target-csv`, as `--only` takes it.
    pub fn name(&self) -> String {
        let way = if self.overwrite { ":overwrite" } else { "" };
        format!(
            "{}:{}:{}{way}",
            self.point.name,
            self.how.name(),
            self.kind.name()
        )
    }

    /// Every cell: each point on the way of each target, in each way.
    pub fn all() -> Vec<Self> {
        let mut cells = Vec::new();
        for point in ALL {
            for kind in Kind::ALL {
                for how in How::ALL {
                    let comes = match point.on {
                        On::Every | On::StateFile => true,
                        On::Appended => matches!(kind, Kind::Jsonl | Kind::Csv),
                        On::Renamed => !kind.has_tables(),
                        On::Tables => kind.has_tables(),
                        On::Postgres | On::Held => kind == Kind::Postgres,
                        On::Sql | On::SqlHeld => kind.is_sql(),
                        // The tap of these cells sends records, and some of its streams have no stage.
                        On::Staged | On::Copied => false,
                    };
                    if comes {
                        cells.push(Self {
                            point,
                            kind,
                            how,
                            overwrite: false,
                        });
                    }
                }
            }
        }
        cells.extend(Self::overwriting());
        cells
    }

    /// The points about the end of a run, for targets that are overwritten.
    fn overwriting() -> Vec<Self> {
        let mut cells = Vec::new();
        for point in ALL
            .iter()
            .filter(|point| OVERWRITING.iter().any(|part| point.name.starts_with(part)))
        {
            for kind in Kind::ALL {
                let comes = match point.on {
                    On::Every => true,
                    On::Renamed => !kind.has_tables(),
                    On::Tables => kind.has_tables(),
                    On::Postgres => kind == Kind::Postgres,
                    On::Sql => kind.is_sql(),
                    On::StateFile | On::Appended | On::Held | On::SqlHeld | On::Staged | On::Copied => false,
                };
                let one = |how| Self {
                    point,
                    kind,
                    how,
                    overwrite: true,
                };
                cells.extend(How::ALL.into_iter().filter(|_| comes).map(one));
            }
        }
        cells
    }

    /// How the target is run so that it comes to the point.
    fn variant(&self, seed: u64) -> Variant {
        if self.overwrite {
            return Variant {
                overwrite: true,
                ..Variant::default()
            };
        }
        Variant {
            parts: self.point.on == On::Renamed || self.point.on == On::Every && seed % 4 == 1,
            state_file: self.point.on == On::StateFile || self.point.on == On::Every && seed % 3 == 1,
            held: self.kind.has_tables()
                && (matches!(self.point.on, On::Held | On::SqlHeld)
                    || matches!(self.point.on, On::Every | On::Sql) && seed % 5 == 1),
            overwrite: false,
        }
    }

    /// Which time that it comes to the point: not the first, where it comes there more often.
    fn pass(&self) -> u64 {
        if self.overwrite {
            let again = ["sink.", "ledger.", "files.", "decode."];
            return if again.iter().any(|part| self.point.name.starts_with(part)) {
                2
            } else {
                1
            };
        }
        match self.point.name {
            "reader.end" | "target.end" | "run.verdict" | "run.end" => 1,
            "sink.schema.before" | "sink.schema.after" | "postgres.key" | "postgres.keyed" => 1,
            "decode.batch" | "decode.state" => 5,
            name if [".write.", ".commit.", ".copy."]
                .iter()
                .any(|part| name.contains(part)) =>
            {
                3
            }
            _ => 2,
        }
    }

    /// SIGKILL at 24 points for each target (12 for those on the SQL kit, which have most code in common), those on the way of
    /// one target alone included, and what has broken once.
    pub fn quick() -> Vec<Self> {
        let killed: Vec<Self> = Self::all()
            .into_iter()
            .filter(|cell| cell.how == How::Kill && !cell.overwrite)
            .collect();
        let mut cells = Vec::new();
        for kind in Kind::ALL {
            let mine: Vec<Self> = killed.iter().copied().filter(|cell| cell.kind == kind).collect();
            let (every, own): (Vec<Self>, Vec<Self>) =
                mine.into_iter().partition(|cell| cell.point.on == On::Every);
            let own: Vec<Self> = own.into_iter().take(8).collect();
            let all = if kind.is_sql() { 12 } else { 24 };
            let rest = all - own.len();
            // Spread over the way, not its beginning alone.
            let step = |place: usize| every[place * every.len() / rest];
            cells.extend((0..rest).map(step).chain(own.iter().copied()));
        }
        let broke = |cell: &Self| BROKE_ONCE.contains(&&*cell.name());
        cells.extend(Self::all().into_iter().filter(broke));
        cells
    }

    /// Runs the cell.
    pub fn run(&self, programs: &Programs, server: Option<&Server>, seed: u64) -> Outcome {
        self.run_with(programs, server, seed, None)
    }

    /// Runs the cell with a bug planted.
    pub fn run_with(
        &self,
        programs: &Programs,
        server: Option<&Server>,
        seed: u64,
        bug: Option<&str>,
    ) -> Outcome {
        let seed = named(seed, &self.name());
        let mut outcome = Outcome {
            result: Ok(()),
            in_flight: 0,
            replayed: 0,
        };
        outcome.result = self.judge(programs, server, seed, self.pass(), bug, &mut outcome);
        // How often a run comes to a point follows from how batches and blocks happen to fall; once is enough.
        if self.pass() > 1
            && outcome
                .result
                .as_ref()
                .is_err_and(|what| what.starts_with(VACUOUS))
        {
            outcome.result = self.judge(programs, server, seed, 1, bug, &mut outcome);
        }
        outcome
    }

    fn judge(
        &self,
        programs: &Programs,
        server: Option<&Server>,
        seed: u64,
        pass: u64,
        bug: Option<&str>,
        outcome: &mut Outcome,
    ) -> Result<(), String> {
        let changes = !self.overwrite || self.kind.overwrites_changing_schemas();
        let source = Source {
            seed,
            state_every: 10,
            change: if changes { 150 } else { NEVER },
            activate: 250,
        };
        let mut rig = Rig::new(programs, self.kind, self.variant(seed), source, server)?;
        let mut oracle = Oracle::default();
        if self.overwrite {
            // Something that can be overwritten.
            let ended = rig.run(HALF, &Disturbance::default())?;
            oracle.overwritten_at_the_end(&rig, &ended, HALF)?;
        }
        let good = rig.sent.last().copied();
        let disturbance = Disturbance {
            fault: Some(format!("{}:{}:{}", self.point.name, self.how.name(), pass)),
            bug: bug.map(str::to_owned),
        };
        let mut running = rig.start(ROWS, &disturbance)?;
        if self.how == How::Hang {
            let deadline = Instant::now() + PATIENCE;
            while rig.mark().is_none() && !running.has_ended() && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(2));
            }
            running.give_up();
        }
        let ended = running.end(PATIENCE)?;
        rig.note_sent();
        let emitted = |what: String| format!("{what}\n{}", ended.log);
        if rig.mark().is_none() {
            return Err(emitted(format!(
                "{VACUOUS}: the run never came to {}",
                disturbance.fault.unwrap_or_default()
            )));
        }
        outcome.in_flight = rig.in_flight();
        let looked = if self.overwrite {
            oracle.overwritten_after_a_crash(&rig, good, ROWS)
        } else {
            oracle.after_a_crash(&rig)
        };
        looked.map_err(emitted)?;
        quiet(&ended.log, self.point.name == "state.tell.half")?;
        if ended.status.success() && oracle.covered() != ROWS {
            return Err(emitted(format!(
                "P6: the disturbed run says that all is well, and keeps the STATE of row {}",
                oracle.covered()
            )));
        }
        let before = rig.sent_to();
        for end in [ROWS, ROWS + FRESH] {
            let ended = rig.run(end, &Disturbance::default())?;
            if self.overwrite {
                oracle.overwritten_at_the_end(&rig, &ended, end)?;
            } else {
                oracle.at_the_end(&rig, &ended, end)?;
            }
            quiet(&ended.log, false)?;
        }
        let restart = if self.overwrite { 2 } else { 1 };
        let again = rig.sent.get(restart);
        outcome.replayed = again.map_or(0, |again| before.saturating_sub(again.from));
        Ok(())
    }
}
