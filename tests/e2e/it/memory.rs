//! Memory stays flat, whatever comes in. `cargo xtask bench memory` is the same with ten million rows.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::harness::{Kind, Target, melisma, peak_after, peak_memory, record, schema, state};

const MIB: u64 = 1 << 20;

/// Writes a stream of about `bytes`, counting what was taken.
fn feed(mut to: impl Write, bytes: u64, taken: &AtomicU64) {
    let schema = schema(
        "s",
        &json!({"id": {"type": "integer"}, "text": {"type": "string"}}),
        &["id"],
    );
    writeln!(to, "{schema}").expect("the reader is there");
    let text = "x".repeat(200);
    let mut block = String::new();
    let mut id = 0_u64;
    while taken.load(Ordering::Relaxed) < bytes {
        block.clear();
        for _ in 0..100 {
            block.push_str(&record("s", &format!(r#"{{"id":{id},"text":"{text}"}}"#)));
            block.push('\n');
            id += 1;
        }
        block.push_str(&state(&id.to_string()));
        block.push('\n');
        to.write_all(block.as_bytes()).expect("the reader is there");
        taken.fetch_add(block.len() as u64, Ordering::Relaxed);
    }
}

/// The peak memory of a target that gets this much input.
fn peak(kind: Kind, bytes: u64) -> u64 {
    let target = Target::new(kind);
    peak_after(&mut target.command(), |stdin| {
        feed(stdin, bytes, &AtomicU64::new(0));
    })
}

#[test]
fn of_targets_does_not_grow_with_the_input() {
    for (kind, limit) in [
        (Kind::Jsonl, 64 * MIB),
        (Kind::Csv, 64 * MIB),
        (Kind::Parquet, 256 * MIB),
    ] {
        let peak = peak(kind, 300 * MIB);
        assert!(
            peak <= limit,
            "{kind:?}: {} MiB, at most {}",
            peak / MIB,
            limit / MIB
        );
    }
}

/// Writes `rows` rows of each of `streams` streams of `columns` columns, and a STATE after each stream; with
/// `interleaved`, one row of each in turn, and one STATE.
fn feed_streams(mut to: impl Write, streams: usize, columns: usize, rows: usize, interleaved: bool) {
    let properties: serde_json::Map<_, _> = (0..columns)
        .map(|i| (format!("c{i}"), json!({"type": ["string", "null"]})))
        .collect();
    let properties = json!(properties);
    let line = |stream: usize, row: usize| {
        let cells: Vec<String> = (0..columns).map(|i| format!(r#""c{i}":"v{i}-{row}""#)).collect();
        record(&format!("st{stream}"), &format!("{{{}}}", cells.join(",")))
    };
    for stream in 0..streams {
        writeln!(to, "{}", schema(&format!("st{stream}"), &properties, &[])).expect("the reader is there");
        for row in 0..if interleaved { 0 } else { rows } {
            writeln!(to, "{}", line(stream, row)).expect("the reader is there");
        }
        if !interleaved {
            writeln!(to, "{}", state("0")).expect("the reader is there");
        }
    }
    for row in 0..if interleaved { rows } else { 0 } {
        for stream in 0..streams {
            writeln!(to, "{}", line(stream, row)).expect("the reader is there");
        }
    }
    writeln!(to, "{}", state("1")).expect("the reader is there");
}

/// A stream of 50 columns used to take about 1 MB for its open row group, whatever the budget, and what is kept of each
/// stream to the end (its schema, its decoder, its columns) another 130 KB: 2,000 of them took 2 GB. The peak of the whole
/// process is looked at when it has ended.
#[test]
fn of_target_parquet_does_not_follow_the_number_of_streams_or_columns() {
    for (budget, streams, columns, rows, interleaved) in [
        (256, 2_000, 50, 3, false),
        (128, 300, 50, 60, true),
        (128, 1, 10_000, 300, false),
    ] {
        let target = Target::new(Kind::Parquet).with("memory_budget_bytes", budget * MIB);
        let mut child = target
            .command()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        let stdin = child.stdin.take().expect("piped");
        let id = child.id();
        let (ended, peak) = std::thread::scope(|scope| {
            // A process that has ended has no memory to look at: its peak is that of the last look.
            let watcher = scope.spawn(move || {
                let mut peak = 0;
                while let Some(now) = peak_memory(id) {
                    peak = now.max(peak);
                    std::thread::sleep(Duration::from_millis(20));
                }
                peak
            });
            feed_streams(stdin, streams, columns, rows, interleaved);
            let mut stdout = child.stdout.take().expect("piped");
            let mut states = String::new();
            stdout.read_to_string(&mut states).expect("readable");
            let ended = child.wait().expect("a child");
            (
                ended.success() && states.ends_with("1\n"),
                watcher.join().expect("no panic"),
            )
        });
        assert!(ended, "{streams} streams of {columns} columns");
        assert!(
            peak > MIB && peak <= 256 * MIB,
            "{streams} streams of {columns} columns: {} MiB",
            peak / MIB
        );
    }
}

#[test]
fn of_a_pipe_stays_flat_while_the_target_sleeps() {
    let mut pipe = Command::new(melisma());
    let mut child = pipe
        .arg("pipe")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let stdin = child.stdin.take().expect("piped");
    let mut stdout = child.stdout.take().expect("piped");
    let taken = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let feeder = scope.spawn(|| feed(stdin, 200 * MIB, &taken));
        // The target sleeps: wait until the tap makes no more progress.
        let mut before = u64::MAX;
        while before != taken.load(Ordering::Relaxed) {
            before = taken.load(Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(300));
        }
        assert!(!feeder.is_finished(), "the tap must wait");
        assert!(
            before < 32 * MIB,
            "{} MiB were taken while nobody read",
            before / MIB
        );
        let peak = peak_memory(child.id()).expect("alive");
        assert!(peak < 64 * MIB, "{} MiB", peak / MIB);
        let mut passed = 0;
        let mut block = vec![0; 1 << 20];
        loop {
            match stdout.read(&mut block).expect("readable") {
                0 => break,
                count => passed += count as u64,
            }
        }
        assert!(
            passed > taken.load(Ordering::Relaxed),
            "everything came through, and the SCHEMA"
        );
    });
    assert!(child.wait().expect("a child").success());
}
