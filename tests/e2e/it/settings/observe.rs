//! What a run does, as a text without what differs from run to run: moments, paths and process numbers.

use std::fmt::Write;
use std::path::Path;

use crate::harness::Outcome;

/// What a process said, and how it ended. `names` are of this run alone.
pub(super) fn outcome(outcome: &Outcome, names: &[&str]) -> String {
    let mut text = format!("exit code {:?}\n", outcome.code);
    let stdout = String::from_utf8_lossy(&outcome.stdout);
    for line in stdout.lines() {
        let _ = writeln!(text, "stdout {}", timeless(line));
    }
    for line in outcome.stderr.lines().filter(|line| !line.contains("METRIC")) {
        let line = line.split_once(" | ").map_or(line, |(_, line)| line);
        let _ = writeln!(text, "log {}", timeless(line));
    }
    names.iter().fold(text, |text, name| text.replace(name, "NAME"))
}

/// Without dates and times.
pub(super) fn timeless(line: &str) -> String {
    let bytes = line.as_bytes();
    let is_date = |at: usize| {
        let shape = b"0000-00-00";
        bytes.get(at..at + shape.len()).is_some_and(|found| {
            let pairs = found.iter().zip(shape);
            pairs.fold(true, |all, (byte, wanted)| {
                all && if *wanted == b'0' {
                    byte.is_ascii_digit()
                } else {
                    byte == wanted
                }
            })
        })
    };
    let year = this_year();
    let mut text = String::new();
    let mut at = 0;
    while at < line.len() {
        if line.is_char_boundary(at) && is_date(at) && line[at..].starts_with(&year) {
            let rest = line[at..].find(|c: char| !matches!(c, '0'..='9' | ':' | '.' | '-' | '+' | 'T' | 'Z'));
            text.push_str("DATE");
            at = rest.map_or(line.len(), |rest| at + rest);
        } else {
            let c = line[at..].chars().next().expect("a character");
            text.push(c);
            at += c.len_utf8();
        }
    }
    text
}

/// The year that times of this run begin with; those of the data are of others.
fn this_year() -> String {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("after 1970");
    // Exact to a day, so wrong for some hours around New Year.
    format!("{}-", 1970 + since.as_secs() * 10_000 / (3_652_425 * 86_400))
}

/// The files below a folder: their names, the digits of which may be of the moment, and what is in them.
pub(super) fn files(folder: &Path) -> String {
    let mut found = Vec::new();
    walk(folder, folder, &mut found);
    found.sort();
    found.concat()
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            walk(root, &path, found);
            continue;
        }
        let name = path.strip_prefix(root).expect("below").display().to_string();
        // What the SDK keeps for itself.
        if name.rsplit('/').next().is_some_and(|name| name.starts_with('.')) {
            continue;
        }
        let name = name.replace(|c: char| c.is_ascii_digit(), "0");
        let bytes = std::fs::read(&path).expect("a file");
        let text = String::from_utf8(bytes).unwrap_or_else(|bytes| format!("{:?}", bytes.as_bytes()));
        found.push(format!("file {name}\n{}\n", timeless(&text)));
    }
}
