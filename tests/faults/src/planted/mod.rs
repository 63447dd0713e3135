//! Bugs are planted one by one; each must turn a check red.

mod bugs;
mod target;

use std::io::Write as _;
use std::process::Stdio;
use std::thread;

use melisma_engine::faults::ALL;

use crate::cell::{Cell, How};
use crate::oracle::{Oracle, quiet};
use crate::random::named;
use crate::rig::{Disturbance, Kind, Programs, Rig, Variant};
use crate::scripted;
use crate::server::Server;
use crate::source::Source;
use crate::tap::Ends;
use crate::taps;

pub use bugs::{BUGS, Bug};
pub use target::run;

/// How it went.
#[derive(Clone, Debug)]
pub struct Caught {
    /// The bug.
    pub bug: Bug,
    /// By which check, and what that said; an error when no check saw it.
    pub by: Result<String, String>,
}

/// Plants it where it shows, and looks. The same run without the bug must be well, or nothing is proven.
pub fn find(bug: &Bug, programs: &Programs, server: &Server, seed: u64) -> Caught {
    let look = |planted: Option<&str>| match bug.name {
        "early-state" => killed(planted, programs, seed),
        "state-bytes" | "dropped-batch" => undisturbed(planted, Kind::Jsonl, 400, programs, server, seed),
        "swapped-batches" => undisturbed(planted, Kind::Csv, 400, programs, server, seed),
        "float-numbers" => undisturbed(planted, Kind::Parquet, 400, programs, server, seed),
        // A few rows of the second version: keys that have none keep what should be gone.
        "no-barrier" => undisturbed(planted, Kind::Postgres, 270, programs, server, seed),
        "emitted-secret" => undisturbed(planted, Kind::Postgres, 400, programs, server, seed),
        "stray-line" => piped(planted, programs, seed),
        "no-budget" => scripted::Cell::holds().run_with(seed, planted.is_some()),
        "end-is-success" => cut_short(planted, programs, seed),
        other => Err(format!("{other} is looked for nowhere")),
    };
    let by = match (look(None), look(Some(bug.name))) {
        (Err(what), _) => Err(format!("without the bug: {what}")),
        (Ok(()), Err(what)) => Ok(what.lines().next().unwrap_or_default().to_owned()),
        (Ok(()), Ok(())) => Err("NOT FOUND".into()),
    };
    Caught { bug: *bug, by }
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
    end: u64,
    programs: &Programs,
    server: &Server,
    seed: u64,
) -> Result<(), String> {
    let mut rig = Rig::new(programs, kind, Variant::default(), source(seed), Some(server))?;
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
    let (program, arguments) = rig.target(bug);
    let mut command = rig.program(&program);
    let command = command
        .args(arguments)
        .args(["--config", "target.json"])
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
        Err(format!("P6: the last emitted STATE is that of row {last}"))
    }
}
