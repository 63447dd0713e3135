//! General JSON parsers, each the fastest way it offers to bring the records of RECORD lines into columns.
//!
//! Every one reads whole lines, batches of [`ROWS`], as melisma does, and all give the same columns: a test says so.

use std::borrow::Cow;
use std::io::BufRead;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_schema::{DataType, Field, Schema};
use jiter::{Jiter, NumberAny, NumberInt, Peek};
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use simd_json::Node;
use sonic_rs::{JsonType, JsonValueTrait};

use crate::columns::{Cell, Columns, arrow_schema};
use crate::corpus::Corpus;
use crate::own::{ROWS, melisma};

/// A way to read a corpus.
pub type Reader = fn(&Corpus, &mut dyn FnMut(RecordBatch));

/// melisma and its rivals by name.
pub const READERS: [(&str, Reader); 7] = [
    ("melisma", melisma),
    ("simd-json", simd_json),
    ("arrow-json", arrow_json),
    ("sonic-rs", sonic_lazy),
    ("sonic-rs-dom", sonic_dom),
    ("serde_json", serde_json),
    ("jiter", jiter),
];

/// Calls `read` for each line and takes a batch whenever there are enough rows.
fn each_line(corpus: &Corpus, take: &mut dyn FnMut(RecordBatch), mut read: impl FnMut(&str, &mut Columns)) {
    let mut columns = Columns::new(&corpus.schema);
    for (i, line) in corpus.lines.lines().enumerate() {
        read(line, &mut columns);
        columns.end();
        if i % ROWS == ROWS - 1 {
            take(columns.finish());
        }
    }
    take(columns.finish());
}

/// simd-json's tape, its buffers reused.
pub fn simd_json(corpus: &Corpus, take: &mut dyn FnMut(RecordBatch)) {
    let mut buffers = simd_json::Buffers::default();
    let mut bytes = Vec::new();
    let mut text = String::new();
    each_line(corpus, take, |line, columns| {
        bytes.clear();
        bytes.extend_from_slice(line.as_bytes());
        let parsed = simd_json::to_tape_with_buffers(&mut bytes, &mut buffers).expect("JSON");
        let nodes = &parsed.0;
        let mut at = 1;
        while let Some(Node::String(name)) = nodes.get(at) {
            at += 1;
            if *name == "record" {
                at = simd_json_record(nodes, at, columns, &mut text);
            } else {
                at += size(nodes, at);
            }
        }
    });
}

