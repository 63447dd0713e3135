//! The turns: every candidate runs once without being timed, and its rows are checked; then all run in turns.
//!
//! The order rotates from turn to turn, so that no candidate always runs after the same other one, and what slows the
//! machine down for a while slows all of them.

use std::ffi::OsString;
use std::fs;

use melisma_sdk::{Error, Kind as ErrorKind, Result};
use tempfile::NamedTempFile;

use crate::check::{self, RunReport};
use crate::noise;
use crate::plan::{Candidate, Expected, Kind, Plan, Settings, Yields, floors};
use crate::process::{self, Command, Failure, Input, Output, Run};
use crate::records::{self, Counted, Depth};
use crate::report::{Case, CheckForm, Figures, Measured, Outcome, RatioForm, Role, RunForm};
use crate::words::{CommandLine, Programs, Values};

/// The most bytes of a tap's output that are kept for the floors.
const MOST_COPIED: u64 = 4 << 30;

/// Measures one plan. `say` gets a line for people before each turn, and what a command wrote before it failed.
pub fn measure(
    plan: &Plan,
    settings: &Settings,
    programs: &Programs,
    say: &mut dyn FnMut(&str),
) -> Result<Case> {
    let mut session = Session::new(plan, programs, say)?;
    session.expect()?;
    session.warm_up()?;
    for turn in 1..=settings.runs {
        (session.say)(&format!("turn {turn} of {}", settings.runs));
        session.turn(turn)?;
    }
    let mut case = session.case();
    noise::judge(&mut case, settings);
    Ok(case)
}

/// A candidate and what is known of it so far.
struct Lane {
    candidate: Candidate,
    commands: Vec<Command>,
    outcome: Outcome,
    why: Option<String>,
    check: CheckForm,
    runs: Vec<RunForm>,
}

struct Session<'a> {
    plan: &'a Plan,
    programs: &'a Programs,
    say: &'a mut dyn FnMut(&str),
    variables: Vec<(String, OsString)>,
    lanes: Vec<Lane>,
    expected: Expected,
    /// The records and bytes of the job, for rates.
    records: Option<u64>,
    bytes: Option<u64>,
    /// What the tap wrote, for the floors.
    copy: Option<NamedTempFile>,
    notes: Vec<String>,
}

impl<'a> Session<'a> {
    fn new(plan: &'a Plan, programs: &'a Programs, say: &'a mut dyn FnMut(&str)) -> Result<Self> {
        let mut variables = Vec::new();
        if let Some(input) = &plan.input {
            variables.push(("MELISMA_BENCH_INPUT".to_owned(), input.clone().into_os_string()));
        }
        if let Some(rows) = plan.records.or(plan.generated.as_ref().map(|input| input.rows)) {
            variables.push(("MELISMA_BENCH_ROWS".to_owned(), rows.to_string().into()));
        }
        let mut session = Self {
            plan,
            programs,
            say,
            variables,
            lanes: Vec::new(),
            expected: Expected::default(),
            records: None,
            bytes: None,
            copy: None,
            notes: Vec::new(),
        };
        for candidate in &plan.candidates {
            session.add(candidate.clone())?;
        }
        Ok(session)
    }

    fn add(&mut self, candidate: Candidate) -> Result<()> {
        let commands: Result<Vec<Command>> =
            candidate.commands.iter().map(|line| self.resolve(line)).collect();
        self.lanes.push(Lane {
            commands: commands?,
            candidate,
            outcome: Outcome::Measured,
            why: None,
            check: CheckForm::default(),
            runs: Vec::new(),
        });
        Ok(())
    }

    fn resolve(&self, line: &CommandLine) -> Result<Command> {
        let rows = self
            .plan
            .records
            .or(self.plan.generated.as_ref().map(|input| input.rows));
        let values = Values {
            input: self.plan.input.as_deref(),
            rows,
        };
        line.resolve(&values, self.programs)
    }

