//! The processes of a run, found by a variable that all of them have inherited.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// The variable; its value is the run's own.
pub const MARK: &str = "MELISMA_FAULT_RUN";

/// What a process of a run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `melisma run`
    Runner,
    /// The scripted tap.
    Tap,
    /// The target.
    Target,
}

impl Role {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Runner => "runner",
            Self::Tap => "tap",
            Self::Target => "target",
        }
    }
}

/// The living processes of a run.
pub fn family(run: &str) -> Vec<(Pid, Role)> {
    let wanted = format!("{MARK}={run}");
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
            .and_then(Pid::from_raw)
        else {
            continue;
        };
        let is_ours = fs::read(entry.path().join("environ")).is_ok_and(|all| {
            all.split(|&byte| byte == 0)
                .any(|variable| variable == wanted.as_bytes())
        });
        if !is_ours {
            continue;
        }
        let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let role = match words.split(|&byte| byte == 0).nth(1) {
            Some(b"tap" | b"soak-tap") => Role::Tap,
            Some(b"planted") => Role::Target,
            Some(word) if word.starts_with(b"target-") => Role::Target,
            _ => Role::Runner,
        };
        found.push((pid, role));
    }
    found
}

/// Sends SIGKILL to the processes of a run that do this; says whether there was one.
pub fn kill(run: &str, role: Role) -> bool {
    let found: Vec<Pid> = family(run)
        .into_iter()
        .filter(|(_, other)| *other == role)
        .map(|(pid, _)| pid)
        .collect();
    for pid in &found {
        let _ = kill_process(*pid, Signal::KILL);
    }
    !found.is_empty()
}

/// Waits until all processes of a run have ended; those that have not after `patience` are killed, and named.
pub fn wait_for_all(run: &str, patience: Duration) -> Result<(), String> {
    let deadline = Instant::now() + patience;
    loop {
        let left = family(run);
        if left.is_empty() {
            return Ok(());
        }
        if Instant::now() > deadline {
            for (pid, _) in &left {
                let _ = kill_process(*pid, Signal::KILL);
            }
            let roles: Vec<&str> = left.iter().map(|(_, role)| role.name()).collect();
            return Err(format!(
                "still there after {} s: {}",
                patience.as_secs(),
                roles.join(", ")
            ));
        }
        thread::sleep(Duration::from_millis(3));
    }
}
