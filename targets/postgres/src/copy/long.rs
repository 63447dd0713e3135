//! Keys that no index can hold.
//!
//! An entry of a btree index takes a third of a page at most: 2,704 bytes, compressed. What the server's compression
//! makes of a text is the server's business, so a long key is left to it while it might fit; the sink sees to it
//! that the server judges before a STATE covers the row. A key that no compression of the server's can bring below
//! the limit is refused as other values are that do not fit their column.

use super::form::{CopyColumn, Form};

/// Bytes that the server's index entry can have.
pub(crate) const MOST: usize = 2704;

/// Keys of more bytes in the COPY might not fit.
pub(super) const LONG: usize = 2000;

/// Whether the key, as the COPY has it, cannot be in an index whatever the server does.
#[cold]
pub(super) fn never_fits(columns: &[CopyColumn], key: &[u8]) -> bool {
    let texts = columns.iter().zip(key.split(|&byte| byte == b'\t'));
    // Of other types the COPY does not show how many bytes a value takes.
    let texts = texts.filter(|(column, _)| matches!(column.form, Form::Text | Form::Characters { .. }));
    // The bound takes each repetition for the shortest one. Some room is left for what it does not see.
    let least: usize = texts.map(|(_, text)| compressed(text)).sum();
    least / 10 * 9 > MOST
}

/// About the fewest bytes that a compression by repetitions (pglz, LZ4) makes of a text: one for each byte that
/// begins no repetition of three bytes or more, two for each repetition.
fn compressed(text: &[u8]) -> usize {
    const SLOTS: usize = 1 << 14;
    let slot = |at: usize| {
        let [a, b, c] = [text[at], text[at + 1], text[at + 2]].map(u32::from);
        ((a | b << 8 | c << 16).wrapping_mul(0x9E37_79B1) >> 18) as usize % SLOTS
    };
    let mut last = vec![usize::MAX; SLOTS];
    let (mut at, mut bytes) = (0, 0);
    while at + 2 < text.len() {
        let before = last[slot(at)];
        let length = match text.get(before..) {
            Some(old) => old.iter().zip(&text[at..]).take_while(|(a, b)| a == b).count(),
            None => 0,
        };
        let length = if length < 3 { 1 } else { length };
        bytes += if length == 1 { 1 } else { 2 };
        for passed in at..(at + length).min(text.len() - 2) {
            last[slot(passed)] = passed;
        }
        at += length;
    }
    bytes + text.len().saturating_sub(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(form: Form) -> CopyColumn {
        CopyColumn {
            cell: 0,
            form,
            key: true,
            scale: None,
            wider: crate::copy::Wider::Never,
        }
    }

    /// Letters and digits at random.
    fn noise(length: usize) -> Vec<u8> {
        let mut state = 88_172_645_463_325_252_u64;
        let next = |_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            b"0123456789abcdefghijklmnopqrstuvwxyz"[(state % 36) as usize]
        };
        (0..length).map(next).collect()
    }

    #[test]
    fn only_what_surely_does_not_fit_is_said_not_to() {
        let text = [column(Form::Text), column(Form::Text)];
        assert!(never_fits(&text, &noise(6000)));
        assert!(!never_fits(&text, &noise(2700)));
        assert!(!never_fits(&text, &vec![b'x'; 100_000]));
        assert!(!never_fits(&text, &b"abcdefgh".repeat(10_000)));
        // Two columns of one index.
        let both = [noise(2000), vec![b'\t'], noise(4000)[2000..].to_vec()].concat();
        assert!(never_fits(&text, &both));
        // Digits take less in a numeric.
        assert!(!never_fits(&[column(Form::Numeric)], &noise(6000)));
    }
}
