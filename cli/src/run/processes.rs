//! Starting the tap and the target, connected by a relay or by one pipe.

use std::ffi::OsString;
use std::fs::File;
use std::process::{Command, Stdio};

use crossbeam_channel::{Receiver, unbounded};
use melisma_sdk::Result;
use rustix::process::Signal;

use super::context::RunContext;
use super::input_verdict::InputVerdict;
use super::plan::Plan;
use super::plugin_log::Facts;
use super::process_group::ProcessGroup;
use super::relay::SharedCounter;
use super::shared_pipe::SharedPipe;
use super::threads::{self, Event};
use crate::state::StateWriter;

/// Both processes, and what their threads report.
pub(super) struct Processes {
    pub(super) tap: ProcessGroup,
    pub(super) target: ProcessGroup,
    /// When tap and target share a pipe: the runner's ends of it.
    pub(super) shared_pipe: Option<SharedPipe>,
    pub(super) verdict: InputVerdict,
    pub(super) events: Receiver<Event>,
    /// What passes from the tap to the target.
    pub(super) counter: SharedCounter,
    pub(super) tap_facts: Facts,
    pub(super) target_facts: Facts,
}

impl Processes {
    /// Starts both.
    pub(super) fn start(
        plan: &Plan,
        tap_args: &[OsString],
        writer: &StateWriter,
        context: &RunContext,
    ) -> Result<Self> {
        let mut tap_command = plan.tap.program.command();
        tap_command.args(tap_args);
        let mut target_command = plan.target.command();
        target_command.stdin(Stdio::piped());
        let shared = share_pipe(plan, &mut tap_command, &mut target_command, context);
        let (shared_pipe, counts) = shared.unzip();
        let verdict = InputVerdict::offer(&mut target_command, context);
        // The target first: if it cannot be started, the tap has done nothing yet.
        let mut target = plan.target.spawn(target_command)?;
        let mut tap = match plan.tap.program.spawn(tap_command) {
            Ok(tap) => tap,
            Err(error) => {
                drop(target.stdin.take());
                let group = ProcessGroup::of(&target);
                group.signal(Signal::KILL);
                let _ = group.wait(target);
                return Err(error);
            }
        };
        let (sender, events) = unbounded();
        let (counter, console) = (SharedCounter::default(), &context.console);
        let (tap_facts, target_facts) = (Facts::default(), Facts::default());
        match counts {
            Some(counts) => threads::count(counts, &counter, &sender),
            None => threads::relay_records(&mut tap, &mut target, &counter, &sender),
        }
        threads::states(&mut target, &plan.target, writer, console, &sender);
        threads::log_lines(&mut tap, &plan.tap.program, &tap_facts, console, &sender);
        threads::log_lines(&mut target, &plan.target, &target_facts, console, &sender);
        let groups = (ProcessGroup::of(&tap), ProcessGroup::of(&target));
        threads::end_of(&groups.0, tap, &sender, Event::TapEnded);
        threads::end_of(&groups.1, target, &sender, Event::TargetEnded);
        Ok(Self {
            tap: groups.0,
            target: groups.1,
            shared_pipe,
            verdict,
            events,
            counter,
            tap_facts,
            target_facts,
        })
    }
}

/// Connects two built-in plugins by one pipe. Other plugins are relayed, and so are built-in ones without FIFOs: only a
/// built-in target reports what it has counted.
fn share_pipe(
    plan: &Plan,
    tap: &mut Command,
    target: &mut Command,
    context: &RunContext,
) -> Option<(SharedPipe, File)> {
    if plan.tap.program.builtin.is_none() || plan.target.builtin.is_none() {
        return None;
    }
    let shared = SharedPipe::connect(tap, target, &context.dir);
    context.console.debug(&match &shared {
        Ok(_) => "tap and target share one pipe".to_owned(),
        Err(error) => format!("tap and target are relayed: {error}"),
    });
    shared.ok()
}
