//! Text in COPY's text format, in one pass from the inside of a JSON string.

use melisma_sdk::Text;

/// What becomes of U+0000, which PostgreSQL cannot store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nul {
    /// The record is refused.
    Refuse,
    /// U+FFFD takes its place.
    Replace,
}

/// The text has U+0000.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct HasNul;

const REPLACEMENT: &str = "\u{FFFD}";

/// Appends the text that a JSON string stands for.
#[inline]
pub(crate) fn write_text(out: &mut Vec<u8>, text: Text<'_>, nul: Nul) -> Result<(), HasNul> {
    if text.escaped {
        unescape(out, text.raw, nul)
    } else {
        // Without a backslash, and JSON has no control characters: COPY reads it as it stands.
        out.extend_from_slice(text.raw.as_bytes());
        Ok(())
    }
}

/// JSON's escapes to COPY's. Most are the same: what differs is the quote, the slash and `\u`.
fn unescape(out: &mut Vec<u8>, raw: &str, nul: Nul) -> Result<(), HasNul> {
    let bytes = raw.as_bytes();
    let mut done = 0;
    while let Some(at) = memchr::memchr(b'\\', &bytes[done..]).map(|i| done + i) {
        out.extend_from_slice(&bytes[done..at]);
        done = at + 2;
        match bytes.get(at + 1) {
            Some(b'u') => {
                let (c, length) = unicode(raw, at);
                write_char(out, c, nul)?;
                done = at + length;
            }
            Some(&c @ (b'n' | b'r' | b't' | b'b' | b'f' | b'\\')) => out.extend_from_slice(&[b'\\', c]),
            Some(&c) => out.push(c),
            None => break,
        }
    }
    out.extend_from_slice(bytes.get(done..).unwrap_or_default());
    Ok(())
}

/// The character of the `\u` at `at`, and the length of its escape. The decoder has checked them.
fn unicode(raw: &str, at: usize) -> (char, usize) {
    let unit = |at: usize| {
        raw.get(at..at + 4)
            .and_then(|hex| u32::from_str_radix(hex, 16).ok())
    };
    let Some(first) = unit(at + 2) else {
        return (char::REPLACEMENT_CHARACTER, 2);
    };
    if let Some(c) = char::from_u32(first) {
        return (c, 6);
    }
    let second = unit(at + 8).filter(|unit| (0xDC00..0xE000).contains(unit));
    match second {
        Some(second) if first < 0xDC00 => {
            let c = char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00));
            (c.unwrap_or(char::REPLACEMENT_CHARACTER), 12)
        }
        _ => (char::REPLACEMENT_CHARACTER, 6),
    }
}

#[inline]
fn write_char(out: &mut Vec<u8>, c: char, nul: Nul) -> Result<(), HasNul> {
    match c {
        '\0' if nul == Nul::Refuse => return Err(HasNul),
        '\0' => out.extend_from_slice(REPLACEMENT.as_bytes()),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        // As the short escapes are written: of a key equal texts are equal bytes.
        '\u{8}' => out.extend_from_slice(b"\\b"),
        '\u{c}' => out.extend_from_slice(b"\\f"),
        c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
    }
    Ok(())
}

