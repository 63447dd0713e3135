//! Loads messages into a target, and holds what it acknowledges against what it holds.

use std::io::{self, Write};
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use melisma_engine::{Error, Kind, Result};
use serde_json::{Map, Value, json};

use super::report::{Broken, Report};
use super::rule::Rule;
use super::target_input::{self as input, Input};
use super::target_rows::{missing, same};
use crate::target::{self, LoadMethod, Target};

/// Reads the rows of a stream at the destination.
type Reader = Arc<dyn Fn(&str) -> Result<Vec<Value>> + Send + Sync>;

/// A check of a target, which [`passes`](TargetCheck::passes) or [`run`](TargetCheck::run) begins.
#[must_use]
pub struct TargetCheck<T> {
    config: Value,
    rows: Option<Reader>,
    target: PhantomData<fn() -> T>,
}

/// Checks a target with good input and with bad. Its streams are named `check_...`; the destination should not have such ones
/// already. The [rules](super::Rule) are those from `takes-records` on.
pub fn target<T: Target>() -> TargetCheck<T> {
    TargetCheck {
        config: Value::Object(Map::new()),
        rows: None,
        target: PhantomData,
    }
}

impl<T: Target> TargetCheck<T> {
    /// The settings, as a config file has them.
    pub fn config(mut self, config: Value) -> Self {
        self.config = config;
        self
    }

    /// How the rows of a stream are read back from the destination, each as an object by the names of the properties; none when
    /// there is no such stream. It is called while the target runs, whenever a STATE is emitted, so it must see only what other
    /// programs would see: by a connection of its own, not by the target's.
    ///
    /// Without it the rules `state-after-commit`, `holds-records` and `replaces-by-key` are not checked.
    pub fn rows(mut self, read: impl Fn(&str) -> Result<Vec<Value>> + Send + Sync + 'static) -> Self {
        self.rows = Some(Arc::new(read));
        self
    }

    /// Checks, and asserts that no rule is broken.
    ///
    /// # Panics
    /// A rule is broken: the message has a line for each.
    #[track_caller]
    pub fn passes(self) -> Report {
        let report = self.run();
        report.assert();
        report
    }

    /// Checks, and returns what came of it.
    #[must_use]
    pub fn run(self) -> Report {
        let mut report = Report::default();
        let load = |settings: &Map<String, Value>, input: &Input| self.load(settings, input);
        let methods = T::CAPABILITIES.load_methods;
        let program = Program {
            load: &load,
            rows: self.rows.as_ref(),
            upserts: methods.iter().any(|method| matches!(method, LoadMethod::Upsert)),
        };
        check(&program, &mut report);
        report
    }

    /// Loads an input with some settings besides those of the config.
    fn load(&self, settings: &Map<String, Value>, input: &Input) -> Ended {
        let emitted = Arc::new(Mutex::new(Vec::new()));
        let mut stdout = Emissions {
            line: Vec::new(),
            streams: input.streams().into_iter().map(str::to_owned).collect(),
            rows: self.rows.clone(),
            emitted: Arc::clone(&emitted),
        };
        stdout.streams.retain(|stream| stream.starts_with("check_"));
        let mut config = self.config.clone();
        let done = match config.as_object_mut() {
            Some(config) => {
                config.extend(settings.clone());
                target::load_in_process::<T>(config, input.text().into_bytes(), Box::new(stdout))
            }
            None => Err(Error::config("expected the settings as an object")),
        };
        let emitted = std::mem::take(&mut *emitted.lock().unwrap_or_else(PoisonError::into_inner));
        Ended { emitted, done }
    }
}

/// A target: one in this process, or what a test says that it does.
struct Program<'p> {
    load: &'p dyn Fn(&Map<String, Value>, &Input) -> Ended,
    rows: Option<&'p Reader>,
    upserts: bool,
}

/// How a run ended.
struct Ended {
    emitted: Vec<Emitted>,
    done: Result<()>,
}

/// A STATE that was emitted, and the rows that were there at that moment.
struct Emitted {
    text: String,
    rows: Vec<(String, Result<Vec<Value>>)>,
}

/// The stdout of a target.
struct Emissions {
    line: Vec<u8>,
    streams: Vec<String>,
    rows: Option<Reader>,
    emitted: Arc<Mutex<Vec<Emitted>>>,
}

impl Write for Emissions {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        while let Some(end) = self.line.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.line.drain(..=end).collect();
            let read = self
                .rows
                .iter()
                .flat_map(|rows| self.streams.iter().map(|stream| (stream.clone(), rows(stream))));
            let emitted = Emitted {
                text: String::from_utf8_lossy(&line).trim_end().to_owned(),
                rows: read.collect(),
            };
            self.emitted
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(emitted);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Adds to a report what one run breaks.
struct Judge<'j> {
    report: &'j mut Report,
    run: &'static str,
    input: &'j Input,
}

