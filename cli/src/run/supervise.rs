//! Both processes from their start to their end.
//!
//! Every wait is on a thread of its own that reports an [`Event`]; one loop takes the events, looks for signals and
//! decides. It ends when everything has ended, so nothing is left running and no state is missed.

use std::fs::File;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, unbounded};
use melisma_sdk::{Error, Kind, Result, fault};
use rustix::process::Signal;

use super::ask::TICK;
use super::direct::Direct;
use super::discover::Start;
use super::end::{End, Verdict};
use super::folder::RunFolder;
use super::input_verdict::InputVerdict;
use super::interrupted;
use super::logs::Said;
use super::plan::Plan;
use super::process::{Group, describe};
use super::progress::Progress;
use super::relay::{Counts, RelayEnd};
use super::threads::{self, Event};
use crate::console::{Console, Level};
use crate::signals::{self, Signals};
use crate::state::Keeper;

/// How long a process may take to end when nobody needs it any more, before it is killed.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the readers of a process's output may go on after its end: something it left behind may hold them.
const LINGER: Duration = Duration::from_secs(5);
/// Two signals within this time are one: a terminal, or a wrapper, may send both.
const DOUBLE: Duration = Duration::from_millis(500);

/// What has happened so far.
#[derive(Default)]
struct Seen {
    tap: Option<ExitStatus>,
    target: Option<ExitStatus>,
    /// The runner's hold on a direct pipe, while the target runs.
    direct: Option<Direct>,
    /// Nothing more comes from the relay, or from the counts of a direct pipe.
    relayed: bool,
    told: bool,
    logged: u8,
    /// The target went before it had everything.
    target_first: bool,
    /// What went wrong between the two, when neither is to blame.
    failed: Option<String>,
    /// When both processes were gone.
    both_gone: Option<Instant>,
    signal: Option<(i32, Instant)>,
    /// When a tap that nobody needs is killed.
    tap_deadline: Option<Instant>,
}

struct Run<'a> {
    tap: Group,
    target: Group,
    seen: Seen,
    /// No record passes through the runner.
    shares_pipe: bool,
    /// What the target is told about its input.
    input: InputVerdict,
    signals: &'a Signals,
    console: &'a Console,
}

/// Plugins of our own run on one pipe. Foreign ones are relayed, and so are ours where there are no FIFOs.
fn connect(
    plan: &Plan,
    tap: &mut Command,
    target: &mut Command,
    folder: &RunFolder,
    console: &Console,
) -> Option<(Direct, File)> {
    if !(plan.tap.program.builtin && plan.target.builtin) {
        return None;
    }
    let connected = Direct::connect(tap, target, folder);
    let how = match &connected {
        Ok(_) => "tap and target share one pipe".to_owned(),
        Err(error) => format!("tap and target are relayed: {error}"),
    };
    console.log(Level::Debug, "melisma", &how);
    connected.ok()
}

/// Starts both sides, and returns when both are gone.
pub(crate) fn supervise(
    plan: &Plan,
    start: &Start,
    folder: &RunFolder,
    keeper: &Keeper,
    signals: &Signals,
    console: &Arc<Console>,
) -> Result<End> {
    if let Some(signal) = signals.take() {
        return Err(interrupted(signal));
    }
    let began = Instant::now();
    let (events_in, events) = unbounded();
    let (counts, said, announced) = (Counts::default(), Said::default(), Said::default());
    let mut tap_command = plan.tap.program.command();
    tap_command.args(&start.args);
    // The target first: if it can not be started, the tap has not done anything.
    let mut target_command = plan.target.command();
    target_command.stdin(Stdio::piped());
    let direct = connect(plan, &mut tap_command, &mut target_command, folder, console);
    let (direct, counted) = direct.unzip();
    let input = InputVerdict::offer(&mut target_command, folder, console);
    let mut target = plan.target.spawn(target_command)?;
    let mut tap = match plan.tap.program.spawn(tap_command) {
        Ok(tap) => tap,
        Err(error) => {
            drop(target.stdin.take());
            let group = Group::of(&target);
            group.signal(Signal::KILL);
            let _ = group.wait(target);
            return Err(error);
        }
    };
    match counted {
        Some(from) => threads::count(from, &counts, &events_in),
        None => threads::relay_records(&mut tap, &mut target, &counts, &events_in),
    }
    threads::states(&mut target, &plan.target, keeper, console, &events_in);
    threads::log_lines(&mut tap, &plan.tap.program, &announced, console, &events_in);
    threads::log_lines(&mut target, &plan.target, &said, console, &events_in);
    let groups = (Group::of(&tap), Group::of(&target));
    threads::end_of(&groups.0, tap, &events_in, Event::TapEnded);
    threads::end_of(&groups.1, target, &events_in, Event::TargetEnded);
    let mut run = Run {
        tap: groups.0,
        target: groups.1,
        shares_pipe: direct.is_some(),
        input,
        seen: Seen {
            direct,
            ..Seen::default()
        },
        signals,
        console,
    };
    let mut progress = Progress::new(console);
    let result = run.until_the_end(&events, keeper, &mut |direct| {
        let is_filling = direct.map_or_else(|| counts.is_writing(), Direct::is_filling);
        progress.look(is_filling);
        progress.show(&counts, &announced, &keeper.kept(), console);
    });
    progress.clear(console);
    let verdict = result?;
    let tally = counts.lock().clone();
    Ok(End {
        verdict,
        elapsed: began.elapsed(),
        tally,
        said: said.facts(),
    })
}

