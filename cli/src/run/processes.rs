//! Starting the tap, the mappers and the target, connected by a relay or by one pipe.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, PipeReader};
use std::process::{Child, Command, Stdio};

use crossbeam_channel::{Receiver, unbounded};
use melisma_sdk::internal::copied;
use melisma_sdk::internal::protocol::widen;
use melisma_sdk::{Error, Result};
use rustix::process::Signal;

use super::context::RunContext;
use super::input_verdict::InputVerdict;
use super::limit::Limit;
use super::plan::Plan;
use super::plugin_fields::Role;
use super::plugin_log::Facts;
use super::process_group::ProcessGroup;
use super::program::Program;
use super::relay::SharedCounter;
use super::shared_pipe::{SharedPipe, has_data, is_done};
use super::threads::{self, Event};
use crate::state::StateWriter;

/// All processes of a pair, and what their threads report.
pub(super) struct Processes {
    pub(super) tap: ProcessGroup,
    pub(super) mappers: Vec<Mapper>,
    pub(super) target: ProcessGroup,
    /// When tap and target share a pipe: the runner's ends of it.
    pub(super) shared_pipe: Option<SharedPipe>,
    pub(super) verdict: InputVerdict,
    pub(super) events: Receiver<Event>,
    /// What passes to the target.
    pub(super) counter: SharedCounter,
    pub(super) tap_facts: Facts,
    pub(super) target_facts: Facts,
}

/// A mapper that is running.
pub(super) struct Mapper {
    pub(super) name: String,
    pub(super) group: ProcessGroup,
    /// The reading end of its input. While it is open, what is before a mapper that has died blocks instead of failing, so the
    /// runner always sees the mapper end first, and can tell whose failure it was.
    input: Option<PipeReader>,
}

impl Mapper {
    /// Called when it has ended: lets go of its input. Returns whether there was more of it to come.
    pub(super) fn ended(&mut self) -> bool {
        self.input
            .take()
            .is_some_and(|input| !is_done(&input) || has_data(&input))
    }
}

/// Processes that have been started. Unless [`keep`](Self::keep) is called, they are killed: nothing has been done yet.
#[derive(Default)]
struct Started(Vec<Child>);

impl Started {
    fn keep(mut self) -> Vec<Child> {
        std::mem::take(&mut self.0)
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        for mut child in self.0.drain(..) {
            drop(child.stdin.take());
            let group = ProcessGroup::of(&child);
            group.signal(Signal::KILL);
            let _ = group.wait(child);
        }
    }
}

