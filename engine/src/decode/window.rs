//! The next bytes of the input as a fixed-size array, so that reading within it needs no bounds checks.

use wide::u8x16;

/// Enough for a key of [`QUICK_KEY`] bytes and a short value.
pub(super) const WINDOW: usize = 64;
/// The longest key, with its quotes, colon and white space, that is looked for in a window.
pub(super) const QUICK_KEY: usize = 31;

pub(crate) type Window = [u8; WINDOW];

/// The window at the start of a text; none of a short text.
#[inline]
pub(super) fn window(text: &str) -> Option<&Window> {
    text.as_bytes().first_chunk()
}

/// Sixteen bytes of a window, from at most its 48th on.
#[inline]
pub(crate) fn vector(window: &Window, at: usize) -> u8x16 {
    u8x16::new(part(window, at))
}

/// Eight bytes of a window, the first in the lowest bits.
#[inline]
pub(super) fn word(window: &Window, at: usize) -> u64 {
    u64::from_le_bytes(part(window, at))
}

/// Bytes of a window. Where the caller's bounds are plain to the compiler, nothing is left of the check.
#[inline]
fn part<const N: usize>(window: &Window, at: usize) -> [u8; N] {
    match window.get(at..).and_then(|rest| rest.first_chunk()) {
        Some(part) => *part,
        None => [0; N],
    }
}

/// Whether `text` stands at `at`.
pub(super) fn starts_with(bytes: &[u8], at: usize, text: &[u8]) -> bool {
    bytes.get(at..).is_some_and(|rest| rest.starts_with(text))
}
