//! Finding the bytes that matter, sixteen at a time.
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
fn ends(bytes: u8x16) -> u32 {
    let quote = bytes.simd_eq(u8x16::splat(b'"'));
    let backslash = bytes.simd_eq(u8x16::splat(b'\\'));
    let control = bytes.min(u8x16::splat(0x1f)).simd_eq(bytes);
    (quote | backslash | control).to_bitmask()
}

/// The first quote, backslash or control character at or after `at`.
#[inline]
pub(crate) fn string_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    while let Some(vector) = vector_at(bytes, at) {
        let ends = ends(vector);
        if ends != 0 {
            return Some(at + ends.trailing_zeros() as usize);
        }
        at += WIDTH;
    }
    bytes
        .get(at..)?
        .iter()
        .position(|&b| b == b'"' || b == b'\\' || b < 0x20)
        .map(|i| at + i)
}

/// Where the digits that start at `at` end.
#[inline]
pub(crate) fn digits_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(vector) = vector_at(bytes, at) {
        let values = vector - u8x16::splat(b'0');
        let others = !values.min(u8x16::splat(9)).simd_eq(values).to_bitmask();
        let digits = others.trailing_zeros() as usize;
        if digits < WIDTH {
            return at + digits;
        }
        at += WIDTH;
    }
    while matches!(bytes.get(at), Some(b'0'..=b'9')) {
        at += 1;
    }
    at
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