    /// Finds out what must arrive, from the input, the file of `--expect`, or the tap of a pair alone.
    fn expect(&mut self) -> Result<()> {
        let is_fed = self.plan.candidates.iter().any(|candidate| candidate.is_fed);
        let file = self
            .plan
            .expect
            .as_ref()
            .or(self.plan.input.as_ref().filter(|_| is_fed));
        if let Some(path) = file {
            (self.say)("reading what must arrive");
            let cannot = |error| Error::io(format!("cannot read {}", path.display()), error);
            let counted =
                records::read(fs::File::open(path).map_err(cannot)?, Depth::Parse).map_err(cannot)?;
            self.know(counted);
        } else if let Some(tap) = &self.plan.tap {
            (self.say)("reading the tap alone, to know what must arrive");
            self.prepare()?;
            let command = self.resolve(tap)?;
            match self.copied(&[command]) {
                Ok(run) => self.know(run.counted),
                Err(failure) => self.notes.push(format!(
                    "the tap alone says not what must arrive: {}",
                    failure.describe().replace('\n', " | ")
                )),
            }
        }
        if self.plan.records.is_some() {
            self.expected.records = self.plan.records;
        }
        Ok(())
    }

    fn know(&mut self, counted: Counted) {
        (self.records, self.bytes) = (Some(counted.records), Some(counted.bytes));
        self.expected = Expected {
            records: Some(counted.records),
            checksum: Some(counted.checksum),
            last_state: counted.last_state,
        };
    }

    /// Runs commands whose output is copied for the floors.
    fn copied(&mut self, commands: &[Command]) -> Result<Run, Failure> {
        let mut copy = NamedTempFile::new_in(&self.plan.folder).ok();
        let output = match &mut copy {
            Some(file) if self.plan.has_floors => {
                Output::Copied(Depth::Parse, file.as_file_mut(), MOST_COPIED)
            }
            _ => Output::Read(Depth::Parse),
        };
        let run = process::run(commands, &self.variables, Input::Empty, output)?;
        if run.is_copied {
            self.copy = copy;
        } else if self.plan.has_floors {
            self.notes
                .push("no floors: the output of the tap was too long to keep".to_owned());
        }
        Ok(run)
    }

    /// One run of each, which is not timed.
    fn warm_up(&mut self) -> Result<()> {
        let given = self.lanes.len();
        for at in 0..given {
            self.first(at)?;
        }
        if self.plan.has_floors {
            for floor in floors(self.plan.kind, self.copy.as_ref().map(NamedTempFile::path)) {
                self.add(floor)?;
            }
            for at in given..self.lanes.len() {
                self.first(at)?;
            }
        }
        Ok(())
    }

    /// The first run of a candidate: its output is parsed.
    fn first(&mut self, at: usize) -> Result<()> {
        (self.say)(&format!("warm-up: {}", self.lanes[at].candidate.name));
        self.prepare()?;
        let is_subject = self.lanes[at].candidate.role == Role::Subject;
        let ran = if is_subject && self.plan.kind == Kind::Tap {
            let commands = self.lanes[at].commands.clone();
            self.copied(&commands)
        } else {
            self.timed(at, Depth::Parse)
        };
        let Some(run) = self.sound(at, ran)? else {
            return Ok(());
        };
        if is_subject {
            self.learn(at, &run);
        }
        let form = self.judge(at, &run, Depth::Parse)?;
        self.settle(at, form)
    }

    /// What the first run of the subject says of the job.
    fn learn(&mut self, at: usize, run: &Run) {
        if self.plan.kind == Kind::Tap {
            (self.records, self.bytes) = (Some(run.counted.records), Some(run.counted.bytes));
            // Without an expectation of the user, later runs and rivals are compared with this one.
            self.expected.records.get_or_insert(run.counted.records);
            self.expected.checksum.get_or_insert(run.counted.checksum);
        } else if let Some(report) = self.run_report(at)
            && self.records.is_none()
        {
            (self.records, self.bytes) = (Some(report.target_records), report.bytes);
            self.expected.records.get_or_insert(report.target_records);
        }
    }

