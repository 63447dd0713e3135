//! Bugs are planted one by one; each must turn a check red.

use std::io::Write as _;
use std::process::Stdio;
use std::thread;

use melisma_engine::faults::{ALL, BUGS};
use serde_json::json;

use crate::cell::{Cell, How};
use crate::oracle::{Oracle, quiet};
use crate::random::named;
use crate::rig::{Disturbance, Kind, Programs, Rig, Variant};
use crate::server::Server;
use crate::source::Source;
use crate::tap::Ends;
use crate::taps;

/// So that batches of one stream wait one after another.
const SMALL_BATCHES: [(&str, u64); 1] = [("memory_budget_bytes", 64 << 10)];

/// A bug that is to be found.
#[derive(Clone, Copy, Debug)]
pub struct Planted {
    name: &'static str,
    invariant: u8,
    does: &'static str,
}

/// How it went.
#[derive(Clone, Debug)]
pub struct Caught {
    /// The bug's name.
    pub name: &'static str,
    /// The invariant that it breaks.
    pub invariant: u8,
    /// What it does.
    pub does: &'static str,
    /// By which check, and what that said; an error when no check saw it.
    pub by: Result<String, String>,
}

/// All that can be planted in the program. `unsafe` is not among them: a test of xtask sees that the compiler
/// refuses it.
pub fn all() -> Vec<Planted> {
    let bugs = BUGS.iter();
    bugs.map(|bug| Planted {
        name: bug.name,
        invariant: bug.invariant,
        does: bug.does,
    })
    .collect()
}

/// Plants it where it shows, and looks. The same run without the bug must be well, or nothing is proven.
pub fn find(bug: &Planted, programs: &Programs, server: &Server, seed: u64) -> Caught {
    let look = |planted: Option<&str>| match bug.name {
        "early-state" => killed(planted, programs, seed),
        "state-bytes" | "dropped-batch" => undisturbed(planted, Kind::Jsonl, programs, server, seed),
        "swapped-batches" => in_one_commit(planted, Kind::Csv, &SMALL_BATCHES, programs, server, seed),
        "float-numbers" => undisturbed(planted, Kind::Parquet, programs, server, seed),
        "no-barrier" => in_one_commit(planted, Kind::Postgres, &[], programs, server, seed),
        "told-secret" => undisturbed(planted, Kind::Postgres, programs, server, seed),
        "stray-line" => piped(planted, programs, seed),
        "no-budget" => budget(planted, programs, seed),
        "end-is-success" => cut_short(planted, programs, seed),
        other => Err(format!("{other} is looked for nowhere")),
    };
    let by = match (look(None), look(Some(bug.name))) {
        (Err(what), _) => Err(format!("without the bug: {what}")),
        (Ok(()), Err(what)) => Ok(what.lines().next().unwrap_or_default().to_owned()),
        (Ok(()), Ok(())) => Err("NOT FOUND".into()),
    };
    Caught {
        name: bug.name,
        invariant: bug.invariant,
        does: bug.does,
        by,
    }
}

fn source(seed: u64) -> Source {
    Source {
        seed: named(seed, "planted"),
        state_every: 10,
        change: 150,
        activate: 250,
    }
}

/// A kill while rows are written and not committed.
fn killed(bug: Option<&str>, programs: &Programs, seed: u64) -> Result<(), String> {
    let point = ALL
        .iter()
        .find(|point| point.name == "sink.commit.before")
        .ok_or("no such point")?;
    let cell = Cell {
        point,
        kind: Kind::Jsonl,
        how: How::Kill,
        overwrite: false,
    };
    cell.run_with(programs, None, seed, bug).result
}

/// A tap that fails behind its last STATE, into files that are replaced.
fn cut_short(bug: Option<&str>, programs: &Programs, seed: u64) -> Result<(), String> {
    let cell = taps::Cell {
        kind: Kind::Jsonl,
        overwrite: true,
        how: taps::How::Tap(Ends::FailsAfterState),
    };
    cell.run_with(programs, None, seed, bug)
}

/// A run that nobody disturbs, into one target.
fn undisturbed(
    bug: Option<&str>,
    kind: Kind,
    programs: &Programs,
    server: &Server,
    seed: u64,
) -> Result<(), String> {
    const END: u64 = 400;
    let rig = Rig::new(programs, kind, Variant::default(), source(seed), Some(server))?;
    to_the_end(rig, bug, END)
}

/// All rows at once and in one commit, but for barriers.
fn in_one_commit(
    bug: Option<&str>,
    kind: Kind,
    settings: &[(&str, u64)],
    programs: &Programs,
    server: &Server,
    seed: u64,
) -> Result<(), String> {
    // A few rows of the second version: keys that have none keep what should be gone.
    let end = if kind == Kind::Postgres { 270 } else { 5000 };
    let mut rig = Rig::new(programs, kind, Variant::default(), source(seed), Some(server))?;
    rig.pace = (end, 0);
    let settings = [("batch_size_rows", 1_000_000), ("state_interval_seconds", 10)]
        .iter()
        .chain(settings);
    rig.settings
        .extend(settings.map(|(name, value)| ((*name).to_owned(), json!(value))));
    to_the_end(rig, bug, end)
}

fn to_the_end(mut rig: Rig<'_>, bug: Option<&str>, end: u64) -> Result<(), String> {
    let disturbance = Disturbance {
        fault: None,
        bug: bug.map(str::to_owned),
    };
    let ended = rig.run(end, &disturbance)?;
    quiet(&ended.log, false)?;
    Oracle::default().at_the_end(&rig, &ended, end)
}

/// The target alone, in a shell's pipe: every line of its stdout must be a STATE of the tap's.
fn piped(bug: Option<&str>, programs: &Programs, seed: u64) -> Result<(), String> {
    let rig = Rig::new(programs, Kind::Jsonl, Variant::default(), source(seed), None)?;
    let mut text = String::new();
    let source = rig.source;
    for stream in crate::source::Stream::ALL {
        source.schema(stream, 0, &mut text);
    }
    for n in 0..100 {
        source.record(n, &mut text);
        crate::tap::state_line(&source, n + 1, &mut text);
    }
    std::fs::write(rig.path("target.json"), rig.target_config().to_string()).map_err(|e| e.to_string())?;
    let mut command = rig.program(&programs.melisma);
    command.args([rig.kind.name(), "--config", "target.json"]);
    if let Some(bug) = bug {
        command.env("MELISMA_BUG", bug);
    }
    let command = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let mut stdin = child.stdin.take().ok_or("no stdin")?;
    let feeder = thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    let _ = feeder.join();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let mut last = 0;
    for line in stdout.lines() {
        match source.next_of(line) {
            Some(next) if next > last => last = next,
            _ => return Err(format!("P7: a line on stdout is no new STATE: {line}")),
        }
    }
    if last == 100 {
        Ok(())
    } else {
        Err(format!("P6: the last STATE told is that of row {last}"))
    }
}

/// A sink that holds, in the process of `melisma-faults`, which has the bug inside.
fn budget(bug: Option<&str>, programs: &Programs, seed: u64) -> Result<(), String> {
    let mut command = std::process::Command::new(&programs.tap);
    command.args([
        "scripted",
        "--only",
        "scripted:write:hold:onewriter:1",
        "--seed",
        &seed.to_string(),
    ]);
    if let Some(bug) = bug {
        command.env("MELISMA_BUG", bug);
    }
    let output = command.output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stdout).into_owned())
}
