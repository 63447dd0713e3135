//! The run of a target: settings, input, the engine's pipeline, STATE.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use melisma_engine::pipeline::{self, Options, Stop};
use melisma_engine::sink::CommitMode;
use melisma_engine::{Error, Kind, Result, copied, fault};
use serde_json::json;

use super::counts::Counts;
use super::metrics::Metrics;
use super::verdict::{Judged, RunVerdict};
use super::{Capabilities, StandardConfig, Target};
use crate::args::{self, Action, Args};
use crate::config::{Environment, Settings};
use crate::plugin::{self, Io, Package, Plugin, Role, Run};
use crate::replaced::ReplacedFile;
use crate::{protocol, signals};

const CAPABILITIES: &[&str] = &["about", "structured-logging", "validate-records"];

/// Those of a target whose sinks follow ACTIVATE_VERSION.
const WITH_VERSIONS: &[&str] = &[
    "about",
    "structured-logging",
    "validate-records",
    "activate-version",
];

pub(crate) fn plugin<T: Target>(package: Package) -> Plugin {
    Plugin {
        name: package.name,
        version: package.version,
        role: Role::Target,
        capabilities: if T::CAPABILITIES.activate_version {
            WITH_VERSIONS
        } else {
            CAPABILITIES
        },
        options: &[],
    }
}

/// The target's own settings and the standard ones, with the target's defaults and without what it cannot do.
fn settings<T: Target>() -> Settings {
    let mut settings = Settings::new::<T::Config>().and::<StandardConfig>();
    for (name, default) in json!(T::defaults()).as_object().into_iter().flatten() {
        settings.set_default(name, default.clone());
    }
    let Capabilities {
        load_methods,
        activate_version,
        ..
    } = T::CAPABILITIES;
    let methods: Vec<_> = load_methods.iter().map(|method| json!(method)).collect();
    settings.retain_values("load_method", &methods);
    if !activate_version {
        settings.remove("process_activate_version_messages");
    }
    settings
}

/// The command line of a target, for a program that has it built in and completes its options.
#[doc(hidden)]
pub fn command<T: Target>(package: Package) -> clap::Command {
    args::command(&plugin::<T>(package))
}

pub(super) fn main<T: Target>(package: Package, args: impl IntoIterator<Item = OsString>) -> ExitCode {
    plugin::main(&plugin::<T>(package), &settings::<T>(), args, work::<T>)
}

/// The main of a target on given input, output and environment instead of the process's own; returns the exit code.
/// The first of `args` is the program's name.
pub fn run_target_on<T: Target>(
    package: Package,
    args: impl IntoIterator<Item = OsString>,
    io: Io<'static>,
) -> u8 {
    plugin::run_on(&plugin::<T>(package), &settings::<T>(), args, io, work::<T>)
}

/// A run with these settings and this input.
#[cfg(feature = "check")]
pub(crate) fn load_in_process<T: Target>(
    config: &serde_json::Map<String, serde_json::Value>,
    input: Vec<u8>,
    stdout: Box<dyn Write + Send>,
) -> Result<()> {
    work::<T>(Run {
        args: Args {
            config: Vec::new(),
            catalog: None,
            state: None,
            input: None,
            state_out: None,
            action: Action::Run,
            strict: false,
            signal_exit_zero: false,
            settings: Vec::new(),
        },
        values: settings::<T>().of_map(config.clone())?,
        io: Io::buffers(io::Cursor::new(input), stdout),
    })
}

fn work<T: Target>(run: Run<'static>) -> Result<()> {
    let Run { args, values, mut io } = run;
    let mut standard: StandardConfig = values.read()?;
    check_paths(&args, &standard)?;
    let target = T::open(values.read()?, &mut standard)?;
    if args.action == Action::StoredState {
        let state = target.stored_state()?.map(|state| format!("{state}\n"));
        return protocol::write(&mut *io.stdout, state.unwrap_or_default().as_bytes());
    }
    let mut options = standard.options(target.commit_mode(), T::CAPABILITIES)?;
    options.accepts_copied = copied::Form::of(io.environment.get(copied::VARIABLE)).is_some();
    let location = target.location();
    let (input, is_file): (Box<dyn Read + Send>, bool) = match &args.input {
        Some(path) => {
            let file = File::open(path).map_err(|error| {
                Error::config(format!("cannot open the input {}", path.display())).with_source(error)
            })?;
            let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
            (Box::new(file), is_file)
        }
        None => (io.stdin, io.stdin_is_file),
    };
    let verdict = verdict(&io.environment, &standard, is_file, &mut options)?;
    let input = match verdict {
        Some(verdict) => Box::new(Judged::new(input, verdict)),
        None => input,
    };
    let output = StateOutput {
        stdout: io.stdout,
        file: args.state_out.as_deref().map(state_out).transpose()?,
    };
    let metrics = Metrics::new(Counts::open(&io.environment, &io.stop)?);
    let (summary, result) = pipeline::run(input, output, &target, &options, &io.stop, &metrics);
    metrics.finish(&summary);
    fault!(TARGET_END);
    if let (Ok(()), Some(location)) = (&result, location) {
        log::info!(location = location.as_str(); "the rows are in {location}");
    }
    result.map_err(|error| match error.kind() {
        // The sdk knows the signal's name.
        Kind::Interrupted(_) => io.stop.error(),
        _ => error,
    })
}

/// The file of `--state-out`. What cannot take a STATE is refused before anything is written, not at the first one.
fn state_out(path: &Path) -> Result<ReplacedFile> {
    let file = ReplacedFile::at(path)?;
    file.begin()
        .map_err(|error| Error::io(format!("cannot write {} (--state-out)", path.display()), error))?;
    Ok(file)
}

/// Who shows that the input is whole, for a target that replaces what was there: the runner, if it can, or the last STATE.
fn verdict(
    environment: &Environment,
    standard: &StandardConfig,
    is_file: bool,
    options: &mut Options,
) -> Result<Option<RunVerdict>> {
    if options.commit != CommitMode::AtEnd {
        // Rows that were added stay, however the tap ended.
        return Ok(None);
    }
    let verdict = RunVerdict::open(environment)?;
    options.final_state = standard.final_state(verdict.is_some(), is_file);
    Ok(verdict)
}

/// Letters in the file of the STATE, or a STATE in the place of the letters, would lose one of them.
fn check_paths(args: &Args, standard: &StandardConfig) -> Result<()> {
    let (Some(state), Some(letters)) = (&args.state_out, &standard.dead_letter_path) else {
        return Ok(());
    };
    if crate::files::is_same_place(state, letters) {
        return Err(Error::config(format!(
            "dead_letter_path: expected another file than that of --state-out, found {}",
            letters.display()
        )));
    }
    Ok(())
}

impl Stop for signals::Stop {
    fn signal(&self) -> Option<i32> {
        self.signal()
    }
}

/// STATE goes to stdout and, by `--state-out`, into a file that always holds the last one whole.
struct StateOutput {
    stdout: Box<dyn Write + Send>,
    file: Option<ReplacedFile>,
}

impl Write for StateOutput {
    /// Takes a whole line, as the pipeline brings them.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Some(file) = &self.file {
            file.replace(line)?;
        }
        fault!(STATE_TELL_BEFORE);
        fault!(STATE_TELL_HALF, half line => self.stdout);
        self.stdout.write_all(line)?;
        fault!(STATE_TELL_AFTER);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stdout.flush()
    }
}
