//! What is on disk after each step, and after each way of being killed.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;

mod append;
mod others;
mod publish;

const FORMAT: Format = Format {
    naming_scheme: "{stream_name}.txt",
    modes: &[WriteMode::Append, WriteMode::Replace, WriteMode::Parts],
    is_whole: Some(|line| line.ends_with(b"}")),
};

fn files(folder: &Path, mode: WriteMode) -> Files {
    let settings = FileConfig {
        destination_path: folder.to_owned(),
        write_mode: Some(mode),
        ..FileConfig::default()
    };
    Files::open(&settings, &StandardConfig::default(), &FORMAT).expect("the folder opens")
}

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    names
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).expect("a file")
}

/// What a run that was killed leaves: rows that it had committed, and writes that it had not.
fn killed(folder: &Path, committed: &str, uncommitted: &[&str]) {
    let mut writer = files(folder, WriteMode::Append).writer("a").expect("a writer");
    writer.write(committed.as_bytes()).expect("written");
    writer.commit().expect("committed");
    for bytes in uncommitted {
        writer.write(bytes.as_bytes()).expect("written");
    }
}

fn append(path: &Path, text: &str) {
    use std::io::Write as _;
    let file = fs::File::options().append(true).create(true).open(path);
    file.expect("opens").write_all(text.as_bytes()).expect("written");
}

/// The next run, with one row more.
fn next_run(folder: &Path) {
    let mut writer = files(folder, WriteMode::Append).writer("a").expect("a writer");
    writer.write(b"{next}\n").expect("written");
    writer.finish().expect("finished");
}
