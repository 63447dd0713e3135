//! What answers are written in: JSON, JSON lines, CSV or XML. Each becomes a tape, from which records are written.

mod csv;
mod xml;

use std::borrow::Cow;

use melisma_engine::{Error, Result};
use simd_json::Node;

use super::json::Parser;

pub use self::csv::Csv;

/// What answers are written in.
///
/// ```
/// use melisma_sdk::http::{Csv, Format};
///
/// let report = Format::Csv(Csv::default().delimiter(b';').encoding("windows-1252"));
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Format {
    /// One JSON value.
    #[default]
    Json,
    /// A JSON value in each line. The page is the list of them.
    JsonLines,
    /// Lines with delimiters. The page is the list of rows, each an object of texts.
    Csv(Csv),
    /// XML. The page is an object with the root element. An element is an object of its attributes (`@id`), of the elements in
    /// it by their names, several of a name as a list, and of its text (`#text`); one with a text alone is that text.
    Xml,
}

impl Format {
    /// Whether its values are texts, which become what the schema says.
    pub(super) fn has_texts(&self) -> bool {
        matches!(self, Self::Csv(_) | Self::Xml)
    }

    /// Fails when it cannot be read at all.
    pub(super) fn check(&self) -> Result<()> {
        match self {
            Self::Csv(csv) => csv.check(),
            Self::Json | Self::JsonLines | Self::Xml => Ok(()),
        }
    }

    /// Parses a page.
    pub(super) fn parse<'b>(&'b self, parser: &mut Parser, body: &'b mut Vec<u8>) -> Result<Vec<Node<'b>>> {
        match self {
            Self::Json => parser.parse(body),
            Self::JsonLines => lines(parser, body),
            Self::Csv(csv) => csv.parse(body),
            Self::Xml => xml::parse(body),
        }
    }
}

/// A tape of the values of all lines.
fn lines<'b>(parser: &mut Parser, body: &'b mut [u8]) -> Result<Vec<Node<'b>>> {
    let mut nodes = vec![Node::Array { len: 0, count: 0 }];
    let mut length = 0;
    for (at, line) in body.split_mut(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let value = parser.parse(line).map_err(|error| {
            let (line, why) = (at + 1, error.message());
            Error::input(format!("line {line}: {why}"))
        })?;
        nodes.extend(value);
        length += 1;
    }
    let count = nodes.len() - 1;
    nodes[0] = Node::Array { len: length, count };
    Ok(nodes)
}

/// The text of bytes in an encoding that has one of the web's names.
fn decode<'b>(bytes: &'b [u8], label: Option<&str>) -> Result<Cow<'b, str>> {
    let label = label.unwrap_or("utf-8");
    let encoding = encoding(label)?;
    let (text, used, has_errors) = encoding.decode(bytes);
    if has_errors {
        let wanted = used.name();
        return Err(Error::input(format!("it is not {wanted}; say its encoding")));
    }
    Ok(text)
}

fn encoding(label: &str) -> Result<&'static encoding_rs::Encoding> {
    encoding_rs::Encoding::for_label(label.as_bytes()).ok_or_else(|| {
        Error::config(format!(
            "encoding: expected a name such as utf-8 or windows-1252, found {}",
            melisma_engine::error::show(label)
        ))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::json::Json;
    use super::*;

    fn parsed(format: &Format, body: &str) -> Result<Value> {
        let mut body = body.as_bytes().to_vec();
        let nodes = format.parse(&mut Parser::default(), &mut body)?;
        Ok(Json::root(&nodes).to_value())
    }

    #[test]
    fn lines_of_json_are_a_list() {
        let body = "{\"a\":1}\r\n\n[2,{\"b\":[]}]\n\"x\"";
        let page = parsed(&Format::JsonLines, body).expect("JSON lines");
        assert_eq!(page, json!([{"a": 1}, [2, {"b": []}], "x"]));
        assert_eq!(parsed(&Format::JsonLines, "").expect("none"), json!([]));
    }

    #[test]
    fn a_line_that_is_no_json_is_named_and_not_shown() {
        let error = parsed(&Format::JsonLines, "{\"a\":1}\n{\"a\":s3cr3t}\n").expect_err("no JSON");
        let text = error.to_string();
        assert!(text.contains("line 2: ") && !text.contains("s3cr3t"), "{text}");
        assert!(parsed(&Format::JsonLines, "{\"a\":1},{\"a\":2}").is_err());
    }
}
