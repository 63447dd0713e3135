//! One run: processes are started, fed, read, and waited for.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind, PipeReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use melisma_sdk::internal::protocol::widen;

use super::cpu::{self, Usage};
use super::interrupt::is_interrupted;
use super::memory::Sampler;
use super::output::{self, Seen};
use crate::records::{Counted, Depth};

/// How long orphans are waited for: a server that a command leaves behind would never end.
const PATIENCE: Duration = Duration::from_secs(2);

/// A program and its arguments.
pub type Command = Vec<OsString>;

/// What the first command reads.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// Nothing at all.
    Empty,
    /// A file, through a pipe.
    Fed(&'a Path),
}

/// What happens to the stdout of the last command.
#[derive(Debug)]
pub enum Output<'a> {
    /// It goes to /dev/null.
    Discarded,
    /// It is read through a pipe.
    Read(Depth),
    /// It is read and copied to a file, if it has no more than this number of bytes.
    Copied(Depth, &'a mut File, u64),
}

/// What one run took.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// From the start of the first process to the end of the last.
    pub wall: Duration,
    /// CPU of all processes in user mode.
    pub user: Duration,
    /// CPU of all processes in the kernel.
    pub system: Duration,
    /// CPU of everything else on the machine, other than this process; `None` where the system does not say.
    pub others: Option<Duration>,
    /// Peak memory of all processes in bytes; `None` where the system does not say.
    pub peak: Option<u64>,
    /// What the last command wrote; nothing when discarded.
    pub counted: Counted,
    /// When its first byte came.
    pub first_byte: Option<Duration>,
    /// When its first record came.
    pub first_record: Option<Duration>,
    /// Whether the output was copied as a whole.
    pub is_copied: bool,
    /// Whether the first command read its input to the end.
    pub read_all: bool,
}

/// Why a run is none.
#[derive(Clone, Debug)]
pub enum Failure {
    /// There is no such program.
    Missing(String),
    /// [`interrupt`](super::interrupt) was called.
    Interrupted,
    /// It did not start, or it did not succeed; with the last lines of its stderr.
    Failed {
        /// Which program, and how it ended.
        what: String,
        /// The last lines that it wrote to stderr.
        stderr: String,
    },
}

impl Failure {
    /// On one line, or with stderr's last lines below it.
    pub fn describe(&self) -> String {
        match self {
            Self::Missing(program) => format!("there is no program {program}"),
            Self::Interrupted => "interrupted".to_owned(),
            Self::Failed { what, stderr } if stderr.is_empty() => what.clone(),
            Self::Failed { what, stderr } => format!("{what}; its last lines on stderr:\n{stderr}"),
        }
    }
}

/// Runs commands, each into the next, to their end. `variables` are set for all of them.
pub fn run(
    commands: &[Command],
    variables: &[(String, OsString)],
    input: Input<'_>,
    output: Output<'_>,
) -> Result<Run, Failure> {
    // One at a time: what the system accounts to processes below this one must be of this run alone.
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    cpu::adopt_orphans();
    if is_interrupted() {
        return Err(Failure::Interrupted);
    }
    let before = (cpu::own(), cpu::machine());
    let start = Instant::now();
    let started = start_all(commands, variables, input, &output)?;
    let sampler = Sampler::start();
    let ended = finish(started, output, start);
    let peak = sampler.stop();
    let Ended {
        mut run,
        usage,
        statuses,
        tails,
    } = ended?;
    if is_interrupted() {
        return Err(Failure::Interrupted);
    }
    for ((status, stderr), command) in statuses.iter().zip(tails).zip(commands) {
        if !status.success() {
            let what = format!("{} ended with {}", name(command), how(*status));
            return Err(Failure::Failed { what, stderr });
        }
    }
    let since = |now: Option<Duration>, before: Option<Duration>| Some(now?.saturating_sub(before?));
    let (own, machine) = (since(cpu::own(), before.0), since(cpu::machine(), before.1));
    run.user = usage.user;
    run.system = usage.system;
    run.others = machine
        .zip(own)
        .map(|(busy, own)| busy.saturating_sub(usage.total()).saturating_sub(own));
    run.peak = peak;
    Ok(run)
}

