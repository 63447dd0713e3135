//! Singer lines: how many records, and a checksum that does not depend on their order.
//!
//! A timed run is only counted: a line that begins as the last RECORD did, up to its `"record"` key, is a RECORD too. A
//! run that is checked is parsed as well: every record is written in one form (members sorted, nulls and `_sdc_` members
//! left out, `1.0` as `1`), hashed, and the hashes are added up. So `{"a": 1, "b": null}` and `{"a":1.0}` are the same
//! record, two records in another order have the same sum, and a record that is lost, duplicated or changed gives
//! another one.
//!
//! Lines that are no Singer messages but JSON objects, such as those of a JSONL file, count as records themselves.

use std::borrow::Cow;
use std::io::{self, Read};

use memchr::{memchr, memchr_iter, memmem};
use serde::Deserialize;
use serde_json::Value;

/// What some lines hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// All bytes.
    pub bytes: u64,
    /// All lines; a last one without a line end counts.
    pub lines: u64,
    /// RECORD messages, or JSON objects that are no message.
    pub records: u64,
    /// STATE messages.
    pub states: u64,
    /// The sum of the hashes of all records; 0 when only counted.
    pub checksum: u64,
    /// The value of the last STATE, when parsed.
    pub last_state: Option<Value>,
    /// The last JSON object that is no message, when parsed: a STATE as a target emits it.
    pub last_object: Option<Value>,
}

/// How closely lines are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// As fast as possible.
    Count,
    /// Every record is parsed.
    Parse,
}

/// Counts lines that come in blocks.
#[derive(Debug)]
pub struct Scanner {
    depth: Depth,
    counted: Counted,
    /// The last RECORD up to its `"record"` key.
    prefix: Vec<u8>,
    /// The beginning of a line that the last block has cut.
    cut: Vec<u8>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Option<Cow<'a, str>>,
}

impl Scanner {
    /// Nothing has been read yet.
    pub fn new(depth: Depth) -> Self {
        Self {
            depth,
            counted: Counted::default(),
            prefix: Vec::new(),
            cut: Vec::new(),
        }
    }

    /// The records so far.
    pub fn records(&self) -> u64 {
        self.counted.records
    }

    /// Reads a block, which may end within a line.
    pub fn feed(&mut self, block: &[u8]) {
        self.counted.bytes += block.len() as u64;
        let mut rest = block;
        if !self.cut.is_empty() {
            let Some(end) = memchr(b'\n', block) else {
                self.cut.extend_from_slice(block);
                return;
            };
            let mut line = std::mem::take(&mut self.cut);
            line.extend_from_slice(&block[..end]);
            self.line(&line);
            line.clear();
            self.cut = line;
            rest = &block[end + 1..];
        }
        let mut start = 0;
        for end in memchr_iter(b'\n', rest) {
            self.line(&rest[start..end]);
            start = end + 1;
        }
        self.cut.extend_from_slice(&rest[start..]);
    }

    /// The counts, once there is nothing more to read.
    pub fn finish(mut self) -> Counted {
        if !self.cut.is_empty() {
            let line = std::mem::take(&mut self.cut);
            self.line(&line);
        }
        self.counted
    }

    fn line(&mut self, line: &[u8]) {
        self.counted.lines += 1;
        match self.depth {
            Depth::Count if !self.prefix.is_empty() && line.starts_with(&self.prefix) => {
                self.counted.records += 1;
            }
            Depth::Count => self.other_line(line),
            Depth::Parse => self.parsed_line(line),
        }
    }

    /// A line that does not begin as the RECORD before it.
    fn other_line(&mut self, line: &[u8]) {
        let Ok(message) = serde_json::from_slice::<Message<'_>>(line) else {
            return;
        };
        match message.kind.as_deref() {
            Some("RECORD") => {
                self.counted.records += 1;
                self.prefix.clear();
                // What comes before the record has its type, so that no other message begins with the same bytes.
                let end = memmem::find(line, b"\"record\"").unwrap_or(0);
                if memmem::find(&line[..end], b"\"RECORD\"").is_some() {
                    self.prefix.extend_from_slice(&line[..end]);
                }
            }
            Some("STATE") => self.counted.states += 1,
            Some("SCHEMA" | "ACTIVATE_VERSION" | "BATCH") => {}
            _ => self.counted.records += 1,
        }
    }

    fn parsed_line(&mut self, line: &[u8]) {
        let Ok(Value::Object(mut message)) = serde_json::from_slice::<Value>(line) else {
            return;
        };
        match message.get("type").and_then(Value::as_str) {
            Some("RECORD") => self.add(&message.remove("record").unwrap_or_default()),
            Some("STATE") => {
                self.counted.states += 1;
                self.counted.last_state = message.remove("value");
            }
            Some("SCHEMA" | "ACTIVATE_VERSION" | "BATCH") => {}
            _ => {
                let object = Value::Object(message);
                self.add(&object);
                self.counted.last_object = Some(object);
            }
        }
    }

    fn add(&mut self, record: &Value) {
        self.counted.records += 1;
        let mut form = Vec::new();
        canonical(record, &mut form);
        self.counted.checksum = self.counted.checksum.wrapping_add(hash(&form));
    }
}

