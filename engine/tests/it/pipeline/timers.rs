//! A quiet input, and signals: what happens when nothing comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;
use std::time::Duration;

use melisma_engine::Kind;
use melisma_engine::pipeline::{Limits, Options};
use melisma_engine::sink::CommitMode;

use super::kit::{Feed, Script, Scripted};

/// Long enough never to pass by itself in a test that works.
const NEVER: Duration = Duration::from_hours(1);

fn waits(wait: Duration, state_interval: Duration) -> Options {
    Options {
        limits: Limits {
            wait,
            ..Limits::default()
        },
        state_interval,
        ..Options::default()
    }
}

/// Sends records and a STATE, then nothing, and expects the STATE to be emitted all the same.
fn tells_while_the_input_is_quiet(options: &Options) {
    let script = Script::default()
        .schema("a", 0)
        .schema("b", 0)
        .records("a", 3)
        .records("b", 2)
        .state();
    let (feed, input) = Feed::new();
    let mut destination = Scripted::default();
    let emitted = destination.listen();
    feed.send(script.text.clone().into_bytes()).unwrap();
    thread::scope(|scope| {
        let run = scope.spawn(|| destination.run(input, options));
        assert_eq!(Some(emitted.recv().unwrap()), script.last_state);
        drop(feed);
        run.join().unwrap().1.unwrap();
    });
    script.check_all_in(&destination);
}

#[test]
fn the_age_of_a_row_commits_it() {
    tells_while_the_input_is_quiet(&waits(Duration::from_millis(20), NEVER));
}

#[test]
fn a_state_that_waits_closes_what_it_waits_for() {
    tells_while_the_input_is_quiet(&waits(NEVER, Duration::from_millis(20)));
}

#[test]
fn a_state_that_came_too_soon_after_another_is_told_when_the_interval_has_passed() {
    let script = Script::default().state();
    let more = script.clone().state();
    let (feed, input) = Feed::new();
    let mut destination = Scripted::default();
    let emitted = destination.listen();
    feed.send(more.text.clone().into_bytes()).unwrap();
    thread::scope(|scope| {
        let run = scope.spawn(|| destination.run(input, &waits(NEVER, Duration::from_millis(20))));
        assert_eq!(Some(emitted.recv().unwrap()), script.last_state);
        assert_eq!(Some(emitted.recv().unwrap()), more.last_state);
        drop(feed);
        run.join().unwrap().1.unwrap();
    });
}

#[test]
fn a_signal_ends_a_run_whose_input_is_blocked() {
    let script = Script::default()
        .schema("a", 0)
        .records("a", 3)
        .state()
        .records("a", 2);
    let (feed, input) = Feed::new();
    let mut destination = Scripted::default();
    let stop = Arc::new(AtomicI32::new(0));
    let stopper = Arc::clone(&stop);
    // The last lines are decoded when the sink of the stream behind them is opened.
    destination.hook = Some(Arc::new(move |stream, _| {
        if stream == "last" {
            stopper.store(15, Ordering::Relaxed);
        }
    }));
    feed.send(script.text.clone().into_bytes()).unwrap();
    feed.send(Script::default().schema("last", 0).text.into_bytes())
        .unwrap();
    let (summary, result) = destination.run_until(input, &waits(NEVER, NEVER), &*stop);
    // The input is still open: nobody waited for its end.
    drop(feed);
    assert_eq!(result.unwrap_err().kind(), Kind::Interrupted(15));
    script.check_all_in(&destination);
    assert_eq!(destination.world().emitted, [script.last_state.unwrap()]);
    assert_eq!(summary.streams[0].committed, 5);
    assert!(
        !destination
            .world()
            .events
            .iter()
            .any(|event| event.ends_with("finish"))
    );
}

#[test]
fn a_signal_publishes_nothing_that_only_the_end_may_publish() {
    let script = Script::default()
        .schema("a", 0)
        .records("a", 3)
        .state()
        .schema("last", 0);
    let (feed, input) = Feed::new();
    let mut destination = Scripted::default();
    let stop = Arc::new(AtomicI32::new(0));
    let stopper = Arc::clone(&stop);
    destination.hook = Some(Arc::new(move |stream, _| {
        if stream == "last" {
            stopper.store(2, Ordering::Relaxed);
        }
    }));
    feed.send(script.text.into_bytes()).unwrap();
    let options = Options {
        commit: CommitMode::AtEnd,
        ..waits(NEVER, NEVER)
    };
    let (_, result) = destination.run_until(input, &options, &*stop);
    drop(feed);
    assert_eq!(result.unwrap_err().kind(), Kind::Interrupted(2));
    let world = destination.world();
    assert!(
        world.emitted.is_empty() && world.committed.is_empty(),
        "{:?}",
        world.events
    );
}
