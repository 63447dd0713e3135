//! The processes of a pair from their start to their end.
//!
//! Every wait is on a thread of its own that reports an [`Event`]. One loop receives the events, looks for signals and
//! decides. It returns when everything has ended, so that no process is left running and no state is missed.

use std::ffi::OsString;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use melisma_sdk::{Error, Kind, Result, fault};
use rustix::process::Signal;

use super::context::RunContext;
use super::limit::Limit;
use super::meter::{Attempt, Handles};
use super::outcome::{Ends, MapperEnd, Outcome, Verdict};
use super::plan::Plan;
use super::process_group::describe;
use super::processes::Processes;
use super::progress::Progress;
use super::query_plugin::TICK;
use super::relay::RelayEnd;
use super::shared_pipe::SharedPipe;
use super::threads::Event;
use crate::signals::Interruption;
use crate::state::StateWriter;
use crate::stderr;

/// How long the tap may take to end after SIGTERM, before it is killed.
const TERMINATION_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the target may take to write what it has received after `--timeout`, before it is killed.
const LAST_COMMIT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long output may still come after both processes have ended: a process that they left behind may hold it open.
pub(super) const OUTPUT_TIMEOUT: Duration = Duration::from_secs(5);
/// Two signals within this time count as one: a terminal and a wrapper may both send it.
const SAME_SIGNAL: Duration = Duration::from_millis(500);

/// What has happened so far.
#[derive(Default)]
struct Status {
    tap: Option<ExitStatus>,
    mappers_ended: usize,
    /// The first mapper that failed.
    mapper: Option<MapperEnd>,
    target: Option<ExitStatus>,
    /// The relay, or the counts of a shared pipe, have ended.
    relay_ended: bool,
    states_ended: bool,
    logs_ended: usize,
    /// The target ended, or stopped reading, before it had everything.
    target_first: bool,
    /// A failure of the runner between the two, for which neither of them is to blame.
    failed: Option<String>,
    all_ended_at: Option<Instant>,
    /// The first signal, or the timeout.
    interruption: Option<(Interruption, Instant)>,
    /// When the target had as many records as it was to get, and the tap was stopped.
    limit_reached_at: Option<Instant>,
    /// When a tap that is no longer needed is killed, and mappers with it.
    input_deadline: Option<Instant>,
    /// When a second signal killed all of them.
    killed_at: Option<Instant>,
}

struct Supervisor<'a> {
    processes: Processes,
    /// No record passes through the runner.
    shares_pipe: bool,
    status: Status,
    writer: &'a StateWriter,
    attempt: &'a Attempt,
    plan: &'a Plan,
    context: &'a RunContext,
}

/// Starts all processes, and returns when all have ended.
pub(super) fn supervise(
    plan: &Plan,
    tap_args: &[OsString],
    limit: Option<Limit>,
    writer: &StateWriter,
    attempt: &Attempt,
    context: &RunContext,
) -> Result<Outcome> {
    if let Some(interruption) = context.signals.take() {
        return Err(interruption.error());
    }
    let began = Instant::now();
    let processes = Processes::start(plan, tap_args, limit, writer, context)?;
    attempt.watch_records(Handles {
        counter: processes.counter.clone(),
        tap_facts: processes.tap_facts.clone(),
        target_facts: processes.target_facts.clone(),
    });
    let mut supervisor = Supervisor {
        shares_pipe: processes.shared_pipe.is_some(),
        processes,
        status: Status::default(),
        writer,
        attempt,
        plan,
        context,
    };
    let mut progress = Progress::new(&context.display, attempt.block(), attempt.pair_name());
    let verdict = supervisor.until_the_end(&mut progress);
    progress.clear(&context.console);
    let verdict = verdict?;
    let Processes {
        counter,
        target_facts,
        ..
    } = supervisor.processes;
    let counter = counter.lock().clone();
    Ok(Outcome {
        verdict,
        elapsed: began.elapsed(),
        counter,
        target_facts: target_facts.known(),
    })
}