impl Run<'_> {
    fn until_the_end(
        &mut self,
        events: &Receiver<Event>,
        keeper: &Keeper,
        show: &mut dyn FnMut(Option<&Direct>),
    ) -> Result<Verdict> {
        loop {
            if let Ok(event) = events.recv_timeout(TICK) {
                self.take(event)?;
            }
            self.look_for_signals();
            self.end_a_tap_that_nobody_needs(keeper);
            self.judge_the_input();
            if let (Some(tap), Some(target)) = (self.seen.tap, self.seen.target) {
                let since = *self.seen.both_gone.get_or_insert_with(Instant::now);
                let all = self.seen.relayed && self.seen.told && self.seen.logged == 2;
                if all || since.elapsed() > LINGER {
                    return Ok(self.verdict(tap, target));
                }
            }
            show(self.seen.direct.as_ref());
        }
    }

    fn take(&mut self, event: Event) -> Result<()> {
        let failed = |what: &str, error| Error::io(format!("cannot wait for the {what}"), error);
        match event {
            Event::TapEnded(status) => self.seen.tap = Some(status.map_err(|error| failed("tap", error))?),
            Event::TargetEnded(status) => {
                self.seen.target = Some(status.map_err(|error| failed("target", error))?);
                self.seen.target_first |= match self.seen.direct.take() {
                    Some(direct) => !direct.tap_is_done(),
                    None => !self.seen.relayed,
                };
            }
            Event::Relayed(end) => {
                self.seen.relayed = true;
                match end {
                    RelayEnd::Done => {}
                    RelayEnd::TargetGone => self.seen.target_first = true,
                    RelayEnd::Failed(error) => {
                        let why = format!("between tap and target: {error}");
                        self.console.log(Level::Error, "melisma", &why);
                        self.seen.failed = Some(why);
                        self.seen.target_first = true;
                    }
                }
            }
            Event::Counted => self.seen.relayed = true,
            Event::Told(failed) => {
                self.seen.told = true;
                if failed.is_some() {
                    self.seen.failed = failed;
                }
            }
            Event::Logged => self.seen.logged += 1,
        }
        Ok(())
    }

    /// The first signal goes to the tap alone: it ends, the target gets all that it wrote and commits it. (A target
    /// that is hit by a signal while it drains may tell a state too early; that is known of the Meltano SDK's.) The
    /// second one kills both.
    fn look_for_signals(&mut self) {
        let Some(signal) = self.signals.take() else { return };
        match self.seen.signal {
            None => {
                self.seen.signal = Some((signal, Instant::now()));
                self.console.warn(&format!(
                    "{}: the tap is asked to end, the target finishes what it has; once more kills both",
                    signals::name(signal)
                ));
                self.tap.signal(if signal == signal_hook::consts::SIGINT {
                    Signal::INT
                } else {
                    Signal::TERM
                });
            }
            Some((_, at)) if at.elapsed() < DOUBLE => {}
            Some(_) => {
                self.console
                    .warn(&format!("{} again: both are killed", signals::name(signal)));
                self.tap.signal(Signal::KILL);
                self.target.signal(Signal::KILL);
            }
        }
    }

    /// When the target is gone, or no state can be stored any more.
    fn end_a_tap_that_nobody_needs(&mut self, keeper: &Keeper) {
        if self.seen.tap.is_some() {
            return;
        }
        match self.seen.tap_deadline {
            None if self.seen.target_first || keeper.kept().failed => {
                self.seen.tap_deadline = Some(Instant::now() + PATIENCE);
                self.tap.signal(Signal::TERM);
            }
            Some(deadline) if Instant::now() > deadline => self.tap.signal(Signal::KILL),
            _ => {}
        }
    }

    /// Tells the target how its input has ended, as soon as that is known.
    fn judge_the_input(&mut self) {
        if self.input.is_given() {
            return;
        }
        let seen = &self.seen;
        let tap_failed = seen.tap.filter(|status| !status.success()).map(describe);
        let asked = seen.signal.map(|(signal, _)| signals::name(signal).to_owned());
        let not_needed = seen.tap_deadline.map(|_| "the tap was asked to end".to_owned());
        let unread = seen
            .target_first
            .then(|| "the target did not read all of it".to_owned());
        // What was asked for comes before how it ended then: a tap may take a signal for a good reason to end.
        let why = asked.or_else(|| seen.failed.clone()).or(unread).or(not_needed);
        if let Some(why) = why.or(tap_failed) {
            self.input.failed(&why);
        } else if seen.tap.is_some() && (self.shares_pipe || seen.relayed) {
            fault!(RUN_VERDICT, error => return self.input.failed(&error.to_string()));
            self.input.ok();
        }
    }

    fn verdict(&self, tap: ExitStatus, target: ExitStatus) -> Verdict {
        if let Some((signal, _)) = self.seen.signal {
            return Verdict::Interrupted(signal);
        }
        if let Some(why) = &self.seen.failed {
            return Verdict::Failed(why.clone(), Kind::Io);
        }
        if self.seen.target_first && target.success() {
            self.console
                .warn("the target ended before it had everything, and says that is well");
        }
        // The exit of a target that was told of the tap's failure says the same once more.
        let unavailable = i32::from(Kind::Unavailable.exit_code());
        let follows = self.input.is_failed() && target.code() == Some(unavailable);
        Verdict::of(tap, target, self.seen.target_first, follows)
    }
}
