//! JSON arrays as PostgreSQL array literals, inside a COPY field.
//!
//! PostgreSQL's arrays are boxes: all rows of `[[1, 2], [3, 4]]` have the same length, and `[[1], 2]` is none. What is
//! no box does not fit an array column.

use super::super::text::{HasNul, Nul};
use super::super::walk::Walk;
use super::Form;

/// Why an array cannot be written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    Nul,
    /// An element is not what the column's elements are.
    Element,
}

impl From<HasNul> for Trouble {
    fn from(_: HasNul) -> Self {
        Self::Nul
    }
}

/// The most dimensions that the server has.
const DIMENSIONS: usize = 6;

/// Appends a JSON array, its syntax checked, as `{...}`. Elements of json and jsonb keep inner arrays as JSON; for
/// every other type they are further dimensions.
pub(crate) fn write_array(out: &mut Vec<u8>, json: &str, element: &Form, nul: Nul) -> Result<(), Trouble> {
    let mut reader = Reader {
        walk: Walk::new(json),
        lengths: Vec::new(),
        depth: None,
    };
    let start = out.len();
    reader.array(out, element, nul, &mut Vec::new(), 0)?;
    if reader.lengths.contains(&0) {
        // The server has one empty array, without dimensions.
        out.truncate(start);
        out.extend_from_slice(b"{}");
    }
    Ok(())
}

struct Reader<'a> {
    walk: Walk<'a>,
    /// The length of each dimension.
    lengths: Vec<usize>,
    /// The dimension that has the elements.
    depth: Option<usize>,
}

impl Reader<'_> {
    fn array(
        &mut self,
        out: &mut Vec<u8>,
        element: &Form,
        nul: Nul,
        scratch: &mut Vec<u8>,
        depth: usize,
    ) -> Result<(), Trouble> {
        if self.walk.next() != Some(b'[') || depth == DIMENSIONS {
            return Err(Trouble::Element);
        }
        self.walk.skip();
        out.push(b'{');
        let mut length = 0;
        loop {
            match self.walk.next() {
                Some(b']') | None => break,
                Some(b',') => {
                    self.walk.skip();
                    continue;
                }
                Some(_) => {}
            }
            if length > 0 {
                out.push(b',');
            }
            length += 1;
            if self.walk.next() == Some(b'[') && !matches!(element, Form::Json) {
                if self.depth.is_some_and(|elements| elements <= depth) {
                    return Err(Trouble::Element);
                }
                self.array(out, element, nul, scratch, depth + 1)?;
                continue;
            }
            if *self.depth.get_or_insert(depth) != depth || self.lengths.len() > depth + 1 {
                return Err(Trouble::Element);
            }
            self.element(out, element, nul, scratch)?;
        }
        self.walk.skip();
        out.push(b'}');
        self.measured(depth, length)
    }

    /// The array of this dimension that has ended is as long as those beside it.
    fn measured(&mut self, depth: usize, length: usize) -> Result<(), Trouble> {
        if self.lengths.len() <= depth {
            // Filled from the innermost.
            self.lengths.resize(depth + 1, usize::MAX);
        }
        match &mut self.lengths[depth] {
            known if *known == usize::MAX => *known = length,
            known if *known == length => {}
            _ => return Err(Trouble::Element),
        }
        Ok(())
    }

    fn element(
        &mut self,
        out: &mut Vec<u8>,
        element: &Form,
        nul: Nul,
        scratch: &mut Vec<u8>,
    ) -> Result<(), Trouble> {
        let value = self.walk.value();
        if value == "null" {
            out.extend_from_slice(b"NULL");
            return Ok(());
        }
        scratch.clear();
        element.write_json_value(scratch, value, nul)?;
        // Quoted always: so the word NULL, an empty text, commas and braces are what they are.
        out.push(b'"');
        let mut bytes = scratch.iter();
        while let Some(&byte) = bytes.next() {
            match byte {
                b'"' => out.extend_from_slice(b"\\\\\""),
                b'\\' => match bytes.next() {
                    // A backslash: two for the array, each of which is two for COPY.
                    Some(b'\\') | None => out.extend_from_slice(b"\\\\\\\\"),
                    // A line end and the like: COPY's alone.
                    Some(&c) => out.extend_from_slice(&[b'\\', c]),
                },
                byte => out.push(byte),
            }
        }
        out.push(b'"');
        Ok(())
    }
}

/// A literal of PostgreSQL's own, `{a,"b c",NULL}`, as a JSON array; `None` when it is none.
pub(crate) fn json_of_literal(literal: &str, element: &Form) -> Option<String> {
    let mut json = String::with_capacity(literal.len() + 2);
    let mut chars = literal.chars().peekable();
    let mut depth = 0;
    loop {
        // A value, or the end of an empty array.
        match *chars.peek()? {
            ' ' => {
                chars.next();
                continue;
            }
            '{' => {
                chars.next();
                depth += 1;
                json.push('[');
                continue;
            }
            '}' if json.ends_with('[') => {}
            '}' | ',' => return None,
            _ => {
                let (text, quoted) = literal_element(&mut chars)?;
                match (quoted, matches!(element, Form::Json)) {
                    (false, _) if text.eq_ignore_ascii_case("null") => json.push_str("null"),
                    (_, true) => {
                        serde_json::from_str::<serde::de::IgnoredAny>(&text).ok()?;
                        json.push_str(&text);
                    }
                    _ => json.push_str(&serde_json::to_string(&text).ok()?),
                }
            }
        }
        // What follows a value.
        loop {
            match chars.next()? {
                ' ' => {}
                ',' => {
                    json.push(',');
                    break;
                }
                '}' => {
                    json.push(']');
                    depth -= 1;
                    if depth == 0 {
                        return chars.all(|c| c == ' ').then_some(json);
                    }
                }
                _ => return None,
            }
        }
    }
}

