//! JSON of a response as a tape: read by position, and written again without being built as values.

use melisma_engine::{Error, Result};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Value;
use simd_json::{Buffers, Node, StaticNode};

/// A value of a parsed page. It is written as it stands, without becoming a [`Value`] first.
///
/// Integers of 64 bits keep their digits. A number with a fraction is a double, as most readers of JSON have it.
#[derive(Clone, Copy, Debug)]
pub struct Json<'t>(&'t [Node<'t>]);

/// Parses pages one after the other, in buffers that are kept.
pub(super) struct Parser {
    buffers: Buffers,
}

impl Default for Parser {
    fn default() -> Self {
        Self {
            buffers: Buffers::new(64 * 1024),
        }
    }
}

impl Parser {
    /// Parses a page; its bytes are changed, because texts are unescaped in their place. An empty page is null.
    pub(super) fn parse<'b>(&mut self, body: &'b mut [u8]) -> Result<Vec<Node<'b>>> {
        // The mark that some servers put in front of UTF-8.
        let start = if body.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let body = &mut body[start..];
        if body.trim_ascii().is_empty() {
            return Ok(vec![Node::Static(StaticNode::Null)]);
        }
        match simd_json::to_tape_with_buffers(body, &mut self.buffers) {
            Ok(tape) => Ok(tape.0),
            // What is at the place of the error may be a secret or a record, and so is not shown.
            Err(error) => Err(Error::input(format!(
                "the response is not JSON: {:?} at byte {}",
                error.error(),
                error.index()
            ))),
        }
    }
}

