//! A numeric as `numeric_send` writes it (PostgreSQL's `src/backend/utils/adt/numeric.c`).

use crate::time::DIGITS;

const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;
/// NaN, Infinity and -Infinity.
const SPECIAL: [u16; 3] = [0xC000, 0xD000, 0xF000];

/// A numeric.
#[derive(Debug)]
pub enum Numeric<'a> {
    /// A number.
    Number(Number<'a>),
    /// NaN or an infinity.
    Special,
}

/// A number: groups of four digits, the first of which counts 10000 to the `weight`.
///
/// ```
/// use melisma_engine::copied::Numeric;
///
/// let bytes = [0, 2, 0, 0, 0x40, 0, 0, 2, 0, 12, 0x13, 0x88];
/// let Some(Numeric::Number(number)) = Numeric::read(&bytes) else {
///     panic!("a number");
/// };
/// let mut text = Vec::new();
/// number.write(&mut text);
/// assert_eq!(text, b"-12.50");
/// ```
#[derive(Debug)]
pub struct Number<'a> {
    negative: bool,
    weight: i16,
    /// How many digits stand after the point.
    scale: u16,
    groups: &'a [[u8; 2]],
}

impl<'a> Numeric<'a> {
    /// `None` for what the server does not send.
    #[inline]
    pub fn read(value: &'a [u8]) -> Option<Self> {
        let (head, groups) = value.split_first_chunk::<8>()?;
        let part = |at: usize| [head[at], head[at + 1]];
        let (count, weight) = (u16::from_be_bytes(part(0)), i16::from_be_bytes(part(2)));
        let (sign, scale) = (u16::from_be_bytes(part(4)), u16::from_be_bytes(part(6)));
        let (groups, odd) = groups.as_chunks::<2>();
        if !odd.is_empty() || groups.len() != usize::from(count) {
            return None;
        }
        // The server sends no zeros in front, which JSON would not allow, and four digits a group.
        let in_front = weight > 0 && groups.first().is_none_or(|group| *group == [0, 0]);
        if in_front || groups.iter().any(|group| u16::from_be_bytes(*group) > 9999) {
            return None;
        }
        match sign {
            POSITIVE | NEGATIVE => Some(Self::Number(Number {
                negative: sign == NEGATIVE,
                weight,
                scale,
                groups,
            })),
            _ => SPECIAL.contains(&sign).then_some(Self::Special),
        }
    }

    /// Whether a value is NaN or an infinity.
    #[inline]
    pub fn is_special(value: &[u8]) -> bool {
        value.get(4).is_some_and(|sign| *sign >= 0xC0)
    }
}

impl Number<'_> {
    /// The group that counts 10000 to the `power`.
    #[inline]
    fn group(&self, power: i32) -> u16 {
        let at = usize::try_from(i32::from(self.weight) - power).ok();
        at.and_then(|at| self.groups.get(at))
            .map_or(0, |group| u16::from_be_bytes(*group))
    }

    /// Appends its digits, as many after the point as it has.
    #[inline]
    pub fn write(&self, out: &mut Vec<u8>) {
        if self.negative {
            out.push(b'-');
        }
        let weight = i32::from(self.weight);
        let first = if weight < 0 { 0 } else { self.group(weight) };
        out.extend_from_slice(itoa::Buffer::new().format(first).as_bytes());
        for power in (0..weight).rev() {
            out.extend_from_slice(&four_digits(self.group(power)));
        }
        if self.scale == 0 {
            return;
        }
        out.push(b'.');
        let end = out.len() + usize::from(self.scale);
        let mut power = -1;
        while out.len() < end {
            out.extend_from_slice(&four_digits(self.group(power)));
            power -= 1;
        }
        out.truncate(end);
    }
}

#[inline]
fn four_digits(group: u16) -> [u8; 4] {
    let (high, low) = (usize::from(group / 100) % 100, usize::from(group % 100));
    let (high, low) = (DIGITS[high], DIGITS[low]);
    [high[0], high[1], low[0], low[1]]
}
