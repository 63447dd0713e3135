//! The run of a tap: settings, discovery, catalog, state, streams.

use std::ffi::OsString;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;

use melisma_engine::{Error, Result, copied};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::bookmark::state::State;
use super::catalog::openings::{self, Family};
use super::catalog::{Catalog, check, left_out, start_date};
use super::context::Context;
use super::output::emitter::Emitter;
use super::output::{Output, Test};
use super::{Stream, Tap};
use crate::args::{self, Action};
use crate::config::{Settings, Values};
#[cfg(feature = "http")]
use crate::http::recorder::Requested;
use crate::metrics::Timer;
use crate::names::show_name;
use crate::plugin::{self, Io, Package, Plugin, Role, Run};
use crate::protocol;
use crate::signals::Stop;

const CAPABILITIES: &[&str] = &[
    "catalog",
    "properties",
    "state",
    "discover",
    "about",
    "test",
    "activate-version",
    "structured-logging",
];

fn plugin(package: Package, options: &'static [(&'static str, &'static str)]) -> Plugin {
    Plugin {
        name: package.name,
        version: package.version,
        role: Role::Tap,
        capabilities: CAPABILITIES,
        options,
    }
}

/// The settings of every tap.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
struct Standard {
    /// Whether a run ends before it reads anything when the catalog does not fit the source: a selected stream or column
    /// that is gone or may not be read, a type that changed, nothing selected. Off: the run reads what it can, warns, and
    /// ends with an error when something that is selected was left out. The option `--strict` turns it on, too.
    #[serde(default)]
    strict: bool,
}

/// The settings of a tap: its own and those that every tap has.
pub fn settings<T: Tap>() -> Settings {
    Settings::new::<T::Config>().and::<Standard>()
}

/// The command line of a tap, for a program that has it built in and completes its options.
#[doc(hidden)]
pub fn command<T: Tap>(package: Package) -> clap::Command {
    args::command(&plugin(package, T::OPTIONS))
}

pub(super) fn main<T: Tap>(package: Package, args: impl IntoIterator<Item = OsString>) -> ExitCode {
    plugin::main(&plugin(package, T::OPTIONS), &settings::<T>(), args, work::<T>)
}

/// The main of a tap on given input, output and environment instead of the process's own; returns the exit code.
/// The first of `args` is the program's name.
pub fn run_tap_on<T: Tap>(package: Package, args: impl IntoIterator<Item = OsString>, io: Io<'_>) -> u8 {
    plugin::run_on(
        &plugin(package, T::OPTIONS),
        &settings::<T>(),
        args,
        io,
        work::<T>,
    )
}

fn work<T: Tap>(run: Run<'_>) -> Result<()> {
    let context = Context::with_stop(run.io.stop.clone());
    #[cfg(feature = "http")]
    if let Some(requested) = Requested::of(&run.io.environment)? {
        let done = work_in::<T>(run, &context.with_recorder(&requested.recorder));
        return done.and(requested.finish());
    }
    work_in::<T>(run, &context)
}

fn work_in<T: Tap>(run: Run<'_>, context: &Context) -> Result<()> {
    let Run { args, values, mut io } = run;
    if args.action == Action::Discover {
        return protocol::write(&mut *io.stdout, discover::<T>(&values, context)?.as_bytes());
    }
    let start_date = values.get("start_date").map(start_date::read).transpose()?;
    let tap = T::open(values.read()?, context)?;
    let catalog = args
        .catalog
        .as_deref()
        .map(|path| Catalog::read(&read(path)?, &path.display().to_string()));
    let state = match args.state.as_deref() {
        Some(path) if path == Path::new("-") => read_all(&mut *io.stdin)?,
        Some(path) => read(path)?,
        None => Vec::new(),
    };
    let asked = Asked {
        action: args.action,
        strict: args.strict || values.read::<Standard>()?.strict,
        catalog: catalog.transpose()?,
        state,
        start_date,
        copied_form: copied::Form::of(io.environment.get(copied::VARIABLE)),
    };
    sync_all(&tap, context, &asked, io.stdout)
}

/// What a run is to read.
struct Asked {
    action: Action,
    strict: bool,
    catalog: Option<Catalog>,
    state: Vec<u8>,
    start_date: Option<String>,
    /// The form of COPY in which the target takes rows, if it takes such.
    copied_form: Option<copied::Form>,
}

/// The catalog that discovery prints.
pub(crate) fn discover<T: Tap>(values: &Values, context: &Context) -> Result<String> {
    values.get("start_date").map(start_date::read).transpose()?;
    let tap = T::open(values.read()?, context)?;
    let streams = tap.discover(context)?;
    check::streams(&streams)?;
    for refused in tap.refused() {
        log::warn!("stream {} is left out: {}", show_name(&refused.name), refused.why);
    }
    Ok(Catalog::of(&streams).to_text())
}

/// A run with a catalog, from a state.
#[cfg(feature = "check")]
pub(crate) fn sync_in_process<T: Tap>(
    values: &Values,
    context: &Context,
    catalog: &str,
    state: &str,
    stdout: &mut Vec<u8>,
) -> Result<()> {
    let asked = Asked {
        action: Action::Run,
        strict: true,
        catalog: Some(Catalog::read(catalog.as_bytes(), "that was discovered")?),
        state: state.as_bytes().to_owned(),
        start_date: values.get("start_date").map(start_date::read).transpose()?,
        copied_form: None,
    };
    let tap = T::open(values.read()?, context)?;
    sync_all(&tap, context, &asked, Box::new(stdout))
}