fn simd_json_record(nodes: &[Node<'_>], mut at: usize, columns: &mut Columns, text: &mut String) -> usize {
    let Node::Object { len, .. } = nodes[at] else {
        return at + size(nodes, at);
    };
    at += 1;
    for _ in 0..len {
        let Node::String(name) = nodes[at] else { break };
        at += 1;
        match &nodes[at] {
            Node::String(value) => columns.put(name, &Cell::Text(value)),
            Node::Static(simd_json::StaticNode::I64(value)) => columns.put(name, &Cell::Int(*value)),
            Node::Static(simd_json::StaticNode::U64(value)) => {
                columns.put(name, &Cell::Int(i64::try_from(*value).unwrap_or(i64::MAX)));
            }
            Node::Static(simd_json::StaticNode::F64(value)) => columns.put(name, &Cell::Float(*value)),
            Node::Static(_) => columns.put(name, &Cell::Null),
            Node::Object { .. } | Node::Array { .. } => {
                text.clear();
                write_tape(nodes, at, text);
                columns.put(name, &Cell::Json(text));
            }
        }
        at += size(nodes, at);
    }
    at
}

fn size(nodes: &[Node<'_>], at: usize) -> usize {
    match nodes[at] {
        Node::Object { count, .. } | Node::Array { count, .. } => count + 1,
        _ => 1,
    }
}

/// The tape has lost the text, so nested values are written anew, spaced as they came.
fn write_tape(nodes: &[Node<'_>], at: usize, out: &mut String) -> usize {
    use std::fmt::Write;
    let mut next = at + 1;
    match &nodes[at] {
        Node::String(text) => {
            let mut bytes = Vec::new();
            melisma_engine::json::write_string(&mut bytes, text);
            out.push_str(std::str::from_utf8(&bytes).expect("UTF-8"));
        }
        Node::Static(simd_json::StaticNode::F64(value)) => {
            let _ = write!(out, "{value:?}");
        }
        Node::Static(value) => {
            let _ = write!(out, "{value}");
        }
        Node::Object { len, .. } => {
            out.push('{');
            for i in 0..*len {
                out.push_str(if i > 0 { ", " } else { "" });
                next = write_tape(nodes, next, out);
                out.push_str(": ");
                next = write_tape(nodes, next, out);
            }
            out.push('}');
        }
        Node::Array { len, .. } => {
            out.push('[');
            for i in 0..*len {
                out.push_str(if i > 0 { ", " } else { "" });
                next = write_tape(nodes, next, out);
            }
            out.push(']');
        }
    }
    next
}

/// arrow-json's reader, which builds columns by itself; nested values only as text columns it can not make.
pub fn arrow_json(corpus: &Corpus, take: &mut dyn FnMut(RecordBatch)) {
    let inner = arrow_schema(&corpus.schema);
    let record = Field::new("record", DataType::Struct(inner.fields().clone()), true);
    let decoder = arrow_json::ReaderBuilder::new(Arc::new(Schema::new(vec![record])))
        .with_batch_size(ROWS)
        .build_decoder();
    let mut decoder = decoder.expect("a decoder");
    let mut lines = corpus.lines.as_bytes();
    loop {
        let buffer = lines.fill_buf().expect("in memory");
        let used = decoder.decode(buffer).expect("JSON");
        lines.consume(used);
        if let Some(batch) = decoder.flush().expect("a batch") {
            take(RecordBatch::from(batch.column(0).as_struct()));
        }
        if used == 0 {
            break;
        }
    }
}

/// sonic-rs without building values: lazy pieces of the object, each read on its own.
pub fn sonic_lazy(corpus: &Corpus, take: &mut dyn FnMut(RecordBatch)) {
    each_line(corpus, take, |line, columns| {
        let record = sonic_rs::get(line, ["record"]).expect("JSON");
        for member in sonic_rs::to_object_iter(record.as_raw_str()) {
            let (name, value) = member.expect("JSON");
            match value.get_type() {
                JsonType::Number => match value.as_i64() {
                    Some(int) => columns.put(&name, &Cell::Int(int)),
                    None => columns.put(&name, &Cell::Float(value.as_f64().unwrap_or(f64::NAN))),
                },
                JsonType::String => columns.put(&name, &Cell::Text(value.as_str().expect("a string"))),
                JsonType::Object | JsonType::Array => columns.put(&name, &Cell::Json(value.as_raw_str())),
                JsonType::Null | JsonType::Boolean => columns.put(&name, &Cell::Null),
            }
        }
    });
}

/// sonic-rs's document.
pub fn sonic_dom(corpus: &Corpus, take: &mut dyn FnMut(RecordBatch)) {
    each_line(corpus, take, |line, columns| {
        let value: sonic_rs::Value = sonic_rs::from_str(line).expect("JSON");
        let record = sonic_rs::JsonContainerTrait::as_object(&value["record"]).expect("an object");
        for (name, value) in record {
            match value.get_type() {
                JsonType::Number => match value.as_i64() {
                    Some(int) => columns.put(name, &Cell::Int(int)),
                    None => columns.put(name, &Cell::Float(value.as_f64().unwrap_or(f64::NAN))),
                },
                JsonType::String => columns.put(name, &Cell::Text(value.as_str().expect("a string"))),
                JsonType::Object | JsonType::Array => columns.put(name, &Cell::Json(&value.to_string())),
                JsonType::Null | JsonType::Boolean => columns.put(name, &Cell::Null),
            }
        }
    });
}

/// `serde_json`'s streaming deserializer straight into the columns, no value tree.
pub fn serde_json(corpus: &Corpus, take: &mut dyn FnMut(RecordBatch)) {
    each_line(corpus, take, |line, columns| {
        let mut deserializer = serde_json::Deserializer::from_str(line);
        Envelope(columns).deserialize(&mut deserializer).expect("JSON");
    });
}

struct Envelope<'c>(&'c mut Columns);

impl<'de> DeserializeSeed<'de> for Envelope<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Envelope<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            if name == "record" {
                map.next_value_seed(Record(self.0))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

struct Record<'c>(&'c mut Columns);

impl<'de> DeserializeSeed<'de> for Record<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Record<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            let raw: &RawValue = map.next_value()?;
            let json = raw.get();
            let cell = match json.as_bytes()[0] {
                b'"' => {
                    let text: Cow<'_, str> = serde_json::from_str(json).map_err(serde::de::Error::custom)?;
                    self.0.put(&name, &Cell::Text(&text));
                    continue;
                }
                b'{' | b'[' => Cell::Json(json),
                b'n' | b't' | b'f' => Cell::Null,
                _ => json
                    .parse()
                    .map_or_else(|_| Cell::Float(json.parse().unwrap_or(f64::NAN)), Cell::Int),
            };
            self.0.put(&name, &cell);
        }
        Ok(())
    }
}