    /// All candidates once, beginning with another one each time.
    fn turn(&mut self, turn: u32) -> Result<()> {
        let count = self.lanes.len();
        for step in 0..count {
            let at = (step + turn as usize) % count;
            if self.lanes[at].outcome != Outcome::Measured {
                continue;
            }
            self.prepare()?;
            let ran = self.timed(at, Depth::Count);
            let Some(run) = self.sound(at, ran)? else { continue };
            let form = self.judge(at, &run, Depth::Count)?;
            if form.passed == Some(false) {
                self.settle(at, form)?;
                continue;
            }
            let start_up_seconds = self.start_up(at);
            let is_seen = self.lanes[at].candidate.yields == Yields::Records;
            self.lanes[at]
                .runs
                .push(form_of(&run, turn, is_seen, start_up_seconds));
        }
        Ok(())
    }

    fn timed(&self, at: usize, depth: Depth) -> Result<Run, Failure> {
        let lane = &self.lanes[at];
        let input = match &self.plan.input {
            Some(path) if lane.candidate.is_fed => Input::Fed(path),
            _ => Input::Empty,
        };
        let output = match lane.candidate.yields {
            Yields::Nothing => Output::Discarded,
            Yields::Bytes => Output::Read(Depth::Count),
            Yields::Records => Output::Read(depth),
            Yields::States => Output::Read(Depth::Parse),
        };
        process::run(&lane.commands, &self.variables, input, output)
    }

    /// From start to end without input, for what has an input.
    fn start_up(&self, at: usize) -> Option<f64> {
        let lane = &self.lanes[at];
        let has_start = lane.candidate.is_fed && lane.candidate.role != Role::Floor;
        if !has_start {
            return None;
        }
        process::run(&lane.commands, &self.variables, Input::Empty, Output::Discarded)
            .ok()
            .map(|run| run.wall.as_secs_f64())
    }

    fn prepare(&self) -> Result<()> {
        let Some(line) = &self.plan.prepare else {
            return Ok(());
        };
        let command = self.resolve(line)?;
        process::run(&[command], &self.variables, Input::Empty, Output::Discarded)
            .map(|_| ())
            .map_err(|failure| check::failed("--prepare", &failure))
    }

    /// The run, if it succeeded. The subject must; others are out.
    fn sound(&mut self, at: usize, ran: Result<Run, Failure>) -> Result<Option<Run>> {
        let failure = match ran {
            Ok(run) => return Ok(Some(run)),
            Err(failure) => failure,
        };
        if matches!(failure, Failure::Interrupted) {
            return Err(check::failed("a signal", &failure));
        }
        let name = &self.lanes[at].candidate.name;
        if self.lanes[at].candidate.role == Role::Subject {
            let (kind, text) = match &failure {
                Failure::Missing(_) => (ErrorKind::Unavailable, failure.describe()),
                Failure::Interrupted => (ErrorKind::Failed, failure.describe()),
                Failure::Failed { what, stderr } => {
                    stderr
                        .lines()
                        .for_each(|line| (self.say)(&format!("{name}: {line}")));
                    (ErrorKind::Failed, what.clone())
                }
            };
            return Err(Error::new(kind, format!("{name}: {text}")));
        }
        let lane = &mut self.lanes[at];
        lane.outcome = match failure {
            Failure::Missing(_) => Outcome::Missing,
            Failure::Failed { .. } | Failure::Interrupted => Outcome::Failed,
        };
        lane.why = Some(failure.describe());
        lane.runs.clear();
        Ok(None)
    }

