//! Finds the end of strings and numbers with vector instructions, sixteen bytes at a time.
//!
//! Strings and numbers in records are short: what costs is not the bytes but a mispredicted branch at the end of
//! each. A vector comparison turned into a bit mask says where one ends without a loop over its bytes. The vectors
//! are those of every x86-64 and aarch64; nothing is chosen at run time.

use wide::u8x16;

/// Bytes of a vector.
const WIDTH: usize = 16;

#[inline]
fn vector_at(bytes: &[u8], at: usize) -> Option<u8x16> {
    bytes
        .get(at..)?
        .first_chunk::<WIDTH>()
        .map(|chunk| u8x16::new(*chunk))
}

/// One bit for each byte that ends the plain part of a string: quote, backslash, control character.
#[inline]
pub(crate) fn ends(bytes: u8x16) -> u32 {
    special(bytes).to_bitmask()
}

/// Quotes, backslashes and control characters: all bits of their bytes are set.
#[inline]
fn special(bytes: u8x16) -> u8x16 {
    // Flipping this bit puts the quote right above the control characters, which stay among themselves.
    let flipped = bytes ^ u8x16::splat(2);
    let low = flipped.min(u8x16::splat(0x20)).simd_eq(flipped);
    let backslash = bytes.simd_eq(u8x16::splat(b'\\'));
    low | backslash
}

/// One bit for each quote.
#[inline]
pub(crate) fn quotes(bytes: u8x16) -> u32 {
    bytes.simd_eq(u8x16::splat(b'"')).to_bitmask()
}

/// One bit for each byte that is no digit.
#[inline]
pub(crate) fn no_digits(bytes: u8x16) -> u32 {
    let values = bytes - u8x16::splat(b'0');
    !values.min(u8x16::splat(9)).simd_eq(values).to_bitmask() & 0xFFFF
}

/// The first byte at or after `at` for which `bits` sets its bit.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "`bits` is a few instructions, to be part of the loop"
)]
fn first(bytes: &[u8], mut at: usize, bits: impl Fn(u8x16) -> u32) -> Option<usize> {
    while let Some(vector) = vector_at(bytes, at) {
        let found = bits(vector);
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize);
        }
        at += WIDTH;
    }
    let rest = bytes.len().checked_sub(at).filter(|rest| *rest > 0)?;
    // The last bytes again, those before `at` shifted out; of a text that is shorter than a vector, a copy.
    let found = match bytes.last_chunk::<WIDTH>() {
        Some(last) => bits(u8x16::new(*last)) >> (WIDTH - rest),
        None => {
            let mut copy = [0; WIDTH];
            copy[..rest].copy_from_slice(&bytes[at..]);
            bits(u8x16::new(copy)) & ((1 << rest) - 1)
        }
    };
    (found != 0).then(|| at + found.trailing_zeros() as usize)
}

/// The first quote, backslash or control character at or after `at`, if it is among the next 32 bytes.
#[inline]
pub(crate) fn string_end_near(bytes: &[u8], at: usize) -> Option<usize> {
    let near = bytes.get(at..)?.first_chunk::<32>()?;
    let (first, second) = near.split_at(WIDTH);
    let (first, second) = (first.first_chunk()?, second.first_chunk()?);
    let found = ends(u8x16::new(*first)) | ends(u8x16::new(*second)) << WIDTH;
    (found != 0).then(|| at + found.trailing_zeros() as usize)
}

/// The first quote, backslash or control character at or after `at`.
#[inline]
pub(crate) fn string_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    while let Some(block) = bytes.get(at..)?.first_chunk()
        && is_plain(block)
    {
        at += BLOCK;
    }
    first(bytes, at, ends)
}

/// Whether no quote, backslash or control character is among 64 bytes: the least of all says it, see [`special`].
#[inline]
fn is_plain(block: &[u8; BLOCK]) -> bool {
    let least = |flip: u8| {
        let flipped = vectors(block).map(|vector| vector ^ u8x16::splat(flip));
        (flipped[0].min(flipped[1])).min(flipped[2].min(flipped[3]))
    };
    let (low, backslash) = (least(2), least(b'\\'));
    let found = low.min(u8x16::splat(0x20)).simd_eq(low) | backslash.simd_eq(u8x16::ZERO);
    found.to_bitmask() == 0
}

