//! Cutting a value's JSON text to what is selected, in one pass and without building it.

use melisma_engine::error::show;
use melisma_engine::json;
use melisma_engine::{Error, Result};

use super::schema::{Member, Node};

/// Cuts values. It remembers where the record's replication key went and which unknown property it met.
#[derive(Debug, Default)]
pub(in crate::tap) struct Cutter {
    /// The key (`"name":`) whose value is looked for at the top level.
    pub(in crate::tap) watched: Option<Box<[u8]>>,
    /// Where the watched value stands in the output.
    pub(in crate::tap) found: Option<(usize, usize)>,
    /// The first property that the schema does not have.
    pub(in crate::tap) unknown: Option<Box<str>>,
}

impl Cutter {
    /// Appends the value `text` to `out`, cut. The text must be one JSON value.
    pub(in crate::tap) fn copy(&mut self, text: &[u8], node: &Node, out: &mut Vec<u8>) -> Result<()> {
        let start = space(text, 0);
        let end = self.value(text, start, node, out, true)?;
        if space(text, end) == text.len() {
            Ok(())
        } else {
            Err(broken(text, end))
        }
    }

    fn value(&mut self, text: &[u8], at: usize, node: &Node, out: &mut Vec<u8>, top: bool) -> Result<usize> {
        match (node, text.get(at)) {
            (Node::Object { members, closed }, Some(b'{')) => {
                self.object(text, at, members, *closed, out, top)
            }
            (Node::Array(item), Some(b'[')) => self.array(text, at, item, out),
            _ => {
                let end = skip(text, at)?;
                out.extend_from_slice(&text[at..end]);
                Ok(end)
            }
        }
    }

    fn object(
        &mut self,
        text: &[u8],
        mut at: usize,
        members: &[Member],
        closed: bool,
        out: &mut Vec<u8>,
        top: bool,
    ) -> Result<usize> {
        out.push(b'{');
        let mut expected = 0;
        let mut first = true;
        at = space(text, at + 1);
        if text.get(at) == Some(&b'}') {
            out.push(b'}');
            return Ok(at + 1);
        }
        loop {
            let (found, value) = member(text, at, members, expected)?;
            let node = match found {
                Some(i) => {
                    expected = i + 1;
                    members[i].node.as_ref()
                }
                None if closed => {
                    self.note_unknown(text, at);
                    None
                }
                None => Some(&Node::Keep),
            };
            at = if let Some(node) = node {
                if !first {
                    out.push(b',');
                }
                first = false;
                let key = found.map_or(&text[at..value], |i| &members[i].key);
                out.extend_from_slice(key);
                let watched = top && self.watched.as_deref() == Some(key);
                let start = out.len();
                let end = self.value(text, value, node, out, false)?;
                if watched {
                    self.found = Some((start, out.len()));
                }
                end
            } else {
                skip(text, value)?
            };
            at = space(text, at);
            match text.get(at) {
                Some(b',') => at = space(text, at + 1),
                Some(b'}') => break,
                _ => return Err(broken(text, at)),
            }
        }
        out.push(b'}');
        Ok(at + 1)
    }

    fn array(&mut self, text: &[u8], mut at: usize, item: &Node, out: &mut Vec<u8>) -> Result<usize> {
        out.push(b'[');
        at = space(text, at + 1);
        if text.get(at) == Some(&b']') {
            out.push(b']');
            return Ok(at + 1);
        }
        loop {
            at = space(text, self.value(text, at, item, out, false)?);
            match text.get(at) {
                Some(b',') => {
                    out.push(b',');
                    at = space(text, at + 1);
                }
                Some(b']') => break,
                _ => return Err(broken(text, at)),
            }
        }
        out.push(b']');
        Ok(at + 1)
    }

    #[cold]
    fn note_unknown(&mut self, text: &[u8], at: usize) {
        if self.unknown.is_none() {
            let end = skip(text, at).unwrap_or(at);
            let name = String::from_utf8_lossy(&text[at..end]);
            self.unknown = Some(name.trim_matches('"').into());
        }
    }
}

