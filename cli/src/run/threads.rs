//! The threads of a run. Each waits for one thing and reports an [`Event`] when it is over.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::thread;

use crossbeam_channel::Sender;
use melisma_sdk::internal::protocol::widen;

use super::limit::{self, Limit};
use super::plugin_fields::Role;
use super::plugin_log::{self, Facts};
use super::process_group::ProcessGroup;
use super::program::Program;
use super::relay::{RelayEnd, SharedCounter, relay};
use super::shared_pipe::read_counts;
use super::state_reader::read_states;
use crate::console::Console;
use crate::count::StateMarks;
use crate::state::StateWriter;

/// What a thread reports.
pub(super) enum Event {
    TapEnded(std::io::Result<ExitStatus>),
    /// By its place in the chain.
    MapperEnded(usize, std::io::Result<ExitStatus>),
    TargetEnded(std::io::Result<ExitStatus>),
    Relayed(RelayEnd),
    /// The target has as many records of each stream as it was to get.
    LimitReached,
    /// The target on a shared pipe closed the FIFO of its counts.
    Counted,
    /// The target closed its stdout, or reading its states failed for this reason.
    StatesEnded(Option<String>),
    /// A plugin closed its stderr.
    LogEnded,
}

/// Relays records from the tap, or from the last mapper, to the target; with a limit, the first of each stream.
pub(super) fn relay_records(
    source: &mut Child,
    target: &mut Child,
    limit: Option<Limit>,
    counter: &SharedCounter,
    events: &Sender<Event>,
) {
    let (Some(from), Some(to)) = (source.stdout.take(), target.stdin.take()) else {
        return;
    };
    widen(&from);
    widen(&to);
    let (from, to) = (File::from(OwnedFd::from(from)), File::from(OwnedFd::from(to)));
    let (counter, events) = (counter.clone(), events.clone());
    thread::spawn(move || {
        let report = |end| drop(events.send(Event::Relayed(end)));
        match limit {
            Some(limit) => {
                let reached = || drop(events.send(Event::LimitReached));
                limit::relay(from, to, &counter, limit, reached, report);
            }
            None => relay(from, to, &counter, report),
        }
    });
}

/// Reads the counts of a target on a shared pipe.
pub(super) fn count(from: File, counter: &SharedCounter, events: &Sender<Event>) {
    let (counter, events) = (counter.clone(), events.clone());
    thread::spawn(move || {
        read_counts(from, &counter);
        let _ = events.send(Event::Counted);
    });
}

/// Passes the states that the target emits to the store.
pub(super) fn states(
    target: &mut Child,
    program: &Program,
    writer: &StateWriter,
    marks: Option<StateMarks>,
    console: &Arc<Console>,
    events: &Sender<Event>,
) {
    let Some(stdout) = target.stdout.take() else {
        return;
    };
    let (name, sender, console, events) = (
        program.name.clone(),
        writer.sender(),
        Arc::clone(console),
        events.clone(),
    );
    thread::spawn(move || {
        let read = read_states(stdout, &name, &sender, marks.as_ref(), &console);
        let failed = read
            .err()
            .map(|error| format!("cannot read the states of {name}: {error}"));
        if let Some(why) = &failed {
            console.error(why);
        }
        let _ = events.send(Event::StatesEnded(failed));
    });
}

/// Relays a plugin's log lines, and collects what they say in `facts`.
pub(super) fn log_lines(
    child: &mut Child,
    program: &Program,
    role: Role,
    facts: &Facts,
    console: &Console,
    events: &Sender<Event>,
) {
    let Some(stderr) = child.stderr.take() else { return };
    let (name, facts, console, events) = (
        program.name.clone(),
        facts.clone(),
        console.with(role.fields(&program.name)),
        events.clone(),
    );
    thread::spawn(move || {
        plugin_log::relay(stderr, &name, &facts, &console);
        let _ = events.send(Event::LogEnded);
    });
}

/// Waits for a process to end.
pub(super) fn end_of(
    group: &ProcessGroup,
    child: Child,
    events: &Sender<Event>,
    event: impl FnOnce(std::io::Result<ExitStatus>) -> Event + Send + 'static,
) {
    let (group, events) = (group.clone(), events.clone());
    thread::spawn(move || {
        let _ = events.send(event(group.wait(child)));
    });
}
