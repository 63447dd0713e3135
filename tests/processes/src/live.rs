//! A process that is talked to while it runs.

use std::fmt::Display;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::Outcome;

/// A wait that takes longer has failed. No test is faster for a smaller one.
const DEADLINE: Duration = Duration::from_mins(2);

/// Waits until `what` gives something.
#[track_caller]
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A running process: lines go in one by one, what it says is kept. Killed when it is dropped.
pub struct Live {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Arc<Mutex<Vec<u8>>>,
    stderr: Arc<Mutex<Vec<u8>>>,
    readers: Vec<JoinHandle<()>>,
}

impl Live {
    /// Starts it, with everything it writes read at once.
    pub fn start(command: &mut Command) -> Self {
        Self::start_as(command, true)
    }

    /// Starts it, and leaves its stdout to the test: nobody reads it.
    pub fn start_unread(command: &mut Command) -> Self {
        Self::start_as(command, false)
    }

    fn start_as(command: &mut Command, read: bool) -> Self {
        command.stdin(Stdio::piped()).stderr(Stdio::piped());
        command.stdout(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let (stdout, stderr) = (Arc::default(), Arc::default());
        let mut readers = vec![gather(child.stderr.take().expect("piped"), &stderr)];
        if read {
            readers.push(gather(child.stdout.take().expect("piped"), &stdout));
        }
        Self {
            stdin: child.stdin.take(),
            child,
            stdout,
            stderr,
            readers,
        }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its stdout, when nobody reads it yet.
    pub fn stdout(&mut self) -> std::process::ChildStdout {
        self.child.stdout.take().expect("started unread")
    }

    /// Sends lines; false when it does not take them any more.
    pub fn send<L: Display>(&mut self, lines: impl IntoIterator<Item = L>) -> bool {
        let lines = lines.into_iter().map(|line| format!("{line}\n"));
        let text: String = lines.collect();
        let stdin = self.stdin.as_mut().expect("not closed");
        stdin
            .write_all(text.as_bytes())
            .and_then(|()| stdin.flush())
            .is_ok()
    }

    /// Takes its stdin, for a thread that feeds it, or to close it.
    pub fn stdin(&mut self) -> ChildStdin {
        self.stdin.take().expect("not taken")
    }

    /// Waits until a line of its stdout is this one.
    #[track_caller]
    pub fn says(&self, line: &str) {
        wait_for(
            &format!("{line:?} on stdout; stderr: {}", text(&self.stderr)),
            || text(&self.stdout).lines().any(|said| said == line).then_some(()),
        );
    }

    /// What it has written to stderr so far.
    pub fn stderr(&self) -> String {
        text(&self.stderr)
    }

    /// Sends a signal by name; a process that has ended gets none.
    pub fn signal(&self, name: &str) {
        kill(name, &self.id().to_string());
    }

    /// Sends a signal again and again, for what only a second one does.
    pub fn signal_until_it_ends(&mut self, name: &str) {
        wait_for("the end", || {
            let ended = self.ended();
            if !ended {
                self.signal(name);
                std::thread::sleep(Duration::from_millis(50));
            }
            ended.then_some(())
        });
    }

    /// Whether it has ended.
    pub fn ended(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }

    /// Ends it by SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().expect("a child");
    }

    /// Ends its input and waits for its end.
    #[track_caller]
    pub fn finish(mut self) -> Outcome {
        drop(self.stdin.take());
        self.end()
    }

    /// Waits for its end; its stdin stays as it is.
    #[track_caller]
    pub fn end(mut self) -> Outcome {
        let status: ExitStatus = wait_for("the end of a process", || self.child.try_wait().expect("a child"));
        for reader in self.readers.drain(..) {
            reader.join().expect("no panic");
        }
        Outcome {
            code: status.code(),
            stdout: self.stdout.lock().expect("no panic").clone(),
            stderr: text(&self.stderr),
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `kill`: to a process, or to a group when `whom` begins with a minus.
pub fn kill(name: &str, whom: &str) {
    let _ = Command::new("kill")
        .args(["-s", name, "--", whom])
        .stderr(Stdio::null())
        .status();
}

/// The processes that a process has started.
pub fn children(pid: u32) -> Vec<u32> {
    let all = std::fs::read_dir("/proc").expect("/proc").flatten();
    let all = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let parent = |child: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).ok()?;
        // After the name in brackets: the state, then the parent.
        let (_, rest) = stat.rsplit_once(") ")?;
        rest.split(' ').nth(1)?.parse::<u32>().ok()
    };
    all.filter(|&child| parent(child) == Some(pid)).collect()
}

fn gather(from: impl Read + Send + 'static, into: &Arc<Mutex<Vec<u8>>>) -> JoinHandle<()> {
    let into = Arc::clone(into);
    std::thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while from.read_until(b'\n', &mut line).unwrap_or(0) > 0 {
            into.lock().expect("no panic").append(&mut line);
        }
    })
}

fn text(said: &Mutex<Vec<u8>>) -> String {
    String::from_utf8_lossy(&said.lock().expect("no panic")).into_owned()
}
