//! The fast path for short values: they are parsed within one window of bytes, without a loop over them.

use super::window::{Window, vector, word};
use crate::json::scan;

/// Where the closing quote is of a string of at most 32 bytes without escapes, whose opening quote is at `at`, at most the
/// window's 32nd byte.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a call takes as long")]
pub(crate) fn string_end(window: &Window, at: usize) -> Option<usize> {
    let at = at & 31;
    let ends = string_ends(window, at);
    let end = at + 1 + (ends.trailing_zeros() as usize & 31);
    (ends != 0 && window[at] == b'"' && window[end] == b'"').then_some(end)
}

/// The same of a string of any length in `text`, of which `window` is the start.
#[inline(always)]
#[expect(clippy::inline_always, reason = "as above")]
pub(crate) fn long_string_end(text: &str, window: &Window, at: usize) -> Option<usize> {
    string_end(window, at).or_else(|| {
        let at = at & 31;
        let is_long = window[at] == b'"' && string_ends(window, at) == 0;
        if is_long { plain_end(text, at + 33) } else { None }
    })
}

/// One bit for each of the 32 bytes after `at` that ends the plain part of a string; none after the first sixteen when
/// there is one among these.
#[inline(always)]
#[expect(clippy::inline_always, reason = "as above")]
fn string_ends(window: &Window, at: usize) -> u32 {
    match scan::ends(vector(window, at + 1)) {
        0 => scan::ends(vector(window, at + 17)) << 16,
        ends => ends,
    }
}

/// Where the quote is at or after `at`, if nothing before it ends the plain part of a string.
#[inline(never)]
fn plain_end(text: &str, at: usize) -> Option<usize> {
    let end = scan::string_end(text.as_bytes(), at)?;
    (text.as_bytes()[end] == b'"').then_some(end)
}

/// The digits that a number of at most fifteen bytes starts with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Digits {
    pub(crate) negative: bool,
    /// Where the number starts, with its sign, and where its digits do.
    at: usize,
    first: usize,
    /// Where they end.
    pub(crate) end: usize,
    /// One bit for each byte from `at` on that is no digit, but for the sign.
    others: u32,
}

impl Digits {
    /// Those of the number at `at`, at most the window's 32nd byte; `None` where there are none, and where there is a zero
    /// before others.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "its fields are to stay in registers")]
    pub(crate) fn find(window: &Window, at: usize) -> Option<Self> {
        let at = at & 31;
        // Where to look does not depend on the sign, or their end would have to wait for it.
        let others = scan::no_digits(vector(window, at));
        let negative = others & 1 != 0;
        let others = others & !1;
        let first = at + usize::from(negative);
        let end = at + (others.trailing_zeros() as usize & 15);
        if others == 0
            || negative && (window[at] != b'-' || end == first)
            || window[first] == b'0' && end > first + 1
        {
            return None;
        }
        Some(Self {
            negative,
            at,
            first,
            end,
            others,
        })
    }

    /// The number, if it has neither a point nor an exponent, nor is -0.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as above")]
    pub(crate) fn integer(self, window: &Window) -> Option<i64> {
        let next = window[self.end];
        if next == b'.' || next | 0x20 == b'e' || self.negative && window[self.first] == b'0' {
            return None;
        }
        let digits = self.end - self.first;
        let start = word(window, self.first);
        let value = if digits <= 8 {
            scan::eight_digits(start << (64 - 8 * digits))
        } else {
            let high = scan::eight_digits(start << (128 - 8 * digits));
            high * 100_000_000 + scan::eight_digits(word(window, self.end - 8))
        };
        let value = value.cast_signed();
        Some(if self.negative { -value } else { value })
    }

    /// Where the number ends, if it has a point and no exponent.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as above")]
    pub(crate) fn fraction_end(self, window: &Window) -> Option<usize> {
        let others = self.others & (self.others - 1);
        let end = self.at + (others.trailing_zeros() as usize & 15);
        let has_point = others != 0 && end > self.end + 1 && window[self.end] == b'.';
        (has_point && window[end] | 0x20 != b'e').then_some(end)
    }

    /// The number up to `end`, without its sign, at the high end of a word, and the bit there where its point is; if it
    /// fits.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as above")]
    pub(crate) fn word(self, window: &Window, end: usize) -> Option<(u64, u32)> {
        let length = end - self.first;
        if length > 8 {
            return None;
        }
        let unused = 64 - 8 * length;
        let point = unused + 8 * (self.end - self.first);
        Some((word(window, self.first) << unused, point as u32))
    }
}
