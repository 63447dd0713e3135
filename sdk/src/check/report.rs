//! What came of a check.

use std::fmt;

use serde_json::Value;

use super::rule::Rule;

/// A rule that is broken, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Broken {
    /// The rule.
    pub rule: Rule,
    /// Which run: `first run`.
    pub run: &'static str,
    /// The line of that run's messages, counted from 1, if it is about one.
    pub line: Option<usize>,
    /// The stream, if it is about one.
    pub stream: Option<String>,
    /// What was expected, and what was found.
    pub message: String,
    /// How many more lines of this stream break the rule.
    pub more: usize,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule.name(), self.run)?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if let Some(stream) = &self.stream {
            write!(f, ", stream {}", crate::names::show_name(stream))?;
        }
        write!(f, ": {}", self.message)?;
        match self.more {
            0 => Ok(()),
            1 => write!(f, " (and 1 more line)"),
            more => write!(f, " (and {more} more lines)"),
        }
    }
}

/// What came of a check: the rules that are broken, and the messages of a tap's runs.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub(super) broken: Vec<Broken>,
    pub(super) first: Vec<Value>,
    pub(super) second: Vec<Value>,
}

impl Report {
    /// The rules that are broken; empty when all is well.
    pub fn broken(&self) -> &[Broken] {
        &self.broken
    }

    /// Asserts that no rule is broken.
    ///
    /// # Panics
    /// A rule is broken: the message has a line for each.
    #[track_caller]
    pub fn assert(&self) {
        let (count, all) = (self.broken.len(), self);
        assert!(
            self.broken.is_empty(),
            "{count} {} broken:\n{all}",
            if count == 1 { "rule is" } else { "rules are" }
        );
    }

    /// The records of a stream in a tap's first run.
    pub fn records(&self, stream: &str) -> Vec<&Value> {
        records(&self.first, stream)
    }

    /// The records of a stream in the run from the last STATE of the first.
    pub fn second_records(&self, stream: &str) -> Vec<&Value> {
        records(&self.second, stream)
    }

    /// The value of the last STATE of a tap's first run.
    pub fn state(&self) -> Option<&Value> {
        last_state(&self.first)
    }

    /// All messages of a tap's first run.
    pub fn messages(&self) -> &[Value] {
        &self.first
    }

    /// Adds a rule that is broken; of those of one run and stream only the first is listed.
    pub(super) fn add(&mut self, broken: Broken) {
        let same = |known: &&mut Broken| {
            (known.rule, known.run, &known.stream) == (broken.rule, broken.run, &broken.stream)
        };
        match self.broken.iter_mut().find(same) {
            Some(known) => known.more += 1,
            None => self.broken.push(broken),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.broken.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

fn records<'m>(messages: &'m [Value], stream: &str) -> Vec<&'m Value> {
    let records = messages
        .iter()
        .filter(|message| message["type"] == "RECORD" && message["stream"] == stream);
    records.map(|message| &message["record"]).collect()
}

pub(super) fn last_state(messages: &[Value]) -> Option<&Value> {
    let state = messages.iter().rfind(|message| message["type"] == "STATE")?;
    Some(&state["value"])
}
