//! Parts of URIs.

use std::fmt::Write as _;

/// A text as a part of a URI: what may have a meaning there is encoded.
pub fn encoded(text: &str) -> String {
    let mut uri = String::with_capacity(text.len());
    for &byte in text.as_bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~') {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

/// The text that a part of a URI stands for.
pub(crate) fn decoded(part: &str) -> String {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let [byte, after @ ..] = rest {
        let digits = after.first_chunk::<2>().filter(|_| *byte == b'%');
        let code = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(code) => {
                bytes.push(code);
                rest = &after[2..];
            }
            None => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_stands_for_its_text() {
        for text in ["p@ss:word/1", "100%", "é 猫", ""] {
            assert_eq!(decoded(&encoded(text)), text);
        }
        assert_eq!(encoded("a b/é"), "a%20b%2F%C3%A9");
        assert_eq!(decoded("100%zz%4"), "100%zz%4");
    }
}
