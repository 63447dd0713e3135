//! The process that holds a lock: for messages, and to find out whether it is still alive.

use std::fmt;
#[cfg(target_os = "linux")]
use std::fs;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A process, identified by more than its number: numbers are reused, and other machines have the same ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owner {
    pub(crate) host: String,
    pub(crate) pid: u32,
    /// When it took the lock, RFC 3339.
    since: String,
    /// The boot of the machine and the process namespace of `pid`; empty where the system does not tell.
    #[serde(default)]
    place: String,
    /// When the process started, in ticks since the boot.
    #[serde(default)]
    started: u64,
}

impl Owner {
    /// This process.
    pub(crate) fn current() -> Self {
        let pid = std::process::id();
        Self {
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            pid,
            since: format!("{:.0}", Timestamp::now()),
            place: place().unwrap_or_default(),
            started: started(pid).unwrap_or_default(),
        }
    }

    /// Whether the process is alive; `None` when that is not known, because it ran on another machine, in another container or
    /// before a restart of the machine.
    pub(crate) fn is_alive(&self) -> Option<bool> {
        if self.place.is_empty() || self.place != place()? {
            return None;
        }
        Some(started(self.pid) == Some(self.started))
    }

    /// `pid 123 on host web1, since 2026-01-31T12:00:00Z (5 min ago)`
    pub(crate) fn describe(&self, now: Timestamp) -> String {
        match self.since.parse() {
            Ok(since) => format!("{self}, since {} ({})", self.since, ago(since, now)),
            Err(_) => self.to_string(),
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pid {} on host {}", self.pid, self.host)
    }
}

/// How long ago, for messages. Clocks may jump, and those of two machines may differ.
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> String {
    match now.as_second() - at.as_second() {
        seconds @ ..-1 => format!("{} s ahead of this clock", -seconds),
        seconds @ -1..=119 => format!("{} s ago", seconds.max(0)),
        seconds @ 120..=7199 => format!("{} min ago", seconds / 60),
        seconds => format!("{} h ago", seconds / 3600),
    }
}

#[cfg(target_os = "linux")]
fn place() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot.trim(), namespace.display()))
}

/// The start of a process that is alive. A zombie has ended: it holds no locks any more.
#[cfg(target_os = "linux")]
fn started(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may contain anything, including brackets.
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?;
    // Field 22 of proc(5); `state` is field 3.
    let started = fields.nth(18)?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(started)
}

#[cfg(not(target_os = "linux"))]
fn place() -> Option<String> {
    None
}

#[cfg(not(target_os = "linux"))]
fn started(_pid: u32) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_another_of_its_number_is_not() {
        let own = Owner::current();
        assert!(!own.host.is_empty());
        if !cfg!(target_os = "linux") {
            assert_eq!(own.is_alive(), None);
            return;
        }
        assert_eq!(own.is_alive(), Some(true));
        let earlier = Owner {
            started: own.started - 1,
            ..own.clone()
        };
        assert_eq!(earlier.is_alive(), Some(false), "the number was reused");
        let gone = Owner {
            pid: u32::MAX,
            ..own.clone()
        };
        assert_eq!(gone.is_alive(), Some(false));
        let elsewhere = Owner {
            place: "another boot".into(),
            ..own
        };
        assert_eq!(elsewhere.is_alive(), None);
    }

    #[test]
    fn an_owner_goes_through_json() {
        let own = Owner::current();
        let text = serde_json::to_string(&own).expect("writes");
        assert_eq!(serde_json::from_str::<Owner>(&text).expect("reads"), own);
    }

    #[test]
    fn ages_are_readable_whatever_the_clocks_do() {
        let now = Timestamp::from_second(1_000_000).expect("in range");
        for (seconds, said) in [
            (-90, "90 s ahead of this clock"),
            (-1, "0 s ago"),
            (119, "119 s ago"),
            (120, "2 min ago"),
            (7200, "2 h ago"),
        ] {
            let at = Timestamp::from_second(1_000_000 - seconds).expect("in range");
            assert_eq!(ago(at, now), said);
        }
    }
}
