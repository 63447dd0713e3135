//! A line read by the remembered heads of lines before it, by a reader that has seen nothing, and by the naive
//! reader of JSON: all three must tell the same.
//!
//! The first byte chooses a lenient or a strict reader; the rest are lines.

use std::sync::{Arc, LazyLock};

use melisma_engine::decode::{DecodeOptions, Decoder};
use melisma_engine::json::MAX_DEPTH;
use melisma_engine::line::{Line, START};
use melisma_engine::message::{Message, MessageReader};
use melisma_engine::schema::StreamSchema;
use melisma_sdk::Row;

use crate::input::Input;
use crate::reference::{self, Json};

const LINES: usize = 24;

/// What a line says, owned. Objects and values are the text that stands in the line.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// RECORD
    Record {
        /// The stream's name.
        stream: String,
        /// The record's object.
        record: String,
        /// `version`
        version: Option<i64>,
        /// `time_extracted`
        time_extracted: Option<String>,
    },
    /// SCHEMA
    Schema {
        /// The stream's name.
        stream: String,
        /// The JSON Schema.
        schema: String,
        /// `key_properties`
        keys: Vec<String>,
        /// `bookmark_properties`
        bookmarks: Vec<String>,
    },
    /// STATE: its value.
    State(String),
    /// ACTIVATE_VERSION
    Activate {
        /// The stream's name.
        stream: String,
        /// `version`
        version: i64,
    },
    /// BATCH
    Batch {
        /// The stream's name.
        stream: String,
    },
    /// Nothing but white space.
    Blank,
    /// A type that is not known, to a lenient reader.
    Unknown(String),
    /// No message.
    Refused,
}

static OPEN: LazyLock<Arc<StreamSchema>> = LazyLock::new(|| {
    let schema = StreamSchema::compile("s", r#"{"properties":{"id":{}}}"#, &[""; 0], &[]);
    Arc::new(schema.expect("a schema"))
});

/// See the [module](self).
pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let lenient = input.byte() & 1 == 1;
    let Ok(text) = std::str::from_utf8(input.rest()) else {
        return;
    };
    let mut warm = MessageReader::new(lenient);
    let decoder = || {
        Decoder::new(
            &OPEN,
            DecodeOptions {
                validate: true,
                ..DecodeOptions::default()
            },
        )
        .expect("a decoder")
    };
    let mut warm_decoder = decoder();
    for line in text.split('\n').take(LINES) {
        let found = said(&mut warm, &mut warm_decoder, line);
        let alone = said(&mut MessageReader::new(lenient), &mut decoder(), line);
        assert_eq!(found, alone, "after others and alone: {line}");
        assert_eq!(found, expected(line, lenient), "{line}");
    }
}

fn said(reader: &mut MessageReader, decoder: &mut Decoder, text: &str) -> Said {
    let line = Line { text, at: START };
    let Ok(message) = reader.read(&line) else {
        return Said::Refused;
    };
    match message {
        Message::Record(record) => {
            let mut row = Row::default();
            let Ok(end) = decoder.decode(text, record.body, &mut row) else {
                return Said::Refused;
            };
            let Ok(tail) = record.tail(&line, end) else {
                return Said::Refused;
            };
            Said::Record {
                stream: reader.name(record.stream).to_owned(),
                record: text[record.body..end].to_owned(),
                version: tail.version,
                time_extracted: tail.time_extracted.map(str::to_owned),
            }
        }
        Message::Schema(schema) => Said::Schema {
            stream: reader.name(schema.stream).to_owned(),
            schema: schema.schema.to_owned(),
            keys: schema.key_properties,
            bookmarks: schema.bookmark_properties,
        },
        Message::State(value) => Said::State(value.to_owned()),
        Message::ActivateVersion { stream, version } => Said::Activate {
            stream: reader.name(stream).to_owned(),
            version,
        },
        Message::Batch { stream } => Said::Batch {
            stream: reader.name(stream).to_owned(),
        },
        // Only a reader that was made for them accepts these.
        Message::Copied { .. } | Message::Extracted(_) => Said::Refused,
        Message::Blank => Said::Blank,
        Message::Unknown { name } => Said::Unknown(name),
    }
}

