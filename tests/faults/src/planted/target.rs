//! A target with a bug: `melisma-faults planted BUG MELISMA TARGET ARGUMENTS...` stands where the target of a run does.

use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{ChildStdin, Command, ExitCode, Stdio};
use std::thread;

use serde_json::Value;

use super::bugs::{BUGS, Bug, Input, output, state};

/// Runs the target with the bug around it.
///
/// # Errors
/// There is no such bug, or the target cannot be started.
#[expect(clippy::print_stderr, reason = "a log line, as a target writes it")]
pub fn run(bug: &str, melisma: &Path, target: &[OsString]) -> io::Result<ExitCode> {
    let bug = BUGS.iter().find(|known| known.name == bug);
    let bug = bug.ok_or_else(|| io::Error::other("no such bug"))?;
    if bug.name == "emitted-secret" {
        eprintln!("connecting with the password {}", password(target)?);
    }
    let mut command = Command::new(melisma);
    if bug.name == "end-is-success" {
        command.env_remove("MELISMA_RUN_VERDICT");
    }
    let mut child = command
        .args(target)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let (Some(stdin), Some(stdout)) = (stdin, stdout) else {
        return Err(io::Error::other("no pipes"));
    };
    // It may wait for a tap that never ends; whoever waits for the target does not.
    thread::spawn(move || feed(bug, stdin));
    for line in BufReader::new(stdout).lines() {
        io::stdout().write_all(output(bug, line? + "\n").as_bytes())?;
    }
    let status = child.wait()?;
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1)
        .into())
}

/// Hands the tap's lines to the target, as the bug treats them.
fn feed(bug: &Bug, mut target: ChildStdin) -> io::Result<()> {
    let mut input = Input::new(bug);
    for line in io::stdin().lines() {
        let line = line? + "\n";
        if bug.name == "early-state"
            && let Some(state) = state(&line)
        {
            io::stdout().write_all(state.as_bytes())?;
        }
        for line in input.take(line) {
            target.write_all(line.as_bytes())?;
        }
    }
    for line in input.end() {
        target.write_all(line.as_bytes())?;
    }
    Ok(())
}

/// The password in the config file among the arguments.
fn password(arguments: &[OsString]) -> io::Result<String> {
    let mut arguments = arguments.iter().skip_while(|argument| *argument != "--config");
    let config = arguments.nth(1).ok_or_else(|| io::Error::other("no --config"))?;
    let config: Value = serde_json::from_slice(&fs::read(config)?)?;
    Ok(config["password"].as_str().unwrap_or_default().to_owned())
}
