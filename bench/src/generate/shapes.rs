//! Shapes of one stream: few columns, many columns, nested values, long text, other scripts.

use std::fmt::Write as _;
use std::io::Write;

use melisma_sdk::Result;

use super::seed::Seed;
use super::stream::{Stream, Type, Writer};

use Type::{Integer, List, Number, Object, Text};

/// Two decimal places of a number of cents.
pub(super) fn money(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

pub(super) fn narrow<W: Write>(rows: u64, seed: u64, out: &mut Writer<W>) -> Result<u64> {
    let mut seed = Seed::new(seed);
    let columns = [("id", Integer), ("value", Number)];
    out.stream(&Stream {
        name: "narrow",
        columns: &columns,
        keys: &["id"],
    })?;
    for id in 0..rows {
        out.row.begin();
        out.row.number("id", id);
        out.row.number("value", money(seed.below(1_000_000)));
        out.record(0)?;
    }
    Ok(rows)
}

/// A record has a tenth of the columns as values, a third as nulls, and lacks the others.
pub(super) fn wide<W: Write>(rows: u64, columns: u32, seed: u64, out: &mut Writer<W>) -> Result<u64> {
    let mut seed = Seed::new(seed);
    let names: Vec<String> = (0..columns.max(1))
        .map(|column| format!("column_{column}"))
        .collect();
    let all: Vec<(&str, Type)> = names.iter().map(|name| (name.as_str(), Integer)).collect();
    out.stream(&Stream {
        name: "wide",
        columns: &all,
        keys: &["column_0"],
    })?;
    for id in 0..rows {
        out.row.begin();
        out.row.number("column_0", id);
        for name in &names[1..] {
            match seed.below(10) {
                0 => out.row.number(name, seed.below(1_000_000)),
                1..=3 => out.row.null(name),
                _ => out.row.absent(),
            }
        }
        out.record(0)?;
    }
    Ok(rows)
}

/// Records as APIs have them.
pub(super) fn nested<W: Write>(rows: u64, seed: u64, out: &mut Writer<W>) -> Result<u64> {
    let mut seed = Seed::new(seed);
    let columns = [
        ("id", Integer),
        ("customer", Object),
        ("items", List),
        ("meta", Object),
        ("total", Number),
    ];
    out.stream(&Stream {
        name: "nested",
        columns: &columns,
        keys: &["id"],
    })?;
    let mut json = String::new();
    for id in 0..rows {
        out.row.begin();
        out.row.number("id", id);
        json.clear();
        let _ = write!(
            json,
            r#"{{"id":{},"name":"{}","address":{{"city":"{}","lines":["{} A St","x"]}}}}"#,
            seed.below(9999),
            seed.of(&["Ada Lovelace", "Grace Hopper", "Mary Shelley"]),
            seed.of(&["London", "New York", "Geneva"]),
            seed.below(200)
        );
        out.row.json("customer", &json);
        json.clear();
        json.push('[');
        for item in 0..seed.below(6) {
            let separator = if item == 0 { "" } else { "," };
            let (quantity, price) = (seed.below(9), money(seed.below(10_000)));
            let _ = write!(
                json,
                r#"{separator}{{"sku":"sku-{item}","quantity":{quantity},"price":{price},"tags":["a","b"]}}"#
            );
        }
        json.push(']');
        out.row.json("items", &json);
        json.clear();
        let gift = seed.below(2) == 1;
        let _ = write!(
            json,
            r#"{{"source":"web","flags":{{"gift":{gift},"note":null}}}}"#
        );
        out.row.json("meta", &json);
        out.row.number("total", money(seed.below(100_000)));
        out.record(0)?;
    }
    Ok(rows)
}

/// A text of 1 to 8 KB, with a line break now and then.
pub(super) fn text<W: Write>(rows: u64, seed: u64, out: &mut Writer<W>) -> Result<u64> {
    const WORDS: [&str; 8] = [
        "lorem ",
        "ipsum ",
        "dolor ",
        "sit ",
        "amet, ",
        "\"quoted\" ",
        "consectetur ",
        "adipiscing ",
    ];
    let mut seed = Seed::new(seed);
    let columns = [("id", Integer), ("title", Text), ("body", Text)];
    out.stream(&Stream {
        name: "text",
        columns: &columns,
        keys: &["id"],
    })?;
    let mut body = String::new();
    for id in 0..rows {
        out.row.begin();
        out.row.number("id", id);
        out.row
            .string("title", format_args!("text {}", seed.below(10_000)));
        let length = 1024 + seed.below(7 * 1024) as usize;
        body.clear();
        while body.len() < length {
            body.push_str(seed.of(&WORDS));
            if seed.below(100) == 0 {
                body.push('\n');
            }
        }
        out.row.string("body", &body);
        out.record(0)?;
    }
    Ok(rows)
}

pub(super) fn unicode<W: Write>(rows: u64, seed: u64, out: &mut Writer<W>) -> Result<u64> {
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
    let mut seed = Seed::new(seed);
    let columns = [("id", Integer), ("title", Text), ("body", Text), ("city", Text)];
    out.stream(&Stream {
        name: "unicode",
        columns: &columns,
        keys: &["id"],
    })?;
    let sentence = |seed: &mut Seed| {
        let words: Vec<&str> = (0..8 + seed.below(8)).map(|_| seed.of(&WORDS)).collect();
        words.join(" ")
    };
    for id in 0..rows {
        out.row.begin();
        out.row.number("id", id);
        let (title, body) = (sentence(&mut seed), sentence(&mut seed));
        out.row.string("title", &title);
        out.row.string("body", &body);
        out.row.string("city", seed.of(&WORDS));
        out.record(0)?;
    }
    Ok(rows)
}