/// Processes that run, with their ends of the pipes.
struct Started {
    children: Vec<Child>,
    stdin: Option<(ChildStdin, PathBuf)>,
    stdout: Option<PipeReader>,
}

fn start_all(
    commands: &[Command],
    variables: &[(String, OsString)],
    input: Input<'_>,
    output: &Output<'_>,
) -> Result<Started, Failure> {
    let mut started = Started {
        children: Vec::new(),
        stdin: None,
        stdout: None,
    };
    for (at, command) in commands.iter().enumerate() {
        let is_discarded = at + 1 == commands.len() && matches!(output, Output::Discarded);
        if let Err(error) = start_one(command, variables, &mut started, input, is_discarded) {
            for child in &mut started.children {
                let _ = child.kill();
                let _ = child.wait();
            }
            return Err(if error.kind() == ErrorKind::NotFound {
                Failure::Missing(name(command))
            } else {
                Failure::Failed {
                    what: format!("{} could not be started: {error}", name(command)),
                    stderr: String::new(),
                }
            });
        }
    }
    Ok(started)
}

fn start_one(
    command: &Command,
    variables: &[(String, OsString)],
    started: &mut Started,
    input: Input<'_>,
    is_discarded: bool,
) -> io::Result<()> {
    let (program, args) = command.split_first().ok_or(ErrorKind::InvalidInput)?;
    let mut process = std::process::Command::new(program);
    process
        .args(args)
        .envs(variables.iter().cloned())
        .stderr(Stdio::piped());
    let is_first = started.children.is_empty();
    match (started.stdout.take(), input) {
        (Some(before), _) => process.stdin(before),
        (None, Input::Fed(_)) if is_first => process.stdin(Stdio::piped()),
        _ => process.stdin(Stdio::null()),
    };
    if is_discarded {
        process.stdout(Stdio::null());
    } else {
        let (reader, writer) = io::pipe()?;
        widen(&reader);
        process.stdout(writer);
        started.stdout = Some(reader);
    }
    let mut child = process.spawn()?;
    if let (Some(stdin), Input::Fed(path)) = (child.stdin.take(), input) {
        widen(&stdin);
        started.stdin = Some((stdin, path.to_owned()));
    }
    started.children.push(child);
    Ok(())
}

/// Processes that have ended.
struct Ended {
    run: Run,
    usage: Usage,
    statuses: Vec<ExitStatus>,
    /// The last lines of their stderr.
    tails: Vec<String>,
}

/// Feeds, reads and waits.
fn finish(started: Started, output: Output<'_>, start: Instant) -> Result<Ended, Failure> {
    let Started {
        mut children,
        stdin,
        stdout,
    } = started;
    let failed = |what: &str, error: io::Error| Failure::Failed {
        what: format!("{what}: {error}"),
        stderr: String::new(),
    };
    thread::scope(|scope| {
        let tails: Vec<ScopedJoinHandle<'_, String>> = children
            .iter_mut()
            .filter_map(|child| child.stderr.take())
            .map(|stderr| scope.spawn(move || output::tail(stderr)))
            .collect();
        let feeder = stdin.map(|(stdin, path)| scope.spawn(move || feed(&path, stdin)));
        let reader = stdout.map(|stdout| scope.spawn(move || read(stdout, output, start)));
        let (mut statuses, mut usage) = (Vec::new(), Usage::default());
        for child in children {
            let status = usage.wait(child);
            statuses.push(status.map_err(|error| failed("cannot wait for a process", error))?);
        }
        let seen = match reader {
            Some(reader) => reader
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("the thread panicked")))
                .map_err(|error| failed("cannot read the output", error))?,
            None => Seen::default(),
        };
        let mut wall = start.elapsed();
        if usage.wait_for_orphans(PATIENCE) {
            wall = start.elapsed();
        }
        let read_all = match feeder {
            Some(feeder) => feeder
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("the thread panicked")))
                .map_err(|error| failed("cannot read the input", error))?,
            None => true,
        };
        let tails = tails
            .into_iter()
            .map(|tail| tail.join().unwrap_or_default())
            .collect();
        let run = Run {
            wall,
            counted: seen.counted,
            first_byte: seen.first_byte,
            first_record: seen.first_record,
            is_copied: seen.is_copied,
            read_all,
            ..Run::default()
        };
        Ok(Ended {
            run,
            usage,
            statuses,
            tails,
        })
    })
}

