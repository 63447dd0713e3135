//! The values of a column, as a dictionary has them.

use std::cmp::Ordering;
use std::hash::Hash;

use parquet::file::statistics::{Statistics, ValueStatistics};

/// A value that can be in a dictionary.
pub(super) trait Value: Copy + Default + Eq + Hash {
    /// A number that differs where values do, mostly.
    fn mix(self) -> u64;

    /// The order that statistics are by.
    fn order(self, other: Self) -> Ordering;

    /// Whether it can be a bound in statistics.
    fn is_bound(self) -> bool {
        true
    }

    /// Writes it as a dictionary page has it.
    fn write(self, page: &mut Vec<u8>);

    /// Its bytes as the least value of a page.
    fn least(self) -> Vec<u8>;

    /// Its bytes as the greatest value of a page.
    fn most(self) -> Vec<u8> {
        self.least()
    }

    /// The statistics of a column whose least and greatest values are these.
    fn statistics(least: Self, most: Self, nulls: u64, is_signed: bool) -> Statistics;

    /// Bytes that it takes without a dictionary.
    fn size(self) -> usize;

    /// Whether metadata has the bytes of the values, without their lengths.
    const IS_TEXT: bool = false;

    /// How many values are NaN, which is no bound; `None` where none could be.
    const NAN_COUNT: Option<u64> = None;
}

/// Spreads what is in the low bits.
fn spread(bits: u64) -> u64 {
    bits.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

macro_rules! integer {
    ($type:ty, $statistics:ident) => {
        impl Value for $type {
            #[inline]
            fn mix(self) -> u64 {
                spread(i64::from(self).cast_unsigned())
            }

            fn order(self, other: Self) -> Ordering {
                self.cmp(&other)
            }

            fn write(self, page: &mut Vec<u8>) {
                page.extend_from_slice(&self.to_le_bytes());
            }

            fn least(self) -> Vec<u8> {
                self.to_le_bytes().to_vec()
            }

            fn statistics(least: Self, most: Self, nulls: u64, is_signed: bool) -> Statistics {
                let statistics = ValueStatistics::new(Some(least), Some(most), None, Some(nulls), false);
                Statistics::$statistics(statistics.with_backwards_compatible_min_max(is_signed))
            }

            fn size(self) -> usize {
                size_of::<Self>()
            }
        }
    };
}

integer!(i32, Int32);
integer!(i64, Int64);

/// A double by its bits: zero and minus zero are two values, and each NaN is itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Double(u64);

impl Double {
    #[inline]
    pub(super) fn of(number: f64) -> Self {
        Self(number.to_bits())
    }

    fn number(self) -> f64 {
        f64::from_bits(self.0)
    }
}

impl Value for Double {
    #[inline]
    fn mix(self) -> u64 {
        // The low bits of a short decimal fraction are a pattern, those of a whole number are zeros.
        spread(self.0 ^ (self.0 >> 32))
    }

    fn order(self, other: Self) -> Ordering {
        self.number().total_cmp(&other.number())
    }

    fn is_bound(self) -> bool {
        !self.number().is_nan()
    }

    fn write(self, page: &mut Vec<u8>) {
        page.extend_from_slice(&self.0.to_le_bytes());
    }

    fn least(self) -> Vec<u8> {
        self.0.to_le_bytes().to_vec()
    }

    fn statistics(least: Self, most: Self, nulls: u64, is_signed: bool) -> Statistics {
        let (least, most) = (least.number(), most.number());
        let statistics = ValueStatistics::new(Some(least), Some(most), None, Some(nulls), false);
        let statistics = statistics.with_nan_count(Self::NAN_COUNT);
        Statistics::Double(statistics.with_backwards_compatible_min_max(is_signed))
    }

    fn size(self) -> usize {
        size_of::<Self>()
    }

    const NAN_COUNT: Option<u64> = Some(0);
}

/// Bytes of a length before its text.
pub(super) const LENGTH: usize = 4;

/// The most bytes of a text in statistics, of which every reader keeps all.
const LONGEST_BOUND: usize = 64;

impl Value for &str {
    #[inline]
    fn mix(self) -> u64 {
        let (first, last) = ends(self.as_bytes());
        spread(first ^ last.rotate_left(29) ^ ((self.len() as u64) << 56))
    }

    fn order(self, other: Self) -> Ordering {
        self.cmp(other)
    }

    fn write(self, page: &mut Vec<u8>) {
        page.extend_from_slice(&(self.len() as u32).to_le_bytes());
        page.extend_from_slice(self.as_bytes());
    }

    fn least(self) -> Vec<u8> {
        cut(self).into()
    }

    fn most(self) -> Vec<u8> {
        cut_up(self).unwrap_or_else(|| self.to_owned()).into()
    }

    fn statistics(least: Self, most: Self, nulls: u64, is_signed: bool) -> Statistics {
        let (low, high) = (least.least(), most.most());
        let exact = (low == least.as_bytes(), high == most.as_bytes());
        let (low, high) = (low.into(), high.into());
        let statistics = ValueStatistics::new(Some(low), Some(high), None, Some(nulls), is_signed);
        let statistics = statistics.with_min_is_exact(exact.0).with_max_is_exact(exact.1);
        Statistics::ByteArray(statistics)
    }

    fn size(self) -> usize {
        LENGTH + self.len()
    }

    const IS_TEXT: bool = true;
}

/// The start of a text, which is not after it.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST_BOUND)]
}

