//! Targets killed at random moments and started again from the last STATE they emitted lose no row.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Kind, Target, record, schema, state};

const KILLS: usize = 12;
/// Rows that the last, undisturbed run sends.
const FINISH: u64 = 2_000;
/// A STATE follows every so many rows.
const STATE_EVERY: u64 = 40;

/// A small random generator, so that a failure can be repeated with its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn seed() -> u64 {
    let given = std::env::var("MELISMA_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    given.unwrap_or_else(|| u64::from(std::process::id()) * 0x9e37_79b9 + 1)
}

/// What each row holds besides its id.
fn payload(id: u64) -> String {
    let size = usize::try_from(id % 97).expect("small");
    format!(
        "row {} {}",
        id.wrapping_mul(0x9e37_79b9_7f4a_7c15),
        "é\\\"x".repeat(size)
    )
}

fn message(id: u64) -> String {
    record("s", &json!({"id": id, "payload": payload(id)}).to_string())
}

/// One run of the target, from row `from` on.
struct Run {
    /// Rows `from..sent` may have reached the target.
    sent: u64,
    /// The last STATE it emitted: rows below are durable.
    emitted: Option<u64>,
    /// Whether it was still taking rows when it was killed.
    midstream: bool,
}

/// Feeds rows from `from` on until `rows` are sent, or until the target is killed `after` that time.
fn run(target: &Target, from: u64, rows: Option<u64>, after: Duration) -> Run {
    let mut command = target.command();
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child: Child = command.spawn().expect("the target starts");
    let stdin = child.stdin.take().expect("piped");
    let stdout = child.stdout.take().expect("piped");
    let stderr = child.stderr.take().expect("piped");
    let (sent, emitted) = (AtomicU64::new(from), Mutex::new(None));
    let stop = AtomicBool::new(false);
    let mut midstream = false;
    std::thread::scope(|scope| {
        let feeder = scope.spawn(|| feed(stdin, from, rows, &sent, &stop));
        scope.spawn(|| {
            for line in BufReader::new(stdout).lines() {
                // The kill may tear the last line; a runner ignores what is no JSON.
                let value: Option<Value> = serde_json::from_str(&line.expect("UTF-8")).ok();
                if let Some(id) = value.and_then(|value| value["next"].as_u64()) {
                    *emitted.lock().expect("no panic") = Some(id);
                }
            }
        });
        let complaint = scope.spawn(|| std::io::read_to_string(stderr).unwrap_or_default());
        if rows.is_none() {
            std::thread::sleep(after);
            midstream = child.try_wait().expect("a child").is_none() && !feeder.is_finished();
            child.kill().expect("a child can be killed");
            stop.store(true, Ordering::Relaxed);
        }
        let status = child.wait().expect("a child");
        let complaint = complaint.join().expect("no panic");
        assert_eq!(status.success(), rows.is_some(), "ended by itself: {complaint}");
    });
    let emitted = *emitted.lock().expect("no panic");
    Run {
        sent: sent.into_inner(),
        emitted,
        midstream,
    }
}

fn feed(stdin: impl Write, from: u64, rows: Option<u64>, sent: &AtomicU64, stop: &AtomicBool) {
    let mut stdin = BufWriter::with_capacity(4096, stdin);
    let properties = json!({"id": {"type": "integer"}, "payload": {"type": "string"}});
    let end = rows.map_or(u64::MAX, |rows| from + rows);
    let mut write = |line: &str| writeln!(stdin, "{line}").is_ok();
    if !write(&schema("s", &properties, &["id"])) {
        return;
    }
    for id in from..end {
        sent.store(id + 1, Ordering::Relaxed);
        if stop.load(Ordering::Relaxed) || !write(&message(id)) {
            return;
        }
        if (id + 1) % STATE_EVERY == 0 && !write(&state(&json!({"next": id + 1}).to_string())) {
            return;
        }
    }
    let _ = write(&state(&json!({"next": end}).to_string()));
    let _ = stdin.flush();
}

fn campaign(target: &Target) {
    let seed = seed();
    let mut random = Random(seed);
    let mut from = 0;
    let mut ranges = Vec::new();
    let (mut midstream, mut progressed) = (0, 0);
    for _ in 0..KILLS {
        let killed = run(target, from, None, Duration::from_millis(random.below(150)));
        ranges.push(from..killed.sent);
        midstream += usize::from(killed.midstream);
        progressed += usize::from(killed.emitted.is_some());
        from = killed.emitted.unwrap_or(from);
    }
    let last = run(target, from, Some(FINISH), Duration::ZERO);
    ranges.push(from..last.sent);
    assert_eq!(last.emitted, Some(last.sent), "seed {seed}: the end is emitted");
    assert!(
        midstream * 2 > KILLS,
        "seed {seed}: only {midstream} of {KILLS} kills landed midstream"
    );
    assert!(progressed > 0, "seed {seed}: no killed run emitted a STATE");

    let mut counts: HashMap<u64, usize> = HashMap::new();
    for row in target.rows("s") {
        // CSV has text where the others have numbers.
        let id = row["id"]
            .as_u64()
            .or_else(|| row["id"].as_str()?.parse().ok())
            .expect("an id");
        assert_eq!(row["payload"], payload(id), "seed {seed}: row {id}");
        *counts.entry(id).or_default() += 1;
    }
    for id in 0..last.sent {
        let written = counts.remove(&id).unwrap_or(0);
        let sent = ranges.iter().filter(|range| range.contains(&id)).count();
        assert!(written > 0, "seed {seed}: row {id} is lost; runs sent {ranges:?}");
        assert!(
            written <= sent,
            "seed {seed}: row {id} is there {written} times, but was sent {sent} times"
        );
    }
    assert!(
        counts.is_empty(),
        "seed {seed}: rows that were never sent: {counts:?}"
    );
}

fn eager(kind: Kind) -> Target {
    Target::new(kind)
        .with("batch_size_rows", 200)
        .with("state_interval_seconds", 0)
}

#[test]
fn jsonl_appended() {
    campaign(&eager(Kind::Jsonl));
}

#[test]
fn jsonl_in_parts() {
    campaign(&eager(Kind::Jsonl).with("write_mode", "parts"));
}

#[test]
fn csv_appended() {
    campaign(&eager(Kind::Csv));
}

#[test]
fn parquet_in_parts() {
    campaign(&eager(Kind::Parquet));
}

#[test]
fn a_replaced_file_is_the_old_one_or_the_new_one() {
    let target = eager(Kind::Jsonl).with("write_mode", "replace");
    let first = run(&target, 0, Some(100), Duration::ZERO);
    assert_eq!(first.emitted, Some(100));
    let killed = run(&target, 100, None, Duration::from_millis(100));
    assert_eq!(
        (killed.emitted, killed.midstream),
        (None, true),
        "nothing is durable before the end"
    );
    assert_eq!(target.rows("s").len(), 100, "the old file stands");
    run(&target, 100, Some(50), Duration::ZERO);
    assert_eq!(target.rows("s").len(), 50);
}
