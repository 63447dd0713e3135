//! What the commands write: stdout is counted as it comes, and of stderr the end is kept.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use melisma_sdk::internal::printable::printable;

use crate::records::{Counted, Depth, Scanner};

/// Bytes of stderr that are kept.
const TAIL: usize = 4096;
/// The most of them that an error shows.
const LINES: usize = 5;

/// What was read of stdout.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) counted: Counted,
    pub(super) first_byte: Option<Duration>,
    pub(super) first_record: Option<Duration>,
    /// Whether a copy was to be made and could not.
    pub(super) is_copied: bool,
}

/// Reads to the end. `copy` gets the same bytes, up to `most` of them.
pub(super) fn read(
    mut from: impl Read,
    depth: Depth,
    start: Instant,
    copy: Option<(&mut File, u64)>,
) -> io::Result<Seen> {
    let mut seen = Seen::default();
    let mut scanner = Scanner::new(depth);
    let mut block = vec![0; 1 << 20];
    let mut copy = copy;
    let mut length = 0;
    loop {
        let read = from.read(&mut block)?;
        if read == 0 {
            break;
        }
        let now = start.elapsed();
        seen.first_byte.get_or_insert(now);
        scanner.feed(&block[..read]);
        if scanner.records() > 0 {
            seen.first_record.get_or_insert(now);
        }
        length += read as u64;
        let failed = copy
            .as_mut()
            .is_some_and(|(file, most)| length > *most || file.write_all(&block[..read]).is_err());
        if failed {
            copy = None;
        }
    }
    seen.is_copied = copy.is_some_and(|(file, _)| file.flush().is_ok());
    seen.counted = scanner.finish();
    Ok(seen)
}

/// The end of what a command writes to stderr.
pub(super) fn tail(mut from: impl Read) -> String {
    let mut kept = VecDeque::new();
    let mut block = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut block) {
        kept.extend(&block[..read]);
        kept.drain(..kept.len().saturating_sub(TAIL));
    }
    let bytes: Vec<u8> = kept.into();
    last_lines(&String::from_utf8_lossy(&bytes))
}

/// The last lines that are not blank, without control characters.
fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last: Vec<String> = lines[lines.len().saturating_sub(LINES)..]
        .iter()
        .map(|line| printable(line.trim_end()).into_owned())
        .collect();
    last.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_stderr_is_kept_as_lines() {
        let lines: Vec<String> = (0..9000).map(|n| format!("line {n}\n")).collect();
        let tail = tail(lines.join("\n").as_bytes());
        assert_eq!(tail, "line 8995\nline 8996\nline 8997\nline 8998\nline 8999");
        assert!(!last_lines("a\u{1b}[2Jb").contains('\u{1b}'));
    }

    #[test]
    fn a_copy_ends_where_it_becomes_too_long() {
        let read_with = |most| {
            let mut file = tempfile::tempfile().unwrap();
            let seen = read(
                &b"{}\n{}\n"[..],
                Depth::Parse,
                Instant::now(),
                Some((&mut file, most)),
            )
            .unwrap();
            (seen.is_copied, seen.counted.records, seen.first_record.is_some())
        };
        assert_eq!(read_with(6), (true, 2, true));
        assert_eq!(read_with(5), (false, 2, true));
    }
}
