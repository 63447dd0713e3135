//! The nodes of a YAML text with their positions.

use std::ops::Range;

use granit_parser::{Event, Parser, Span, StructureStyle};
use melisma_sdk::{Error, Result};

/// A node: from its first byte to behind its last one, without comments and space around it.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) range: Range<usize>,
    pub(super) content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    /// A value that is written as nothing: `key:`. Its range is empty and somewhere behind the colon.
    Nothing,
    Scalar,
    /// `*name`.
    Alias,
    Mapping {
        flow: bool,
        entries: Vec<Entry>,
    },
    List {
        flow: bool,
        items: Vec<Node>,
    },
}

/// One `key: value`.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) key: Range<usize>,
    /// Behind the colon.
    pub(super) colon: usize,
    pub(super) value: Node,
}

impl Entry {
    /// Behind the last byte of the entry.
    pub(super) fn end(&self) -> usize {
        match self.value.content {
            Content::Nothing => self.colon,
            _ => self.value.range.end.max(self.colon),
        }
    }
}

impl Node {
    /// The entry of that name, in a mapping.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.content {
            Content::Mapping { entries, .. } => entries.iter().find(|entry| entry.name == key),
            _ => None,
        }
    }
}

/// Reads a text of one document; `None` when it has no node at all.
pub(super) fn parse(text: &str) -> Result<Option<Node>> {
    let mut events = Vec::new();
    for next in Parser::new_from_str(text) {
        let (event, span) =
            next.map_err(|error| Error::config("the YAML cannot be read").with_source(error))?;
        let range = range(text, span);
        events.push(match event {
            Event::Scalar(value, ..) => Piece::Scalar(value.into_owned(), range),
            Event::Alias(_) | Event::UnresolvedAlias(_) => Piece::Alias(range),
            Event::MappingStart(style, ..) => Piece::Mapping(style == StructureStyle::Flow, range.start),
            Event::SequenceStart(style, ..) => Piece::List(style == StructureStyle::Flow, range.start),
            Event::MappingEnd | Event::SequenceEnd => Piece::End(range.end),
            _ => continue,
        });
    }
    let mut reader = Reader {
        text,
        pieces: events.into_iter(),
    };
    match reader.pieces.next() {
        Some(first) => reader.node(first).map(Some),
        None => Ok(None),
    }
}

/// The bytes of a span, without white space at its end: the span of a block scalar includes the line breaks after it.
fn range(text: &str, span: Span) -> Range<usize> {
    let range = span.byte_range().unwrap_or(0..0);
    let found = text.get(range.clone()).unwrap_or_default();
    range.start..range.start + found.trim_end().len()
}

enum Piece {
    Scalar(String, Range<usize>),
    Alias(Range<usize>),
    Mapping(bool, usize),
    List(bool, usize),
    End(usize),
}

struct Reader<'a> {
    text: &'a str,
    pieces: std::vec::IntoIter<Piece>,
}

impl Reader<'_> {
    fn node(&mut self, first: Piece) -> Result<Node> {
        match first {
            Piece::Scalar(_, range) if range.is_empty() => Ok(Node {
                range,
                content: Content::Nothing,
            }),
            Piece::Scalar(_, range) => Ok(Node {
                range,
                content: Content::Scalar,
            }),
            Piece::Alias(range) => Ok(Node {
                range,
                content: Content::Alias,
            }),
            Piece::Mapping(flow, start) => self.mapping(flow, start),
            Piece::List(flow, start) => self.list(flow, start),
            Piece::End(_) => Err(unexpected()),
        }
    }

    fn mapping(&mut self, flow: bool, start: usize) -> Result<Node> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (name, key) = match self.pieces.next() {
                Some(Piece::Scalar(name, range)) => (name, range),
                Some(Piece::End(end)) => {
                    let (start, end) = match (flow, entries.first(), entries.last()) {
                        (false, Some(first), Some(last)) => (first.key.start, last.end()),
                        _ => (start, end),
                    };
                    return Ok(Node {
                        range: start..end,
                        content: Content::Mapping { flow, entries },
                    });
                }
                _ => return Err(unexpected()),
            };
            let colon = self.colon(key.end)?;
            let first = self.pieces.next().ok_or_else(unexpected)?;
            let value = self.node(first)?;
            entries.push(Entry {
                name,
                key,
                colon,
                value,
            });
        }
    }

    fn list(&mut self, flow: bool, start: usize) -> Result<Node> {
        let mut items: Vec<Node> = Vec::new();
        loop {
            match self.pieces.next() {
                Some(Piece::End(end)) => {
                    let end = match items.last() {
                        Some(last) if !flow => last.range.end,
                        _ => end,
                    };
                    return Ok(Node {
                        range: start..end,
                        content: Content::List { flow, items },
                    });
                }
                Some(first) => items.push(self.node(first)?),
                None => return Err(unexpected()),
            }
        }
    }

    /// The position behind the colon that follows a key.
    fn colon(&self, key_end: usize) -> Result<usize> {
        let rest = &self.text[key_end..];
        let space = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        if rest[space..].starts_with(':') {
            Ok(key_end + space + 1)
        } else {
            Err(unexpected())
        }
    }
}

fn unexpected() -> Error {
    super::refused("it has a key of a kind that is not edited")
}
