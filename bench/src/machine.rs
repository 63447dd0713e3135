//! What was measured on.

use std::fs;
use std::thread;

use serde::{Deserialize, Serialize};

/// A machine, as far as it matters for a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    /// The model of its processor.
    pub cpu: String,
    /// Processors that this process may use.
    pub cores: u64,
    /// Memory in bytes; `None` where the system does not say.
    pub memory_bytes: Option<u64>,
    /// The distribution, or the system where there is none.
    pub os: String,
    /// The kernel, its version, and the architecture.
    pub kernel: String,
}

impl Machine {
    /// The machine that this runs on.
    pub fn here() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let uname = rustix::system::uname();
        let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
        let (system, architecture) = (text(uname.sysname()), text(uname.machine()));
        Self {
            cpu: value(&read("/proc/cpuinfo"), "model name", ':').unwrap_or_else(|| architecture.clone()),
            cores: thread::available_parallelism().map_or(1, |cores| cores.get() as u64),
            memory_bytes: memory(&read("/proc/meminfo")),
            os: value(&read("/etc/os-release"), "PRETTY_NAME", '=').unwrap_or_else(|| system.clone()),
            kernel: format!("{system} {} {architecture}", text(uname.release())),
        }
    }

    /// On one line.
    pub fn describe(&self) -> String {
        let cores = if self.cores == 1 { "core" } else { "cores" };
        let memory = self.memory_bytes.map_or_else(String::new, |bytes| {
            format!(", {} GiB of memory", (bytes + (1 << 29)) >> 30)
        });
        format!(
            "{}, {} {cores}{memory}; {}; {}",
            self.cpu, self.cores, self.os, self.kernel
        )
    }
}

/// The value of the first line with this key.
fn value(text: &str, key: &str, separator: char) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(key))?;
    let (_, value) = line.split_once(separator)?;
    Some(value.trim().trim_matches('"').to_owned()).filter(|value| !value.is_empty())
}

fn memory(meminfo: &str) -> Option<u64> {
    let kib = value(meminfo, "MemTotal", ':')?;
    Some(kib.strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_linux_are_read() {
        assert_eq!(
            value("a : 1\nmodel name\t: X 1\n", "model name", ':').as_deref(),
            Some("X 1")
        );
        assert_eq!(
            value("PRETTY_NAME=\"Debian 12\"\n", "PRETTY_NAME", '=').as_deref(),
            Some("Debian 12")
        );
        assert_eq!(memory("MemTotal:       1024 kB\n"), Some(1 << 20));
        let here = Machine::here();
        assert!(
            here.cores > 0 && !here.cpu.is_empty() && !here.os.is_empty(),
            "{here:?}"
        );
    }
}
