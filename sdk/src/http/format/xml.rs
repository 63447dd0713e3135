//! XML: elements as objects of their attributes, their elements and their text.
//!
//! `<tickets total="2"><ticket id="1"><title>A</title><tag>x</tag><tag>y</tag></ticket></tickets>` is, in JSON:
//!
//! ```json
//! {"tickets": {"@total": "2", "ticket": {"@id": "1", "title": "A", "tag": ["x", "y"]}}}
//! ```
//!
//! The path `$.tickets.ticket[*]` has every ticket, be there one, several or none.

use std::collections::HashMap;
use std::ops::Range;
use std::str;

use melisma_engine::error::show;
use melisma_engine::{Error, Result};
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;
use simd_json::{Node, StaticNode};

use super::decode;

/// The deepest element. One that is deeper is no data but an attack on who reads it.
const DEPTH: usize = 256;

/// A piece of the text that all names, attributes and texts stand in.
type Piece = Range<usize>;

/// An element that was read.
#[derive(Default)]
struct Element {
    name: Piece,
    attributes: Vec<(Piece, Piece)>,
    children: Vec<usize>,
    text: Piece,
}

/// All elements, and what they say.
#[derive(Default)]
struct Document {
    text: String,
    elements: Vec<Element>,
}

/// A tape of a document.
pub(super) fn parse(body: &mut Vec<u8>) -> Result<Vec<Node<'_>>> {
    let document = if body.trim_ascii().is_empty() {
        Document::default()
    } else {
        let text = decode(body, declared(body))?;
        Document::read(&text)?
    };
    let Document { text, elements } = document;
    *body = text.into_bytes();
    let text = str::from_utf8(body).map_err(|error| Error::bug("XML of UTF-8").with_source(error))?;
    let Some(root) = elements.first() else {
        return Ok(vec![Node::Static(StaticNode::Null)]);
    };
    let mut tape = Tape {
        text,
        elements: &elements,
        nodes: vec![Node::Object { len: 1, count: 0 }],
    };
    tape.name(&root.name);
    tape.element(root);
    tape.close(0, 1);
    Ok(tape.nodes)
}

/// The encoding that the first line names.
fn declared(body: &[u8]) -> Option<&str> {
    let start = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let line = start.strip_prefix(b"<?xml")?;
    let end = line.windows(2).position(|pair| pair == b"?>")?;
    let line = str::from_utf8(&line[..end]).ok()?;
    let label = line.split_once("encoding")?.1.trim_start().strip_prefix('=')?;
    let label = label.trim_start();
    let quote = label.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    label[1..].split_once(quote).map(|(label, _)| label)
}

impl Document {
    fn read(text: &str) -> Result<Self> {
        let mut document = Self::default();
        let mut reader = Reader::from_str(text);
        let mut open: Vec<(usize, String)> = Vec::new();
        loop {
            let event = reader.read_event();
            let at = reader.error_position();
            let wrong = |why: String| Error::input(format!("it is not XML: {why} at byte {at}"));
            match event.map_err(|error| wrong(show(&error.to_string())))? {
                Event::Start(start) => {
                    let element = document.element(&start, open.last().map(|(parent, _)| *parent), at)?;
                    if open.len() >= DEPTH {
                        return Err(Error::input(format!("an element is more than {DEPTH} deep")));
                    }
                    open.push((element, String::new()));
                }
                Event::Empty(start) => {
                    document.element(&start, open.last().map(|(parent, _)| *parent), at)?;
                }
                Event::End(_) => {
                    if let Some((element, text)) = open.pop() {
                        document.elements[element].text = document.put(text.trim());
                    }
                }
                Event::Text(piece) => {
                    let piece = piece.xml10_content().map_err(|error| wrong(error.to_string()))?;
                    match open.last_mut() {
                        Some((_, text)) => text.push_str(&piece),
                        None if piece.trim().is_empty() => {}
                        None => return Err(wrong("a text that is in no element".to_owned())),
                    }
                }
                Event::CData(piece) => {
                    let piece = piece.xml10_content().map_err(|error| wrong(error.to_string()))?;
                    if let Some((_, text)) = open.last_mut() {
                        text.push_str(&piece);
                    }
                }
                Event::GeneralRef(reference) => {
                    let name = reference.decode().map_err(|error| wrong(error.to_string()))?;
                    let letter = reference
                        .resolve_char_ref()
                        .map_err(|error| wrong(error.to_string()))?;
                    let Some((_, text)) = open.last_mut() else {
                        continue;
                    };
                    match (letter, resolve_predefined_entity(&name)) {
                        (Some(letter), _) => text.push(letter),
                        (None, Some(known)) => text.push_str(known),
                        (None, None) => {
                            let name = show(&name);
                            return Err(wrong(format!("the entity {name}, which is no part of XML")));
                        }
                    }
                }
                Event::Eof if open.is_empty() && !document.elements.is_empty() => return Ok(document),
                Event::Eof => return Err(wrong("its end is missing".to_owned())),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            }
        }
    }

