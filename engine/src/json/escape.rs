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
    let bytes = raw.as_bytes();
    let mut done = 0;
    while let Some(at) = memchr::memchr(b'\\', &bytes[done..]).map(|i| done + i) {
        out.push_str(&raw[done..at]);
        let (c, next) = unescape_one(bytes, at);
        out.push(c);
        done = next;
        // Text that is escaped at all often is a run of escapes: stay with them, without a new search for each.
        while bytes.get(done) == Some(&b'\\') {
            let (c, next) = unescape_one(bytes, done);
            out.push(c);
            done = next;
        }
    }
    out.push_str(&raw[done..]);
}

/// The character of the escape at `at`, and where it ends.
#[inline]
fn unescape_one(bytes: &[u8], at: usize) -> (char, usize) {
    let c = match bytes.get(at + 1) {
        Some(b'u') => return unescape_unicode(bytes, at),
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(&other) => char::from(other),
        None => char::REPLACEMENT_CHARACTER,
    };
    (c, (at + 2).min(bytes.len()))
}

#[inline]
fn unescape_unicode(bytes: &[u8], at: usize) -> (char, usize) {
    let Some(first) = hex4(bytes, at + 2) else {
        return (char::REPLACEMENT_CHARACTER, bytes.len());
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
#[inline]
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

    #[test]
    fn a_lone_surrogate_becomes_a_replacement_character() {
        for raw in [r"\ud800", r"\udc00", r"\ud800x", r"\ud800\n"] {
            let mut text = String::new();
            unescape(raw, &mut text);
            assert!(text.starts_with('\u{FFFD}'), "{raw}");
        }
    }
}