/// Where the digits that start at `at` end.
#[inline]
pub(crate) fn digits_end(bytes: &[u8], at: usize) -> usize {
    first(bytes, at, no_digits).unwrap_or(bytes.len().max(at))
}

/// Bytes that are looked at together where many are expected to matter.
pub(crate) const BLOCK: usize = 64;

/// Hands 64 bytes from `at` on to `look`. After the end of the text there are spaces.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "`look` is to work on the text, not on a copy"
)]
fn with_block<T>(bytes: &[u8], at: usize, look: impl Fn(&[u8; BLOCK]) -> T) -> T {
    let rest = bytes.get(at..).unwrap_or_default();
    if let Some(block) = rest.first_chunk() {
        return look(block);
    }
    let mut block = [b' '; BLOCK];
    block[..rest.len()].copy_from_slice(rest);
    look(&block)
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "as above")]
fn vectors(block: &[u8; BLOCK]) -> [u8x16; BLOCK / WIDTH] {
    std::array::from_fn(|i| {
        let mut part = [0; WIDTH];
        part.copy_from_slice(&block[i * WIDTH..][..WIDTH]);
        u8x16::new(part)
    })
}

/// One bit for each of 64 bytes that passes a test.
#[inline(always)]
#[expect(clippy::inline_always, reason = "`test` is a few instructions")]
fn bits(block: &[u8; BLOCK], test: impl Fn(u8x16) -> u8x16) -> u64 {
    let parts = vectors(block).map(test);
    if ((parts[0] | parts[1]) | (parts[2] | parts[3])).to_bitmask() == 0 {
        return 0;
    }
    let bits = |i: usize| u64::from(parts[i].to_bitmask()) << (16 * i);
    bits(0) | bits(1) | bits(2) | bits(3)
}

/// One bit for each of the 64 bytes from `at` on that ends the plain part of a string; see [`string_end`].
#[inline]
pub(crate) fn string_ends(bytes: &[u8], at: usize) -> u64 {
    with_block(bytes, at, |block| bits(block, special))
}

/// One bit for each of the 64 bytes from `at` on that is a tab, and one for each other quote, backslash and control character.
#[inline]
pub(crate) fn tabs_and_others(bytes: &[u8], at: usize) -> (u64, u64) {
    with_block(bytes, at, |block| {
        let ends = bits(block, special);
        let tabs = bits(block, |vector| vector.simd_eq(u8x16::splat(b'\t')));
        (tabs, ends ^ tabs)
    })
}

/// Text as JSON writers have it that escape all but ASCII is a run of escapes. They are checked all at once.
///
/// `ends` is what [`string_ends`] says of the bytes from `at` on. When each escape there, up to the first byte that
/// ends the string, is `\u` and four hex digits, and no surrogate is alone, the result is `ends` without them, and
/// where the first escape starts that reaches beyond the 64 bytes, else 64.
#[inline]
pub(crate) fn all_unicode(bytes: &[u8], at: usize, ends: u64) -> Option<(u64, usize)> {
    with_block(bytes, at, |block| unicode_in(block, ends))
}