    /// Adds an element to its parent; returns where it is.
    fn element(&mut self, start: &BytesStart<'_>, parent: Option<usize>, at: u64) -> Result<usize> {
        let wrong = |why: &str| Error::input(format!("it is not XML: {why} at byte {at}"));
        let name = start.name();
        let name = str::from_utf8(name.as_ref()).map_err(|_| wrong("a name"))?;
        let mut element = Element {
            name: self.put(name),
            ..Element::default()
        };
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| wrong(&show(&error.to_string())))?;
            let name = str::from_utf8(attribute.key.as_ref()).map_err(|_| wrong("a name"))?;
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|error| wrong(&show(&error.to_string())))?;
            let name = self.put(&format!("@{name}"));
            element.attributes.push((name, self.put(&value)));
        }
        let place = self.elements.len();
        match parent {
            Some(parent) => self.elements[parent].children.push(place),
            None if place > 0 => return Err(wrong("a second root")),
            None => {}
        }
        self.elements.push(element);
        Ok(place)
    }

    fn put(&mut self, text: &str) -> Piece {
        let start = self.text.len();
        self.text.push_str(text);
        start..self.text.len()
    }
}

/// A tape that is written.
struct Tape<'b, 'e> {
    text: &'b str,
    elements: &'e [Element],
    nodes: Vec<Node<'b>>,
}

impl Tape<'_, '_> {
    fn name(&mut self, piece: &Piece) {
        self.nodes.push(Node::String(&self.text[piece.clone()]));
    }

    /// Sets the size of an object whose node is at `at`, and that ends here.
    fn close(&mut self, at: usize, len: usize) {
        let count = self.nodes.len() - at - 1;
        self.nodes[at] = Node::Object { len, count };
    }

    fn element(&mut self, element: &Element) {
        if element.attributes.is_empty() && element.children.is_empty() {
            if element.text.is_empty() {
                self.nodes.push(Node::Static(StaticNode::Null));
            } else {
                self.name(&element.text);
            }
            return;
        }
        let at = self.nodes.len();
        self.nodes.push(Node::Object { len: 0, count: 0 });
        let mut len = element.attributes.len();
        for (name, value) in &element.attributes {
            self.name(name);
            self.name(value);
        }
        for group in self.groups(element) {
            len += 1;
            self.name(&self.elements[group[0]].name);
            if let [one] = group[..] {
                self.element(&self.elements[one]);
                continue;
            }
            let list = self.nodes.len();
            self.nodes.push(Node::Array { len: 0, count: 0 });
            for child in &group {
                self.element(&self.elements[*child]);
            }
            let count = self.nodes.len() - list - 1;
            self.nodes[list] = Node::Array {
                len: group.len(),
                count,
            };
        }
        if !element.text.is_empty() {
            len += 1;
            self.nodes.push(Node::String("#text"));
            self.name(&element.text);
        }
        self.close(at, len);
    }

    /// The children by their names, in the order in which these come first.
    fn groups(&self, element: &Element) -> Vec<Vec<usize>> {
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for child in &element.children {
            let name = &self.text[self.elements[*child].name.clone()];
            let place = *places.entry(name).or_insert(groups.len());
            match groups.get_mut(place) {
                Some(group) => group.push(*child),
                None => groups.push(vec![*child]),
            }
        }
        groups
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::super::json::Json;
    use super::super::super::path::JsonPath;
    use super::*;

    fn parsed(body: &[u8]) -> Result<Value> {
        let mut body = body.to_vec();
        let nodes = parse(&mut body)?;
        Ok(Json::root(&nodes).to_value())
    }

    #[test]
    fn elements_are_objects_and_those_of_one_name_a_list() {
        let body = r#"<?xml version="1.0"?><!-- c --><r a="1 &amp; 2"><x>1</x><y/><x k="v">t&lt;&#233;</x>
            <z><![CDATA[<raw>]]></z> w </r>"#;
        assert_eq!(
            parsed(body.as_bytes()).expect("XML"),
            json!({"r": {"@a": "1 & 2", "x": ["1", {"@k": "v", "#text": "t<é"}], "y": null, "z": "<raw>", "#text": "w"}})
        );
        assert_eq!(parsed(b"<r/>").expect("XML"), json!({"r": null}));
        assert_eq!(parsed(b" \n").expect("nothing"), Value::Null);
    }

    #[test]
    fn a_path_finds_one_several_or_no_elements() {
        let path = JsonPath::compile("$.r.x[*]").expect("a path").of_elements();
        for (body, expected) in [
            ("<r/>", 0),
            ("<r><y/></r>", 0),
            ("<r><x><a/></x></r>", 1),
            ("<r><x i='1'/><x i='2'/></r>", 2),
        ] {
            let mut body = body.as_bytes().to_vec();
            let nodes = parse(&mut body).expect("XML");
            let mut found = 0;
            let each = path.each(Json::root(&nodes), &mut |_| {
                found += 1;
                Ok(())
            });
            assert_eq!((each.is_ok(), found), (true, expected));
        }
    }

    #[test]
    fn the_encoding_is_the_declared_one() {
        let body = b"<?xml version=\"1.0\" encoding='ISO-8859-1'?><r>\xe9</r>";
        assert_eq!(parsed(body).expect("XML"), json!({"r": "é"}));
        assert!(parsed(b"<r>\xe9</r>").is_err());
    }

    #[test]
    fn what_is_no_xml_is_refused() {
        let deep = "<a>".repeat(300) + &"</a>".repeat(300);
        for body in [
            "<r>",
            "<r></s>",
            "{}",
            "<r/><r/>",
            "<r>&bomb;</r>",
            "<r a='&bomb;'/>",
            "<r a='1' a='2'/>",
            "<!DOCTYPE html>",
            &deep,
        ] {
            assert!(parsed(body.as_bytes()).is_err(), "{body}");
        }
    }
}
