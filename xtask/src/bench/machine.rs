//! What the numbers were measured on.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::sh;

pub(crate) fn describe() -> Value {
    let first = |path: &str, key: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let line = text
            .lines()
            .find(|line| line.starts_with(key))
            .unwrap_or_default()
            .to_owned();
        line.split_once(':')
            .map_or_else(String::new, |(_, value)| value.trim().to_owned())
    };
    let said = |program: &str, args: &[&str]| {
        sh::output(Command::new(program).args(args))
            .map(|text| text.trim().to_owned())
            .unwrap_or_default()
    };
    let root = sh::root().display().to_string();
    json!({
        "cpu": first("/proc/cpuinfo", "model name"),
        "cores": std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
        "memory": first("/proc/meminfo", "MemTotal"),
        "kernel": said("uname", &["-sr"]),
        "rustc": said("rustc", &["--version"]),
        "commit": said("git", &["-C", &root, "describe", "--always", "--dirty", "--abbrev=12"]),
        "date": today(),
    })
}

/// The date in UTC, as `2026-01-31`.
pub(crate) fn today() -> String {
    sh::output(Command::new("date").args(["-u", "+%Y-%m-%d"]))
        .map_or_else(|_| "undated".into(), |date| date.trim().into())
}
