//! The threads of a run: each waits for one thing, and reports an [`Event`] when it has ended.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::thread;

use crossbeam_channel::Sender;
use melisma_sdk::protocol::widen;

use super::direct::take_counts;
use super::logs::{self, Said};
use super::process::{Group, Program};
use super::relay::{Counts, RelayEnd, relay};
use super::told;
use crate::console::{Console, Level};
use crate::state::Keeper;

/// What a thread reports.
pub(super) enum Event {
    TapEnded(std::io::Result<ExitStatus>),
    TargetEnded(std::io::Result<ExitStatus>),
    Relayed(RelayEnd),
    /// The target of a direct pipe closed its counts.
    Counted,
    /// The target closed its stdout, or its states can not be read, for this reason.
    Told(Option<String>),
    /// A plugin closed its stderr.
    Logged,
}

/// Moves the records from one side to the other.
pub(super) fn relay_records(tap: &mut Child, target: &mut Child, counts: &Counts, events: &Sender<Event>) {
    let (Some(from), Some(to)) = (tap.stdout.take(), target.stdin.take()) else {
        return;
    };
    widen(&from);
    widen(&to);
    let (from, to) = (File::from(OwnedFd::from(from)), File::from(OwnedFd::from(to)));
    let (counts, events) = (counts.clone(), events.clone());
    thread::spawn(move || {
        relay(from, to, &counts, |end| {
            let _ = events.send(Event::Relayed(end));
        });
    });
}

/// Counts what a target on a direct pipe has read.
pub(super) fn count(from: File, counts: &Counts, events: &Sender<Event>) {
    let (counts, events) = (counts.clone(), events.clone());
    thread::spawn(move || {
        take_counts(from, &counts);
        let _ = events.send(Event::Counted);
    });
}

/// Hands the states that the target tells to the store.
pub(super) fn states(
    target: &mut Child,
    program: &Program,
    keeper: &Keeper,
    console: &Arc<Console>,
    events: &Sender<Event>,
) {
    let Some(stdout) = target.stdout.take() else {
        return;
    };
    let (name, teller, console, events) = (
        program.name.clone(),
        keeper.teller(),
        Arc::clone(console),
        events.clone(),
    );
    thread::spawn(move || {
        let read = told::read_states(stdout, &name, &teller, &console);
        let failed = read
            .err()
            .map(|error| format!("cannot read the states of {name}: {error}"));
        if let Some(why) = &failed {
            console.log(Level::Error, "melisma", why);
        }
        let _ = events.send(Event::Told(failed));
    });
}

/// Tells a plugin's log lines again.
pub(super) fn log_lines(
    child: &mut Child,
    program: &Program,
    said: &Said,
    console: &Arc<Console>,
    events: &Sender<Event>,
) {
    let Some(stderr) = child.stderr.take() else { return };
    let (name, said, console, events) = (
        program.name.clone(),
        said.clone(),
        Arc::clone(console),
        events.clone(),
    );
    thread::spawn(move || {
        logs::tell_again(stderr, &name, &said, &console);
        let _ = events.send(Event::Logged);
    });
}

/// Waits for the end of a process.
pub(super) fn end_of(
    group: &Group,
    child: Child,
    events: &Sender<Event>,
    event: impl FnOnce(std::io::Result<ExitStatus>) -> Event + Send + 'static,
) {
    let (group, events) = (group.clone(), events.clone());
    thread::spawn(move || {
        let _ = events.send(event(group.wait(child)));
    });
}
