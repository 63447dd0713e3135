//! target-postgres's COPY text, against a decoder of COPY text and of array literals that is written here, and a
//! batch's rows against a table that is a list.
//!
//! The first byte chooses how many columns are the key and what becomes of U+0000; the rest are lines, each a record
//! with the columns `a` to `k`.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use melisma_engine::decode::{DecodeOptions, Decoder};
use melisma_engine::json::MAX_DEPTH;
use melisma_engine::schema::StreamSchema;
use melisma_sdk::{Cell, Row};
use target_postgres::fuzzing::{Lines, encoder};

use crate::input::Input;
use crate::reference::{self, Json};

const COLUMNS: [&str; 11] = [
    "text",
    "bigint",
    "text",
    "jsonb",
    "text[]",
    "boolean",
    "numeric",
    "timestamptz",
    "uuid",
    "bytea",
    "integer[]",
];
const LINES: usize = 24;
/// The cell that makes a row delete.
const DELETES: usize = 5;

static SCHEMA: LazyLock<Arc<StreamSchema>> = LazyLock::new(|| {
    let names = ('a'..='k')
        .map(|name| format!("\"{name}\":{{}}"))
        .collect::<Vec<_>>()
        .join(",");
    let schema = StreamSchema::compile("s", &format!("{{\"properties\":{{{names}}}}}"), &[""; 0], &[]);
    Arc::new(schema.expect("a schema"))
});

/// A field: a text, or null.
type Field = Option<String>;
/// Fields by their column; what is not there is left as it is.
type Fields = BTreeMap<usize, Field>;

/// See the [module](self).
pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let flags = input.byte();
    let keys = usize::from(flags & 3) % 3;
    let replace = flags & 4 == 4;
    let deletes = (flags & 8 == 8 && keys > 0).then_some(DELETES);
    let Ok(text) = std::str::from_utf8(input.rest()) else {
        return;
    };
    let mut all = encoder(&COLUMNS, keys, deletes, replace);
    let mut table = Table::default();
    let mut decoder = Decoder::new(
        &SCHEMA,
        DecodeOptions {
            validate: false,
            ..DecodeOptions::default()
        },
    )
    .expect("a decoder");
    for line in text.split('\n').take(LINES) {
        let mut row = Row::default();
        if decoder.decode(line, 0, &mut row).is_err() {
            continue;
        }
        let mut alone = encoder(&COLUMNS, keys, deletes, replace);
        let pushed = alone.push(&row);
        assert_eq!(pushed.is_ok(), all.push(&row).is_ok(), "{line}");
        let nul = row.cells.iter().any(has_nul);
        if pushed.is_err() {
            continue;
        }
        let batch = alone.finish();
        let [kind] = batch.as_slice() else {
            panic!("one row is of one kind")
        };
        assert!(
            replace || kind.delete || !nul || keys > 0 && kind.columns.len() < COLUMNS.len(),
            "U+0000 in {line}"
        );
        let mut rows = rows_of(kind);
        assert_eq!(rows.len(), 1);
        let fields = rows.remove(0);
        for (column, field) in &fields {
            is_field_of(COLUMNS[*column], field.as_deref(), &row.cells[*column]);
        }
        table.put(keys, kind.delete, fields);
    }
    table.compare(keys, &all.finish());
}

/// What the rows of a batch come to.
#[derive(Default)]
struct Table {
    rows: Vec<Fields>,
    deleted: Vec<Fields>,
}

fn key_of(keys: usize, fields: &Fields) -> Fields {
    fields
        .iter()
        .filter(|(column, _)| **column < keys)
        .map(|(column, field)| (*column, field.clone()))
        .collect()
}

impl Table {
    fn put(&mut self, keys: usize, delete: bool, fields: Fields) {
        let key = key_of(keys, &fields);
        let old = if keys == 0 {
            None
        } else {
            self.rows.iter().position(|row| key_of(keys, row) == key)
        };
        let mut row = old.map(|at| self.rows.remove(at)).unwrap_or_default();
        if delete {
            self.deleted.push(key);
        } else {
            row.extend(fields);
            self.rows.push(row);
        }
    }

