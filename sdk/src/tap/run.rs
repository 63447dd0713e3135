//! The run of a tap: settings, discovery, catalog, state, streams.

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use melisma_engine::{Error, Result};
use schemars::JsonSchema;
use serde::Deserialize;

use super::Tap;
use super::catalog::Catalog;
use super::emitter::Emitter;
use super::opening::{self, Opening};
use super::output::Output;
use super::progress;
use super::state::State;
use crate::args::Action;
use crate::config::Settings;
use crate::metrics::Timer;
use crate::plugin::{self, Io, Plugin, Role, Run};
use crate::protocol;

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

pub(crate) fn plugin<T: Tap>() -> Plugin {
    Plugin {
        name: T::NAME,
        version: T::VERSION,
        role: Role::Tap,
        capabilities: CAPABILITIES,
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

pub(super) fn main<T: Tap>(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    plugin::main(&plugin::<T>(), &settings::<T>(), args, work::<T>)
}

/// The main of a tap on given input, output and environment instead of the process's own; returns the exit code.
/// The first of `args` is the program's name.
pub fn run_tap_on<T: Tap>(args: impl IntoIterator<Item = OsString>, io: Io<'_>) -> u8 {
    plugin::run_on(&plugin::<T>(), &settings::<T>(), args, io, work::<T>)
}

fn work<T: Tap>(run: Run<'_>) -> Result<()> {
    let Run { args, values, mut io } = run;
    let start_date = values
        .get("start_date")
        .map(progress::check_start_date)
        .transpose()?;
    let tap = T::open(values.read()?)?;
    if args.action == Action::Discover {
        let catalog = Catalog::of(&tap.discover()?);
        return protocol::write(&mut *io.stdout, catalog.to_text().as_bytes());
    }
    let catalog = args
        .catalog
        .as_deref()
        .map(|path| Catalog::read(&read(path)?, &path.display().to_string()));
    let catalog = catalog.transpose()?;
    let state = match args.state.as_deref() {
        Some(path) if path == Path::new("-") => read_all(&mut *io.stdin)?,
        Some(path) => read(path)?,
        None => Vec::new(),
    };
    let streams = match &catalog {
        Some(catalog) => tap.streams(catalog)?,
        None => tap.discover()?,
    };
    let strict = args.strict || values.read::<Standard>()?.strict;
    let openings = opening::open(&streams, catalog.as_ref(), args.action == Action::TestRecords)?;
    openings.report(strict)?;
    let opening::Openings {
        streams: openings,
        left_out,
        ..
    } = openings;
    let mut output = Output::new(
        Emitter::new(io.stdout),
        State::read(&state)?,
        io.stop,
        start_date.as_deref(),
    );
    match args.action {
        Action::TestSchemas => openings
            .into_iter()
            .try_for_each(|opening| output.open(opening, false)),
        Action::TestRecords => {
            output.limit = Some(1);
            openings
                .into_iter()
                .try_for_each(|opening| test_stream(&tap, &mut output, opening))
        }
        _ => {
            output.left_out = left_out;
            output.tell_state()?;
            openings
                .into_iter()
                .try_for_each(|opening| sync_stream(&tap, &mut output, opening))?;
            output.finish()?;
            opening::end(&output.left_out)
        }
    }
}

fn sync_stream<T: Tap>(tap: &T, output: &mut Output<'_>, opening: Opening) -> Result<()> {
    output.stop.check()?;
    let name = opening.name.clone();
    let stream = &*name;
    log::info!(stream_name = stream; "stream {stream}: {} sync begins", opening.method);
    let timer = Timer::start("sync_duration", Some(stream));
    let synced = output.open(opening, true).and_then(|()| tap.sync(output));
    let synced = match synced {
        // A tap that went on after an error did not read its stream to the end.
        Ok(()) if output.failed => Err(output
            .stop
            .check()
            .err()
            .unwrap_or_else(|| Error::bug("the tap went on after an error"))),
        synced => synced,
    };
    timer.finish(synced.is_ok());
    let closed = output.close(synced.is_ok());
    synced.and(closed).map_err(|error| error.in_stream(stream))
}

/// One record of the stream; that the tap is stopped after it, with an error, is how it should be.
fn test_stream<T: Tap>(tap: &T, output: &mut Output<'_>, opening: Opening) -> Result<()> {
    let name = opening.name.clone();
    output.open(opening, false)?;
    let synced = tap.sync(output);
    let tested = output.current.records > 0 && !output.emitter.is_dead();
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
