//! The server's `numeric`: digits to the base of 10,000, a weight, a sign, and the number of digits behind the point.

const NEGATIVE: u16 = 0x4000;
const NOT_A_NUMBER: u16 = 0xC000;

/// Numbers of more digits, or with an exponent, take the long way.
const SHORT: usize = 16;
/// An exponent beyond this is for the server to read.
const FARTHEST: i32 = 1000;

/// What fills the last group, by the digits that it has.
const POWERS: [u64; 4] = [1, 1000, 100, 10];

/// Appends a number, after the number of its bytes.
#[inline]
pub(super) fn write(out: &mut Vec<u8>, field: &[u8]) -> Option<()> {
    let (sign, digits) = match field {
        [b'-', digits @ ..] => (NEGATIVE, digits),
        digits => (0, digits),
    };
    if digits.len() > SHORT {
        return write_long(out, sign, digits);
    }
    let (mut value, mut scale, mut behind) = (0_u64, 0, 0);
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            if *byte != b'.' || behind == 1 {
                return write_long(out, sign, digits);
            }
            behind = 1;
            continue;
        }
        scale += behind;
        value = value * 10 + u64::from(digit);
    }
    if digits.len() == behind {
        return None;
    }
    // Whole groups of four digits behind the point. Sixteen digits and three more are within 64 bits.
    value *= POWERS[scale % 4];
    let mut groups = [0_u16; 5];
    let mut count = 0;
    while value > 0 {
        groups[count] = (value % 10_000) as u16;
        value /= 10_000;
        count += 1;
    }
    let weight = (count as u16).cast_signed() - (scale.div_ceil(4) as u16).cast_signed() - 1;
    let zeros = groups[..count].iter().take_while(|group| **group == 0).count();
    let digits = &groups[zeros..count];
    // One write for all: each has to see whether there is room.
    let mut bytes = [0; HEAD + 2 * 5];
    bytes[..HEAD].copy_from_slice(&head(digits.len(), weight, sign, scale)?);
    for (group, place) in digits.iter().rev().zip(bytes[HEAD..].chunks_exact_mut(2)) {
        place.copy_from_slice(&group.to_be_bytes());
    }
    out.extend_from_slice(&bytes[..HEAD + 2 * digits.len()]);
    Some(())
}

/// The bytes before the digits, the number of bytes among them.
const HEAD: usize = 12;

#[inline]
fn head(digits: usize, weight: i16, sign: u16, scale: usize) -> Option<[u8; HEAD]> {
    // There is one zero.
    let (weight, sign) = match sign {
        NOT_A_NUMBER => (0, sign),
        _ if digits == 0 => (0, 0),
        _ => (weight, sign),
    };
    let words = [
        digits as u16,
        weight.cast_unsigned(),
        sign,
        u16::try_from(scale).ok()?,
    ];
    let mut head = [0; HEAD];
    head[..4].copy_from_slice(&u32::try_from(8 + 2 * digits).ok()?.to_be_bytes());
    for (word, place) in words.iter().zip(head[4..].chunks_exact_mut(2)) {
        place.copy_from_slice(&word.to_be_bytes());
    }
    Some(head)
}

/// Any number of digits, an exponent, `NaN`.
#[cold]
fn write_long(out: &mut Vec<u8>, sign: u16, text: &[u8]) -> Option<()> {
    let text = std::str::from_utf8(text).ok()?;
    if text == "NaN" && sign == 0 {
        out.extend_from_slice(&head(0, 0, NOT_A_NUMBER, 0)?);
        return Some(());
    }
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i32 = exponent
        .parse()
        .ok()
        .filter(|power: &i32| power.abs() <= FARTHEST)?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Where the point stands among the digits, and how many stand behind it.
    let point = i32::try_from(whole.len()).ok()? + exponent;
    let scale = usize::try_from(i32::try_from(fraction.len()).ok()? - exponent).unwrap_or(0);
    let before = usize::try_from(-point).unwrap_or(0);
    let point = usize::try_from(point).unwrap_or(0);
    let mut padded = vec![b'0'; before];
    padded.extend(digits.bytes());
    if padded.len() < point {
        padded.resize(point, b'0');
    }
    // The first group may have fewer than four digits, and the last one is filled with zeros.
    let first = (4 - point % 4) % 4;
    padded.splice(0..0, std::iter::repeat_n(b'0', first));
    padded.resize(padded.len().next_multiple_of(4), b'0');
    let groups: Vec<u16> = padded
        .chunks(4)
        .map(|group| {
            group
                .iter()
                .fold(0, |value, digit| value * 10 + u16::from(digit - b'0'))
        })
        .collect();
    let zeros = groups.iter().take_while(|group| **group == 0).count();
    let last = groups
        .iter()
        .rposition(|group| *group != 0)
        .map_or(zeros, |last| last + 1);
    let weight = i16::try_from((first + point) / 4).ok()? - i16::try_from(zeros).ok()? - 1;
    out.extend_from_slice(&head(last - zeros, weight, sign, scale)?);
    for group in &groups[zeros..last] {
        out.extend_from_slice(&group.to_be_bytes());
    }
    Some(())
}