/// Appends JSON text, for a column of type json or jsonb.
///
/// Escapes of U+0000 inside are found wherever they are: jsonb cannot hold them either.
pub(crate) fn write_json(out: &mut Vec<u8>, json: &str, nul: Nul) -> Result<(), HasNul> {
    let bytes = json.as_bytes();
    let mut done = 0;
    while let Some(at) = bytes[done..]
        .iter()
        .position(|&byte| byte == b'\\' || byte < b' ')
        .map(|i| done + i)
    {
        out.extend_from_slice(&bytes[done..at]);
        done = at + 1;
        match bytes[at] {
            b'\\' if bytes.get(at + 1..at + 6) == Some(b"u0000") => {
                if nul == Nul::Refuse {
                    return Err(HasNul);
                }
                out.extend_from_slice(b"\\\\ufffd");
                done = at + 6;
            }
            b'\\' => {
                // The second character goes with it: in `\\u0000` there is a backslash, and no U+0000.
                out.extend_from_slice(b"\\\\");
                match bytes.get(at + 1) {
                    Some(b'\\') => out.extend_from_slice(b"\\\\"),
                    Some(&c) => out.push(c),
                    None => {}
                }
                done = at + 2;
            }
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            // JSON has no other control characters.
            _ => {}
        }
    }
    out.extend_from_slice(bytes.get(done..).unwrap_or_default());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copy::read_field;
    use proptest::prelude::*;

    fn written(json: &str, nul: Nul) -> Result<String, HasNul> {
        let raw = &json[1..json.len() - 1];
        let mut out = Vec::new();
        let escaped = raw.contains('\\');
        write_text(&mut out, Text::new(raw, escaped), nul)?;
        Ok(String::from_utf8(out).expect("UTF-8"))
    }

    #[test]
    fn escapes_become_copys_own() {
        for (json, copy) in [
            (r#""plain é""#, "plain é"),
            (r#""a\"b\/c""#, "a\"b/c"),
            (r#""\\N""#, r"\\N"),
            (r#""a\nb\rc\td""#, r"a\nb\rc\td"),
            (r#""\u000a\u0009\u005c""#, r"\n\t\\"),
            (r#""\ud83d\ude00\u00e9""#, "😀é"),
            (r#""\u0001""#, "\u{1}"),
            // Both spellings of one text are the same bytes, as keys have to be.
            (r#""\b\f""#, r"\b\f"),
            (r#""\u0008\u000c""#, r"\b\f"),
        ] {
            assert_eq!(written(json, Nul::Refuse).as_deref(), Ok(copy), "{json}");
        }
    }

    #[test]
    fn nul_is_refused_or_replaced() {
        assert_eq!(written(r#""a\u0000b""#, Nul::Refuse), Err(HasNul));
        assert_eq!(
            written(r#""a\u0000b""#, Nul::Replace).as_deref(),
            Ok("a\u{FFFD}b")
        );
        let mut out = Vec::new();
        let deep = r#"{"a": ["x\u0000"], "b": "\\u0000"}"#;
        assert_eq!(write_json(&mut out, deep, Nul::Refuse), Err(HasNul));
        out.clear();
        assert_eq!(write_json(&mut out, deep, Nul::Replace), Ok(()));
        let field = read_field(&out).expect("a value");
        assert_eq!(field, r#"{"a": ["x\ufffd"], "b": "\\u0000"}"#);
    }

    proptest! {
        #[test]
        fn a_naive_reader_of_copy_gets_the_text_back(text: String) {
            let text = text.replace('\0', "0");
            let json = serde_json::to_string(&text).expect("JSON");
            let copy = written(&json, Nul::Refuse).expect("no NUL");
            prop_assert!(!copy.contains(['\n', '\t', '\r']));
            prop_assert_eq!(read_field(copy.as_bytes()), Some(text.clone()));
            // Every character escaped, as Python's writers do it for all but ASCII.
            let all: Vec<String> = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
            let all = all.concat();
            let copy = written(&format!("\"{all}\""), Nul::Refuse).expect("no NUL");
            prop_assert_eq!(read_field(copy.as_bytes()), Some(text));
        }

        #[test]
        fn json_comes_through_as_it_was(text: String) {
            let json = serde_json::json!({"k\t": [text.replace('\0', "0"), 1.5]});
            for json in [json.to_string(), serde_json::to_string_pretty(&json).expect("JSON")] {
                let mut out = Vec::new();
                prop_assert_eq!(write_json(&mut out, &json, Nul::Refuse), Ok(()));
                prop_assert_eq!(read_field(&out), Some(json));
            }
        }
    }
}
