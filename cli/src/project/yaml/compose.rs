//! Values out of the events of the parser: nesting, aliases, merge keys.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

use super::scalar;

/// More nodes than this are not the work of a person, but of aliases that multiply.
const MOST_NODES: usize = 1 << 20;
/// The deepest nesting.
const MOST_DEPTH: usize = 200;

/// The value of a document; null for an empty one. The error is the reason and its place, without text of the document,
/// which may hold secrets.
pub(super) fn compose(text: &str) -> Result<Value, String> {
    let mut composer = Composer::default();
    let mut documents = 0;
    for next in Parser::new_from_str(text) {
        let (event, span) = next.map_err(|error| error.to_string())?;
        if matches!(event, Event::DocumentStart(..)) {
            documents += 1;
        }
        composer.take(event).map_err(|reason| {
            format!(
                "{reason} at line {} column {}",
                span.start.line(),
                span.start.col() + 1
            )
        })?;
        if documents > 1 {
            return Err(format!(
                "expected one document, found another at line {}",
                span.start.line()
            ));
        }
    }
    Ok(composer.root.unwrap_or(Value::Null))
}

/// A collection that has begun.
enum Frame {
    Sequence(Vec<Value>),
    Mapping {
        map: Map<String, Value>,
        /// The key that waits for its value.
        key: Option<Key>,
        /// What `<<` names: it comes after the mapping's own keys, and never replaces one.
        merged: Vec<Map<String, Value>>,
    },
}

enum Key {
    Name(String),
    Merge,
}

#[derive(Default)]
struct Composer {
    root: Option<Value>,
    stack: Vec<(Frame, usize)>,
    anchors: HashMap<usize, Value>,
    nodes: usize,
}

impl Composer {
    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_key = matches!(self.stack.last(), Some((Frame::Mapping { key: None, .. }, _)));
                let plain = style == ScalarStyle::Plain && tag.is_none();
                if is_key && plain && text == "<<" {
                    self.set_key(Key::Merge);
                    return Ok(());
                }
                let value = if plain {
                    scalar::plain(&text)?
                } else {
                    scalar::tagged(text.into_owned(), tag.as_ref().and_then(|tag| tag.core_suffix()))?
                };
                self.add(value, anchor)
            }
            Event::Alias(id) => {
                let value = self
                    .anchors
                    .get(&id)
                    .cloned()
                    .ok_or("an alias inside its own anchor")?;
                self.add(value, 0)
            }
            Event::SequenceStart(_, anchor, _) => self.begin(Frame::Sequence(Vec::new()), anchor),
            Event::MappingStart(_, anchor, _) => {
                let frame = Frame::Mapping {
                    map: Map::new(),
                    key: None,
                    merged: Vec::new(),
                };
                self.begin(frame, anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some((frame, anchor)) = self.stack.pop() else {
                    return Err("an end without a beginning".to_owned());
                };
                self.add(frame.finish(), anchor)
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self, frame: Frame, anchor: usize) -> Result<(), String> {
        if self.stack.len() >= MOST_DEPTH {
            return Err(format!("expected at most {MOST_DEPTH} levels, found more"));
        }
        self.stack.push((frame, anchor));
        Ok(())
    }

    fn set_key(&mut self, name: Key) {
        if let Some((Frame::Mapping { key, .. }, _)) = self.stack.last_mut() {
            *key = Some(name);
        }
    }

    /// Puts a finished value into the collection around it.
    fn add(&mut self, value: Value, anchor: usize) -> Result<(), String> {
        self.nodes += size(&value);
        if self.nodes > MOST_NODES {
            return Err(format!(
                "expected at most {MOST_NODES} values, found more than that"
            ));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, value.clone());
        }
        match self.stack.last_mut() {
            None => self.root = Some(value),
            Some((Frame::Sequence(items), _)) => items.push(value),
            Some((Frame::Mapping { map, key, merged }, _)) => match key.take() {
                None => *key = Some(Key::Name(key_text(value)?)),
                Some(Key::Merge) => match value {
                    Value::Object(one) => merged.push(one),
                    Value::Array(many) if many.iter().all(Value::is_object) => {
                        merged.extend(many.into_iter().filter_map(|one| match one {
                            Value::Object(one) => Some(one),
                            _ => None,
                        }));
                    }
                    _ => return Err("expected a mapping or a list of mappings after <<".to_owned()),
                },
                Some(Key::Name(name)) => {
                    if map.contains_key(&name) {
                        return Err(format!("duplicate key {name:?}"));
                    }
                    map.insert(name, value);
                }
            },
        }
        Ok(())
    }
}

impl Frame {
    fn finish(self) -> Value {
        match self {
            Self::Sequence(items) => Value::Array(items),
            Self::Mapping { mut map, merged, .. } => {
                for (key, value) in merged.into_iter().flatten() {
                    map.entry(key).or_insert(value);
                }
                Value::Object(map)
            }
        }
    }
}

/// A key as JSON has it: always text.
fn key_text(value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        Value::Array(_) | Value::Object(_) => Err("expected text as a key, found a collection".to_owned()),
        other => Ok(other.to_string()),
    }
}

/// The number of values in a value.
fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(map) => 1 + map.values().map(size).sum::<usize>(),
        _ => 1,
    }
}
