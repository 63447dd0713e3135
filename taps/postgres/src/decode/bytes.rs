//! Decodes types that are bytes: bytea, uuid, network addresses, bit strings.

use std::io::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Result, Wrong, fixed, take};

const HEX: &[u8; 16] = b"0123456789abcdef";

fn push_hex(out: &mut Vec<u8>, byte: u8) {
    out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
}

/// Lower case, without a prefix.
pub(super) fn hex(value: &[u8], out: &mut Vec<u8>) {
    out.reserve(2 * value.len() + 2);
    out.push(b'"');
    for &byte in value {
        push_hex(out, byte);
    }
    out.push(b'"');
}

pub(super) fn uuid(value: &[u8], out: &mut Vec<u8>) -> Result {
    let bytes: [u8; 16] = fixed(value, "a uuid")?;
    out.push(b'"');
    for (i, byte) in bytes.into_iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        push_hex(out, byte);
    }
    out.push(b'"');
    Ok(())
}

/// macaddr and macaddr8.
pub(super) fn mac(value: &[u8], out: &mut Vec<u8>) -> Result {
    if !matches!(value.len(), 6 | 8) {
        return Err(Wrong::form(value, "a macaddr"));
    }
    out.push(b'"');
    for (i, &byte) in value.iter().enumerate() {
        if i > 0 {
            out.push(b':');
        }
        push_hex(out, byte);
    }
    out.push(b'"');
    Ok(())
}

/// inet and cidr: `10.0.0.1`, `10.0.0.0/8`, `::1/64`; an inet of a single address is without its mask.
pub(super) fn network(value: &[u8], out: &mut Vec<u8>) -> Result {
    const NAME: &str = "an inet";
    let mut rest = value;
    let [_family, mask, is_cidr, length] = take(&mut rest, NAME)?;
    out.push(b'"');
    // Writing to memory does not fail.
    let _ = match (usize::from(length), rest.len()) {
        (4, 4) => write!(out, "{}", Ipv4Addr::from(fixed::<4>(rest, NAME)?)),
        (16, 16) => match Ipv6Addr::from(fixed::<16>(rest, NAME)?).segments() {
            // An IPv4 address in six groups of zeros is shown as one, as `inet_out` does.
            [0, 0, 0, 0, 0, 0, high, low] if high != 0 => {
                let address = Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
                write!(out, "::{address}")
            }
            segments => write!(out, "{}", Ipv6Addr::from(segments)),
        },
        _ => return Err(Wrong::form(value, NAME)),
    };
    if is_cidr != 0 || usize::from(mask) != 8 * rest.len() {
        let _ = write!(out, "/{mask}");
    }
    out.push(b'"');
    Ok(())
}

/// bit and varbit: `"0101"`.
pub(super) fn bits(value: &[u8], out: &mut Vec<u8>) -> Result {
    const NAME: &str = "a bit string";
    let mut rest = value;
    let count = usize::try_from(i32::from_be_bytes(take(&mut rest, NAME)?)).unwrap_or(usize::MAX);
    if rest.len() != count.div_ceil(8) {
        return Err(Wrong::form(value, NAME));
    }
    out.push(b'"');
    let digits = rest
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |i| b'0' + (byte >> i & 1)));
    out.extend(digits.take(count));
    out.push(b'"');
    Ok(())
}
