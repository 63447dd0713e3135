//! Decodes booleans and numbers.

use super::{Result, Wrong, fixed, take};

const NULL: &[u8] = b"null";

pub(super) fn boolean(value: &[u8], out: &mut Vec<u8>) -> Result {
    let [byte] = fixed(value, "a boolean")?;
    out.extend_from_slice(if byte == 0 { b"false" } else { b"true" });
    Ok(())
}

#[inline]
pub(super) fn int2(value: &[u8], out: &mut Vec<u8>) -> Result {
    integer(i16::from_be_bytes(fixed(value, "a smallint")?), out);
    Ok(())
}

#[inline]
pub(super) fn int4(value: &[u8], out: &mut Vec<u8>) -> Result {
    integer(i32::from_be_bytes(fixed(value, "an integer")?), out);
    Ok(())
}

#[inline]
pub(super) fn int8(value: &[u8], out: &mut Vec<u8>) -> Result {
    integer(i64::from_be_bytes(fixed(value, "a bigint")?), out);
    Ok(())
}

pub(super) fn oid(value: &[u8], out: &mut Vec<u8>) -> Result {
    integer(u32::from_be_bytes(fixed(value, "an oid")?), out);
    Ok(())
}

#[inline]
fn integer(value: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// The shortest digits that give the same real again; null for NaN and the infinities.
pub(super) fn float4(value: &[u8], out: &mut Vec<u8>) -> Result {
    let value = f32::from_be_bytes(fixed(value, "a real")?);
    // Writing to memory does not fail; what is no number is written as null.
    let _ = serde_json::to_writer(out, &value);
    Ok(())
}

/// The shortest digits that give the same double again; null for NaN and the infinities.
pub(super) fn float8(value: &[u8], out: &mut Vec<u8>) -> Result {
    let value = f64::from_be_bytes(fixed(value, "a double precision")?);
    let _ = serde_json::to_writer(out, &value);
    Ok(())
}

/// A numeric by its digits; null for NaN and the infinities.
#[inline]
pub(super) fn numeric(value: &[u8], out: &mut Vec<u8>) -> Result {
    match Numeric::read(value)? {
        Some(numeric) => numeric.write(out),
        None => out.extend_from_slice(NULL),
    }
    Ok(())
}

/// The same as a string.
pub(super) fn decimal(value: &[u8], out: &mut Vec<u8>) -> Result {
    match Numeric::read(value)? {
        Some(numeric) => {
            out.push(b'"');
            numeric.write(out);
            out.push(b'"');
        }
        None => out.extend_from_slice(NULL),
    }
    Ok(())
}

/// A numeric as `numeric_send` writes it: groups of four digits, the first of which counts 10000 to the `weight`.
struct Numeric<'a> {
    negative: bool,
    weight: i16,
    /// How many digits stand after the point.
    scale: u16,
    groups: &'a [[u8; 2]],
}

const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;
/// NaN, Infinity and -Infinity.
const SPECIAL: [u16; 3] = [0xC000, 0xD000, 0xF000];

impl<'a> Numeric<'a> {
    /// `None` for what is no number.
    #[inline]
    fn read(value: &'a [u8]) -> Result<Option<Self>> {
        const NAME: &str = "a numeric";
        let mut rest = value;
        let count = u16::from_be_bytes(take(&mut rest, NAME)?);
        let weight = i16::from_be_bytes(take(&mut rest, NAME)?);
        let sign = u16::from_be_bytes(take(&mut rest, NAME)?);
        let scale = u16::from_be_bytes(take(&mut rest, NAME)?);
        let (groups, odd) = rest.as_chunks::<2>();
        if !odd.is_empty() || groups.len() != usize::from(count) {
            return Err(Wrong::form(value, NAME));
        }
        // The server sends no zeros in front, which JSON would not allow, and four digits a group.
        let in_front = weight > 0 && groups.first().is_none_or(|group| *group == [0, 0]);
        if in_front || groups.iter().any(|group| u16::from_be_bytes(*group) > 9999) {
            return Err(Wrong::form(value, NAME));
        }
        match sign {
            POSITIVE | NEGATIVE => Ok(Some(Self {
                negative: sign == NEGATIVE,
                weight,
                scale,
                groups,
            })),
            _ if SPECIAL.contains(&sign) => Ok(None),
            _ => Err(Wrong::form(value, NAME)),
        }
    }

    /// The group that counts 10000 to the `power`.
    #[inline]
    fn group(&self, power: i32) -> u16 {
        let at = usize::try_from(i32::from(self.weight) - power).ok();
        at.and_then(|at| self.groups.get(at))
            .map_or(0, |group| u16::from_be_bytes(*group))
    }

    #[inline]
    fn write(&self, out: &mut Vec<u8>) {
        if self.negative {
            out.push(b'-');
        }
        let weight = i32::from(self.weight);
        integer(if weight < 0 { 0 } else { self.group(weight) }, out);
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
    let (high, low) = (super::time::DIGITS[high], super::time::DIGITS[low]);
    [high[0], high[1], low[0], low[1]]
}