impl Processes {
    /// Starts all of them.
    pub(super) fn start(
        plan: &Plan,
        tap_args: &[OsString],
        limit: Option<Limit>,
        writer: &StateWriter,
        context: &RunContext,
    ) -> Result<Self> {
        let mut tap_command = plan.tap.program.command();
        tap_command.args(tap_args);
        let mut mapper_commands: Vec<Command> = plan.mappers.iter().map(Program::command).collect();
        let mut target_command = plan.target.command();
        target_command.stdin(Stdio::piped());
        // Nothing that passes a shared pipe can be limited.
        let shared = limit
            .is_none()
            .then(|| share_pipe(plan, &mut tap_command, &mut target_command, context))
            .flatten();
        let (shared_pipe, counts) = shared.unzip();
        let inputs = connect(&mut tap_command, &mut mapper_commands)
            .map_err(|error| Error::io("cannot connect the tap and the mappers", error))?;
        let verdict = InputVerdict::offer(&mut target_command, context);
        // The target first, and the tap last: if another cannot be started, the tap has done nothing yet.
        let mut started = Started::default();
        started.0.push(plan.target.spawn(target_command)?);
        for (program, command) in plan.mappers.iter().zip(mapper_commands) {
            started.0.push(program.spawn(command)?);
        }
        started.0.push(plan.tap.program.spawn(tap_command)?);
        let mut children = started.keep().into_iter();
        let (Some(mut target), Some(mut tap)) = (children.next(), children.next_back()) else {
            return Err(Error::bug("a process is missing"));
        };
        let mut mappers: Vec<Child> = children.collect();
        let (sender, events) = unbounded();
        let counter = if context.marks_states {
            SharedCounter::with_marks()
        } else {
            SharedCounter::default()
        };
        let console = &context.console;
        let (tap_facts, target_facts) = (Facts::default(), Facts::default());
        match counts {
            Some(counts) => threads::count(counts, &counter, &sender),
            None => threads::relay_records(
                mappers.last_mut().unwrap_or(&mut tap),
                &mut target,
                limit,
                &counter,
                &sender,
            ),
        }
        let marks = counter.lock().marks.clone();
        threads::states(&mut target, &plan.target, writer, marks, console, &sender);
        let tap_role = Role::Tap.or_of_el(context.as_el);
        threads::log_lines(
            &mut tap,
            &plan.tap.program,
            tap_role,
            &tap_facts,
            console,
            &sender,
        );
        for (child, program) in mappers.iter_mut().zip(&plan.mappers) {
            threads::log_lines(child, program, Role::Mapper, &Facts::default(), console, &sender);
        }
        let target_role = Role::Target.or_of_el(context.as_el);
        threads::log_lines(
            &mut target,
            &plan.target,
            target_role,
            &target_facts,
            console,
            &sender,
        );
        let groups = (ProcessGroup::of(&tap), ProcessGroup::of(&target));
        threads::end_of(&groups.0, tap, &sender, Event::TapEnded);
        threads::end_of(&groups.1, target, &sender, Event::TargetEnded);
        let mut running = Vec::new();
        for (index, ((child, program), input)) in
            mappers.into_iter().zip(&plan.mappers).zip(inputs).enumerate()
        {
            let group = ProcessGroup::of(&child);
            threads::end_of(&group, child, &sender, move |status| {
                Event::MapperEnded(index, status)
            });
            running.push(Mapper {
                name: program.name.clone(),
                group,
                input: Some(input),
            });
        }
        Ok(Self {
            tap: groups.0,
            mappers: running,
            target: groups.1,
            shared_pipe,
            verdict,
            events,
            counter,
            tap_facts,
            target_facts,
        })
    }

    /// Sends a signal to the tap and the mappers.
    pub(super) fn signal_input(&self, signal: Signal) {
        self.tap.signal(signal);
        for mapper in &self.mappers {
            mapper.group.signal(signal);
        }
    }
}

/// Connects the tap and the mappers by pipes, one after the other; returns the inputs of the mappers.
fn connect(tap: &mut Command, mappers: &mut [Command]) -> io::Result<Vec<PipeReader>> {
    let mut inputs = Vec::new();
    let mut before = tap;
    for mapper in mappers {
        let (read, write) = io::pipe()?;
        widen(&write);
        before.stdout(write);
        mapper.stdin(read.try_clone()?);
        inputs.push(read);
        before = mapper;
    }
    Ok(inputs)
}

/// Connects two built-in plugins by one pipe. Other plugins are relayed, and so are built-in ones without FIFOs or with
/// mappers: only a built-in target reports what it has counted.
fn share_pipe(
    plan: &Plan,
    tap: &mut Command,
    target: &mut Command,
    context: &RunContext,
) -> Option<(SharedPipe, File)> {
    if plan.tap.program.builtin.is_none() || plan.target.builtin.is_none() || !plan.mappers.is_empty() {
        return None;
    }
    let shared = SharedPipe::connect(tap, target, &context.dir);
    if shared.is_ok()
        && let Some(form) = copied_form(plan)
    {
        for command in [tap, target] {
            command.env(copied::VARIABLE, form.name());
        }
    }
    context.console.debug(&match &shared {
        Ok(_) => "tap and target share one pipe".to_owned(),
        Err(error) => format!("tap and target are relayed: {error}"),
    });
    shared.ok()
}

/// The form of PostgreSQL's COPY in which rows travel: where tap and target both know it, and the user has not turned it off.
/// Whatever takes tuples takes lines as well.
fn copied_form(plan: &Plan) -> Option<copied::Form> {
    let wanted = std::env::var_os(copied::VARIABLE).unwrap_or_default();
    let may = wanted != "0" && plan.tap.program.builtin?.hands_over_copied();
    let best = plan.target.builtin?.takes_copied().filter(|_| may)?;
    Some(if wanted == copied::Form::Lines.name() {
        copied::Form::Lines
    } else {
        best
    })
}
