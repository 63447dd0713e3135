//! Counts for a runner: how far a target has read, as lines of JSON into the FIFO that `MELISMA_COUNTS` names.
//!
//! `{"stream":"orders","records":1200,"bytes":98304}` is what a stream has got so far, `{"bytes":98431}` without a
//! stream what was read in all. A line comes for what has changed, at most every 100 ms and at the end. `melisma run`
//! asks for it when it connects a tap and a target directly, so that it sees none of their bytes.
//!
//! A runner that is gone can store no STATE. Then the target ends as on a signal, and the tap for want of a reader.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use melisma_engine::pipeline::{StreamSummary, Summary};
use melisma_engine::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::config::Environment;
use crate::signals::Stop;

/// The environment variable with the path of the FIFO.
pub const COUNTS_VARIABLE: &str = "MELISMA_COUNTS";

const INTERVAL: Duration = Duration::from_millis(100);

/// One line: all that was read so far, of a stream or of the whole input.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Count<'a> {
    /// The stream; `None` for the whole input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<Cow<'a, str>>,
    /// RECORD messages of the stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
    /// Bytes of these lines; of all lines for the whole input.
    pub bytes: u64,
}

/// Reports counts, when a runner listens.
#[derive(Debug, Default)]
pub(super) struct Counts(Option<Mutex<Reporter>>);

#[derive(Debug)]
struct Reporter {
    to: File,
    /// Asked for when the runner is gone.
    stop: Stop,
    next: Instant,
    /// The number of records reported for each stream, in the pipeline's order.
    records: Vec<u64>,
    bytes: u64,
    lines: Vec<u8>,
}

impl Counts {
    /// Opens the FIFO that the environment names, if it does.
    ///
    /// # Errors
    /// It cannot be opened, or nothing reads it.
    pub(super) fn open(environment: &Environment, stop: &Stop) -> Result<Self> {
        let Some(path) = environment.get(COUNTS_VARIABLE) else {
            return Ok(Self::default());
        };
        let to = open(path).map_err(|error| {
            Error::io(
                format!("cannot report counts to {path} ({COUNTS_VARIABLE})"),
                error,
            )
        })?;
        Ok(Self(Some(Mutex::new(Reporter {
            to,
            stop: stop.clone(),
            next: Instant::now(),
            records: Vec::new(),
            bytes: 0,
            lines: Vec::new(),
        }))))
    }

    /// Reports what has changed, when it is time to.
    pub(super) fn progress(
        &self,
        now: Instant,
        bytes: u64,
        streams: &mut dyn Iterator<Item = &StreamSummary>,
    ) {
        self.with(|reporter| {
            if now >= reporter.next {
                reporter.next = now + INTERVAL;
                reporter.report(bytes, streams);
            }
        });
    }

    /// Reports the last counts.
    pub(super) fn finish(&self, summary: &Summary) {
        self.with(|reporter| reporter.report(summary.bytes, &mut summary.streams.iter()));
    }

