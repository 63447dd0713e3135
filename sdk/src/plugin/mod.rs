//! What the mains of taps and targets have in common: from the command line to the exit code.

mod identity;

use std::ffi::OsString;
use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use melisma_engine::{Error, Kind, Result};

use crate::args::{self, Action, Args, Parsed};
use crate::config::{Environment, Settings, Values};
use crate::metrics::Timer;
use crate::signals::Stop;
use crate::{about, logs, protocol};

pub use identity::{Package, Plugin, Role};

/// The [`Package`] of the crate that says it.
#[macro_export]
macro_rules! package {
    () => {
        $crate::plugin::Package {
            name: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
        }
    };
}

/// The main of a target's executable, whose name and version are those of the crate that says it:
/// `melisma_sdk::target_main!(MyTarget);`
#[macro_export]
macro_rules! target_main {
    ($target:ty) => {
        fn main() -> ::std::process::ExitCode {
            $crate::run_target::<$target>($crate::package!())
        }
    };
}

/// The main of a tap's executable, likewise: `melisma_sdk::tap_main!(MyTap);`
#[macro_export]
macro_rules! tap_main {
    ($tap:ty) => {
        fn main() -> ::std::process::ExitCode {
            $crate::run_tap::<$tap>($crate::package!())
        }
    };
}

/// The outside of a run: the process's own, or buffers in a test.
pub struct Io<'a> {
    /// Where a target reads messages, and a tap its `--state -`.
    pub stdin: Box<dyn Read + Send + 'a>,
    /// Whether that is a file, and not a pipe that a process writes to.
    pub stdin_is_file: bool,
    /// Where messages and states go.
    pub stdout: Box<dyn Write + Send + 'a>,
    /// Environment variables and the current directory.
    pub environment: Environment,
    /// Whether the run is asked to end.
    pub stop: Stop,
}

impl Io<'static> {
    /// The process's own stdin, stdout, environment and signals.
    pub fn process() -> Result<Self> {
        let stdin = protocol::stdin()?;
        Ok(Self {
            stdin_is_file: stdin.metadata().is_ok_and(|metadata| metadata.is_file()),
            stdin: Box::new(stdin),
            stdout: Box::new(protocol::stdout()?),
            environment: Environment::process(),
            stop: Stop::on_signals()?,
        })
    }
}

impl<'a> Io<'a> {
    /// A run on buffers, without environment: for tests.
    pub fn buffers(stdin: impl Read + Send + 'a, stdout: impl Write + Send + 'a) -> Self {
        Self {
            stdin: Box::new(stdin),
            stdin_is_file: false,
            stdout: Box::new(stdout),
            environment: Environment::default(),
            stop: Stop::default(),
        }
    }
}

/// What a plugin's work begins with.
pub struct Run<'a> {
    /// The command line.
    pub args: Args,
    /// The settings, checked and with defaults.
    pub values: Values,
    /// Its outside.
    pub io: Io<'a>,
}

/// The main of a plugin in its process: logs and signals set up, then [`run_on`].
pub fn main(
    plugin: &Plugin,
    settings: &Settings,
    args: impl IntoIterator<Item = OsString>,
    work: impl FnOnce(Run<'static>) -> Result<()>,
) -> ExitCode {
    logs::shorten_panics();
    take_all_file_handles();
    logs::start(plugin, &Environment::process());
    match Io::process() {
        Ok(io) => ExitCode::from(run_on(plugin, settings, args, io, work)),
        Err(error) => ExitCode::from(report(&error)),
    }
}

/// Many streams want many files at once: as many as this user may open, instead of the few that a shell gives.
fn take_all_file_handles() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        // What cannot be had stays as it is; the file that is one too many is an error then.
        let _ = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: limit.maximum,
                maximum: limit.maximum,
            },
        );
    }
}

/// Reads the command line and the settings, does the work, and says how it ended: the exit code.
pub fn run_on<'a>(
    plugin: &Plugin,
    settings: &Settings,
    args: impl IntoIterator<Item = OsString>,
    mut io: Io<'a>,
    work: impl FnOnce(Run<'a>) -> Result<()>,
) -> u8 {
    let args = match args::parse(plugin, args) {
        Ok(Parsed::Args(args)) => args,
        Ok(Parsed::Print(text)) => return print(&mut io, &text),
        Err(error) => {
            // As it is: a usage error has several lines.
            logs::plain(error.message());
            return error.kind().exit_code();
        }
    };
    if let Action::About(format) = args.action {
        return print(&mut io, &about::render(plugin, settings, format));
    }
    let exit_zero = args.signal_exit_zero;
    // A panic is a bug like any other: it gets the bug's exit code, and its message is on stderr already.
    let result = catch_unwind(AssertUnwindSafe(|| {
        let values = settings.load(plugin, &args.config, &args.settings, &io.environment)?;
        let timer = (args.action == Action::Run).then(|| Timer::start("job_duration", None));
        let result = work(Run { args, values, io });
        if let Some(timer) = timer {
            timer.finish(result.is_ok());
        }
        result
    }))
    .unwrap_or_else(|_| Err(Error::bug("panicked; the message above says where")));
    match result {
        Ok(()) => 0,
        Err(error) if exit_zero && matches!(error.kind(), Kind::Interrupted(_)) => {
            log::warn!("{error}");
            0
        }
        Err(error) => report(&error),
    }
}

fn print(io: &mut Io<'_>, text: &str) -> u8 {
    protocol::write(&mut *io.stdout, text.as_bytes()).map_or_else(|error| report(&error), |()| 0)
}

fn report(error: &Error) -> u8 {
    logs::critical(error);
    error.kind().exit_code()
}
