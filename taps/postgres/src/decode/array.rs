//! Decodes arrays of any dimension into nested JSON arrays.

use super::{Decoder, Result, Wrong, take, take_value};

const NAME: &str = "an array";
/// `MAXDIM` of PostgreSQL.
const DEEPEST: usize = 6;

/// Writes the items; where they begin to count (`[0:2]={...}`) has no form in JSON.
pub(super) fn write(value: &[u8], item: &Decoder, out: &mut Vec<u8>) -> Result {
    let mut rest = value;
    let depth = usize::try_from(i32::from_be_bytes(take(&mut rest, NAME)?)).unwrap_or(usize::MAX);
    let _has_nulls: [u8; 4] = take(&mut rest, NAME)?;
    let _item_oid: [u8; 4] = take(&mut rest, NAME)?;
    if depth > DEEPEST {
        return Err(Wrong::form(value, NAME));
    }
    let mut lengths = [0_i32; DEEPEST];
    for length in &mut lengths[..depth] {
        *length = i32::from_be_bytes(take(&mut rest, NAME)?);
        let _lower_bound: [u8; 4] = take(&mut rest, NAME)?;
    }
    if depth == 0 {
        out.extend_from_slice(b"[]");
        return ended(rest, value);
    }
    // Each item has its length before it, so what the lengths promise must fit the bytes that are there.
    let items = lengths[..depth].iter().try_fold(1_usize, |items, &length| {
        items.checked_mul(usize::try_from(length).ok()?)
    });
    match items {
        Some(0) => {
            out.extend_from_slice(b"[]");
            return ended(rest, value);
        }
        Some(items) if items <= rest.len() / 4 => {}
        _ => return Err(Wrong::form(value, NAME)),
    }
    dimension(&lengths[..depth], &mut rest, item, out)?;
    ended(rest, value)
}

fn ended(rest: &[u8], value: &[u8]) -> Result {
    if rest.is_empty() {
        Ok(())
    } else {
        Err(Wrong::form(value, NAME))
    }
}

fn dimension(lengths: &[i32], rest: &mut &[u8], item: &Decoder, out: &mut Vec<u8>) -> Result {
    let Some((&length, inner)) = lengths.split_first() else {
        return Ok(());
    };
    out.push(b'[');
    for i in 0..length {
        if i > 0 {
            out.push(b',');
        }
        if !inner.is_empty() {
            dimension(inner, rest, item, out)?;
        } else if let Some(value) = take_value(rest, NAME)? {
            item.write(value, out)?;
        } else {
            out.extend_from_slice(b"null");
        }
    }
    out.push(b']');
    Ok(())
}
