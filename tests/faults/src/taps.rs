//! Taps that fail, runs that are interrupted, runners that are killed: to the target each looks like the end of a good run,
//! for its pipe closes.
//!
//! A target that appends keeps the rows that came, and no STATE ahead of them. One that is overwritten keeps what was there:
//! not a row may have changed, and the STATE that is kept is that of the run before.

use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::oracle::{Oracle, quiet};
use crate::processes::{self, Role};
use crate::random::named;
use crate::rig::{Disturbance, Kind, Programs, Rig, Variant};
use crate::server::Server;
use crate::source::Source;
use crate::tap::Ends;

/// Rows of the run before, of the run that fails (its last ones have no STATE of their own), and of the two that end well
/// after it.
const ROWS: [u64; 4] = [130, 293, 400, 425];
/// A row that does not come.
const NEVER: u64 = 1 << 40;
/// How long a tap may take to send its rows.
const PATIENCE: Duration = Duration::from_secs(30);

/// How a run comes to its end before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// By itself.
    Tap(Ends),
    /// All rows are sent; then the runner gets this signal, and the tap dies of it or ends with success.
    Interrupted(i32, Ends),
    /// All rows are sent; then the runner is killed.
    RunnerKilled,
    /// All rows are sent; then the tap is killed, and the runner a moment later.
    BothKilled,
}

impl How {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Tap(Ends::Fails),
        Self::Tap(Ends::FailsAfterState),
        Self::Tap(Ends::Killed),
        Self::Tap(Ends::KilledAfterState),
        Self::Interrupted(2, Ends::Waits),
        Self::Interrupted(15, Ends::Waits),
        Self::Interrupted(2, Ends::WaitsAndObeys),
        Self::RunnerKilled,
        Self::BothKilled,
    ];

    /// As the name of a cell has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tap(Ends::Fails) => "tap-fails",
            Self::Tap(Ends::FailsAfterState) => "tap-fails-after-state",
            Self::Tap(Ends::Killed) => "tap-killed",
            Self::Tap(Ends::KilledAfterState) => "tap-killed-after-state",
            Self::Tap(Ends::Well | Ends::Waits | Ends::WaitsAndObeys) => "tap-well",
            Self::Interrupted(2, Ends::WaitsAndObeys) => "interrupted-tap-obeys",
            Self::Interrupted(2, _) => "interrupted",
            Self::Interrupted(..) => "terminated",
            Self::RunnerKilled => "runner-killed",
            Self::BothKilled => "tap-and-runner-killed",
        }
    }

    /// For people.
    pub fn does(self) -> &'static str {
        match self {
            Self::Tap(Ends::Fails) => "the tap exits with 1 behind a row",
            Self::Tap(Ends::FailsAfterState) => "the tap exits with 1 behind its last STATE",
            Self::Tap(Ends::Killed) => "SIGKILL of the tap behind a row",
            Self::Tap(Ends::KilledAfterState) => "SIGKILL of the tap behind its last STATE",
            Self::Tap(Ends::Well | Ends::Waits | Ends::WaitsAndObeys) => "the tap ends well",
            Self::Interrupted(2, Ends::WaitsAndObeys) => "SIGINT to the runner; the tap ends with success",
            Self::Interrupted(2, _) => "SIGINT to the runner; the tap dies of it",
            Self::Interrupted(..) => "SIGTERM to the runner; the tap dies of it",
            Self::RunnerKilled => "SIGKILL of the runner",
            Self::BothKilled => "SIGKILL of the tap, then of the runner",
        }
    }

    fn ends(self) -> Ends {
        match self {
            Self::Tap(ends) | Self::Interrupted(_, ends) => ends,
            Self::RunnerKilled | Self::BothKilled => Ends::Waits,
        }
    }
}

/// A target and the end of a run.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// The target.
    pub kind: Kind,
    /// Whether it is overwritten.
    pub overwrite: bool,
    /// What happens.
    pub how: How,
}

impl Cell {
    /// `end:tap-fails:target-csv:overwrite`, as `--only` takes it.
    pub fn name(&self) -> String {
        let way = if self.overwrite { ":overwrite" } else { "" };
        format!("end:{}:{}{way}", self.how.name(), self.kind.name())
    }

