//! Escapes text from outside for a terminal and for one line of a log.
//!
//! Names of streams and properties, file names and messages of servers may hold anything: escape sequences that a
//! terminal obeys, line ends that begin a forged log line, marks that turn the direction of what follows. Whatever
//! becomes a log line or terminal output passes through here; data never does.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fmt::{self, Write as _};

/// Whether a character shows as itself and leaves what stands around it alone.
///
/// Not so: the control characters C0 and C1 with DEL, line and paragraph separators, marks and overrides of the writing
/// direction, the byte order mark and interlinear annotations.
pub fn is_printable(c: char) -> bool {
    !(c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'))
}

/// The text with each character that is not printable escaped as in Rust: `\n`, `\u{1b}`, `\u{202e}`.
/// ```
/// assert_eq!(melisma_engine::printable::printable("\u{1b}[2J"), r"\u{1b}[2J");
/// ```
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_printable) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        push(&mut escaped, c);
    }
    Cow::Owned(escaped)
}

/// A command line as it is shown in its own usage error: an argument with a line end in it is one argument.
///
/// `None` when it shows as it is.
pub fn printable_args(args: &[OsString]) -> Option<Vec<OsString>> {
    let shows = |arg: &OsString| arg.to_string_lossy().chars().all(is_printable);
    if args.iter().all(shows) {
        return None;
    }
    Some(
        args.iter()
            .map(|arg| printable(&arg.to_string_lossy()).into_owned().into())
            .collect(),
    )
}

/// A text that is JSON, the same value: escaped as JSON does it, so that it stays the same value.
pub fn printable_json(json: &str) -> Cow<'_, str> {
    if json.chars().all(is_printable) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if is_printable(c) {
            escaped.push(c);
        } else {
            // All of them are below U+10000, and outside of its strings a line of JSON has none of them.
            let _ = write!(escaped, "\\u{:04x}", u32::from(c));
        }
    }
    Cow::Owned(escaped)
}

/// Appends a character, escaped unless it is printable.
pub(crate) fn push(text: &mut String, c: char) {
    if is_printable(c) {
        text.push(c);
    } else {
        text.extend(c.escape_default());
    }
}

/// A writer that escapes what goes through it, for causes of errors that only know how to display themselves.
pub(crate) struct Printable<'a, 'b>(pub(crate) &'a mut fmt::Formatter<'b>);

impl fmt::Write for Printable<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write_str(&printable(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_escaped_and_every_script_stays() {
        for (text, shown) in [
            ("a\u{1b}[2J\u{7}\r\nb", r"a\u{1b}[2J\u{7}\r\nb"),
            ("\u{9b}31m\u{7f}\u{85}", r"\u{9b}31m\u{7f}\u{85}"),
            (
                "a\u{202e}b\u{2066}c\u{2028}d\u{feff}",
                r"a\u{202e}b\u{2066}c\u{2028}d\u{feff}",
            ),
            ("täglich 日本 שלום 👨\u{200d}👩", "täglich 日本 שלום 👨\u{200d}👩"),
            (r"C:\new", r"C:\new"),
        ] {
            assert_eq!(printable(text), shown);
        }
    }

    #[test]
    fn json_stays_the_value_that_it_was() {
        let value = serde_json::json!({"a\u{9b}\u{7f}\u{202e}": "\u{1b}\n\u{2028}é"});
        let text = value.to_string();
        let safe = printable_json(&text);
        assert!(safe.chars().all(is_printable), "{safe}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), value);
    }
}