impl Supervisor<'_> {
    fn until_the_end(&mut self, progress: &mut Progress) -> Result<Verdict> {
        loop {
            if let Ok(event) = self.processes.events.recv_timeout(TICK) {
                self.handle(event)?;
            }
            self.handle_signals();
            self.end_input_that_is_not_needed();
            self.give_the_verdict_on_the_input();
            let mappers = self.processes.mappers.len();
            let status = &mut self.status;
            if let (Some(tap), Some(target), true) =
                (status.tap, status.target, status.mappers_ended == mappers)
            {
                let since = *status.all_ended_at.get_or_insert_with(Instant::now);
                // The last lines of killed plugins are not waited for where the log is not read.
                let logs_ended = status.logs_ended == 2 + mappers
                    || status
                        .killed_at
                        .is_some_and(|at| at.elapsed() > stderr::patience());
                let all_ended = status.relay_ended && status.states_ended && logs_ended;
                if all_ended || since.elapsed() > OUTPUT_TIMEOUT {
                    return Ok(self.verdict(tap, target));
                }
            }
            self.show(progress);
        }
    }

    fn show(&self, progress: &mut Progress) {
        let Processes {
            shared_pipe,
            counter,
            tap_facts,
            ..
        } = &self.processes;
        let is_filling = shared_pipe
            .as_ref()
            .map_or_else(|| counter.is_writing(), SharedPipe::is_filling);
        self.attempt.sample();
        progress.sample(is_filling);
        progress.show(counter, tap_facts, &self.writer.progress(), &self.context.console);
    }

    fn handle(&mut self, event: Event) -> Result<()> {
        let failed = |what: &str, error| Error::io(format!("cannot wait for the {what}"), error);
        match event {
            Event::TapEnded(status) => {
                let status = status.map_err(|error| failed("tap", error))?;
                let name = &self.plan.tap.program.name;
                self.attempt.process_ended("tap", name, status);
                self.status.tap = Some(status);
            }
            Event::MapperEnded(index, status) => {
                let status = status.map_err(|error| failed("mapper", error))?;
                self.mapper_ended(index, status);
            }
            Event::TargetEnded(status) => {
                let status = status.map_err(|error| failed("target", error))?;
                let name = &self.plan.target.name;
                self.attempt.process_ended("target", name, status);
                self.status.target = Some(status);
                self.status.target_first |= match self.processes.shared_pipe.take() {
                    Some(pipe) => !pipe.tap_is_done(),
                    None => !self.status.relay_ended,
                };
            }
            Event::Relayed(end) => {
                self.status.relay_ended = true;
                match end {
                    RelayEnd::Done => {}
                    RelayEnd::TargetGone => self.status.target_first = true,
                    RelayEnd::Failed(error) => {
                        let why = format!("between tap and target: {error}");
                        self.context.console.error(&why);
                        self.status.failed = Some(why);
                        self.status.target_first = true;
                    }
                }
            }
            Event::LimitReached => {
                self.context
                    .console
                    .info("each stream has as many records as --limit says: stopping the tap");
                self.status.limit_reached_at = Some(Instant::now());
                self.processes.tap.signal(Signal::TERM);
            }
            Event::Counted => self.status.relay_ended = true,
            Event::StatesEnded(failed) => {
                self.status.states_ended = true;
                if failed.is_some() {
                    self.status.failed = failed;
                }
            }
            Event::LogEnded => self.status.logs_ended += 1,
        }
        Ok(())
    }

    /// A mapper that ends while there is input for it has failed, whatever its exit code is.
    fn mapper_ended(&mut self, index: usize, status: ExitStatus) {
        self.status.mappers_ended += 1;
        let mapper = &mut self.processes.mappers[index];
        self.attempt.process_ended("mapper", &mapper.name, status);
        let early = mapper.ended();
        if (early || !status.success()) && self.status.mapper.is_none() {
            self.status.mapper = Some(MapperEnd {
                name: mapper.name.clone(),
                status,
                early,
            });
        }
    }

    /// The first signal goes to the tap alone. It ends, and the target gets and commits everything that it wrote. (A target
    /// that gets a signal while it drains may emit a state too early: those of the Meltano SDK do.) The second signal kills
    /// everything, and so does the time that a run with a timeout takes to end.
    fn handle_signals(&mut self) {
        let now = self.context.signals.take();
        let console = &self.context.console;
        match (self.status.interruption, now) {
            (None, None) => {}
            (None, Some(interruption)) => {
                let ended_at = Instant::now();
                self.status.interruption = Some((interruption, ended_at));
                console.warn(&format!(
                    "the run is {interruption}: stopping the tap; the target finishes what it has received. A second signal kills all"
                ));
                if let Interruption::Timeout(_) = interruption {
                    self.status.input_deadline = Some(ended_at + TERMINATION_TIMEOUT);
                }
                self.processes.tap.signal(match interruption {
                    Interruption::Signal(signal_hook::consts::SIGINT) => Signal::INT,
                    _ => Signal::TERM,
                });
            }
            (Some((_, at)), Some(Interruption::Signal(_))) if at.elapsed() >= SAME_SIGNAL => {
                console.warn("another signal: all processes are killed");
                stderr::hurry();
                self.status.killed_at = Some(Instant::now());
                self.kill();
            }
            (Some((Interruption::Timeout(_), at)), _) if at.elapsed() > LAST_COMMIT_TIMEOUT => self.kill(),
            (Some(_), _) => {}
        }
    }

    fn kill(&self) {
        self.processes.signal_input(Signal::KILL);
        self.processes.target.signal(Signal::KILL);
    }

    /// Stops the tap and the mappers when the target or a mapper has ended, or when states can no longer be stored.
    fn end_input_that_is_not_needed(&mut self) {
        let status = &self.status;
        if status.tap.is_some() && status.mappers_ended == self.processes.mappers.len() {
            return;
        }
        if status
            .limit_reached_at
            .is_some_and(|at| at.elapsed() > TERMINATION_TIMEOUT)
        {
            self.processes.tap.signal(Signal::KILL);
        }
        let unread = status.target_first || status.mapper.as_ref().is_some_and(|mapper| mapper.early);
        match status.input_deadline {
            None if unread || self.writer.progress().failed => {
                self.status.input_deadline = Some(Instant::now() + TERMINATION_TIMEOUT);
                self.processes.signal_input(Signal::TERM);
            }
            Some(deadline) if Instant::now() > deadline => self.processes.signal_input(Signal::KILL),
            _ => {}
        }
    }

    /// Tells the target how its input ended, as soon as that is known.
    fn give_the_verdict_on_the_input(&mut self) {
        if self.processes.verdict.is_given() {
            return;
        }
        let status = &self.status;
        let tap_failed = status
            .tap
            .filter(|tap| !tap.success() && status.limit_reached_at.is_none())
            .map(describe);
        let mapper_failed = status.mapper.as_ref().map(|mapper| {
            format!(
                "the mapper {} ended with {}",
                mapper.name,
                describe(mapper.status)
            )
        });
        let interrupted = status
            .interruption
            .map(|(interruption, _)| interruption.to_string());
        let stopped = status.input_deadline.map(|_| "the tap was stopped".to_owned());
        let unread = status
            .target_first
            .then(|| "the target did not read all of it".to_owned());
        // A signal takes precedence over the exit code: a tap may exit with 0 after a signal.
        let why = interrupted
            .or_else(|| status.failed.clone())
            .or(unread)
            .or(mapper_failed)
            .or(stopped);
        let all_ended = status.tap.is_some() && status.mappers_ended == self.processes.mappers.len();
        if let Some(why) = why.or(tap_failed) {
            self.processes.verdict.failed(&why);
        } else if all_ended && (self.shares_pipe || status.relay_ended) {
            fault!(RUN_VERDICT, error => return self.processes.verdict.failed(&error.to_string()));
            self.processes.verdict.ok();
        }
    }

    fn verdict(&self, tap: ExitStatus, target: ExitStatus) -> Verdict {
        if let Some((interruption, _)) = self.status.interruption {
            return Verdict::Interrupted(interruption);
        }
        if let Some(why) = &self.status.failed {
            return Verdict::Failed(why.clone(), Kind::Io);
        }
        if self.status.target_first && target.success() {
            self.context
                .console
                .warn("the target ended with success before it had read all of its input");
        }
        // A target that learnt of the tap's failure repeats it with its own exit code.
        let unavailable = i32::from(Kind::Unavailable.exit_code());
        let follows = self.processes.verdict.is_failed() && target.code() == Some(unavailable);
        // How the tap took its stop means nothing.
        let tap = match self.status.limit_reached_at {
            Some(_) => ExitStatus::default(),
            None => tap,
        };
        Verdict::of(&Ends {
            tap,
            target,
            mapper: self.status.mapper.clone(),
            target_first: self.status.target_first,
            target_follows: follows,
        })
    }
}