/// What a line should say, by the naive reader of JSON.
pub fn expected(line: &str, lenient: bool) -> Said {
    if line.trim_matches([' ', '\t', '\r', '\n', '\u{c}']).is_empty() {
        return Said::Blank;
    }
    members(line)
        .and_then(|members| of_members(line, &members, lenient))
        .unwrap_or(Said::Refused)
}

/// A member: its name, its value, and the text of that.
type Member<'a> = (String, Json, &'a str);

/// The members of the object that a line is; each at most once, as far as they are known.
fn members(line: &str) -> Option<Vec<Member<'_>>> {
    const KNOWN: [&str; 9] = [
        "type",
        "stream",
        "record",
        "schema",
        "value",
        "version",
        "time_extracted",
        "key_properties",
        "bookmark_properties",
    ];
    let Json::Object(members) = reference::parse(line, MAX_DEPTH as usize + 1)? else {
        return None;
    };
    let space =
        |at: usize| at + line[at..].len() - line[at..].trim_start_matches([' ', '\t', '\r', '\n']).len();
    let mut at = space(space(0) + 1);
    let mut found: Vec<Member<'_>> = Vec::new();
    for (name, value) in members {
        let (_, end) = reference::parse_at(line, at, 0)?;
        let start = space(space(end) + 1);
        let (_, end) = reference::parse_at(line, start, MAX_DEPTH as usize)?;
        let twice = found.iter().any(|(known, _, _)| *known == name);
        if twice && KNOWN.contains(&name.as_str()) {
            return None;
        }
        found.push((name, value, &line[start..end]));
        at = space(space(end) + 1);
    }
    Some(found)
}

fn of_members(line: &str, members: &[Member<'_>], lenient: bool) -> Option<Said> {
    let member = |name: &str| members.iter().find(|(known, _, _)| known == name);
    let text = |name: &str| match member(name) {
        Some((_, Json::Text(text), _)) => Some(text.clone()),
        _ => None,
    };
    let raw = |name: &str| member(name).map(|(_, _, raw)| (*raw).to_owned());
    let version = || match member("version") {
        None | Some((_, Json::Null, _)) => Some(None),
        Some((_, Json::Number(digits), _)) if digits != "-0" => digits.parse::<i64>().ok().map(Some),
        Some(_) => None,
    };
    let names = |name: &str| match member(name) {
        None | Some((_, Json::Null, _)) => Some(Vec::new()),
        Some((_, Json::Text(one), _)) => Some(vec![one.clone()]),
        Some((_, Json::Array(names), _)) => names
            .iter()
            .map(|name| match name {
                Json::Text(name) => Some(name.clone()),
                _ => None,
            })
            .collect(),
        Some(_) => None,
    };
    Some(match text("type")?.as_str() {
        "RECORD" => {
            let (_, value, record) = member("record")?;
            let stream = text("stream")?;
            if !matches!(value, Json::Object(_)) {
                return None;
            }
            let time_extracted = match member("time_extracted") {
                None | Some((_, Json::Null, _)) => None,
                Some((_, Json::Text(_), raw)) => Some(raw[1..raw.len() - 1].to_owned()),
                Some(_) => return None,
            };
            let _ = line;
            Said::Record {
                stream,
                record: (*record).to_owned(),
                version: version()?,
                time_extracted,
            }
        }
        "SCHEMA" => Said::Schema {
            stream: text("stream")?,
            schema: raw("schema")?,
            keys: names("key_properties")?,
            bookmarks: names("bookmark_properties")?,
        },
        "STATE" => Said::State(raw("value")?),
        "ACTIVATE_VERSION" => Said::Activate {
            stream: text("stream")?,
            version: version()??,
        },
        "BATCH" => Said::Batch {
            stream: text("stream")?,
        },
        other if lenient => Said::Unknown(other.to_owned()),
        _ => return None,
    })
}
