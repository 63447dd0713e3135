//! Decodes booleans and numbers.

use melisma_sdk::internal::copied::Numeric;

use super::{Result, Wrong, fixed};

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
    match read(value)? {
        Numeric::Number(number) => number.write(out),
        Numeric::Special => out.extend_from_slice(NULL),
    }
    Ok(())
}

/// The same as a string.
pub(super) fn decimal(value: &[u8], out: &mut Vec<u8>) -> Result {
    match read(value)? {
        Numeric::Number(number) => {
            out.push(b'"');
            number.write(out);
            out.push(b'"');
        }
        Numeric::Special => out.extend_from_slice(NULL),
    }
    Ok(())
}

#[inline]
fn read(value: &[u8]) -> Result<Numeric<'_>> {
    Numeric::read(value).ok_or_else(|| Wrong::form(value, "a numeric"))
}