fn read(stdout: PipeReader, output: Output<'_>, start: Instant) -> io::Result<Seen> {
    match output {
        Output::Discarded => Ok(Seen::default()),
        Output::Read(depth) => output::read(stdout, depth, start, None),
        Output::Copied(depth, file, most) => output::read(stdout, depth, start, Some((file, most))),
    }
}

/// Writes a file to a process; false when the process wanted no more of it.
fn feed(path: &Path, mut stdin: ChildStdin) -> io::Result<bool> {
    let mut file = File::open(path)?;
    match io::copy(&mut file, &mut stdin).and_then(|_| stdin.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        outcome => outcome.map(|()| true),
    }
}

/// The name of a program without its folder, and of `melisma` the plugin or command as well.
fn name(command: &Command) -> String {
    let base = |word: &OsString| {
        let name = Path::new(word).file_name().unwrap_or(word.as_os_str());
        melisma_sdk::internal::printable::printable(&name.to_string_lossy()).into_owned()
    };
    let mut words = command.iter();
    let first = words.next().map(base).unwrap_or_default();
    match words.next() {
        Some(second) if first == "melisma" => format!("{first} {}", base(second)),
        _ => first,
    }
}

fn how(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "no exit code".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(words: &[&str]) -> Command {
        words.iter().map(Into::into).collect()
    }

    #[test]
    fn commands_are_connected_and_what_they_write_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("in");
        let line = r#"{"type": "RECORD", "stream": "s", "record": {"i": 1}}"#;
        std::fs::write(&path, format!("{line}\n").repeat(1000)).unwrap();
        let commands = [command(&["cat"]), command(&["cat"])];
        let run = run(&commands, &[], Input::Fed(&path), Output::Read(Depth::Count)).unwrap();
        assert_eq!(
            (run.counted.records, run.counted.lines, run.read_all),
            (1000, 1000, true)
        );
        assert!(run.first_byte <= run.first_record && run.first_record.unwrap() <= run.wall);
    }

    #[test]
    fn the_cpu_of_grandchildren_and_of_orphans_counts() {
        let burn = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        let orphan = format!("( ({burn}) & )");
        let alone = run(
            &[command(&["sh", "-c", burn])],
            &[],
            Input::Empty,
            Output::Discarded,
        )
        .unwrap();
        let below = run(
            &[command(&["sh", "-c", &orphan])],
            &[],
            Input::Empty,
            Output::Discarded,
        )
        .unwrap();
        // At least a fifth: not a bound on time, but on being counted at all.
        assert!(below.user * 5 > alone.user, "{below:?} {alone:?}");
    }

    #[test]
    fn a_failure_has_its_exit_code_and_the_end_of_stderr() {
        let failure = run(
            &[command(&["sh", "-c", "echo broken >&2; exit 3"])],
            &[],
            Input::Empty,
            Output::Discarded,
        );
        let text = failure.unwrap_err().describe();
        assert!(
            text.contains("sh ended with exit code 3") && text.ends_with("broken"),
            "{text}"
        );
        let missing = run(
            &[command(&["there-is-no-such-tap"])],
            &[],
            Input::Empty,
            Output::Discarded,
        );
        assert!(matches!(missing, Err(Failure::Missing(name)) if name == "there-is-no-such-tap"));
    }

    #[test]
    fn a_command_that_reads_no_input_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("in");
        std::fs::write(&path, vec![b'x'; 4 << 20]).unwrap();
        let run = run(&[command(&["true"])], &[], Input::Fed(&path), Output::Discarded).unwrap();
        assert!(!run.read_all);
    }
}
