//! The envelope of a Singer line: which message, of which stream.
//!
//! It reads the keys of the outermost object until it has both, and no further: a record is not looked at. The line may
//! be anything; where it stops making sense it is [`Kind::Other`]. (The engine's `MessageReader` checks whole messages.)

use melisma_engine::json::skip_value;

/// The type of a message, as far as counting is concerned.
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
    /// The inside of the JSON string with the stream's name, still escaped.
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
            None => match skip_value(line, at) {
                Ok(end) => end,
                Err(_) => break,
            },
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

/// The text of a name, from the inside of its JSON string.
pub(crate) fn name(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw);
    serde_json::from_str(&format!("\"{text}\"")).unwrap_or_else(|_| text.into_owned())
}

/// The inside of the string that begins at `at`, and where the string ends.
fn string(line: &[u8], at: usize) -> Option<(&[u8], usize)> {
    if line.get(at) != Some(&b'"') {
        return None;
    }
    let end = skip_value(line, at).ok()?;
    Some((&line[at + 1..end - 1], end))
}

fn skip_space(line: &[u8], mut at: usize) -> usize {
    while line.get(at).is_some_and(u8::is_ascii_whitespace) {
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