    /// Whether the rows of a run arrived.
    fn judge(&self, at: usize, run: &Run, depth: Depth) -> Result<CheckForm> {
        let candidate = &self.lanes[at].candidate;
        if candidate.role == Role::Floor {
            return Ok(check::unknown("a floor delivers no rows"));
        }
        if candidate.role == Role::Subject && !run.read_all {
            let text = format!("{}: it ended before it had read its whole input", candidate.name);
            return Err(Error::input(text));
        }
        if candidate.yields == Yields::Records {
            let form = check::records(&run.counted, &self.expected, depth);
            let has_all = Some(run.counted.records) == self.expected.records;
            // Another tap may spell a date in another way, and has done the same work.
            let is_spelled = form.passed == Some(false) && has_all && candidate.role == Role::Rival;
            return Ok(if is_spelled { check::other_values() } else { form });
        }
        if let Some(line) = &self.plan.check {
            return check::ask(&self.resolve(line)?, &self.variables, &self.expected);
        }
        if let Some(report) = self.run_report(at) {
            return Ok(check::run_report(&report, &self.expected));
        }
        Ok(match candidate.yields {
            Yields::States => check::states(&run.counted, &self.expected),
            _ => check::unknown("nothing can be seen of its rows without --check"),
        })
    }

    fn run_report(&self, at: usize) -> Option<RunReport> {
        let path = self.lanes[at].candidate.report.as_ref()?;
        RunReport::parse(&fs::read_to_string(path).ok()?)
    }

    /// Keeps the result of a check. The subject's rows must have arrived; a rival whose rows did not is out.
    fn settle(&mut self, at: usize, form: CheckForm) -> Result<()> {
        let lane = &mut self.lanes[at];
        if form.passed == Some(false) {
            if lane.candidate.role == Role::Subject {
                let text = format!(
                    "{}: {}: its times are not believed",
                    lane.candidate.name, form.how
                );
                return Err(Error::input(text));
            }
            lane.outcome = Outcome::Wrong;
            lane.why = Some(form.how.clone());
            lane.runs.clear();
        }
        lane.check = form;
        Ok(())
    }

    fn case(self) -> Case {
        let (records, bytes) = (self.records, self.bytes);
        let candidates: Vec<Measured> = self
            .lanes
            .into_iter()
            .map(|lane| {
                let own = lane.runs.first().and_then(|run| run.bytes);
                let is_seen = lane.candidate.yields == Yields::Records;
                Measured {
                    name: lane.candidate.name.clone(),
                    role: lane.candidate.role,
                    command: lane.candidate.describe(),
                    outcome: lane.outcome,
                    why: lane.why,
                    check: lane.check,
                    figures: Figures::of(&lane.runs, records, own.filter(|_| is_seen).or(bytes)),
                    runs: lane.runs,
                }
            })
            .collect();
        let generated = self.plan.generated.as_ref();
        let mut case = Case {
            shape: generated.map(|input| input.shape.clone()),
            rows: generated.map(|input| input.rows),
            columns: generated.and_then(|input| input.columns),
            streams: generated.and_then(|input| input.streams),
            records,
            bytes,
            candidates,
            notes: self.notes,
            ..Case::default()
        };
        if let Some(subject) = case.subject() {
            case.ratios = case
                .candidates
                .iter()
                .filter(|other| other.role != Role::Subject && !other.runs.is_empty())
                .map(|other| RatioForm::of(other, subject))
                .collect();
        }
        case
    }
}

/// `is_seen`: what the run wrote are records, and not the STATE of a target.
fn form_of(run: &Run, turn: u32, is_seen: bool, start_up_seconds: Option<f64>) -> RunForm {
    let seconds = |time: Option<std::time::Duration>| time.map(|time| time.as_secs_f64());
    RunForm {
        turn,
        wall_seconds: run.wall.as_secs_f64(),
        user_seconds: run.user.as_secs_f64(),
        system_seconds: run.system.as_secs_f64(),
        other_seconds: seconds(run.others),
        peak_bytes: run.peak,
        first_byte_seconds: seconds(run.first_byte),
        first_record_seconds: seconds(run.first_record.filter(|_| is_seen)),
        start_up_seconds,
        records: Some(run.counted.records).filter(|records| is_seen && *records > 0),
        bytes: Some(run.counted.bytes).filter(|bytes| is_seen && *bytes > 0),
    }
}