    fn compare(mut self, keys: usize, batch: &[Lines]) {
        let (mut rows, mut deleted) = (Vec::new(), Vec::new());
        for kind in batch {
            let found = rows_of(kind);
            if kind.delete {
                assert!(rows.is_empty(), "deletions come first");
                deleted.extend(found);
            } else {
                rows.extend(found);
            }
        }
        if keys > 0 {
            rows.sort();
            self.rows.sort();
        }
        for list in [&mut deleted, &mut self.deleted] {
            list.sort();
            list.dedup();
        }
        assert_eq!(rows, self.rows);
        assert_eq!(deleted, self.deleted);
    }
}

/// The rows of COPY lines.
fn rows_of(lines: &Lines) -> Vec<Fields> {
    let text = std::str::from_utf8(&lines.text).expect("UTF-8");
    assert!(!text.contains(['\r', '\0']), "{text:?}");
    let rows = text.strip_suffix('\n').expect("a last line end").split('\n');
    rows.map(|row| {
        let fields: Vec<Field> = row.split('\t').map(field).collect();
        assert_eq!(fields.len(), lines.columns.len(), "{row:?}");
        lines.columns.iter().copied().zip(fields).collect()
    })
    .collect()
}

/// What PostgreSQL makes of a field; the manual's page on COPY, "Text Format".
fn field(raw: &str) -> Field {
    if raw == "\\N" {
        return None;
    }
    let mut text = String::new();
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        text.push(match c {
            '\\' => match chars.next().expect("no backslash at the end of a field") {
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'v' => '\u{b}',
                '.' => panic!("the end of the data in a field"),
                // Digits and x begin octal and hexadecimal numbers.
                c @ ('0'..='7' | 'x') => panic!("\\{c} in a field"),
                c => c,
            },
            c => c,
        });
    }
    Some(text)
}

fn has_nul(cell: &Cell<'_>) -> bool {
    match cell {
        Cell::Text(text) => text.to_text().contains('\0'),
        Cell::Json(json) => holds_nul(&read(json)),
        _ => false,
    }
}

fn read(json: &str) -> Json {
    reference::parse(json, MAX_DEPTH as usize).expect("the decoder checked it")
}

fn holds_nul(value: &Json) -> bool {
    match value {
        Json::Text(text) => text.contains('\0'),
        Json::Array(items) => items.iter().any(holds_nul),
        Json::Object(members) => members
            .iter()
            .any(|(name, value)| name.contains('\0') || holds_nul(value)),
        _ => false,
    }
}

/// The value with U+FFFD for U+0000, as `sanitize_null_text_characters` has it.
fn sanitized(value: Json) -> Json {
    match value {
        Json::Text(text) => Json::Text(text.replace('\0', "\u{FFFD}")),
        Json::Array(items) => Json::Array(items.into_iter().map(sanitized).collect()),
        Json::Object(members) => Json::Object(
            members
                .into_iter()
                .map(|(name, value)| (name.replace('\0', "\u{FFFD}"), sanitized(value)))
                .collect(),
        ),
        other => other,
    }
}

