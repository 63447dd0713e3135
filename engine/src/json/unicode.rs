//! Decodes `\u` escapes, surrogate pairs included.

use std::hint::select_unpredictable;

/// The character of four hex digits as UTF-8, the first byte in the lowest bits, and its length. None for ASCII, surrogates,
/// and what is no hex digit.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a call would pass the result through memory")]
pub(super) fn utf8(digits: [u8; 4]) -> Option<(u32, usize)> {
    let [a, b, c, d] = digits.map(usize::from);
    let bits = DIGITS[0][a] | DIGITS[1][b] | DIGITS[2][c] | DIGITS[3][d];
    // Of the bits aaaa, bbbb and cccc, ASCII has none but the last three. A surrogate has D for aaaa, and the first bit of bbbb.
    let (above_ascii, above_7ff) = (0x3E0F, 0x200F);
    if bits & NO_DIGIT != 0 || bits & above_ascii == 0 || bits & above_7ff == 0x200D {
        return None;
    }
    let three = bits | 0x80_80E0;
    // Up to U+07FF: 110bbbcc 10ccdddd, which is the end of that but for one bit.
    let long = bits & above_7ff != 0;
    // Both are computed and one is taken: no branch to mispredict.
    let bytes = select_unpredictable(long, three, three >> 8 | 0x40);
    Some((bytes, 2 + usize::from(long)))
}

/// What each hex digit gives to the three bytes of a character's UTF-8, `1110aaaa 10bbbbcc 10ccdddd`, the first byte in the
/// lowest bits; other bytes give [`NO_DIGIT`]. By the digit's place.
const DIGITS: [[u32; 256]; 4] = {
    let mut table = [[NO_DIGIT; 256]; 4];
    let mut digit = 0;
    while digit < 16 {
        let bits = [
            digit,
            digit << 10,
            digit >> 2 << 8 | (digit & 3) << 20,
            digit << 16,
        ];
        let (lower, upper) = (
            b"0123456789abcdef"[digit as usize],
            b"0123456789ABCDEF"[digit as usize],
        );
        let mut place = 0;
        while place < 4 {
            table[place][lower as usize] = bits[place];
            table[place][upper as usize] = bits[place];
            place += 1;
        }
        digit += 1;
    }
    table
};
const NO_DIGIT: u32 = 1 << 31;

/// Whether a UTF-16 unit is the first half of a pair.
#[inline]
pub(crate) fn is_high(unit: u32) -> bool {
    (0xD800..0xDC00).contains(&unit)
}

/// The character of a surrogate pair.
#[inline]
pub(crate) fn join(high: u32, low: u32) -> Option<char> {
    if !is_high(high) || !(0xDC00..0xE000).contains(&low) {
        return None;
    }
    char::from_u32(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00))
}

/// Four hex digits at `at`.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "a call would take as long as the four look-ups"
)]
pub(crate) fn hex4(bytes: &[u8], at: usize) -> Option<u32> {
    let digits: &[u8; 4] = bytes.get(at..)?.first_chunk()?;
    let mut value = 0_u32;
    let mut bad = 0_u8;
    for &digit in digits {
        let nibble = NIBBLE[usize::from(digit)];
        bad |= nibble;
        value = (value << 4) | u32::from(nibble & 15);
    }
    (bad & 0xF0 == 0).then_some(value)
}

/// The value of each hex digit; 0xFF for every other byte.
const NIBBLE: [u8; 256] = {
    let mut table = [0xFF; 256];
    let mut i = 0;
    while i < 10 {
        table[b'0' as usize + i] = i as u8;
        i += 1;
    }
    let mut i = 0;
    while i < 6 {
        table[b'a' as usize + i] = 10 + i as u8;
        table[b'A' as usize + i] = 10 + i as u8;
        i += 1;
    }
    table
};