/// Reads all of it.
pub fn read(mut from: impl Read, depth: Depth) -> io::Result<Counted> {
    let mut scanner = Scanner::new(depth);
    let mut block = vec![0; 1 << 18];
    loop {
        match from.read(&mut block)? {
            0 => return Ok(scanner.finish()),
            length => scanner.feed(&block[..length]),
        }
    }
}

/// One form for all ways of writing the same value.
fn canonical(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members
                .iter()
                .filter(|(name, value)| !value.is_null() && !name.starts_with("_sdc_"))
                .collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            out.push(b'{');
            for (name, value) in members {
                text(name, out);
                canonical(value, out);
            }
            out.push(b'}');
        }
        Value::Array(items) => {
            out.push(b'[');
            for item in items {
                canonical(item, out);
            }
            out.push(b']');
        }
        Value::String(string) => text(string, out),
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            // Exact: whole numbers up to 2^53 are.
            #[expect(clippy::cast_precision_loss, reason = "the bound is what is exact")]
            Some(float) if float.fract() == 0.0 && float.abs() < (1_u64 << 53) as f64 => {
                out.extend_from_slice(format!("{float:.0},").as_bytes());
            }
            _ => out.extend_from_slice(format!("{number},").as_bytes()),
        },
        Value::Bool(_) | Value::Null => out.extend_from_slice(value.to_string().as_bytes()),
    }
}

/// With its length before it, so that no two lists of texts are the same bytes.
fn text(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("\"{}:", text.len()).as_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// FNV-1a, mixed at the end: sums of plain FNV of short texts have little in their upper bits.
fn hash(bytes: &[u8]) -> u64 {
    let mut hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str, depth: Depth) -> Counted {
        read(text.as_bytes(), depth).unwrap()
    }

    const A: &str = r#"{"type": "RECORD", "stream": "s", "record": {"id": 1, "x": "a"}}"#;
    const B: &str = r#"{"type": "RECORD", "stream": "s", "record": {"id": 2, "x": "b"}}"#;

    #[test]
    fn both_depths_count_the_same() {
        let odd = r#"{"record": {"type": "STATE"}, "stream": "t", "type": "RECORD"}"#;
        let text = format!(
            "{}\n{A}\n{B}\n{odd}\n{}\n\nnoise\n{A}",
            r#"{"type": "SCHEMA", "stream": "s", "schema": {}, "key_properties": []}"#,
            r#"{"type": "STATE", "value": {"n": 1}}"#
        );
        for depth in [Depth::Count, Depth::Parse] {
            let counted = all(&text, depth);
            assert_eq!(
                (counted.records, counted.states, counted.lines),
                (4, 1, 8),
                "{depth:?}"
            );
            assert_eq!(counted.bytes, text.len() as u64);
            // Whatever the blocks are.
            for size in [1, 7, 64] {
                let mut scanner = Scanner::new(depth);
                text.as_bytes().chunks(size).for_each(|block| scanner.feed(block));
                assert_eq!(scanner.finish(), counted, "{depth:?} in blocks of {size}");
            }
        }
        assert_eq!(
            all(&text, Depth::Parse).last_state,
            Some(serde_json::json!({"n": 1}))
        );
    }

    #[test]
    fn the_checksum_sees_a_lost_a_changed_and_a_duplicated_record_and_no_order() {
        let sum = |lines: &[&str]| all(&lines.join("\n"), Depth::Parse).checksum;
        let changed = B.replace("\"b\"", "\"c\"");
        assert_eq!(sum(&[A, B]), sum(&[B, A]));
        for other in [&[A][..], &[A, B, B], &[A, A], &[A, &changed]] {
            assert_ne!(sum(&[A, B]), sum(other), "{other:?}");
        }
    }

    #[test]
    fn one_record_has_many_spellings() {
        let sum = |record: &str| all(record, Depth::Parse).checksum;
        let message =
            r#"{"type": "RECORD", "stream": "s", "record": {"a": 1, "b": {"c": "é"}, "d": [1, 2]}}"#;
        for same in [
            r#"{"b":{"c":"\u00e9"},"a":1.0,"d":[1,2]}"#,
            r#"{"a":1e0,"b":{"c":"é"},"d":[1,2.0],"_sdc_batched_at":"2026-01-01","e":null}"#,
        ] {
            assert_eq!(sum(message), sum(same), "{same}");
        }
        for other in [
            r#"{"a":1.5,"b":{"c":"é"},"d":[1,2]}"#,
            r#"{"a":1,"b":{"c":"é"},"d":[2,1]}"#,
            r#"{"a":"1","b":{"c":"é"},"d":[1,2]}"#,
        ] {
            assert_ne!(sum(message), sum(other), "{other}");
        }
    }
}