/// Holds a field against the cell that it was made of.
fn is_field_of(kind: &str, field: Option<&str>, cell: &Cell<'_>) {
    let Some(field) = field else {
        assert!(matches!(cell, Cell::Null | Cell::Absent), "null of {cell:?}");
        return;
    };
    let value = match *cell {
        Cell::Absent | Cell::Null => panic!("{field:?} of {cell:?}"),
        Cell::Bool(value) => Json::Bool(value),
        Cell::Int(value) => Json::Number(value.to_string()),
        Cell::Number(digits) => Json::Number(digits.to_owned()),
        Cell::Text(text) => Json::Text(text.to_text().into_owned()),
        Cell::Json(json) => read(json),
    };
    let value = sanitized(value);
    match kind {
        "text" => is_text_of(field, &value),
        "jsonb" => assert_eq!(read(field), value),
        "text[]" | "integer[]" => match &value {
            // The server has one empty array.
            Json::Array(items) if is_empty(items) => assert_eq!(field, "{}"),
            Json::Array(items) => {
                let mut literal = Literal(field);
                literal.is_array_of(items, kind == "integer[]");
                assert_eq!(literal.0, "", "{field}");
            }
            // A literal of the server's own is put together anew.
            Json::Text(text) => {
                assert!(text.starts_with('{') && field.starts_with('{') && field.ends_with('}'));
            }
            other => panic!("{field} of {other:?}"),
        },
        "boolean" => assert!(matches!(
            (field, &value),
            ("t", Json::Bool(true)) | ("f", Json::Bool(false)) | (_, Json::Text(_))
        )),
        "bigint" => {
            let found: i64 = field.parse().expect("an integer");
            if let Json::Number(digits) = &value {
                let close = digits.parse::<f64>().expect("a number");
                #[expect(clippy::cast_precision_loss, reason = "only the size is compared")]
                let same = digits.parse() == Ok(found) || (found as f64 - close).abs() <= close.abs() * 1e-15;
                assert!(same, "{field} of {digits}");
            }
        }
        "numeric" => match &value {
            Json::Number(text) | Json::Text(text) => assert_eq!(field, text),
            other => panic!("{field} of {other:?}"),
        },
        "uuid" => assert!(field.len() == 32 && field.bytes().all(|byte| byte.is_ascii_hexdigit())),
        "bytea" => {
            assert!(field.starts_with("\\x") && field[2..].bytes().all(|byte| byte.is_ascii_hexdigit()));
        }
        _ => assert!(
            field.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '),
            "{field}"
        ),
    }
}

/// Whether an array has no element at any depth.
fn is_empty(items: &[Json]) -> bool {
    items
        .iter()
        .all(|item| matches!(item, Json::Array(inner) if is_empty(inner)))
}

/// A text column holds a string's text, and of anything else its JSON.
fn is_text_of(field: &str, value: &Json) {
    match value {
        Json::Text(text) => assert_eq!(field, text),
        other => assert_eq!(read(field), *other),
    }
}

/// The rest of an array literal; the manual's page on arrays, "Array Input and Output Syntax".
struct Literal<'a>(&'a str);

impl Literal<'_> {
    fn take(&mut self, wanted: &str) -> bool {
        match self.0.strip_prefix(wanted) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn is_array_of(&mut self, items: &[Json], integers: bool) {
        assert!(self.take("{"), "{}", self.0);
        for (i, item) in items.iter().enumerate() {
            assert!(i == 0 || self.take(","), "{}", self.0);
            match item {
                Json::Null => assert!(self.take("NULL"), "{}", self.0),
                Json::Array(inner) => self.is_array_of(inner, integers),
                item => {
                    let text = self.quoted();
                    match item {
                        Json::Number(digits) if integers => {
                            assert!(
                                text.parse::<i32>().is_ok() && digits.parse::<f64>() == text.parse::<f64>()
                            );
                        }
                        Json::Text(digits) if integers => {
                            assert_eq!(text.parse::<i32>(), digits.parse::<i32>());
                        }
                        item => is_text_of(&text, item),
                    }
                }
            }
        }
        assert!(self.take("}"), "{}", self.0);
    }

    fn quoted(&mut self) -> String {
        assert!(self.take("\""), "{}", self.0);
        let mut text = String::new();
        let mut chars = self.0.char_indices();
        loop {
            match chars.next().expect("a closing quote") {
                (at, '"') => {
                    self.0 = &self.0[at + 1..];
                    return text;
                }
                (_, '\\') => text.push(chars.next().expect("a character").1),
                (_, c) => text.push(c),
            }
        }
    }
}