#[inline]
fn unicode_in(block: &[u8; BLOCK], ends: u64) -> Option<(u64, usize)> {
    let backslashes = bits(block, |vector| vector.simd_eq(u8x16::splat(b'\\')));
    let stop = (ends & !backslashes).trailing_zeros();
    let mut escapes = backslashes & !u64::MAX.checked_shl(stop).unwrap_or(0);
    // An escape that starts in the last five bytes is left to the next block.
    let mut beyond = escapes >> 59 << 59;
    escapes ^= beyond;
    let unicode = bits(block, |vector| vector.simd_eq(u8x16::splat(b'u')));
    let hex = bits(block, |vector| {
        among(vector, b'0', 10) | among(lower(vector), b'a', 6)
    });
    let digits = escapes << 2;
    let mut wrong = escapes << 1 & !unicode | (digits | digits << 1 | digits << 2 | digits << 3) & !hex;
    // Surrogates start with a D and a digit from 8 on: up to B the first of a pair, from C on the second.
    let d = bits(block, |vector| lower(vector).simd_eq(u8x16::splat(b'd')));
    let after_d = (digits & d) << 1;
    if after_d != 0 {
        let first = bits(block, |vector| {
            among(vector, b'8', 2) | among(lower(vector), b'a', 2)
        });
        let second = bits(block, |vector| among(lower(vector), b'c', 4));
        let (first, second) = ((after_d & first) >> 3, (after_d & second) >> 3);
        // So is the first of a pair whose second is beyond.
        let without_second = first >> 53 << 53;
        beyond |= without_second;
        wrong |= (first ^ without_second) << 6 ^ second;
    }
    let end = beyond.trailing_zeros();
    let rest = ends & !backslashes & !u64::MAX.checked_shl(end).unwrap_or(0);
    (wrong == 0).then_some((rest, end as usize))
}

/// Whether each byte is one of `count` that start with `first`.
#[inline]
fn among(bytes: u8x16, first: u8, count: u8) -> u8x16 {
    let from_first = bytes - u8x16::splat(first);
    from_first.min(u8x16::splat(count - 1)).simd_eq(from_first)
}

/// Letters in lower case; other bytes become what is no letter.
#[inline]
fn lower(bytes: u8x16) -> u8x16 {
    bytes | u8x16::splat(0x20)
}

/// The value of one to eight digits that start at `at`, if eight bytes can be read there.
#[inline]
pub(crate) fn up_to_eight_digits(bytes: &[u8], at: usize, count: usize) -> Option<u64> {
    let word = u64::from_le_bytes(*bytes.get(at..)?.first_chunk::<8>()?);
    Some(eight_digits(word << (64 - 8 * count)))
}

/// The value of eight digits, the first in the lowest byte. Zero bytes at the low end count as leading zeros.
///
/// Pairs, then fours, then eights are joined by one multiplication each (Daniel Lemire's method).
#[inline]
pub(crate) fn eight_digits(word: u64) -> u64 {
    let word = (word & 0x0F0F_0F0F_0F0F_0F0F).wrapping_mul(10 * 0x100 + 1) >> 8;
    let word = (word & 0x00FF_00FF_00FF_00FF).wrapping_mul(100 * 0x1_0000 + 1) >> 16;
    (word & 0x0000_FFFF_0000_FFFF).wrapping_mul(10_000 * 0x1_0000_0000 + 1) >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_same_byte_as_a_plain_search() {
        let alphabet = [
            b'a', b'"', b'\\', 0x1f, b' ', 0x7f, 0x80, 0xff, b'0', b'9', b'/', b':',
        ];
        let mut state = 1_u64;
        for length in 0..200 {
            for plain_byte in [b'x', b'5'] {
                let bytes: Vec<u8> = (0..length)
                    .map(|_| {
                        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                        let pick = (state >> 40) as usize;
                        if pick.is_multiple_of(31) {
                            alphabet[pick / 31 % alphabet.len()]
                        } else {
                            plain_byte
                        }
                    })
                    .collect();
                for at in 0..=length {
                    let plain = |p: fn(u8) -> bool| bytes[at..].iter().position(|&b| p(b)).map(|i| at + i);
                    assert_eq!(
                        string_end(&bytes, at),
                        plain(|b| b == b'"' || b == b'\\' || b < 0x20)
                    );
                    assert_eq!(
                        digits_end(&bytes, at),
                        plain(|b| !b.is_ascii_digit()).unwrap_or(length)
                    );
                }
            }
        }
    }

    #[test]
    fn digits_have_their_value() {
        for (text, count, value) in [
            ("12345678", 8, 12_345_678),
            ("00420000", 4, 42),
            ("7xxxxxxx", 1, 7),
            ("99,,\",x\"", 2, 99),
        ] {
            assert_eq!(
                up_to_eight_digits(text.as_bytes(), 0, count),
                Some(value),
                "{text}"
            );
        }
        assert_eq!(up_to_eight_digits(b"1234567", 0, 3), None);
    }
}
