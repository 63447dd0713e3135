//! Repairs that a user may ask for in lines that are not valid JSON. They are off the hot path: only a line that failed
//! is repaired.

use std::borrow::Cow;

use super::options::Repairs;
use crate::json::skip::unicode;

/// The line with what may be put right put right, or `None` when there is nothing.
///
/// A lone surrogate escape becomes `\ufffd`; `NaN`, `Infinity` and `-Infinity` outside strings become `null`.
pub(super) fn repair(text: &str, repairs: Repairs) -> Option<String> {
    let bytes = text.as_bytes();
    let (mut out, mut done, mut at, mut in_string) = (String::new(), 0, 0, false);
    while at < bytes.len() {
        let (length, replacement) = match bytes[at] {
            b'"' => {
                in_string = !in_string;
                (1, None)
            }
            b'\\' if in_string => escape(bytes, at, repairs.lone_surrogates),
            b'N' | b'I' | b'-' if !in_string && repairs.not_a_number => not_a_number(&bytes[at..]),
            _ => (1, None),
        };
        if let Some(replacement) = replacement {
            out.push_str(&text[done..at]);
            out.push_str(replacement);
            done = at + length;
        }
        at += length;
    }
    if done == 0 {
        return None;
    }
    out.push_str(&text[done..]);
    Some(out)
}

/// The text of a line that is not UTF-8, with U+FFFD where it is not.
pub(super) fn replace_invalid(bytes: &[u8], repairs: Repairs) -> Option<Cow<'_, str>> {
    repairs.invalid_utf8.then(|| String::from_utf8_lossy(bytes))
}

/// How long the escape at `at` is, and what takes its place.
fn escape(bytes: &[u8], at: usize, repair: bool) -> (usize, Option<&'static str>) {
    let replacement = repair.then_some("\\ufffd");
    match (unicode(bytes, at), unicode(bytes, at + 6)) {
        (None, _) => (2, None),
        (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => (12, None),
        (Some(0xd800..=0xdfff), _) => (6, replacement),
        (Some(_), _) => (6, None),
    }
}

fn not_a_number(rest: &[u8]) -> (usize, Option<&'static str>) {
    let word = [&b"NaN"[..], b"Infinity", b"-Infinity"]
        .into_iter()
        .find(|word| rest.starts_with(word));
    word.map_or((1, None), |word| (word.len(), Some("null")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Repairs = Repairs {
        invalid_schemas: true,
        invalid_utf8: true,
        lone_surrogates: true,
        not_a_number: true,
    };

    #[test]
    fn repairs_only_what_is_asked_and_wrong() {
        let line = r#"{"a":"\ud800 \ud83d\ude00 \udc00\\ud800 NaN \"","b":[NaN,-Infinity,-1],"c":Infinity,"é":"\ud800"}"#;
        let all =
            r#"{"a":"\ufffd \ud83d\ude00 \ufffd\\ud800 NaN \"","b":[null,null,-1],"c":null,"é":"\ufffd"}"#;
        assert_eq!(repair(line, ALL).as_deref(), Some(all));
        let numbers = Repairs {
            lone_surrogates: false,
            ..ALL
        };
        assert_eq!(
            repair(line, numbers),
            Some(
                all.replace("\\ufffd", "\\ud800")
                    .replace(" \\ud800\\\\", " \\udc00\\\\")
            )
        );
        assert_eq!(repair(line, Repairs::default()), None);
        assert_eq!(repair(r#"{"a":"NaN","b":1"#, ALL), None);
        assert_eq!(repair(r#"{"a":"\ud8"#, ALL), None);
    }

    #[test]
    fn replaces_bytes_that_are_not_utf8() {
        assert_eq!(replace_invalid(b"a\xffb", ALL).as_deref(), Some("a\u{fffd}b"));
        assert_eq!(replace_invalid(b"a\xffb", Repairs::default()), None);
    }
}
