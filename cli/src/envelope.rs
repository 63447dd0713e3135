//! The envelope of a Singer line: which message, of which stream.
//!
//! A tolerant reader for counting. It looks only at the keys of the outermost object, takes any bytes, and says
//! [`Kind::Other`] where it does not understand. (The engine's reader is the strict one.)

use memchr::memchr2;

/// Which message a line holds, as far as counting is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Record,
    Schema,
    State,
    Other,
}

/// What [`read`] found in a line.
pub(crate) struct Envelope<'a> {
    pub(crate) kind: Kind,
    /// The inside of the stream's JSON string, escapes as they came.
    pub(crate) stream: Option<&'a [u8]>,
    /// When `type` and `stream` are the first two keys: the end of the stream's closing quote. Every line that begins
    /// with the bytes before it has the same type and stream.
    pub(crate) prefix: Option<usize>,
}

/// Reads the envelope of `line`; stops as soon as type and stream are known.
pub(crate) fn read(line: &[u8]) -> Envelope<'_> {
    let mut found = Envelope {
        kind: Kind::Other,
        stream: None,
        prefix: None,
    };
    let mut kind = None;
    let mut plain = true;
    let mut at = skip_space(line, 0);
    if line.starts_with(b"\xEF\xBB\xBF") {
        at = skip_space(line, 3);
    }
    if line.get(at) != Some(&b'{') {
        return found;
    }
    at += 1;
    while let Some((key, after)) = string(line, skip_space(line, at)) {
        at = skip_space(line, after);
        if line.get(at) != Some(&b':') {
            break;
        }
        at = skip_space(line, at + 1);
        let value = string(line, at);
        match (key, value) {
            (b"type", Some((text, _))) => kind = Some(text),
            (b"stream", Some((text, _))) => found.stream = Some(text),
            _ => plain = false,
        }
        at = match value {
            Some((_, end)) => end,
            None => skip_value(line, at),
        };
        if kind.is_some() && found.stream.is_some() {
            found.prefix = plain.then_some(at);
            break;
        }
        at = skip_space(line, at);
        if line.get(at) != Some(&b',') {
            break;
        }
        at += 1;
    }
    found.kind = match kind {
        Some(b"RECORD") => Kind::Record,
        Some(b"SCHEMA") => Kind::Schema,
        Some(b"STATE") => Kind::State,
        _ => Kind::Other,
    };
    found
}

/// The text of a name from the inside of its JSON string.
pub(crate) fn name(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw);
    serde_json::from_str(&format!("\"{text}\"")).unwrap_or_else(|_| text.into_owned())
}

fn skip_space(line: &[u8], mut at: usize) -> usize {
    while line.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// The inside of the string that begins at `at`, and where it ends.
fn string(line: &[u8], at: usize) -> Option<(&[u8], usize)> {
    if line.get(at) != Some(&b'"') {
        return None;
    }
    let start = at + 1;
    let mut end = start;
    loop {
        end += memchr2(b'"', b'\\', line.get(end..)?)?;
        if line[end] == b'"' {
            return Some((&line[start..end], end + 1));
        }
        end += 2;
    }
}

/// The end of a value that is no string: the comma or bracket after it.
fn skip_value(line: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(&byte) = line.get(at) {
        match byte {
            b'"' => match string(line, at) {
                Some((_, end)) => {
                    at = end;
                    continue;
                }
                None => return line.len(),
            },
            b'{' | b'[' => depth += 1,
            b'}' | b']' | b',' if depth == 0 => return at,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_and_stream(line: &str) -> (Kind, Option<&[u8]>) {
        let envelope = read(line.as_bytes());
        (envelope.kind, envelope.stream)
    }

    #[test]
    fn keys_may_stand_in_any_order() {
        for line in [
            r#"{"type":"RECORD","stream":"s","record":{}}"#,
            r#" { "stream" : "s" , "type" : "RECORD" , "record" : {} }"#,
            r#"{"record":{"type":"STATE","stream":"no","a":["}",{}]},"version":1,"type":"RECORD","stream":"s"}"#,
            "\u{feff}{\"type\":\"RECORD\",\"stream\":\"s\"}",
        ] {
            assert_eq!(kind_and_stream(line), (Kind::Record, Some(&b"s"[..])), "{line}");
        }
    }

    #[test]
    fn only_an_envelope_at_the_front_is_a_prefix() {
        let line = br#"{"type": "RECORD", "stream": "s", "record": {}}"#;
        assert_eq!(
            read(line).prefix.map(|end| &line[..end]),
            Some(&br#"{"type": "RECORD", "stream": "s""#[..])
        );
        assert_eq!(
            read(br#"{"version": 1, "type": "RECORD", "stream": "s"}"#).prefix,
            None
        );
    }

    #[test]
    fn junk_is_other() {
        for line in [
            "",
            "x",
            "{",
            "{\"type",
            "{\"type\"",
            "{\"type\":",
            "[1]",
            "{\"type\":\"record\",\"stream\":\"s\"}",
            "{\"a\\",
        ] {
            assert_eq!(read(line.as_bytes()).kind, Kind::Other, "{line}");
        }
    }
}