/// Which member the key at `at` names, looked for from the expected one on, and where its value starts.
fn member(text: &[u8], at: usize, members: &[Member], expected: usize) -> Result<(Option<usize>, usize)> {
    if let Some(member) = members.get(expected)
        && text[at..].starts_with(&member.key)
    {
        return Ok((Some(expected), space(text, at + member.key.len())));
    }
    if text.get(at) != Some(&b'"') {
        return Err(broken(text, at));
    }
    let end = skip(text, at)?;
    let colon = space(text, end);
    if text.get(colon) != Some(&b':') {
        return Err(broken(text, colon));
    }
    let value = space(text, colon + 1);
    let raw = &text[at..end];
    let is = |member: &Member, key: &[u8]| member.key.strip_suffix(b":") == Some(key);
    let found = if raw.contains(&b'\\') {
        let plain = plain_key(raw);
        members.iter().position(|member| is(member, &plain))
    } else {
        let later = members.iter().enumerate().skip(expected);
        later
            .chain(members.iter().enumerate().take(expected))
            .find(|(_, member)| is(member, raw))
            .map(|(i, _)| i)
    };
    Ok((found, value))
}

/// A key with escapes, written again with only those that are needed.
fn plain_key(raw: &[u8]) -> Vec<u8> {
    let mut text = String::new();
    let inside = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
    json::unescape(&String::from_utf8_lossy(inside), &mut text);
    let mut key = Vec::new();
    json::write_string(&mut key, &text);
    key
}

fn space(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
        at += 1;
    }
    at
}

fn skip(text: &[u8], at: usize) -> Result<usize> {
    json::skip_value(text, at).map_err(|syntax| broken(text, syntax.at))
}

#[cold]
fn broken(text: &[u8], at: usize) -> Error {
    let shown = String::from_utf8_lossy(text.get(at..).unwrap_or_default()).into_owned();
    Error::input(format!("expected a JSON value, found {}", show(&shown)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(name: &str) -> Member {
        Member {
            key: format!("\"{name}\":").into_bytes().into(),
            node: Some(Node::Keep),
        }
    }

    fn drop(name: &str) -> Member {
        Member {
            node: None,
            ..keep(name)
        }
    }

    fn cut(text: &str, node: &Node) -> Result<(String, Cutter)> {
        let mut cutter = Cutter {
            watched: Some(b"\"a\":".as_slice().into()),
            ..Cutter::default()
        };
        let mut out = Vec::new();
        cutter.copy(text.as_bytes(), node, &mut out)?;
        Ok((String::from_utf8(out).expect("UTF-8"), cutter))
    }

    #[test]
    fn leaves_out_what_is_not_selected_in_any_order() {
        let node = Node::Object {
            members: vec![keep("a"), drop("b"), keep("c")],
            closed: true,
        };
        let text = |json| cut(json, &node).expect("cuts").0;
        assert_eq!(text(r#"{"a":1,"b":[1,{"x":"}"}],"c":"s"}"#), r#"{"a":1,"c":"s"}"#);
        assert_eq!(text(r#"{ "c" : 1 , "b" : 2 , "a" : 3 }"#), r#"{"c":1,"a":3}"#);
        assert_eq!(text(r#"{"b":1}"#), "{}");
        assert_eq!(text("{}"), "{}");
        assert_eq!(text("null"), "null");
    }

    #[test]
    fn an_unknown_property_is_left_out_and_remembered_unless_the_schema_is_open() {
        let closed = Node::Object {
            members: vec![keep("a")],
            closed: true,
        };
        let (text, cutter) = cut(r#"{"x":1,"a":22}"#, &closed).expect("cuts");
        assert_eq!(
            (text.as_str(), cutter.unknown.as_deref()),
            (r#"{"a":22}"#, Some("x"))
        );
        assert_eq!(cutter.found, Some((5, 7)));
        let open = Node::Object {
            members: vec![keep("a")],
            closed: false,
        };
        assert_eq!(
            cut(r#"{"x":1,"a":22}"#, &open).expect("cuts").0,
            r#"{"x":1,"a":22}"#
        );
    }

    #[test]
    fn goes_into_arrays_of_objects_and_reads_escaped_keys() {
        let inner = Node::Object {
            members: vec![keep("x"), drop("y")],
            closed: false,
        };
        let list = Node::Array(Box::new(inner));
        let node = Node::Object {
            members: vec![Member {
                node: Some(list),
                ..keep("l")
            }],
            closed: true,
        };
        let (text, _) = cut(r#"{"l":[{"x":1,"\u0079":2},[3],{"y":4}]}"#, &node).expect("cuts");
        assert_eq!(text, r#"{"l":[{"x":1},[3],{}]}"#);
    }

    #[test]
    fn broken_text_is_an_error() {
        let node = Node::Object {
            members: vec![keep("a")],
            closed: true,
        };
        for text in [
            "{",
            r#"{"a"}"#,
            r#"{"a":1"#,
            r#"{"a":1} x"#,
            r#"{"a":1,}"#,
            "{1:2}",
        ] {
            assert!(cut(text, &node).is_err(), "{text}");
        }
    }
}
