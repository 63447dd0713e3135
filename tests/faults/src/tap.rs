//! The scripted tap, as `melisma run` starts it: `melisma-faults tap --config FILE [--state FILE] [--catalog FILE]`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::{Signal, getpid, getppid, kill_process};
use serde::{Deserialize, Serialize};

use crate::source::{Source, Stream};

/// Its settings.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Config {
    /// See [`Source`].
    pub seed: u64,
    /// See [`Source`].
    pub state_every: u64,
    /// See [`Source`].
    pub change: u64,
    /// See [`Source`].
    pub activate: u64,
    /// The row before which it ends.
    pub end: u64,
    /// Rows that are written at once.
    pub chunk: u64,
    /// Microseconds of rest after each chunk.
    pub rest: u64,
    /// Where it notes what it sends, see [`Sent`].
    pub log: PathBuf,
    /// How it ends there.
    #[serde(default)]
    pub ends: Ends,
}

/// How a run of the tap ends at its last row. All but the first look the same to whoever reads its pipe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Ends {
    /// With its last STATE, and success.
    #[default]
    Well,
    /// With exit code 1, and no STATE for its last rows.
    Fails,
    /// With exit code 1, after its last STATE.
    FailsAfterState,
    /// By SIGKILL, with no STATE for its last rows.
    Killed,
    /// By SIGKILL, after its last STATE.
    KilledAfterState,
    /// Not: it waits after its last STATE until its runner is gone, or it is asked to end.
    Waits,
    /// Not; and when it is asked to end it does so with success.
    WaitsAndObeys,
}

/// What a run of the tap has sent, noted before it is written, so that a kill leaves it behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// The first row.
    pub from: u64,
    /// No row from here on was sent.
    pub to: u64,
    /// The state that it got was not one of its own.
    pub foreign: bool,
}

impl Sent {
    /// What the tap noted; `None` when it has not begun.
    pub fn read(path: &Path) -> Option<Self> {
        let bytes: [u8; 24] = fs::read(path).ok()?.try_into().ok()?;
        let word = |at: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(word)
        };
        Some(Self {
            from: word(0),
            to: word(8),
            foreign: word(16) != 0,
        })
    }

    pub(crate) fn write(self, file: &File) -> io::Result<()> {
        let words = [self.from, self.to, u64::from(self.foreign)];
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        file.write_all_at(&bytes, 0)
    }
}

/// Sends the rows from where the state ends.
///
/// # Errors
/// A file can not be read, or whoever reads the messages went away.
pub fn run(config: &Path, state: Option<&Path>, out: &mut impl Write) -> io::Result<()> {
    let config: Config = serde_json::from_slice(&fs::read(config)?)?;
    let source = Source {
        seed: config.seed,
        state_every: config.state_every,
        change: config.change,
        activate: config.activate,
    };
    let mut sent = Sent::default();
    if let Some(path) = state {
        let text = fs::read_to_string(path)?;
        match source.next_of(text.trim()) {
            Some(next) => sent.from = next,
            None => sent.foreign = true,
        }
    }
    sent.to = sent.from;
    let log = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&config.log)?;
    sent.write(&log)?;
    if sent.foreign {
        return Err(io::Error::other("the state is not one that this tap has sent"));
    }
    let mut text = String::new();
    for stream in Stream::ALL {
        source.schema(stream, sent.from, &mut text);
    }
    activate(source.version(sent.from), &mut text);
    while sent.to < config.end {
        let end = (sent.to + config.chunk).min(config.end);
        for n in sent.to..end {
            before(&source, sent.from, n, &mut text);
            source.record(n, &mut text);
            if (n + 1) % config.state_every == 0 {
                state_line(&source, n + 1, &mut text);
            }
        }
        sent.to = end;
        sent.write(&log)?;
        out.write_all(text.as_bytes())?;
        out.flush()?;
        text.clear();
        thread::sleep(Duration::from_micros(config.rest));
    }
    if !matches!(config.ends, Ends::Fails | Ends::Killed) {
        state_line(&source, sent.to, &mut text);
    }
    out.write_all(text.as_bytes())?;
    out.flush()?;
    end(config.ends, &config.log)
}

/// Ends as scripted.
fn end(ends: Ends, log: &Path) -> io::Result<()> {
    let failed = || Err(io::Error::other("as scripted"));
    match ends {
        Ends::Well => Ok(()),
        Ends::Fails | Ends::FailsAfterState => failed(),
        Ends::Killed | Ends::KilledAfterState => {
            kill_process(getpid(), Signal::KILL)?;
            failed()
        }
        Ends::Waits | Ends::WaitsAndObeys => {
            let asked = Arc::new(AtomicBool::new(false));
            if ends == Ends::WaitsAndObeys {
                for signal in [Signal::INT, Signal::TERM] {
                    signal_hook::flag::register(signal.as_raw(), Arc::clone(&asked))?;
                }
            }
            fs::write(log.with_extension("waits"), "")?;
            let runner = getppid();
            while getppid() == runner && !asked.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(2));
            }
            if asked.load(Ordering::Relaxed) {
                Ok(())
            } else {
                failed()
            }
        }
    }
}

/// What changes at a row.
pub(crate) fn before(source: &Source, from: u64, n: u64, out: &mut String) {
    if n == from {
        return;
    }
    for stream in Stream::ALL {
        if n == source.change_of(stream) {
            source.schema(stream, n, out);
        }
    }
    if n == source.activate {
        activate(source.version(n), out);
    }
}

pub(crate) fn activate(version: i64, out: &mut String) {
    let line =
        serde_json::json!({"type": "ACTIVATE_VERSION", "stream": Stream::People.name(), "version": version});
    out.push_str(&line.to_string());
    out.push('\n');
}

pub(crate) fn state_line(source: &Source, next: u64, out: &mut String) {
    out.push_str("{\"type\": \"STATE\", \"value\": ");
    out.push_str(&source.state(next));
    out.push_str("}\n");
}