    /// Every end for every target, appended to and overwritten.
    pub fn all() -> Vec<Self> {
        let mut cells = Vec::new();
        for overwrite in [false, true] {
            for kind in Kind::ALL {
                for how in How::ALL {
                    cells.push(Self { kind, overwrite, how });
                }
            }
        }
        cells
    }

    /// Each end once, each target twice at least, overwritten; and one that appends.
    pub fn quick() -> Vec<Self> {
        let of = |place: usize| Self {
            kind: Kind::ALL[place % Kind::ALL.len()],
            overwrite: true,
            how: How::ALL[place],
        };
        let mut cells: Vec<Self> = (0..How::ALL.len()).map(of).collect();
        cells.push(Self {
            overwrite: false,
            ..cells[0]
        });
        cells
    }

    /// Runs the cell.
    ///
    /// # Errors
    /// What is violated.
    pub fn run(&self, programs: &Programs, server: Option<&Server>, seed: u64) -> Result<(), String> {
        self.run_with(programs, server, seed, None)
    }

    /// Runs the cell with a bug planted.
    ///
    /// # Errors
    /// What is violated.
    pub fn run_with(
        &self,
        programs: &Programs,
        server: Option<&Server>,
        seed: u64,
        bug: Option<&str>,
    ) -> Result<(), String> {
        let source = Source {
            seed: named(seed, &self.name()),
            state_every: 10,
            change: if self.overwrite && !self.kind.overwrites_changing_schemas() {
                NEVER
            } else {
                150
            },
            activate: 250,
        };
        let variant = Variant {
            overwrite: self.overwrite,
            ..Variant::default()
        };
        let mut rig = Rig::new(programs, self.kind, variant, source, server)?;
        let mut oracle = Oracle::default();
        let [before, cut, after, fresh] = ROWS;
        let ended = rig.run(before, &Disturbance::default())?;
        self.at_the_end(&mut oracle, &rig, &ended, before)?;
        let good = rig.sent.last().copied().ok_or("the tap noted nothing")?;

        rig.ends = self.how.ends();
        let disturbance = Disturbance {
            fault: None,
            bug: bug.map(str::to_owned),
        };
        let mut running = rig.start(cut, &disturbance)?;
        if rig.ends != Ends::Well && !matches!(self.how, How::Tap(_)) {
            let deadline = Instant::now() + PATIENCE;
            while !rig.waits() {
                if running.has_ended() || Instant::now() > deadline {
                    return Err(format!(
                        "vacuous: the tap never waited\n{}",
                        running.end(PATIENCE)?.log
                    ));
                }
                thread::sleep(Duration::from_millis(2));
            }
            match self.how {
                How::Tap(_) => {}
                How::Interrupted(2, _) => running.signal(Signal::INT),
                How::Interrupted(..) => running.signal(Signal::TERM),
                How::RunnerKilled => running.signal(Signal::KILL),
                How::BothKilled => {
                    processes::kill(&running.id, Role::Tap);
                    running.signal(Signal::KILL);
                }
            }
        }
        let ended = running.end(PATIENCE)?;
        rig.note_sent();
        let emitted = |what: String| format!("{what}\n{}", ended.log);
        if ended.status.success() {
            return Err(emitted("P6: the run says that all is well".into()));
        }
        if rig.sent_to() < cut {
            return Err(emitted(format!(
                "vacuous: the tap sent {} rows, not {cut}",
                rig.sent_to()
            )));
        }
        let looked = if self.overwrite {
            oracle.overwritten_by_nobody(&rig, good)
        } else {
            oracle.after_a_crash(&rig)
        };
        looked.and_then(|()| quiet(&ended.log, false)).map_err(emitted)?;

        rig.ends = Ends::Well;
        for end in [after, fresh] {
            let ended = rig.run(end, &Disturbance::default())?;
            self.at_the_end(&mut oracle, &rig, &ended, end)?;
            quiet(&ended.log, false)?;
        }
        Ok(())
    }

    fn at_the_end(
        &self,
        oracle: &mut Oracle,
        rig: &Rig<'_>,
        ended: &crate::rig::Ended,
        end: u64,
    ) -> Result<(), String> {
        if self.overwrite {
            oracle.overwritten_at_the_end(rig, ended, end)
        } else {
            oracle.at_the_end(rig, ended, end)
        }
    }
}