fn check(program: &Program<'_>, report: &mut Report) {
    // Commits of few rows, so that STATE is emitted in the middle of a run.
    let often = json!({"batch_size_rows": 3, "state_interval_seconds": 0});
    let often = often.as_object().cloned().unwrap_or_default();
    let none = Map::new();
    let good = [
        (
            Rule::TakesRecords,
            "records of two streams",
            input::plain(),
            &often,
        ),
        (
            Rule::TakesEmptyStream,
            "a stream without records",
            input::empty(),
            &none,
        ),
        (
            Rule::TakesAnyName,
            "names with any characters",
            input::odd_names(),
            &none,
        ),
        (
            Rule::TakesSchemaChange,
            "a schema that changes",
            input::changed(),
            &none,
        ),
        (
            Rule::RunsAgain,
            "records of two streams again",
            input::plain(),
            &none,
        ),
    ];
    for (rule, run, input, settings) in good {
        let ended = (program.load)(settings, &input);
        let mut judge = Judge {
            report,
            run,
            input: &input,
        };
        judge.succeeds(rule, &ended);
        judge.states(&ended, None);
        if ended.done.is_ok() {
            judge.holds(program.rows);
        }
    }
    let bad = [
        (
            Rule::RefusesUnknownStream,
            "a record without a SCHEMA",
            input::unknown_stream(),
        ),
        (
            Rule::RefusesInvalidRecord,
            "a record that does not fit",
            input::invalid_record(),
        ),
    ];
    for (rule, run, input) in bad {
        let ended = (program.load)(&none, &input);
        let mut judge = Judge {
            report,
            run,
            input: &input,
        };
        judge.refuses(rule, &ended);
        judge.states(&ended, Some(rule));
    }
    if let (true, Some(rows)) = (program.upserts, program.rows) {
        replaces(program, rows, report);
    }
}

/// Two runs with one key: the second one's record is there alone.
fn replaces(program: &Program<'_>, rows: &Reader, report: &mut Report) {
    let upsert = json!({"load_method": "upsert"});
    let upsert = upsert.as_object().cloned().unwrap_or_default();
    for name in ["old", "new"] {
        let input = input::replaced(name);
        let ended = (program.load)(&upsert, &input);
        let mut judge = Judge {
            report,
            run: "load_method: upsert",
            input: &input,
        };
        judge.succeeds(Rule::ReplacesByKey, &ended);
    }
    let input = input::replaced("new");
    let mut judge = Judge {
        report,
        run: "load_method: upsert",
        input: &input,
    };
    match rows(input::REPLACED) {
        Ok(rows) if rows.len() == 1 && same(rows[0].get("name"), Some(&json!("new"))) => {}
        Ok(rows) => {
            let found = melisma_engine::error::show(&Value::from(rows).to_string());
            let message = format!("expected one row, with the name \"new\", found {found}");
            judge.broken(Rule::ReplacesByKey, Some(input::REPLACED), message);
        }
        Err(error) => judge.broken(
            Rule::ReplacesByKey,
            Some(input::REPLACED),
            format!("the rows: {error}"),
        ),
    }
}

impl Judge<'_> {
    fn broken(&mut self, rule: Rule, stream: Option<&str>, message: String) {
        self.at(rule, None, stream, message);
    }

    /// `line` is counted from 0.
    fn at(&mut self, rule: Rule, line: Option<usize>, stream: Option<&str>, message: String) {
        self.report.add(Broken {
            rule,
            run: self.run,
            line: line.map(|line| line + 1),
            stream: stream.map(str::to_owned),
            message,
            more: 0,
        });
    }

    fn succeeds(&mut self, rule: Rule, ended: &Ended) {
        if let Err(error) = &ended.done {
            self.broken(rule, error.stream(), error.to_string());
        }
    }

    fn refuses(&mut self, rule: Rule, ended: &Ended) {
        match &ended.done {
            Err(error) if error.kind() == Kind::Input => {}
            Err(error) => self.broken(
                rule,
                None,
                format!("expected an error of the input (exit code 65), found {error}"),
            ),
            Ok(()) => self.broken(rule, None, "expected an error, and the run succeeded".to_owned()),
        }
    }

    /// The STATEs of a run. `refused`: the input has a line that must be refused before the last STATE.
    fn states(&mut self, ended: &Ended, refused: Option<Rule>) {
        let given = self.input.states();
        let mut next = 0;
        for emitted in &ended.emitted {
            let value: Option<Value> = serde_json::from_str(&emitted.text).ok();
            let found = given[next..]
                .iter()
                .position(|(_, state)| Some(*state) == value.as_ref());
            let Some(found) = found else {
                let found = melisma_engine::error::show(&emitted.text);
                let message =
                    format!("expected a STATE of the input, later than the one before, found {found}");
                self.broken(Rule::EmitsStates, None, message);
                continue;
            };
            let line = given[next + found].0;
            next += found + 1;
            self.durable(emitted, line);
        }
        match refused {
            Some(rule) if next == given.len() => {
                let message = "the STATE behind the refused line was emitted".to_owned();
                self.at(rule, Some(given[next - 1].0), None, message);
            }
            None if next < given.len() && ended.done.is_ok() => {
                let message = "the last STATE was not emitted".to_owned();
                self.at(Rule::EmitsStates, Some(given[given.len() - 1].0), None, message);
            }
            _ => {}
        }
    }

    /// The rows that were there when a STATE was emitted, which stands on this line.
    fn durable(&mut self, emitted: &Emitted, line: usize) {
        for (stream, rows) in &emitted.rows {
            let wrong = match rows {
                Ok(rows) => missing(rows, self.input.records_before(stream, line)),
                Err(error) => Some(format!("the rows: {error}")),
            };
            if let Some(why) = wrong {
                let message = format!("the STATE was emitted before the records above it were there: {why}");
                self.at(Rule::StateAfterCommit, Some(line), Some(stream), message);
            }
        }
    }

    /// The rows after the end of a run.
    fn holds(&mut self, rows: Option<&Reader>) {
        let streams = self
            .input
            .streams()
            .into_iter()
            .filter(|stream| stream.starts_with("check_"));
        for stream in streams {
            let Some(rows) = rows else { return };
            let wrong = match rows(stream) {
                Ok(rows) => missing(&rows, self.input.records_before(stream, usize::MAX)),
                Err(error) => Some(format!("the rows: {error}")),
            };
            if let Some(message) = wrong {
                self.broken(Rule::HoldsRecords, Some(stream), message);
            }
        }
    }
}

#[cfg(test)]
mod tests;
