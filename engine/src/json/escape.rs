//! Between text and the inside of a JSON string.

use super::scan;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends `text` as a JSON string, quotes included.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    write_text(out, text);
    out.push(b'"');
}

/// Appends `text` as the inside of a JSON string: quote, backslash and control characters escaped, nothing else.
#[inline]
pub fn write_text(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let mut done = 0;
    while let Some(at) = scan::string_end(bytes, done) {
        out.extend_from_slice(&bytes[done..at]);
        write_escape(out, bytes[at]);
        done = at + 1;
    }
    out.extend_from_slice(&bytes[done..]);
}

#[cold]
fn write_escape(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' => b'"',
        b'\\' => b'\\',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Appends the text that the inside of a JSON string stands for.
///
/// `raw` must be valid, as the decoder has checked. A lone surrogate, which the decoder refuses, becomes U+FFFD.
pub fn unescape(raw: &str, out: &mut String) {
    let mut room = [0; ROOM];
    let mut done = 0;
    while done < raw.len() {
        let (next, written) = unescape_some(raw.as_bytes(), done, raw.len(), &mut room);
        out.push_str(simdutf8::basic::from_utf8(&room[..written]).unwrap_or("\u{FFFD}"));
        done = next;
    }
}

/// The same as bytes, which are UTF-8. `around` is a text that `raw` may be a part of: what follows `raw` there is never
/// taken for a part of it, but may be read, which spares a copy of its last bytes.
pub(crate) fn unescape_bytes(raw: &str, around: &str, out: &mut Vec<u8>) {
    let start = raw.as_ptr().addr().wrapping_sub(around.as_ptr().addr());
    let (text, mut done) = match around.as_bytes().get(start..start.wrapping_add(raw.len())) {
        Some(_) => (around.as_bytes(), start),
        None => (raw.as_bytes(), 0),
    };
    let end = done + raw.len();
    while done < end {
        let rest = &text[done..end];
        let plain = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
        if plain >= 64 {
            // Long text with an escape here and there, as lines of prose have: no room is made for what follows.
            out.extend_from_slice(&rest[..plain]);
            done += plain;
            if done < end {
                let (utf8, length, next) = unescape_one(text, done, end);
                out.extend_from_slice(&utf8.to_le_bytes()[..length]);
                done = next;
            }
            continue;
        }
        // Room is filled with zeros first, so it is not made for long plain text.
        let start = out.len();
        out.resize(start + ROOM, 0);
        let room = out[start..].first_chunk_mut().expect("just made");
        let (next, written) = unescape_some(text, done, end, room);
        out.truncate(start + written);
        done = next;
    }
}

/// Short pieces are written at this size, and what was too much is then written over: a copy of just so many bytes as
/// there are costs a mispredicted branch on their number.
const PIECE: usize = 16;
/// What is filled at a time. Behind it is room for one piece and one character more than there should be, so that no look
/// at the bounds is needed for each.
const FULL: usize = 256;
const ROOM: usize = FULL + 2 * PIECE;

/// Unescapes `text` from `done` on until `end`, or until `room` is full; returns where it stopped, and how much was
/// written.
#[inline]
fn unescape_some(text: &[u8], mut done: usize, end: usize, room: &mut [u8; ROOM]) -> (usize, usize) {
    let (mut block, mut written) = (done, 0);
    while block < end {
        // Where backslashes are in the next 64 bytes: the processor need not wait for the end of one escape to see
        // where the next one starts.
        let mut found = scan::backslashes(text, block);
        if end - block < 64 {
            found &= (1 << (end - block)) - 1;
        }
        while found != 0 {
            let at = block + found.trailing_zeros() as usize;
            // In text that was never checked an escape may start inside of another.
            let plain = at.saturating_sub(done);
            if written + plain >= FULL {
                return copy_some(text, done, end, room, written);
            }
            match text.get(done..).and_then(<[u8]>::first_chunk::<PIECE>) {
                // As a number, or the compiler makes a call of the copy.
                Some(from) if plain <= PIECE => {
                    let piece = u128::from_ne_bytes(*from).to_ne_bytes();
                    room[written % FULL..][..PIECE].copy_from_slice(&piece);
                }
                _ => room[written..written + plain].copy_from_slice(&text[done..done + plain]),
            }
            written += plain;
            let (utf8, length, next) = unescape_one(text, at, end);
            room[written % FULL..][..4].copy_from_slice(&utf8.to_le_bytes());
            written += length;
            done = next;
            found &= found - 1;
            if next != at + 6 {
                // There may be backslashes inside of it.
                found &= u64::MAX.checked_shl((next - block) as u32).unwrap_or(0);
            }
        }
        // The last escape may reach into the next block.
        let next = done.max(block + 64);
        block = if done > block {
            next
        } else {
            // Few escapes: a search is faster than one block after the other.
            let rest = text.get(next..end).unwrap_or_default();
            memchr::memchr(b'\\', rest).map_or(end, |found| next + found)
        };
    }
    copy_some(text, done, end, room, written)
}

/// Copies what is left of the text before `end`, or as much of it as there is room for.
fn copy_some(text: &[u8], done: usize, end: usize, room: &mut [u8], written: usize) -> (usize, usize) {
    let mut next = end.min(done + FULL.saturating_sub(written));
    // Not into the midst of a character, which has at most three more bytes.
    while next < end && text[next] & 0xC0 == 0x80 {
        next += 1;
    }
    let copied = next - done;
    room[written..written + copied].copy_from_slice(&text[done..next]);
    (next, written + copied)
}

/// The escape at `at` of a text that ends at `end`: its character as UTF-8, the first byte in the lowest bits, the length
/// of that, and where the escape ends.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a call would pass the result through memory")]
fn unescape_one(text: &[u8], at: usize, end: usize) -> (u32, usize, usize) {
    if let Some(escape) = text.get(at..).and_then(<[u8]>::first_chunk::<8>)
        && let escape = u64::from_le_bytes(*escape)
        && escape & 0x8080_8080_FFFF == u64::from(u16::from_le_bytes(*b"\\u"))
        && let Some((utf8, length)) = utf8((escape >> 16) as u32)
        && at + 6 <= end
    {
        return (utf8, length, at + 6);
    }
    let (c, next) = unescape_rare(&text[..end], at);
    let mut utf8 = [0; 4];
    let length = c.encode_utf8(&mut utf8).len();
    (u32::from_le_bytes(utf8), length, next)
}

/// The character of four hex digits, the first in the lowest byte, as UTF-8 in the same order; and its length. None for
/// ASCII and surrogates; any character if they are no hex digits.
#[inline(always)]
#[expect(clippy::inline_always, reason = "as above")]
fn utf8(digits: u32) -> Option<(u32, usize)> {
    // Letters lack nine, and have a bit that tells them from digits.
    let values = (digits & 0x0F0F_0F0F) + (digits >> 6 & 0x0101_0101) * 9;
    // Four bits a byte: dddd cccc bbbb aaaa.
    let values = values & 0x0F0F_0F0F;
    if values & 0x08_0F0F == 0 || values & 0x080F == 0x080D {
        return None;
    }
    // 1110aaaa 10bbbbcc 10ccdddd; or 110bbbcc 10ccdddd, which is the end of that but for one bit.
    let last = values >> 8 & 0x0F_0000 | values << 4 & 0x30_0000;
    let three = 0x80_80E0 | values & 0x0F | values << 2 & 0x3C00 | values >> 10 & 0x0300 | last;
    let long = values & 0x080F != 0;
    // Both are computed and one is taken: no branch to mispredict.
    let utf8 = std::hint::select_unpredictable(long, three, three >> 8 | 0x40);
    Some((utf8, 2 + usize::from(long)))
}

/// Any escape, and the slow way for those from U+0080 to U+D7FF.
#[inline(never)]
fn unescape_rare(bytes: &[u8], at: usize) -> (char, usize) {
    let c = match bytes.get(at + 1) {
        Some(b'u') => return unescape_unicode(bytes, at),
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(&other) if other.is_ascii() => char::from(other),
        _ => return (char::REPLACEMENT_CHARACTER, at + 1),
    };
    (c, at + 2)
}

fn unescape_unicode(bytes: &[u8], at: usize) -> (char, usize) {
    let Some(first) = hex4(bytes, at + 2) else {
        return (char::REPLACEMENT_CHARACTER, at + 2);
    };
    if let Some(c) = char::from_u32(first) {
        return (c, at + 6);
    }
    if is_high(first)
        && bytes.get(at + 6..at + 8) == Some(b"\\u")
        && let Some(c) = hex4(bytes, at + 8).and_then(|second| join(first, second))
    {
        return (c, at + 12);
    }
    (char::REPLACEMENT_CHARACTER, at + 6)
}

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round_trip(text: &str) {
        let mut json = Vec::new();
        write_string(&mut json, text);
        let parsed: String = serde_json::from_slice(&json).expect("valid JSON");
        assert_eq!(parsed, text);
        let mut back = String::new();
        let json = String::from_utf8(json).expect("UTF-8");
        unescape(&json[1..json.len() - 1], &mut back);
        assert_eq!(back, text);
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        for text in [
            "",
            "plain",
            "a\"b\\c",
            "\u{0}\u{1f}\u{7f}\n\r\t\u{8}\u{c}",
            "é漢😀",
            "x".repeat(99).as_str(),
        ] {
            round_trip(text);
        }
    }

    #[test]
    fn reads_pythons_escapes() {
        let mut text = String::new();
        unescape(r"\u00e9\u6f22\ud83d\ude00\/", &mut text);
        assert_eq!(text, "é漢😀/");
    }

    /// Text as JSON writers have it, and now and then one that is wrong.
    fn any_string() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => "[ -!#-Z]{0,20}",
            4 => "\\\\u[0-9a-fA-C]{4}",
            2 => "\\\\ud[89ab][0-9a-f]{2}\\\\ud[c-f][0-9a-f]{2}",
            2 => "\\\\[nrtbf\"/\\\\]",
            1 => "[é漢😀]{0,9}",
            1 => "[ -!#-Z]{60,200}",
        ];
        let wrong = "(\\\\ud[89ab]00|\\\\u12g4|\\\\u1|\\\\x|\u{1}|\"|\\\\)";
        let wrong = prop_oneof![9 => Just(String::new()), 1 => wrong];
        (
            prop::collection::vec(piece, 0..40),
            any::<prop::sample::Index>(),
            wrong,
        )
            .prop_map(|(mut all, at, wrong)| {
                all.insert(at.index(all.len() + 1), wrong);
                all.concat()
            })
    }

    proptest! {
        #[test]
        fn reads_what_serde_json_reads(raw in any_string(), after in "[ -~]{0,80}") {
            let json = format!("\"{raw}\"{after}");
            let oracle = serde_json::Deserializer::from_str(&json).into_iter::<String>().next().expect("a value");
            match (crate::json::skip::string(json.as_bytes(), 1), oracle) {
                (Ok((end, escaped)), Ok(oracle)) => {
                    let raw = &json[1..end - 1];
                    prop_assert_eq!(escaped, raw.contains('\\'));
                    let (mut text, mut bytes) = (String::new(), Vec::new());
                    unescape(raw, &mut text);
                    unescape_bytes(raw, &json, &mut bytes);
                    prop_assert_eq!(&bytes, oracle.as_bytes());
                    bytes.clear();
                    unescape_bytes(raw, "", &mut bytes);
                    prop_assert_eq!(&text, &oracle);
                    prop_assert_eq!(&bytes, oracle.as_bytes());
                }
                (Err(_), Err(_)) => {}
                (found, oracle) => prop_assert!(false, "{json}: {found:?}, serde_json says {oracle:?}"),
            }
        }

        /// What was never checked gives some text, whatever stands after it, and no panic.
        #[test]
        fn takes_anything(raw in "([\\\\uéd8c0a\"]{0,60}|[\\\\ué漢😀a]{0,900})", after in "[\\\\u0a\"]{0,80}") {
            let (mut text, mut bytes) = (String::new(), Vec::new());
            unescape(&raw, &mut text);
            let around = format!("{raw}{after}");
            unescape_bytes(&around[..raw.len()], &around, &mut bytes);
            prop_assert!(raw.is_empty() || !text.is_empty());
            prop_assert!(std::str::from_utf8(&bytes).is_ok());
        }
    }

    #[test]
    fn a_lone_surrogate_becomes_a_replacement_character() {
        for raw in [r"\ud800", r"\udc00", r"\ud800x", r"\ud800\n"] {
            let mut text = String::new();
            unescape(raw, &mut text);
            assert!(text.starts_with('\u{FFFD}'), "{raw}");
        }
    }
}
