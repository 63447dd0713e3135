//! A process: its input, its end, its memory.

use std::io::{ErrorKind, Write};
use std::process::{ChildStdin, Command, Stdio};

/// How a process ended, and what it said.
#[derive(Debug)]
pub struct Outcome {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Its bytes.
    pub stdout: Vec<u8>,
    /// Its text, whatever is not UTF-8 replaced.
    pub stderr: String,
}

impl Outcome {
    /// Checks that the process succeeded.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "should succeed, stderr: {}", self.stderr);
        self
    }

    /// Checks that the process failed with this exit code and that stderr has all of `words`.
    #[track_caller]
    pub fn fails(self, code: i32, words: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "stderr: {}", self.stderr);
        self.says(words)
    }

    /// Checks that stderr has all of `words`.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(
                self.stderr.contains(word),
                "{word:?} is not in stderr: {}",
                self.stderr
            );
        }
        self
    }

    /// The lines of stdout: for a target, the STATEs that it emitted.
    pub fn states(&self) -> Vec<String> {
        let text = String::from_utf8(self.stdout.clone()).expect("STATE is UTF-8");
        text.lines().map(str::to_owned).collect()
    }
}

/// Runs a command to its end with this input. A process that ends before it has read everything is no error here.
pub fn run(command: &mut Command, input: &[u8]) -> Outcome {
    let command = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let mut stdin = child.stdin.take().expect("piped");
    let output = std::thread::scope(|scope| {
        scope.spawn(move || match stdin.write_all(input) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => panic!("cannot feed the process: {error}"),
            _ => drop(stdin),
        });
        child.wait_with_output().expect("the process can be waited for")
    });
    Outcome {
        code: output.status.code(),
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Runs a command on what `feed` writes; its peak memory, in bytes. It must succeed.
pub fn peak_after(command: &mut Command, feed: impl FnOnce(&mut ChildStdin)) -> u64 {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let mut stdin = child.stdin.take().expect("piped");
    feed(&mut stdin);
    let peak = peak_memory(child.id()).expect("alive: its input is open");
    drop(stdin);
    assert!(child.wait().expect("a child").success());
    peak
}

/// The largest resident memory of a living process so far, in bytes; `None` when it has ended.
pub fn peak_memory(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
