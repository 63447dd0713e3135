//! Write-back that begins while rows still come, so that the sync of a commit has little left to wait for.

use std::fs::File;
use std::num::NonZeroU64;

/// Bytes whose way to the disk begins at once: enough for few and large writes, and less than most commits have.
const SPAN: u64 = 8 << 20;

/// How much of a growing file is on its way to the disk.
#[derive(Debug)]
pub(super) struct WriteBack {
    begun: u64,
}

impl WriteBack {
    /// For a file that has `length` bytes, which are none of ours.
    pub(super) fn behind(length: u64) -> Self {
        Self { begun: length }
    }

    /// The file has grown to `length` bytes: what is new begins its way when it is a span or more.
    ///
    /// It waits for nothing and promises nothing. The kernel may begin by itself at any time, so all that holds for
    /// that holds here: only a sync says what is durable, and an error on the way is kept for the file's next sync.
    pub(super) fn advance(&mut self, file: &File, length: u64) {
        let new = NonZeroU64::new(length.saturating_sub(self.begun));
        if let Some(new) = new.filter(|new| new.get() >= SPAN) {
            begin(file, self.begun, new);
            self.begun = length;
        }
    }
}

/// Linux begins to write what is dirty, and drops from its cache only what is clean by then. (`sync_file_range`, which
/// does the first alone, has no safe binding.) Advice that is not taken costs nothing but time at the commit.
#[cfg(target_os = "linux")]
fn begin(file: &File, from: u64, length: NonZeroU64) {
    let _ = rustix::fs::fadvise(file, from, Some(length), rustix::fs::Advice::DontNeed);
}

#[cfg(not(target_os = "linux"))]
fn begin(_file: &File, _from: u64, _length: NonZeroU64) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_spans_begin_and_none_of_them_twice() {
        let file = tempfile::tempfile().expect("made");
        let mut write_back = WriteBack::behind(100);
        let mut begun = |length| {
            write_back.advance(&file, length);
            write_back.begun
        };
        assert_eq!(begun(100), 100);
        assert_eq!(begun(99 + SPAN), 100);
        assert_eq!(begun(107 + SPAN), 107 + SPAN);
        assert_eq!(begun(107 + SPAN), 107 + SPAN);
        assert_eq!(begun(50), 107 + SPAN, "a file that was cut meanwhile");
    }
}
