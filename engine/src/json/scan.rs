//! Finding the bytes that matter inside a JSON string, eight at a time.
//!
//! Strings in records are short, so a word loop beats a vector search that must be set up first; long strings
//! fall through to `memchr`, which is vectorised at run time.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;
/// After this many bytes the vectorised search takes over.
const SHORT: usize = 64;

/// High bit set in each byte of `word` that equals `byte`. Bits above the lowest set one may be wrong.
#[inline]
fn equal(word: u64, byte: u8) -> u64 {
    let x = word ^ (ONES * u64::from(byte));
    x.wrapping_sub(ONES) & !x & HIGH
}

/// High bit set in each byte of `word` below 0x20. Bits above the lowest set one may be wrong.
#[inline]
fn control(word: u64) -> u64 {
    word.wrapping_sub(ONES * 0x20) & !word & HIGH
}

#[inline]
fn word_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes
        .get(at..)?
        .first_chunk()
        .map(|chunk| u64::from_le_bytes(*chunk))
}

/// The first quote, backslash or control character at or after `at`.
#[inline]
pub(crate) fn string_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    while let Some(word) = word_at(bytes, at) {
        let found = equal(word, b'"') | equal(word, b'\\') | control(word);
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    bytes
        .get(at..)?
        .iter()
        .position(|&b| b == b'"' || b == b'\\' || b < 0x20)
        .map(|i| at + i)
}

/// The first quote or backslash at or after `at`, for text known to hold no control characters.
#[inline]
pub(crate) fn quote_or_backslash(bytes: &[u8], mut at: usize) -> Option<usize> {
    let long = at + SHORT;
    while let Some(word) = word_at(bytes, at) {
        let found = equal(word, b'"') | equal(word, b'\\');
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
        if at >= long {
            return memchr::memchr2(b'"', b'\\', bytes.get(at..)?).map(|i| at + i);
        }
    }
    bytes
        .get(at..)?
        .iter()
        .position(|&b| b == b'"' || b == b'\\')
        .map(|i| at + i)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_same_byte_as_a_plain_search() {
        let alphabet = [b'a', b'"', b'\\', 0x1f, b' ', 0x7f, 0x80, 0xff];
        let mut state = 1_u64;
        for length in 0..200 {
            let bytes: Vec<u8> = (0..length)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let pick = (state >> 40) as usize;
                    if pick % 31 == 0 {
                        alphabet[pick / 31 % alphabet.len()]
                    } else {
                        b'x'
                    }
                })
                .collect();
            for at in 0..=length {
                let plain = |p: fn(u8) -> bool| bytes[at..].iter().position(|&b| p(b)).map(|i| at + i);
                assert_eq!(
                    string_end(&bytes, at),
                    plain(|b| b == b'"' || b == b'\\' || b < 0x20)
                );
                assert_eq!(quote_or_backslash(&bytes, at), plain(|b| b == b'"' || b == b'\\'));
            }
        }
    }
}
