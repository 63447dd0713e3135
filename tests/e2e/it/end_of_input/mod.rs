//! The end of the input is not the end of the data: a target that replaces what was there keeps it when the tap failed,
//! was killed or was interrupted, whoever dies in whatever order.

mod plain_pipe;
mod relayed;
mod resumed;
mod shared_pipe;

use std::path::Path;
use std::process::Command;

use crate::harness::{Every, Kind, Target, melisma, records, schema_line, state_line, wait_for};

/// Each built-in target, set to replace what is there.
fn replacing() -> Vec<(&'static str, Every)> {
    let files = |kind| Every::Files(Target::new(kind));
    let all = [
        ("target-jsonl", files(Kind::Jsonl)),
        ("target-csv", files(Kind::Csv)),
        ("target-parquet", files(Kind::Parquet)),
        ("target-postgres", Every::postgres()),
    ];
    all.map(|(name, target)| (name, target.with("load_method", "overwrite")))
        .into()
}

/// A target as an argument of `melisma run`, its configuration written.
fn words(target: &Every) -> String {
    let command = target.command();
    let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

/// `melisma run` of a tap into the target, with its state in `state.json`.
fn runner(folder: &Path, tap: &str, target: &Every) -> Command {
    let mut command = Command::new(melisma());
    command
        .args(["run", "--state", "state.json", tap, &words(target)])
        .current_dir(folder);
    command
}

/// A whole input with these rows, as text.
fn whole(ids: std::ops::Range<u64>) -> String {
    let end = ids.end;
    let mut lines = vec![schema_line()];
    lines.extend(records(ids));
    lines.push(state_line(end));
    lines.join("\n") + "\n"
}

/// Waits until a process is gone; nobody reaps an orphan at once everywhere, but it has no command line any more.
fn gone(pid: u32) {
    let path = format!("/proc/{pid}/cmdline");
    wait_for("the end of a process", || {
        std::fs::read(&path).unwrap_or_default().is_empty().then_some(())
    });
}