    fn with(&self, work: impl FnOnce(&mut Reporter)) {
        if let Some(reporter) = &self.0 {
            work(&mut reporter.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

impl Reporter {
    fn report(&mut self, bytes: u64, streams: &mut dyn Iterator<Item = &StreamSummary>) {
        self.lines.clear();
        for (at, stream) in streams.enumerate() {
            if self.records.len() <= at {
                self.records.resize(at + 1, 0);
            }
            if std::mem::replace(&mut self.records[at], stream.records) != stream.records {
                let count = Count {
                    stream: Some((&*stream.stream).into()),
                    records: Some(stream.records),
                    bytes: stream.bytes,
                };
                push(&mut self.lines, &count);
            }
        }
        if std::mem::replace(&mut self.bytes, bytes) != bytes {
            let count = Count {
                bytes,
                ..Count::default()
            };
            push(&mut self.lines, &count);
        }
        if is_gone(&self.to) || self.to.write_all(&self.lines).is_err() {
            self.stop.request(signal_hook::consts::SIGTERM);
        }
    }
}

fn push(lines: &mut Vec<u8>, count: &Count<'_>) {
    // Numbers and a text always have a form in JSON, and a vector takes everything.
    if serde_json::to_writer(&mut *lines, count).is_ok() {
        lines.push(b'\n');
    }
}

/// Does not wait for a reader: without one, the runner is gone.
#[cfg(unix)]
fn open(path: &str) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;

    use rustix::fs::{OFlags, fcntl_setfl};

    let at_once = i32::try_from(OFlags::NONBLOCK.bits()).map_err(io::Error::other)?;
    let file = File::options().write(true).custom_flags(at_once).open(path)?;
    fcntl_setfl(&file, OFlags::empty())?;
    Ok(file)
}

#[cfg(not(unix))]
fn open(path: &str) -> io::Result<File> {
    File::options().write(true).open(path)
}

/// Whether the reader is gone: seen without a write, since a quiet tap gives nothing to report.
#[cfg(unix)]
fn is_gone(to: &File) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let mut pipe = [PollFd::new(to, PollFlags::empty())];
    poll(&mut pipe, Some(&Timespec::default())).is_ok() && pipe[0].revents().contains(PollFlags::ERR)
}

#[cfg(not(unix))]
fn is_gone(_to: &File) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(name: &str, records: u64) -> StreamSummary {
        StreamSummary {
            stream: name.to_owned(),
            records,
            bytes: records * 10,
            ..StreamSummary::default()
        }
    }

    fn open(path: &std::path::Path, stop: &Stop) -> Result<Counts> {
        let text = path.to_str().expect("UTF-8");
        Counts::open(&Environment::new([(COUNTS_VARIABLE, text)], "."), stop)
    }

    #[test]
    fn what_has_changed_is_told_and_at_the_end_the_rest() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("counts");
        File::create(&path).expect("made");
        let counts = open(&path, &Stop::default()).expect("it is there");
        let now = Instant::now() + INTERVAL;
        let mut streams = vec![stream("a", 1), stream("b\"", 0)];
        counts.progress(now, 50, &mut streams.iter());
        streams[0] = stream("a", 2);
        counts.progress(now, 60, &mut streams.iter());
        streams.push(stream("c", 1));
        counts.progress(now + INTERVAL, 70, &mut streams.iter());
        streams[1] = stream("b\"", 3);
        counts.finish(&Summary {
            bytes: 100,
            streams,
            ..Summary::default()
        });
        let expected = [
            r#"{"stream":"a","records":1,"bytes":10}"#,
            r#"{"bytes":50}"#,
            r#"{"stream":"a","records":2,"bytes":20}"#,
            r#"{"stream":"c","records":1,"bytes":10}"#,
            r#"{"bytes":70}"#,
            r#"{"stream":"b\"","records":3,"bytes":30}"#,
            r#"{"bytes":100}"#,
        ];
        let written = std::fs::read_to_string(&path).expect("written");
        assert_eq!(written.lines().collect::<Vec<_>>(), expected);
    }

    #[cfg(unix)]
    #[test]
    fn a_runner_that_is_gone_ends_the_run_though_there_is_nothing_to_tell() {
        use rustix::fs::{CWD, Mode, mkfifoat};

        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("counts");
        mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR).expect("made");
        let stop = Stop::default();
        assert!(open(&path, &stop).is_err(), "nobody reads");
        let reader = File::options()
            .read(true)
            .write(true)
            .open(&path)
            .expect("opened");
        let counts = open(&path, &stop).expect("somebody reads");
        let now = Instant::now() + INTERVAL;
        counts.progress(now, 0, &mut std::iter::empty());
        assert!(!stop.is_requested());
        drop(reader);
        counts.progress(now + INTERVAL, 0, &mut std::iter::empty());
        assert_eq!(stop.signal(), Some(signal_hook::consts::SIGTERM));
    }

    #[test]
    fn without_a_runner_nothing_is_told() {
        let counts = Counts::open(&Environment::default(), &Stop::default()).expect("nothing to open");
        counts.finish(&Summary::default());
    }
}
