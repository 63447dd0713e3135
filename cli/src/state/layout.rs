//! JSON text in another layout: numbers keep their digits, and keys their order.

use std::fmt::Write as _;

/// On one line without white space, as Meltano prints states.
pub(crate) fn compact(json: &str) -> String {
    layout(json, None)
}

/// On many lines, indented by two spaces.
pub(crate) fn pretty(json: &str) -> String {
    layout(json, Some(2))
}

/// `json` is valid. What is not ASCII is escaped, as Python does it.
fn layout(json: &str, indent: Option<usize>) -> String {
    let mut out = String::with_capacity(json.len());
    let mut depth = 0;
    let mut rest = json.chars().peekable();
    let line = |depth: usize, out: &mut String| {
        if let Some(indent) = indent {
            let _ = write!(out, "\n{:1$}", "", depth * indent);
        }
    };
    while let Some(c) = rest.next() {
        match c {
            '"' => text(&mut rest, &mut out),
            '{' | '[' => {
                out.push(c);
                while rest.next_if(char::is_ascii_whitespace).is_some() {}
                if let Some(end) = rest.next_if(|end| "}]".contains(*end)) {
                    out.push(end);
                } else {
                    depth += 1;
                    line(depth, &mut out);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(depth, &mut out);
                out.push(c);
            }
            ',' => {
                out.push(c);
                line(depth, &mut out);
            }
            ':' => out.push_str(if indent.is_some() { ": " } else { ":" }),
            c if c.is_ascii_whitespace() => {}
            c => out.push(c),
        }
    }
    out
}

/// A text, whose first quote is read already.
fn text(rest: &mut impl Iterator<Item = char>, out: &mut String) {
    out.push('"');
    let mut escaped = false;
    for c in rest {
        if c.is_ascii() {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
        match c {
            '"' if !escaped => return,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_changes_and_no_value_does() {
        let json = "{ \"a\" : [1.0, 12345678901234567890123,{ }],\n\"b \\\\\": {\"é😀, \\\" :\": [ ]}}";
        assert_eq!(
            compact(json),
            r#"{"a":[1.0,12345678901234567890123,{}],"b \\":{"\u00e9\ud83d\ude00, \" :":[]}}"#
        );
        assert_eq!(
            pretty(r#"{"a":[1.0,{}],"b":{"c":null}}"#),
            "{\n  \"a\": [\n    1.0,\n    {}\n  ],\n  \"b\": {\n    \"c\": null\n  }\n}"
        );
    }
}
