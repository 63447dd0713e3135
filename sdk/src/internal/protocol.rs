//! The one owner of stdout, which carries the protocol and nothing else.

use std::fs::File;
use std::io::{self, Write};

use melisma_engine::{Error, Result};

/// What a pipe may hold at most on Linux, when an unprivileged process asks.
#[cfg(target_os = "linux")]
const PIPE_BYTES: usize = 1 << 20;

/// Lets a pipe hold as much as it may; no pipe, or no permission: then it stays as it is, which only costs time.
///
/// A tap and a target that take turns on the 64 KiB of a shell's pipe take up to twice as long.
#[cfg(target_os = "linux")]
pub fn widen(pipe: impl std::os::fd::AsFd) {
    let _ = rustix::pipe::fcntl_setpipe_size(pipe, PIPE_BYTES);
}

/// Does nothing: pipes of other systems grow by themselves.
#[cfg(all(unix, not(target_os = "linux")))]
pub fn widen(_: impl std::os::fd::AsFd) {}

/// The process's stdout, unbuffered: whoever writes brings large pieces. A pipe is [widened](widen).
///
/// It is a second handle on the same pipe or file, so it needs no lock and no line buffer.
pub fn stdout() -> Result<File> {
    let cannot = |error| Error::io("cannot open stdout", error);
    #[cfg(unix)]
    let handle = std::os::fd::AsFd::as_fd(&io::stdout())
        .try_clone_to_owned()
        .map_err(cannot)?;
    #[cfg(windows)]
    let handle = std::os::windows::io::AsHandle::as_handle(&io::stdout())
        .try_clone_to_owned()
        .map_err(cannot)?;
    #[cfg(unix)]
    widen(&handle);
    Ok(File::from(handle))
}

/// The process's stdin, unbuffered: whoever reads asks for large pieces. A pipe is [widened](widen).
pub fn stdin() -> Result<File> {
    let cannot = |error| Error::io("cannot open stdin", error);
    #[cfg(unix)]
    let handle = std::os::fd::AsFd::as_fd(&io::stdin())
        .try_clone_to_owned()
        .map_err(cannot)?;
    #[cfg(windows)]
    let handle = std::os::windows::io::AsHandle::as_handle(&io::stdin())
        .try_clone_to_owned()
        .map_err(cannot)?;
    #[cfg(unix)]
    widen(&handle);
    Ok(File::from(handle))
}

/// Writes whole lines to stdout or what stands for it; a reader that went away is an error like any other, so that
/// the process ends with a code that is not 0.
pub fn write(out: &mut (impl Write + ?Sized), lines: &[u8]) -> Result<()> {
    out.write_all(lines).and_then(|()| out.flush()).map_err(|error| {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Error::io("cannot write to stdout: its reader went away", error)
        } else {
            Error::io("cannot write to stdout", error)
        }
    })
}