fn sync_all<T: Tap>(
    tap: &T,
    context: &Context,
    asked: &Asked,
    stdout: Box<dyn Write + Send + '_>,
) -> Result<()> {
    let streams = match &asked.catalog {
        Some(catalog) => tap.streams(catalog, context)?,
        None => tap.discover(context)?,
    };
    let start_date = asked.start_date.as_deref();
    let testing = asked.action == Action::TestRecords;
    let mut openings = openings::open(streams, asked.catalog.as_ref(), testing)?;
    openings.refuse(&tap.refused(), asked.catalog.is_none());
    openings.report(asked.strict)?;
    if start_date.is_some() {
        start_date::check(openings.families.iter().flat_map(|family| &family.members))?;
    }
    let state = State::read(&asked.state)?;
    let mut output = Output::new(Emitter::new(stdout), state, context.stop().clone(), start_date);
    output.emitter.copied_form = asked.copied_form;
    let mut families = openings.families.into_iter();
    match asked.action {
        Action::TestSchemas => families.try_for_each(|family| output.open(family.members, false)),
        Action::TestRecords => families.try_for_each(|family| test(&mut output, family)),
        _ => {
            output.left_out = openings.left_out;
            output.write_state()?;
            families.try_for_each(|family| sync(&mut output, family))?;
            output.finish()?;
            left_out::end(&output.left_out)
        }
    }
}

/// Reads one stream as a run does, from the bookmarks in `state` (empty for a first run), and returns its messages: for the
/// tests of a tap.
///
/// ```
/// use melisma_sdk::{Stream, json, tap};
///
/// let schema = json!({"type": "object", "properties": {"id": {"type": "integer"}}});
/// let numbers = || {
///     let stream = Stream::new("numbers", schema.clone()).replication_key("id").sorted();
///     stream.sync(|output| {
///         let from: i64 = output.bookmark()?.unwrap_or(1);
///         (from..=3).try_for_each(|id| output.record(&json!({"id": id})))
///     })
/// };
/// let first = tap::test_stream(numbers(), "")?;
/// assert_eq!(first[1]["record"], json!({"id": 1}));
/// let state = &first.last().expect("a STATE")["value"];
/// let second = tap::test_stream(numbers(), &state.to_string())?;
/// assert_eq!(second[1]["record"], json!({"id": 3}));
/// # Ok::<(), melisma_sdk::Error>(())
/// ```
pub fn test_stream(stream: Stream<'_>, state: &str) -> Result<Vec<Value>> {
    let streams = vec![stream];
    check::streams(&streams)?;
    let openings = openings::open(streams, None, false)?;
    let mut written = Vec::new();
    let emitter = Emitter::new(Box::new(&mut written));
    let mut output = Output::new(emitter, State::read(state.as_bytes())?, Stop::default(), None);
    openings
        .families
        .into_iter()
        .try_for_each(|family| sync(&mut output, family))?;
    output.finish()?;
    drop(output);
    let messages = serde_json::Deserializer::from_slice(&written).into_iter();
    let messages: Result<Vec<Value>, _> = messages.collect();
    messages.map_err(|error| Error::bug("a message is not JSON").with_source(error))
}

/// Reads a stream and its relatives.
fn sync(output: &mut Output<'_>, family: Family<'_>) -> Result<()> {
    output.stop.check()?;
    let Family { sync, members } = family;
    let name = members[0].name.clone();
    let stream = &*name;
    let read = members.iter().filter(|member| !member.silent);
    let timers: Vec<Timer> = read
        .map(|member| {
            let stream = &*member.name;
            log::info!(stream_name = stream; "stream {stream}: {} sync begins", member.method);
            Timer::start("sync_duration", Some(stream))
        })
        .collect();
    let synced = output.open(members, true).and_then(|()| sync(output));
    // A tap that went on after an error did not read its stream to the end.
    let synced = synced.and_then(|()| output.check_failed());
    for timer in timers {
        timer.finish(synced.is_ok());
    }
    let closed = output.close(synced.is_ok());
    synced.and(closed).map_err(|error| error.in_stream(stream))
}

/// Reads one record of a stream and of each of its relatives; that the tap is stopped after that, with an error, is how it
/// should be.
fn test(output: &mut Output<'_>, family: Family<'_>) -> Result<()> {
    let Family { sync, members } = family;
    let name = members[0].name.clone();
    output.test = Test::Running;
    output.open(members, false)?;
    let synced = sync(output);
    let tested = output.test == Test::Done && !output.emitter.is_dead();
    let closed = output.close(false);
    if tested {
        closed
    } else {
        synced.and(closed).map_err(|error| error.in_stream(&name))
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path)
        .map_err(|error| Error::config(format!("cannot read {}", path.display())).with_source(error))
}

fn read_all(stdin: &mut (dyn Read + Send)) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    stdin
        .read_to_end(&mut text)
        .map_err(|error| Error::io("cannot read the state from stdin", error))?;
    Ok(text)
}
