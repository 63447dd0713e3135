//! The run of a tap: settings, discovery, catalog, state, streams.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use melisma_engine::{Error, Result};

use super::Tap;
use super::catalog::{Catalog, Entry};
use super::current::Opening;
use super::emitter::Emitter;
use super::output::Output;
use super::progress::{self, Order};
use super::selection::Selection;
use super::state::State;
use super::stream::{Method, Stream};
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

fn plugin<T: Tap>() -> Plugin {
    Plugin {
        name: T::NAME,
        version: T::VERSION,
        role: Role::Tap,
        capabilities: CAPABILITIES,
    }
}

pub(super) fn main<T: Tap>(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    plugin::main(&plugin::<T>(), &Settings::new::<T::Config>(), args, work::<T>)
}

/// The main of a tap on given input, output and environment instead of the process's own; returns the exit code.
/// The first of `args` is the program's name.
pub fn run_tap_on<T: Tap>(args: impl IntoIterator<Item = OsString>, io: Io<'_>) -> u8 {
    plugin::run_on(&plugin::<T>(), &Settings::new::<T::Config>(), args, io, work::<T>)
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
    let openings = select(&streams, catalog.as_ref(), args.action)?;
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
            output.tell_state()?;
            openings
                .into_iter()
                .try_for_each(|opening| sync_stream(&tap, &mut output, opening))?;
            output.finish()
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

/// The streams to sync, each with what the catalog says of it.
fn select(streams: &[Stream], catalog: Option<&Catalog>, action: Action) -> Result<Vec<Opening>> {
    let own = Catalog::of(streams);
    let catalog = catalog.unwrap_or(&own);
    let testing = action == Action::TestRecords;
    // A database has ten thousand tables: none of them may look through all others.
    let names: HashSet<&str> = streams.iter().map(|stream| &*stream.name).collect();
    let (given, own) = (catalog.by_id(), own.by_id());
    for entry in catalog
        .entries()
        .filter(|entry| entry.selection().is_selected(&[]))
    {
        if !names.contains(entry.id()) {
            log::warn!(
                "the catalog selects stream {}, which the tap does not have",
                entry.id()
            );
        }
    }
    let mut openings = Vec::new();
    for stream in streams {
        let entry = given.get(&*stream.name).copied();
        let selected = entry.is_some_and(|entry| entry.selection().is_selected(&[]));
        if let Some(entry) = entry
            .or_else(|| own.get(&*stream.name).copied())
            .filter(|_| selected || testing)
        {
            openings.push(opening(stream.clone(), entry).map_err(|error| error.in_stream(&stream.name))?);
        }
    }
    if openings.is_empty() {
        log::warn!("no stream is selected");
    }
    Ok(openings)
}

fn opening(stream: Stream, entry: Entry<'_>) -> Result<Opening> {
    let schema = entry.schema().cloned().unwrap_or_else(|| stream.schema.clone());
    let own_key = || stream.replication_key.clone();
    let replication_key = entry.replication_key().map(Into::into).or_else(own_key);
    let method = entry
        .replication_method()?
        .unwrap_or_else(|| stream.method_with(replication_key.as_deref()));
    match method {
        Method::LogBased if !stream.log_based => {
            return Err(Error::config(
                "replication method: LOG_BASED is asked for, but this tap can not read the stream that way; \
                 choose FULL_TABLE or INCREMENTAL in the catalog",
            ));
        }
        Method::Incremental if replication_key.is_none() => {
            return Err(Error::config(
                "replication method: INCREMENTAL needs a replication key in the catalog",
            ));
        }
        _ => {}
    }
    let selection = entry.selection();
    let selection = if selection.is_selected(&[]) {
        selection
    } else {
        Selection::default()
    };
    let order = match (stream.manual_bookmark, stream.sorted) {
        (true, _) => Order::Manual,
        (_, true) => Order::Sorted {
            check: stream.check_sorted,
        },
        _ => Order::Unsorted,
    };
    Ok(Opening {
        key: entry.key_properties().unwrap_or(stream.key),
        name: stream.name,
        own_schema: stream.schema,
        schema,
        selection,
        method,
        replication_key: replication_key.filter(|_| method != Method::FullTable),
        order,
    })
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
