//! Singer streams of very different shapes, made from a seed: the same bytes in every run.

use std::fmt::Write;

use serde_json::{Value, json};
use tpchgen::generators::LineItemGenerator;

/// Lines of one stream.
pub struct Corpus {
    /// Its name in the reports.
    pub name: &'static str,
    /// The JSON Schema of the records.
    pub schema: Value,
    /// RECORD lines.
    pub lines: String,
}

/// Every corpus, about `bytes` each.
pub fn all(bytes: usize) -> Vec<Corpus> {
    vec![
        lineitem(bytes),
        nested(bytes),
        wide(bytes),
        text(bytes),
        escaped(bytes),
        long_strings(bytes),
        shuffled(bytes),
    ]
}

/// A small generator of numbers (Knuth's MMIX): good enough to vary data, and the same everywhere.
struct Seed(u64);

impl Seed {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

fn record(lines: &mut String, body: &str) {
    let _ = writeln!(
        lines,
        r#"{{"type": "RECORD", "stream": "s", "record": {body}, "time_extracted": "2026-01-01T00:00:00.000000Z"}}"#
    );
}

/// Fills lines with bodies until there are enough bytes.
fn fill(bytes: usize, mut body: impl FnMut(u64, &mut String)) -> String {
    let (mut lines, mut one, mut i) = (String::with_capacity(bytes + 64 * 1024), String::new(), 0);
    while lines.len() < bytes {
        one.clear();
        body(i, &mut one);
        record(&mut lines, &one);
        i += 1;
    }
    lines
}

/// TPC-H lineitem as singer-python writes it: 16 columns of integers, numbers, dates and short text.
pub fn lineitem(bytes: usize) -> Corpus {
    let rows = LineItemGenerator::new(1.0, 1, 1);
    let mut rows = rows.iter();
    let lines = fill(bytes, |_, out| {
        let Some(row) = rows.next() else {
            return out.push_str("{}");
        };
        let _ = write!(
            out,
            concat!(
                r#"{{"l_orderkey": {}, "l_partkey": {}, "l_suppkey": {}, "l_linenumber": {}, "l_quantity": {}, "#,
                r#""l_extendedprice": {}, "l_discount": {}, "l_tax": {}, "l_returnflag": "{}", "l_linestatus": "{}", "#,
                r#""l_shipdate": "{}", "l_commitdate": "{}", "l_receiptdate": "{}", "l_shipinstruct": "{}", "#,
                r#""l_shipmode": "{}", "l_comment": "{}"}}"#
            ),
            row.l_orderkey,
            row.l_partkey,
            row.l_suppkey,
            row.l_linenumber,
            row.l_quantity,
            row.l_extendedprice,
            row.l_discount,
            row.l_tax,
            row.l_returnflag,
            row.l_linestatus,
            row.l_shipdate,
            row.l_commitdate,
            row.l_receiptdate,
            row.l_shipinstruct,
            row.l_shipmode,
            row.l_comment,
        );
    });
    Corpus {
        name: "lineitem",
        schema: lineitem_schema(),
        lines,
    }
}

/// The schema of [`lineitem`].
pub(crate) fn lineitem_schema() -> Value {
    let (integer, number, text) = (
        json!({"type": "integer"}),
        json!({"type": "number"}),
        json!({"type": "string"}),
    );
    let date = json!({"type": "string", "format": "date"});
    json!({"type": "object", "properties": {
        "l_orderkey": integer, "l_partkey": integer, "l_suppkey": integer, "l_linenumber": integer,
        "l_quantity": number, "l_extendedprice": number, "l_discount": number, "l_tax": number,
        "l_returnflag": text, "l_linestatus": text, "l_shipdate": date, "l_commitdate": date, "l_receiptdate": date,
        "l_shipinstruct": text, "l_shipmode": text, "l_comment": text,
    }})
}

/// Records as APIs give them: objects in objects, lists of objects.
fn nested(bytes: usize) -> Corpus {
    let mut seed = Seed(1);
    let lines = fill(bytes, |i, out| {
        let items: Vec<Value> = (0..seed.next(6))
            .map(|n| json!({"sku": format!("sku-{n}"), "quantity": seed.next(9), "price": 0.25 * n as f64, "tags": ["a", "b"]}))
            .collect();
        let body = json!({
            "id": i,
            "customer": {"id": seed.next(9999), "name": "Ada Lovelace", "address": {"city": "London", "lines": ["1 A St", "x"]}},
            "items": items,
            "meta": {"source": "web", "flags": {"gift": seed.next(2) == 1, "note": null}},
            "total": seed.next(100_000) as f64 / 100.0,
        });
        out.push_str(&python(&body));
    });
    let (integer, number) = (json!({"type": "integer"}), json!({"type": "number"}));
    let schema = json!({"type": "object", "properties": {
        "id": integer, "customer": {"type": "object"}, "items": {"type": "array"}, "meta": {"type": "object"}, "total": number,
    }});
    Corpus {
        name: "nested",
        schema,
        lines,
    }
}

/// 150 columns; a record has a tenth of them as values, a third as nulls, and lacks the others.
fn wide(bytes: usize) -> Corpus {
    let mut seed = Seed(2);
    let lines = fill(bytes, |i, out| {
        let _ = write!(out, r#"{{"column_0": {i}"#);
        for column in 1..150 {
            match seed.next(10) {
                0 => {
                    let _ = write!(out, r#", "column_{column}": {}"#, seed.next(1_000_000));
                }
                1..=3 => {
                    let _ = write!(out, r#", "column_{column}": null"#);
                }
                _ => {}
            }
        }
        out.push('}');
    });
    let properties: serde_json::Map<String, Value> = (0..150)
        .map(|column| (format!("column_{column}"), json!({"type": ["null", "integer"]})))
        .collect();
    Corpus {
        name: "wide",
        schema: json!({"type": "object", "properties": properties}),
        lines,
    }
}

const WORDS: [&str; 8] = [
    "Zürich",
    "données",
    "東京都",
    "привет",
    "naïve",
    "Ελλάδα",
    "😀",
    "café",
];

fn sentence(seed: &mut Seed) -> String {
    let words: Vec<&str> = (0..8 + seed.next(8))
        .map(|_| WORDS[seed.next(8) as usize])
        .collect();
    words.join(" ")
}

fn text_schema() -> Value {
    let text = json!({"type": "string"});
    json!({"type": "object", "properties": {"id": {"type": "integer"}, "title": text, "body": text, "city": text}})
}

/// Text that is not ASCII, as UTF-8.
fn text(bytes: usize) -> Corpus {
    let mut seed = Seed(3);
    let lines = fill(bytes, |i, out| {
        let (title, body) = (sentence(&mut seed), sentence(&mut seed));
        let _ = write!(
            out,
            r#"{{"id": {i}, "title": "{title}", "body": "{body}", "city": "Zürich"}}"#
        );
    });
    Corpus {
        name: "text",
        schema: text_schema(),
        lines,
    }
}

/// The same text as Python writes it by default: every character above ASCII as `\uXXXX`.
fn escaped(bytes: usize) -> Corpus {
    let mut corpus = text(bytes / 2);
    let mut lines = String::with_capacity(bytes);
    for c in corpus.lines.chars() {
        if c.is_ascii() {
            lines.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(lines, "\\u{unit:04x}");
            }
        }
    }
    corpus.lines = lines;
    corpus.name = "escaped";
    corpus
}

/// Strings of 10 KB.
fn long_strings(bytes: usize) -> Corpus {
    let mut seed = Seed(4);
    let lines = fill(bytes, |i, out| {
        let _ = write!(out, r#"{{"id": {i}, "body": ""#);
        let start = out.len();
        while out.len() - start < 10_000 {
            out.push_str(["lorem ", "ipsum ", "dolor ", "sit ", "amet, "][seed.next(5) as usize]);
            if seed.next(100) == 0 {
                out.push_str("\\n");
            }
        }
        out.push_str("\"}");
    });
    let text = json!({"type": "string"});
    let schema = json!({"type": "object", "properties": {"id": {"type": "integer"}, "body": text}});
    Corpus {
        name: "long-strings",
        schema,
        lines,
    }
}

/// lineitem with the keys of every record in an order of its own.
fn shuffled(bytes: usize) -> Corpus {
    let mut seed = Seed(5);
    let source = lineitem(bytes);
    let mut lines = String::with_capacity(bytes + 64 * 1024);
    let prefix = r#"{"type": "RECORD", "stream": "s", "record": {"#;
    for line in source.lines.lines() {
        let body = &line[prefix.len()..line.rfind("}, \"time").unwrap_or(line.len())];
        // No value of lineitem holds the text `, "l_`.
        let mut members: Vec<&str> = body.split(", \"l_").collect();
        let first = members[0].strip_prefix("\"l_").unwrap_or(members[0]);
        members[0] = first;
        for i in (1..members.len()).rev() {
            members.swap(i, seed.next(i as u64 + 1) as usize);
        }
        record(&mut lines, &format!("{{\"l_{}}}", members.join(", \"l_")));
    }
    Corpus {
        name: "shuffled",
        schema: lineitem_schema(),
        lines,
    }
}

/// JSON spaced as Python's `json.dumps` does.
fn python(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{}: {}", json!(name), python(value)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(python).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}
