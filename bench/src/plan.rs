//! What is measured in turns: the subject, floors and rivals, and what each must deliver.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::report::Role;
use crate::words::CommandLine;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `melisma pipe` and its rivals: stdin to stdout.
    Pipe,
    /// A tap: nothing to stdout.
    Tap,
    /// A target: stdin to somewhere else.
    Target,
    /// A tap into a target.
    Pair,
}

impl Kind {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pipe => "pipe",
            Self::Tap => "tap",
            Self::Target => "target",
            Self::Pair => "pair",
        }
    }
}

/// What comes out of a candidate, as far as it can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Yields {
    /// Records, on stdout.
    Records,
    /// STATE, on stdout, once the rows are somewhere else.
    States,
    /// Bytes on stdout that are read and not looked at: a floor that does the same work for the reader.
    Bytes,
    /// Nothing on stdout that matters; it goes to /dev/null.
    Nothing,
}

/// One program, or several that are connected by pipes.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its name in the report.
    pub name: String,
    /// What it is in the comparison.
    pub role: Role,
    /// Its commands, in the order of the data.
    pub commands: Vec<CommandLine>,
    /// How it is shown, when not as its commands.
    pub shown: Option<String>,
    /// Whether it gets the input on its stdin.
    pub is_fed: bool,
    /// What comes out of it.
    pub yields: Yields,
    /// The file into which it writes a report of `melisma run`.
    pub report: Option<PathBuf>,
}

impl Candidate {
    /// With these commands, and nothing special.
    pub fn new(name: impl Into<String>, role: Role, commands: Vec<CommandLine>) -> Self {
        Self {
            name: name.into(),
            role,
            commands,
            shown: None,
            is_fed: false,
            yields: Yields::Nothing,
            report: None,
        }
    }

    /// It gets the input on its stdin.
    #[must_use]
    pub fn fed(mut self) -> Self {
        self.is_fed = true;
        self
    }

    /// What comes out of it.
    #[must_use]
    pub fn yields(mut self, yields: Yields) -> Self {
        self.yields = yields;
        self
    }

    /// The command lines as they are shown.
    pub fn describe(&self) -> String {
        self.shown.clone().unwrap_or_else(|| {
            let lines: Vec<String> = self.commands.iter().map(CommandLine::shown).collect();
            lines.join(" | ")
        })
    }
}

/// What must arrive.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// The number of records.
    pub records: Option<u64>,
    /// The checksum of the records.
    pub checksum: Option<u64>,
    /// The value of the last STATE.
    pub last_state: Option<Value>,
}

/// What an input was generated as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneratedInput {
    /// The name of its shape.
    pub shape: String,
    /// Its records.
    pub rows: u64,
    /// Its columns, where they were asked for.
    pub columns: Option<u32>,
    /// Its streams, where they were asked for.
    pub streams: Option<u32>,
}

/// One input and everything that is measured on it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is measured.
    pub kind: Kind,
    /// The subject first; rivals after it. Floors are added by the plan itself.
    pub candidates: Vec<Candidate>,
    /// Whether floors are measured.
    pub has_floors: bool,
    /// The input of what is fed, and `{input}` of command lines.
    pub input: Option<PathBuf>,
    /// What the input was generated as, when it was.
    pub generated: Option<GeneratedInput>,
    /// The number of records, as the user says.
    pub records: Option<u64>,
    /// A file with the records that must arrive.
    pub expect: Option<PathBuf>,
    /// The tap of a pair, to see what must arrive.
    pub tap: Option<CommandLine>,
    /// Where copies go.
    pub folder: PathBuf,
    /// Runs before each run, untimed.
    pub prepare: Option<CommandLine>,
    /// Says which rows have arrived: a number, or lines.
    pub check: Option<CommandLine>,
}

/// How the turns are made.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Timed runs of each candidate.
    pub runs: u32,
    /// The spread of the times that is accepted, as a part of the median.
    pub max_spread: f64,
    /// The load of other processes that is accepted, in cores.
    pub max_load: f64,
}

/// The floors of a plan. `copy` is what the tap wrote, for plans whose candidates read no input of their own.
pub fn floors(kind: Kind, copy: Option<&Path>) -> Vec<Candidate> {
    let line = |words: &[&str]| CommandLine::of(words.iter().copied());
    let floor = |name: &str, commands| Candidate::new(name, Role::Floor, commands);
    match (kind, copy.and_then(Path::to_str)) {
        (Kind::Pipe, _) => vec![
            floor("cat", vec![line(&["cat"])]).fed().yields(Yields::Bytes),
            floor("wc -l", vec![line(&["wc", "-l"])]).fed(),
        ],
        (Kind::Target, _) => vec![
            floor("cat", vec![line(&["cat"])]).fed(),
            floor("wc -l", vec![line(&["wc", "-l"])]).fed(),
        ],
        (Kind::Tap, Some(path)) => vec![
            shown("cat", "cat OUTPUT", vec![line(&["cat", path])]).yields(Yields::Bytes),
            shown("wc -l", "wc -l OUTPUT", vec![line(&["wc", "-l", path])]),
        ],
        (Kind::Pair, Some(path)) => vec![shown(
            "cat",
            "cat OUTPUT | cat",
            vec![line(&["cat", path]), line(&["cat"])],
        )],
        (Kind::Tap | Kind::Pair, None) => Vec::new(),
    }
}

/// A floor that reads a copy of the output of the tap, whose name says nothing.
fn shown(name: &str, shown: &str, commands: Vec<CommandLine>) -> Candidate {
    Candidate {
        shown: Some(shown.to_owned()),
        ..Candidate::new(name, Role::Floor, commands)
    }
}
