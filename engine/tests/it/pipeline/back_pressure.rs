//! A slow destination makes the input wait, at flat memory.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use melisma_engine::pipeline::{Limits, Options};

use super::kit::{Op, Script, Scripted};

/// Counts what was taken of it.
struct Counted(std::io::Cursor<Vec<u8>>, Arc<AtomicUsize>);

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let read = self.0.read(into)?;
        self.1.fetch_add(read, Ordering::Relaxed);
        Ok(read)
    }
}

#[test]
fn while_a_sink_sleeps_the_input_is_left_alone() {
    let script = Script::default().schema("a", 0).records("a", 1_000_000);
    let (length, taken) = (script.text.len(), Arc::new(AtomicUsize::new(0)));
    let input = Counted(script.input(), Arc::clone(&taken));
    let mut destination = Scripted::default();
    let (slept, at_rest) = (AtomicBool::new(false), Arc::new(AtomicUsize::new(0)));
    let rest = Arc::clone(&at_rest);
    destination.hook = Some(Arc::new(move |_, op| {
        if op != Op::Write || slept.swap(true, Ordering::Relaxed) {
            return;
        }
        // Sleeps until the reader has come to rest; with nothing to stop it, that is the end of the input.
        let mut seen = usize::MAX;
        while seen != taken.load(Ordering::Relaxed) {
            seen = taken.load(Ordering::Relaxed);
            thread::sleep(Duration::from_millis(100));
        }
        rest.store(seen, Ordering::Relaxed);
    }));
    let options = Options {
        memory_budget: 4 << 20,
        ..Options::default()
    };
    let (summary, result) = destination.run(input, &options);
    result.unwrap();
    script.check_all_in(&destination);
    let at_rest = at_rest.load(Ordering::Relaxed);
    assert!(
        at_rest > 0 && at_rest < length / 4,
        "{at_rest} of {length} bytes were read"
    );
    assert!(summary.peak_bytes < 5 << 20, "{}", summary.peak_bytes);
}

#[test]
fn many_streams_share_a_tiny_budget() {
    let names: Vec<_> = (0..300).map(|n| format!("s{n}")).collect();
    let mut script = names
        .iter()
        .fold(Script::default(), |script, name| script.schema(name, 3));
    for _ in 0..20 {
        script = names
            .iter()
            .fold(script, |script, name| script.record(name))
            .state();
    }
    for writers in [1, 3] {
        let destination = Scripted::default();
        let options = Options {
            memory_budget: 64 << 10,
            limits: Limits {
                rows: 1_000,
                ..Limits::default()
            },
            writers,
            ..Options::default()
        };
        let (summary, result) = destination.run(script.input(), &options);
        result.unwrap();
        script.check_all_in(&destination);
        assert_eq!(destination.world().emitted.last(), script.last_state.as_ref());
        // The budget, one block of lines, and what that block became.
        assert!(
            summary.peak_bytes < (64 << 10) + 2 * (256 << 10),
            "{}",
            summary.peak_bytes
        );
    }
}

#[test]
fn a_line_larger_than_the_budget_passes() {
    let large = format!(
        r#"{{"type":"RECORD","stream":"a","record":{{"id":1,"c0":"{}"}}}}"#,
        "x".repeat(3 << 20)
    );
    let script = Script::default()
        .schema("a", 1)
        .raw(&large)
        .raw(&large)
        .raw(&large);
    let destination = Scripted::default();
    let options = Options {
        memory_budget: 1 << 20,
        ..Options::default()
    };
    destination.run(script.input(), &options).1.unwrap();
    assert_eq!(destination.committed("a").len(), 3);
}
