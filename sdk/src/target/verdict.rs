//! The runner's word about the end of the input, for targets that replace what was there.
//!
//! When a tap fails or is killed, its pipe closes as it does at the end of a good run. A runner knows more: it waits for
//! the tap. It names a FIFO in `MELISMA_RUN_VERDICT`, of which it holds the writing end as long as it lives, and writes one
//! line to it when it knows how the input has ended:
//!
//! ```text
//! ok                          the tap has exited with success, nobody had asked it to end, and all it wrote was passed on
//! failed: exit code 1         anything else, and why
//! ```
//!
//! The target reads that line after the end of its input, and takes only `ok` for a good end. A FIFO that ends without a
//! line is that of a runner that was killed: nobody knows then how the tap has ended. Nobody waits for the other for ever:
//! the line fits into a FIFO that no one reads, so the runner does not wait for the target, and the target is woken when
//! the last writer is gone. A target that is asked to end while it waits sits in a read on its reading thread only.

use std::fs::File;
use std::io::{self, Read};

use melisma_engine::{Error, Kind, Result, error::show};

use crate::config::Environment;

/// The environment variable with the path of the FIFO.
pub const RUN_VERDICT_VARIABLE: &str = "MELISMA_RUN_VERDICT";

/// What a runner writes when the input has ended well, with a line end.
pub const RUN_VERDICT_OK: &str = "ok";
/// What the other line begins with; the reason follows.
pub const RUN_VERDICT_FAILED: &str = "failed: ";

/// A longer line is no verdict; this much fits into any FIFO.
const MAX_BYTES: usize = 1024;

/// The reading end of the runner's FIFO, open from the start of the run: what was written stays in it even if the
/// runner ends before it is read.
#[derive(Debug)]
pub(super) struct RunVerdict(File);

impl RunVerdict {
    /// Opens the FIFO that the environment names, if it does.
    ///
    /// # Errors
    /// It cannot be opened: the runner is gone, and its folder with it.
    pub(super) fn open(environment: &Environment) -> Result<Option<Self>> {
        let Some(path) = environment.get(RUN_VERDICT_VARIABLE) else {
            return Ok(None);
        };
        match open(path) {
            Ok(file) => Ok(Some(Self(file))),
            Err(error) => Err(Error::new(
                Kind::Unavailable,
                format!("cannot read the runner's verdict from {path} ({RUN_VERDICT_VARIABLE})"),
            )
            .with_source(error)),
        }
    }

    /// Waits for the runner's word.
    fn wait(&mut self) -> Result<()> {
        let mut line = Vec::new();
        let mut byte = [0];
        while line.len() < MAX_BYTES {
            match self.0.read(&mut byte) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(not_known(&error.to_string())),
                Ok(0) => return Err(not_known("the runner is gone")),
                Ok(_) if byte == *b"\n" => break,
                Ok(_) => line.push(byte[0]),
            }
        }
        let line = String::from_utf8_lossy(&line);
        if line == RUN_VERDICT_OK {
            return Ok(());
        }
        Err(match line.strip_prefix(RUN_VERDICT_FAILED) {
            Some(why) => Error::new(
                Kind::Unavailable,
                format!("the tap did not end well ({}): nothing is replaced", show(why)),
            ),
            None => not_known(&format!("the runner wrote {}", show(&line))),
        })
    }
}

fn not_known(why: &str) -> Error {
    Error::new(
        Kind::Unavailable,
        format!("it is not known whether the tap ended well ({why}): nothing is replaced"),
    )
}

/// An input whose end is one only if the runner says so; otherwise reading it fails there.
pub(super) struct Judged<R> {
    input: R,
    verdict: RunVerdict,
}

impl<R> Judged<R> {
    pub(super) fn new(input: R, verdict: RunVerdict) -> Self {
        Self { input, verdict }
    }
}

impl<R: Read> Read for Judged<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(into)?;
        if read == 0 && !into.is_empty() {
            self.verdict.wait().map_err(io::Error::other)?;
        }
        Ok(read)
    }
}

/// Does not wait for a writer: without one, the runner is gone, and the first read says so.
#[cfg(unix)]
fn open(path: &str) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;

    use rustix::fs::{OFlags, fcntl_setfl};

    let at_once = i32::try_from(OFlags::NONBLOCK.bits()).map_err(io::Error::other)?;
    let file = File::options().read(true).custom_flags(at_once).open(path)?;
    fcntl_setfl(&file, OFlags::empty())?;
    Ok(file)
}

#[cfg(not(unix))]
fn open(path: &str) -> io::Result<File> {
    File::open(path)
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write as _;
    use std::thread;
    use std::time::Duration;

    use rustix::fs::{CWD, Mode, mkfifoat};

    use super::*;

    /// What an input of two bytes ends in, when the runner does this with its end of the FIFO.
    fn end(runner: impl FnOnce(File) + Send) -> io::Result<Vec<u8>> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("verdict");
        mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR).expect("made");
        let to = File::options()
            .read(true)
            .write(true)
            .open(&path)
            .expect("opened");
        let text = path.to_str().expect("UTF-8");
        let environment = Environment::new([(RUN_VERDICT_VARIABLE, text)], ".");
        let verdict = RunVerdict::open(&environment)
            .expect("it is there")
            .expect("named");
        thread::scope(|scope| {
            scope.spawn(|| runner(to));
            let mut bytes = Vec::new();
            Judged::new(&b"ab"[..], verdict)
                .read_to_end(&mut bytes)
                .map(|_| bytes)
        })
    }

    #[track_caller]
    fn refused(end: io::Result<Vec<u8>>) -> String {
        let error = end.expect_err("no good end").downcast::<Error>().expect("ours");
        assert_eq!(error.kind(), Kind::Unavailable);
        error.to_string()
    }

    #[test]
    fn only_ok_is_a_good_end_however_late_it_comes() {
        let ok = end(|mut to| {
            thread::sleep(Duration::from_millis(50));
            to.write_all(b"ok\n").expect("written");
        });
        assert_eq!(ok.expect("a good end"), b"ab");
        let failed = refused(end(|mut to| {
            to.write_all(b"failed: exit code 1\n").expect("written");
        }));
        assert!(failed.contains("did not end well (exit code 1)"), "{failed}");
        for noise in [&b"\n"[..], b"okay\n", b"ok", &[b'x'; 2000]] {
            let unknown = refused(end(move |mut to| to.write_all(noise).expect("written")));
            assert!(unknown.contains("it is not known"), "{unknown}");
        }
    }

    #[test]
    fn a_runner_that_is_gone_is_no_good_end_before_and_after_the_target_looks() {
        let gone = refused(end(drop));
        assert!(gone.contains("the runner is gone"), "{gone}");
        let late = refused(end(|to| {
            thread::sleep(Duration::from_millis(50));
            drop(to);
        }));
        assert!(late.contains("the runner is gone"), "{late}");
    }

    #[test]
    fn without_a_folder_the_target_does_not_begin_and_without_a_runner_there_is_no_verdict() {
        let environment = Environment::new([(RUN_VERDICT_VARIABLE, "/nonexistent/verdict")], ".");
        let error = RunVerdict::open(&environment).expect_err("not there");
        assert_eq!(error.kind(), Kind::Unavailable);
        assert!(
            RunVerdict::open(&Environment::default())
                .expect("nothing to open")
                .is_none()
        );
    }
}