/// The shortest change of the start of a text that is not before it; `None` where there is none.
fn cut_up(text: &str) -> Option<String> {
    let mut start = cut(text).to_owned();
    if start.len() == text.len() {
        return Some(start);
    }
    while let Some(last) = start.pop() {
        // One that takes more bytes would make it too long, and there are no characters among the surrogates.
        let next = char::from_u32(u32::from(last) + 1);
        if let Some(next) = next.filter(|next| next.len_utf8() == last.len_utf8()) {
            start.push(next);
            return Some(start);
        }
    }
    None
}

/// The first bytes and the last ones; of at most 16 bytes, all.
#[inline]
fn ends(text: &[u8]) -> (u64, u64) {
    if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        return (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
    }
    if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        return (
            u32::from_le_bytes(*first).into(),
            u32::from_le_bytes(*last).into(),
        );
    }
    let byte = |at: usize| text.get(at).copied().map_or(0, u64::from);
    (byte(0) | byte(1) << 8 | byte(2) << 16, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_between_its_bounds_and_they_are_short() {
        let long = "é".repeat(40);
        let cases = [
            (
                long.as_str(),
                "é".repeat(32),
                Some(format!("{}ê", "é".repeat(31))),
            ),
            // One byte would be cut off the last character.
            (
                &format!("a{long}"),
                format!("a{}", "é".repeat(31)),
                Some(format!("a{}ê", "é".repeat(30))),
            ),
            ("short", "short".to_owned(), Some("short".to_owned())),
            // The next character takes more bytes, so the one before it is raised.
            (
                &format!("{}b\u{7f}\u{7f}", "a".repeat(62)),
                format!("{}b\u{7f}", "a".repeat(62)),
                Some(format!("{}c", "a".repeat(62))),
            ),
            // Before the surrogates.
            (
                &format!("b{}", "\u{d7ff}".repeat(30)),
                format!("b{}", "\u{d7ff}".repeat(21)),
                Some("c".to_owned()),
            ),
            (&"\u{10ffff}".repeat(17), "\u{10ffff}".repeat(16), None),
        ];
        for (text, low, high) in cases {
            assert_eq!(cut(text), low);
            assert_eq!(cut_up(text), high);
            assert!(cut(text) <= text && cut_up(text).is_none_or(|high| *high >= *text));
        }
    }

    #[test]
    fn short_texts_differ_by_their_ends() {
        let texts = [
            "",
            "a",
            "b",
            "ab",
            "ba",
            "abc",
            "acb",
            "abcd",
            "abcde",
            "abcdefgh",
            "abcdefghi",
            "abcdefghabcdefgh",
        ];
        for (at, one) in texts.iter().enumerate() {
            for other in &texts[..at] {
                assert_ne!(one.mix(), other.mix(), "{one} {other}");
            }
        }
    }
}