/// An element of a literal, and whether it was quoted.
fn literal_element(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<(String, bool)> {
    let mut text = String::new();
    let quoted = chars.next_if_eq(&'"').is_some();
    loop {
        match chars.peek()? {
            '"' if quoted => {
                chars.next();
                return Some((text, true));
            }
            '\\' => {
                chars.next();
                text.push(chars.next()?);
            }
            ',' | '}' if !quoted => return Some((text.trim_end().to_owned(), false)),
            '"' | '{' if !quoted => return None,
            _ => text.extend(chars.next()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copy::{Moment, read_field};
    use proptest::prelude::*;

    fn written(json: &str, element: &Form) -> Result<String, Trouble> {
        let mut out = Vec::new();
        write_array(&mut out, json, element, Nul::Refuse)?;
        Ok(read_field(&out).expect("a value"))
    }

    #[test]
    fn elements_are_quoted_and_nulls_are_not() {
        assert_eq!(
            written("[1, null,\n-3]", &Form::Integer { bytes: 2 }).as_deref(),
            Ok(r#"{"1",NULL,"-3"}"#)
        );
        assert_eq!(written("[]", &Form::Text).as_deref(), Ok("{}"));
        assert_eq!(
            written(r#"["a,b", "NULL", "", "{\"x\"}", "\\n\n"]"#, &Form::Text).as_deref(),
            Ok("{\"a,b\",\"NULL\",\"\",\"{\\\"x\\\"}\",\"\\\\n\n\"}")
        );
        assert_eq!(
            written(
                r#"["2020-01-01T01:00:00+01:00"]"#,
                &Form::Moment(Moment::Timestamp)
            )
            .as_deref(),
            Ok(r#"{"2020-01-01 00:00:00+00"}"#)
        );
    }

    #[test]
    fn inner_arrays_are_dimensions_or_json() {
        assert_eq!(
            written("[[1,2],[3,4]]", &Form::Integer { bytes: 4 }).as_deref(),
            Ok(r#"{{"1","2"},{"3","4"}}"#)
        );
        assert_eq!(
            written(r#"[[1,"a"],{"b":[]},"c"]"#, &Form::Json).as_deref(),
            Ok(r#"{"[1,\"a\"]","{\"b\":[]}","\"c\""}"#)
        );
    }

    #[test]
    fn what_does_not_fit_is_told() {
        assert_eq!(
            written(r#"["x"]"#, &Form::Integer { bytes: 4 }),
            Err(Trouble::Element)
        );
        assert_eq!(written(r#"["\u0000"]"#, &Form::Text), Err(Trouble::Nul));
    }

    #[test]
    fn what_is_no_box_does_not_fit() {
        for json in [
            "[[1],2]",
            "[1,[2]]",
            "[[1,2],[3]]",
            "[[[1]],[2]]",
            "[[1],null]",
            "[[[[[[[1]]]]]]]",
            "[[],[1]]",
            "[[],1]",
            "[[],null]",
        ] {
            assert_eq!(
                written(json, &Form::Integer { bytes: 4 }),
                Err(Trouble::Element),
                "{json}"
            );
        }
        for json in ["[]", "[[]]", "[[],[]]"] {
            assert_eq!(
                written(json, &Form::Integer { bytes: 4 }).as_deref(),
                Ok("{}"),
                "{json}"
            );
        }
        assert_eq!(written("[[],[1]]", &Form::Json).as_deref(), Ok(r#"{"[]","[1]"}"#));
    }

    #[test]
    fn literals_of_the_server_are_read() {
        let read = |literal| json_of_literal(literal, &Form::Text);
        for (literal, json) in [
            ("{}", "[]"),
            (r#"{a, "b,\"c", NULL ,"NULL"}"#, r#"["a","b,\"c",null,"NULL"]"#),
            ("{{1,2},{3,4}} ", r#"[["1","2"],["3","4"]]"#),
            (r"{a\,b}", r#"["a,b"]"#),
        ] {
            assert_eq!(read(literal).as_deref(), Some(json), "{literal}");
        }
        for literal in [
            "{", "{a", "{a,}", "{a}b", "{,a}", "{\"a}", "{a}}", "{{a}", "{a{b}}", "{a\"b}",
        ] {
            assert_eq!(read(literal), None, "{literal}");
        }
        assert_eq!(
            json_of_literal(r#"{"{\"a\": 1}",2}"#, &Form::Json).as_deref(),
            Some(r#"[{"a": 1},2]"#)
        );
        assert_eq!(json_of_literal("{x}", &Form::Json), None);
    }

    /// What the server makes of a literal of one dimension.
    fn parse(literal: &str) -> Vec<String> {
        let mut elements = Vec::new();
        let mut chars = literal[1..literal.len() - 1].chars();
        while let Some(quote) = chars.next() {
            if quote == ',' {
                continue;
            }
            assert_eq!(quote, '"');
            let mut text = String::new();
            loop {
                match chars.next().expect("an end") {
                    '"' => break,
                    '\\' => text.push(chars.next().expect("a character")),
                    c => text.push(c),
                }
            }
            elements.push(text);
        }
        elements
    }

    proptest! {
        #[test]
        fn texts_come_back(texts: Vec<String>) {
            let texts: Vec<String> = texts.iter().map(|text| text.replace('\0', "\\")).collect();
            let json = serde_json::to_string(&texts).expect("JSON");
            prop_assert_eq!(parse(&written(&json, &Form::Text).expect("written")), texts);
        }
    }
}
