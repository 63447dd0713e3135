//! Runs a tap twice, and holds both runs against the rules.

use std::marker::PhantomData;

use melisma_engine::{Error, Result};
use serde_json::{Map, Value};

use super::catalog;
use super::messages::{self, Run};
use super::report::{self, Broken, Report};
use super::rule::Rule;
use crate::config::Values;
#[cfg(feature = "http")]
use crate::http::Recorder;
use crate::tap::{self, Context, Tap};

/// A check of a tap, which [`passes`](TapCheck::passes) or [`run`](TapCheck::run) begins.
#[must_use]
pub struct TapCheck<T> {
    config: Value,
    context: Context,
    #[cfg(feature = "http")]
    record: Option<std::path::PathBuf>,
    asked: Asked,
    tap: PhantomData<fn() -> T>,
}

/// What is known of the streams, so that a rule does not hold for them.
#[derive(Default)]
pub(super) struct Asked {
    may_be_empty: Vec<String>,
    own_bookmark: Vec<String>,
    reads_again: Vec<String>,
}

/// Checks a tap: its discovery, a run with the catalog that it has discovered, every stream selected, and a second run from the
/// last STATE of the first. The [rules](super::Rule) are those from `discovers` to `state-moves-forward`.
pub fn tap<T: Tap>() -> TapCheck<T> {
    TapCheck {
        config: Value::Object(Map::new()),
        context: Context::default(),
        #[cfg(feature = "http")]
        record: None,
        asked: Asked::default(),
        tap: PhantomData,
    }
}

impl<T: Tap> TapCheck<T> {
    /// The settings, as a config file has them.
    pub fn config(mut self, config: Value) -> Self {
        self.config = config;
        self
    }

    /// The context that the tap is opened with, such as one that is asked to end.
    pub fn context(mut self, context: Context) -> Self {
        self.context = context;
        self
    }

    /// Records the HTTP requests of both runs in a file, with a [`Recorder`].
    #[cfg(feature = "http")]
    pub fn record(mut self, file: impl Into<std::path::PathBuf>) -> Self {
        self.record = Some(file.into());
        self
    }

    /// This stream may have no records.
    pub fn may_be_empty(mut self, stream: impl Into<String>) -> Self {
        self.asked.may_be_empty.push(stream.into());
        self
    }

    /// The tap moves the bookmark of this stream by itself ([`Output::set_bookmark`](crate::Output::set_bookmark)), so it may be
    /// ahead of the records.
    pub fn own_bookmark(mut self, stream: impl Into<String>) -> Self {
        self.asked.own_bookmark.push(stream.into());
        self
    }

    /// The source cannot be asked for what is new in this stream, or is asked for more: a second run may read older records.
    pub fn reads_again(mut self, stream: impl Into<String>) -> Self {
        self.asked.reads_again.push(stream.into());
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
        let values = self.values();
        #[cfg(feature = "http")]
        let recorder = Recorder::new();
        #[cfg(feature = "http")]
        let context = match &self.record {
            Some(_) => self.context.clone().with_recorder(&recorder),
            None => self.context.clone(),
        };
        #[cfg(not(feature = "http"))]
        let context = self.context.clone();
        let program = Program {
            discover: &|| tap::discover::<T>(values.as_ref().map_err(copy)?, &context),
            sync: &|catalog, state| {
                let mut written = Vec::new();
                let values = values.as_ref().map_err(copy);
                let done = values.and_then(|values| {
                    tap::sync_in_process::<T>(values, &context, catalog, state, &mut written)
                });
                (String::from_utf8_lossy(&written).into_owned(), done)
            },
        };
        check(&program, &self.asked, &mut report);
        #[cfg(feature = "http")]
        if let Some(file) = &self.record
            && let Err(error) = recorder.save(file)
        {
            report.add(failed(Rule::TapSucceeds, "recording", &error));
        }
        report
    }

    fn values(&self) -> Result<Values> {
        match &self.config {
            Value::Object(config) => tap::settings::<T>().of_map(config.clone()),
            other => Err(Error::config(format!(
                "expected the settings as an object, found {other}"
            ))),
        }
    }
}

/// The same error again: settings that are wrong are wrong in each run.
fn copy(error: &Error) -> Error {
    Error::new(error.kind(), error.to_string())
}

type Sync<'p> = dyn Fn(&str, &str) -> (String, Result<()>) + 'p;

/// A tap: one in this process, or what a test says that it does.
struct Program<'p> {
    discover: &'p dyn Fn() -> Result<String>,
    /// With a catalog and a state: what was written, and how it ended.
    sync: &'p Sync<'p>,
}

fn failed(rule: Rule, run: &'static str, error: &Error) -> Broken {
    // The report names the stream by itself.
    let nameless = match error.cause() {
        Some(cause) => format!(
            "{}: {}",
            error.message(),
            melisma_engine::error::show(&cause.to_string())
        ),
        None => error.message().to_owned(),
    };
    Broken {
        rule,
        run,
        line: None,
        stream: error.stream().map(str::to_owned),
        message: nameless,
        more: 0,
    }
}

fn check(program: &Program<'_>, asked: &Asked, report: &mut Report) {
    let text = match (program.discover)() {
        Ok(text) => text,
        Err(error) => return report.add(failed(Rule::Discovers, "discovery", &error)),
    };
    let (streams, catalog) = catalog::check(&text, report);
    if streams.is_empty() {
        return;
    }
    let catalog = catalog.to_string();
    let run = |name, from: &Value, report: &mut Report| {
        let state = if from.is_null() {
            String::new()
        } else {
            from.to_string()
        };
        let (written, done) = (program.sync)(&catalog, &state);
        let run = Run {
            name,
            streams: &streams,
            from,
            own_bookmark: &asked.own_bookmark,
            reads_again: &asked.reads_again,
        };
        match done {
            Ok(()) => messages::check(&written, &run, report),
            Err(error) => {
                report.add(failed(Rule::TapSucceeds, name, &error));
                // A run that failed need not end with a STATE.
                messages::check_open_end(&written, &run, report)
            }
        }
    };
    report.first = run("first run", &Value::Null, report);
    for stream in &streams {
        let empty = report.records(&stream.name).is_empty();
        if empty && !asked.may_be_empty.contains(&stream.name) {
            report.add(Broken {
                rule: Rule::HasRecords,
                run: "first run",
                line: None,
                stream: Some(stream.name.clone()),
                message: "expected a record".to_owned(),
                more: 0,
            });
        }
    }
    if let Some(state) = report::last_state(&report.first).cloned() {
        report.second = run("second run", &state, report);
    }
}

#[cfg(test)]
mod tests;