/// jiter's pull iterator.
pub fn jiter(corpus: &Corpus, take: &mut dyn FnMut(RecordBatch)) {
    let mut spare = Vec::new();
    each_line(corpus, take, |line, columns| {
        let mut json = Jiter::with_tape(line.as_bytes(), std::mem::take(&mut spare));
        let mut name = json.next_object().expect("JSON").map(str::to_owned);
        while let Some(found) = name {
            if found == "record" {
                jiter_record(&mut json, line, columns);
            } else {
                json.next_skip().expect("JSON");
            }
            name = json.next_key().expect("JSON").map(str::to_owned);
        }
        spare = json.into_tape();
    });
}

fn jiter_record(json: &mut Jiter<'_>, line: &str, columns: &mut Columns) {
    let mut key = String::new();
    let mut more = take_key(json.next_object().expect("JSON"), &mut key);
    while more {
        let peek = json.peek().expect("JSON");
        match peek {
            Peek::String => {
                let text = json.known_str().expect("JSON");
                columns.put(&key, &Cell::Text(text));
            }
            Peek::Null | Peek::True | Peek::False => {
                json.known_skip(peek).expect("JSON");
                columns.put(&key, &Cell::Null);
            }
            Peek::Object | Peek::Array => {
                let start = json.current_index();
                json.known_skip(peek).expect("JSON");
                columns.put(&key, &Cell::Json(&line[start..json.current_index()]));
            }
            _ => match json.known_number(peek).expect("JSON") {
                NumberAny::Int(NumberInt::Int(value)) => columns.put(&key, &Cell::Int(value)),
                NumberAny::Float(value) => columns.put(&key, &Cell::Float(value)),
            },
        }
        more = take_key(json.next_key().expect("JSON"), &mut key);
    }
}

fn take_key(found: Option<&str>, key: &mut String) -> bool {
    key.clear();
    found.is_some_and(|found| {
        key.push_str(found);
        true
    })
}

/// arrow-json can not put an object into a text column: it has no part in this corpus.
pub fn takes_part(reader: &str, corpus: &Corpus) -> bool {
    let nested = |schema: &Value| matches!(schema["type"].as_str(), Some("object" | "array"));
    let any_nested = corpus.schema["properties"]
        .as_object()
        .is_some_and(|all| all.values().any(nested));
    !(reader == "arrow-json" && any_nested)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unspaced(batch: &RecordBatch) -> Vec<String> {
        let texts = batch
            .columns()
            .iter()
            .filter_map(|column| column.as_string_opt::<i32>());
        texts
            .flat_map(|texts| {
                texts
                    .iter()
                    .flatten()
                    .map(|text| text.replace(' ', ""))
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    #[test]
    fn everybody_reads_the_same_columns() {
        for corpus in crate::corpus::all(300_000) {
            let mut expected = Vec::new();
            melisma(&corpus, &mut |batch| expected.push(batch));
            for (name, read) in READERS {
                if !takes_part(name, &corpus) {
                    continue;
                }
                let mut found = Vec::new();
                read(&corpus, &mut |batch| found.push(batch));
                let rows = |batches: &[RecordBatch]| batches.iter().map(RecordBatch::num_rows).sum::<usize>();
                assert_eq!(rows(&found), rows(&expected), "{name} {}", corpus.name);
                for (a, b) in expected.iter().zip(&found) {
                    // sonic-rs's document loses the text of nested values and spaces them in its own way.
                    if name == "sonic-rs-dom" && corpus.name == "nested" {
                        assert_eq!(unspaced(a), unspaced(b), "{name}");
                    } else {
                        assert_eq!(a.columns(), b.columns(), "{name} {}", corpus.name);
                    }
                }
            }
        }
    }
}
