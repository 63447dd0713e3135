//! Escapes text for a JSON string.

use std::fmt::Write as _;

use super::scan;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends `text` as a JSON string, quotes included.
/// ```
/// let mut out = Vec::new();
/// melisma_engine::json::write_string(&mut out, "say \"hi\"\n");
/// assert_eq!(out, br#""say \"hi\"\n""#);
/// ```
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    write_text(out, text);
    out.push(b'"');
}

/// Appends `text` as a JSON string of ASCII alone, as Python's `json.dumps` writes it.
/// ```
/// let mut out = String::new();
/// melisma_engine::json::write_ascii_string(&mut out, "tea\n\u{e9}\u{1f600}");
/// assert_eq!(out, r#""tea\n\u00e9\ud83d\ude00""#);
/// ```
pub fn write_ascii_string(out: &mut String, text: &str) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(letter),
            _ => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    // Writing to memory does not fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::unescape;

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
}