impl<'t> Json<'t> {
    /// The root of a parsed page.
    pub(super) fn root(nodes: &'t [Node<'t>]) -> Self {
        Self(nodes)
    }

    fn split(nodes: &'t [Node<'t>]) -> Option<(Self, &'t [Node<'t>])> {
        let length = match nodes.first()? {
            Node::Object { count, .. } | Node::Array { count, .. } => count + 1,
            _ => 1,
        };
        let (value, rest) = nodes.split_at_checked(length)?;
        Some((Self(value), rest))
    }

    /// Whether it is null.
    pub fn is_null(self) -> bool {
        matches!(self.0.first(), None | Some(Node::Static(StaticNode::Null)))
    }

    /// Whether it is an object.
    pub fn is_object(self) -> bool {
        matches!(self.0.first(), Some(Node::Object { .. }))
    }

    /// Whether it is an array.
    pub fn is_array(self) -> bool {
        matches!(self.0.first(), Some(Node::Array { .. }))
    }

    /// The text, if it is one.
    pub fn as_str(self) -> Option<&'t str> {
        match self.0.first() {
            Some(Node::String(text)) => Some(text),
            _ => None,
        }
    }

    /// Whether it stands for yes: not null, `false`, zero or empty.
    pub fn is_truthy(self) -> bool {
        match self.0.first() {
            None => false,
            Some(Node::String(text)) => !text.is_empty(),
            Some(Node::Object { len, .. } | Node::Array { len, .. }) => *len > 0,
            Some(Node::Static(value)) => match value {
                StaticNode::Null => false,
                StaticNode::Bool(yes) => *yes,
                StaticNode::I64(number) => *number != 0,
                StaticNode::U64(number) => *number != 0,
                StaticNode::F64(number) => *number != 0.0,
            },
        }
    }

    /// The whole number, if it is one, also in quotes.
    pub fn as_u64(self) -> Option<u64> {
        match self.0.first()? {
            Node::String(text) => text.parse().ok(),
            Node::Static(StaticNode::U64(number)) => Some(*number),
            Node::Static(StaticNode::I64(number)) => u64::try_from(*number).ok(),
            _ => None,
        }
    }

    /// A member of an object. Of several by one name it is the last, as most readers of JSON have it.
    pub fn get(self, name: &str) -> Option<Self> {
        self.members()
            .filter(|(known, _)| *known == name)
            .last()
            .map(|(_, value)| value)
    }

    /// The members of an object, of several by one name the last: what is written must not have a name twice.
    pub(super) fn unique_members(self) -> impl Iterator<Item = (&'t str, Self)> {
        let has_repeated = self.may_repeat_names() && self.repeats_names();
        let members = self.members().enumerate();
        let is_last = move |at: usize, name: &str| {
            let mut later = self.members().skip(at + 1);
            !(has_repeated && later.any(|(other, _)| other == name))
        };
        members
            .filter(move |(at, (name, _))| is_last(*at, name))
            .map(|(_, member)| member)
    }

    /// Whether two names may be the same: a quick look, which is wrong at times in that it says yes.
    fn may_repeat_names(self) -> bool {
        let mut seen = [0_u64; 8];
        for (name, _) in self.members() {
            let bytes = name.as_bytes();
            let first = bytes.first_chunk::<8>().map_or_else(
                || bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
                |chunk| u64::from_le_bytes(*chunk),
            );
            let last = bytes
                .last_chunk::<8>()
                .map_or(0, |chunk| u64::from_le_bytes(*chunk));
            let mixed =
                (first ^ last.rotate_left(29) ^ bytes.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let (word, bit) = ((mixed >> 61) as usize, (mixed >> 55) & 63);
            if seen[word] >> bit & 1 == 1 {
                return true;
            }
            seen[word] |= 1 << bit;
        }
        false
    }

    fn repeats_names(self) -> bool {
        let mut seen = std::collections::HashSet::new();
        !self.members().all(|(name, _)| seen.insert(name))
    }

    /// The members of an object, in their order; of anything else none.
    pub fn members(self) -> impl Iterator<Item = (&'t str, Self)> {
        let mut rest = if self.is_object() { &self.0[1..] } else { &[] };
        std::iter::from_fn(move || {
            let (Node::String(name), value) = rest.split_first()? else {
                return None;
            };
            let (value, after) = Self::split(value)?;
            rest = after;
            Some((*name, value))
        })
    }

    /// The items of an array; of anything else none.
    pub fn items(self) -> impl Iterator<Item = Self> {
        let mut rest = if self.is_array() { &self.0[1..] } else { &[] };
        std::iter::from_fn(move || {
            let (item, after) = Self::split(rest)?;
            rest = after;
            Some(item)
        })
    }

    /// The number of members or items.
    pub fn len(self) -> usize {
        match self.0.first() {
            Some(Node::Object { len, .. } | Node::Array { len, .. }) => *len,
            _ => 0,
        }
    }

    /// Whether it has no members and no items.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The same as a [`Value`].
    pub fn to_value(self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The text of a text, number or boolean: what it is in a URL.
    pub fn to_text(self) -> Option<String> {
        match self.0.first()? {
            Node::String(text) => Some((*text).to_owned()),
            Node::Static(StaticNode::Null) | Node::Object { .. } | Node::Array { .. } => None,
            Node::Static(_) => serde_json::to_string(&self).ok(),
        }
    }

    /// What it is, for errors.
    pub(super) fn kind(self) -> &'static str {
        match self.0.first() {
            Some(Node::String(_)) => "a text",
            Some(Node::Object { .. }) => "an object",
            Some(Node::Array { .. }) => "an array",
            Some(Node::Static(StaticNode::Bool(_))) => "a boolean",
            None | Some(Node::Static(StaticNode::Null)) => "null",
            Some(Node::Static(_)) => "a number",
        }
    }
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.first() {
            None => serializer.serialize_unit(),
            Some(Node::String(text)) => serializer.serialize_str(text),
            Some(Node::Object { len, .. }) => {
                let mut map = serializer.serialize_map(Some(*len))?;
                for (name, value) in self.unique_members() {
                    map.serialize_entry(name, &value)?;
                }
                map.end()
            }
            Some(Node::Array { len, .. }) => {
                let mut list = serializer.serialize_seq(Some(*len))?;
                for item in self.items() {
                    list.serialize_element(&item)?;
                }
                list.end()
            }
            Some(Node::Static(value)) => match value {
                StaticNode::Null => serializer.serialize_unit(),
                StaticNode::Bool(yes) => serializer.serialize_bool(*yes),
                StaticNode::I64(number) => serializer.serialize_i64(*number),
                StaticNode::U64(number) => serializer.serialize_u64(*number),
                StaticNode::F64(number) => serializer.serialize_f64(*number),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_is_written_as_it_was_read() {
        for text in [
            r#"{"a":[1,-2,18446744073709551615,{"b":null}],"c":"x\"\n\u0001é","d":{},"e":[],"f":0.1,"g":true}"#,
            "[]",
            "null",
            "\"x\"",
            "[[[[1]]],2]",
        ] {
            let mut body = text.as_bytes().to_vec();
            let nodes = Parser::default().parse(&mut body).expect("valid");
            let expected: Value = serde_json::from_str(text).expect("valid");
            assert_eq!(Json::root(&nodes).to_value(), expected);
        }
    }

    #[test]
    fn of_several_members_by_one_name_the_last_counts() {
        let mut body = br#"{"a":1,"b":{"c":2,"c":3},"a":null,"d":4}"#.to_vec();
        let nodes = Parser::default().parse(&mut body).expect("valid");
        let json = Json::root(&nodes);
        let text = serde_json::to_string(&json).expect("JSON");
        assert_eq!(text, r#"{"b":{"c":3},"a":null,"d":4}"#);
        assert!(json.get("a").expect("a").is_null());
    }

    #[test]
    fn a_mark_of_byte_order_and_an_empty_body_are_no_errors() {
        let mut parser = Parser::default();
        let mut marked = b"\xef\xbb\xbf{\"a\":1}".to_vec();
        let nodes = parser.parse(&mut marked).expect("valid");
        assert_eq!(Json::root(&nodes).to_value(), json!({"a": 1}));
        let mut empty = b" \n".to_vec();
        assert!(Json::root(&parser.parse(&mut empty).expect("valid")).is_null());
    }

    #[test]
    fn what_is_no_json_is_not_quoted_in_the_error() {
        let mut body = b"{\"token\": s3cr3t}".to_vec();
        let error = Parser::default()
            .parse(&mut body)
            .expect_err("invalid")
            .to_string();
        assert!(
            error.starts_with("the response is not JSON") && !error.contains("s3cr3t"),
            "{error}"
        );
    }
}
