//! JSON arrays as PostgreSQL array literals, inside a COPY field.

use super::form::Form;
use super::text::{HasNul, Nul};
use super::walk::Walk;

/// Why an array can not be written.
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

/// Appends a JSON array, its syntax checked, as `{...}`. Elements of json and jsonb keep inner arrays as JSON; for
/// every other type they are further dimensions.
pub(crate) fn write_array(out: &mut Vec<u8>, json: &str, element: &Form, nul: Nul) -> Result<(), Trouble> {
    let mut reader = Reader(Walk::new(json));
    reader.array(out, element, nul, &mut Vec::new())
}

struct Reader<'a>(Walk<'a>);

impl Reader<'_> {
    fn array(
        &mut self,
        out: &mut Vec<u8>,
        element: &Form,
        nul: Nul,
        scratch: &mut Vec<u8>,
    ) -> Result<(), Trouble> {
        if self.0.next() != Some(b'[') {
            return Err(Trouble::Element);
        }
        self.0.skip();
        out.push(b'{');
        let mut first = true;
        loop {
            match self.0.next() {
                Some(b']') | None => break,
                Some(b',') => {
                    self.0.skip();
                    continue;
                }
                Some(_) => {}
            }
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            if self.0.next() == Some(b'[') && !matches!(element, Form::Json) {
                self.array(out, element, nul, scratch)?;
                continue;
            }
            self.element(out, element, nul, scratch)?;
        }
        self.0.skip();
        out.push(b'}');
        Ok(())
    }

    fn element(
        &mut self,
        out: &mut Vec<u8>,
        element: &Form,
        nul: Nul,
        scratch: &mut Vec<u8>,
    ) -> Result<(), Trouble> {
        let value = self.0.value();
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
            written("[1, null,\n-3]", &Form::Integer(2)).as_deref(),
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
            written("[[1,2],[3,4]]", &Form::Integer(4)).as_deref(),
            Ok(r#"{{"1","2"},{"3","4"}}"#)
        );
        assert_eq!(
            written(r#"[[1,"a"],{"b":[]},"c"]"#, &Form::Json).as_deref(),
            Ok(r#"{"[1,\"a\"]","{\"b\":[]}","\"c\""}"#)
        );
    }

    #[test]
    fn what_does_not_fit_is_told() {
        assert_eq!(written(r#"["x"]"#, &Form::Integer(4)), Err(Trouble::Element));
        assert_eq!(written(r#"["\u0000"]"#, &Form::Text), Err(Trouble::Nul));
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
