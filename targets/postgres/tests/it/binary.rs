//! Rows that go to the server in the binary format of COPY, beside those that go as text.

use serde_json::{Value, json};

use crate::driver::{Target, record, schema, state};
use crate::random::Random;

/// Types of columns, and values of each: as records have them, at the ends of what the type holds, and some that have no
/// binary form here.
#[expect(clippy::too_many_lines, reason = "a table of values")]
fn types() -> Vec<(&'static str, Vec<Value>)> {
    let long = "1234567890".repeat(12);
    vec![
        ("boolean", vec![json!(true), json!(false)]),
        ("smallint", vec![json!(-32_768), json!(32_767), json!(0)]),
        ("integer", vec![json!(i32::MIN), json!(i32::MAX), json!(-7)]),
        ("bigint", vec![json!(i64::MIN), json!(i64::MAX), json!(10_000)]),
        (
            "numeric",
            vec![
                json!(0),
                json!("-0.000"),
                json!("1e-20"),
                json!("12.5e30"),
                json!("NaN"),
                json!(format!("{long}.{long}")),
                json!("0.00001234"),
                json!("100000000"),
                json!("-9999.9999"),
                json!("10000.0001"),
                json!("1e500"),
                json!("1e-2000"),
            ],
        ),
        (
            "numeric(15,2)",
            vec![
                json!("1234567890123.45"),
                json!("-0.01"),
                json!(12.3),
                json!(100),
                json!("0.10"),
            ],
        ),
        (
            "real",
            vec![
                json!(1.5),
                json!(-3.402_823_4e38),
                json!(1e-40),
                json!("NaN"),
                json!("Infinity"),
                json!(16_777_217),
            ],
        ),
        (
            "double precision",
            vec![
                json!(0.1),
                json!(-1.797_693_134_862_315_7e308),
                json!(5e-324),
                json!("-Infinity"),
                json!(1e22),
                json!(123_456_789_012_345_678_i64),
            ],
        ),
        (
            "text",
            vec![
                json!(""),
                json!("a\tb\nc\\d\r\u{8}\u{c}\u{1}"),
                json!("\\N"),
                json!("é漢😀"),
                json!("x".repeat(3000)),
            ],
        ),
        (
            "varchar(20)",
            vec![
                json!("twenty characters ok"),
                json!("blanks at the end            "),
                json!("é"),
            ],
        ),
        ("char(5)", vec![json!("a"), json!("abcde"), json!("")]),
        (
            "date",
            vec![
                json!("0001-01-01"),
                json!("9999-12-31"),
                json!("2024-02-29"),
                json!("infinity"),
                json!("0044-03-15 BC"),
            ],
        ),
        (
            "time",
            vec![
                json!("00:00:00"),
                json!("23:59:59.999999"),
                json!("24:00:00"),
                json!("12:30"),
            ],
        ),
        (
            "timestamp",
            vec![
                json!("2024-02-29T12:34:56.789Z"),
                json!("0001-01-01T00:00:00"),
                json!("9999-12-31T23:59:59.999999+00:00"),
                json!("2024-01-01T00:00:00-11:30"),
                json!("1969-12-31 23:59:59.000001"),
                json!("2016-12-31T23:59:60Z"),
                json!("-infinity"),
            ],
        ),
        (
            "timestamptz",
            vec![
                json!("2024-02-29T12:34:56.789+05:30"),
                json!("1999-12-31T23:59:59.999999Z"),
                json!("2024-06-01"),
                json!("12024-01-01 00:00:00+00"),
            ],
        ),
        (
            "uuid",
            vec![
                json!("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"),
                json!("{00000000000000000000000000000000}"),
            ],
        ),
        (
            "json",
            vec![json!({"a": ["\n\t\\", 1.50, null]}), json!([]), json!("text")],
        ),
        ("jsonb", vec![json!({"b": {"c": "é\u{1}"}}), json!(1), json!("")]),
        ("bytea", vec![json!("\\x00ff0a5c"), json!(""), json!("0xABC")]),
    ]
}

/// Rows for all columns, with nulls; every fifth value of a column is one of all, the others are one of the first two.
fn rows(random: &mut Random) -> Vec<Value> {
    let types = types();
    let row = |number: u64| {
        let mut row = json!({"id": number});
        for (place, (_, values)) in types.iter().enumerate() {
            let few = if random.below(5) == 0 {
                values.len()
            } else {
                2.min(values.len())
            };
            let value = &values[random.below(few as u64) as usize];
            row[format!("c{place}")] = if random.below(8) == 0 {
                Value::Null
            } else {
                value.clone()
            };
        }
        row
    };
    (0..400).map(row).collect()
}

/// An array has no binary form here, so rows of a table with one go as text.
fn properties(more: Option<&str>) -> Value {
    let mut properties = json!({"id": {"type": "integer"}});
    for (place, (name, _)) in types().iter().enumerate() {
        properties[format!("c{place}")] = json!({"type": ["null", "string", "number", "boolean", "object", "array"], "x-sql-datatype": name});
    }
    if let Some(more) = more {
        properties["more"] =
            json!({"type": ["null", "array"], "items": {"type": "string"}, "x-sql-datatype": more});
    }
    properties
}

#[test]
fn rows_are_the_same_in_binary_and_as_text() {
    for (seed, key) in [(1, &[][..]), (2, &["id"])] {
        let target = Target::new(json!({"batch_size_rows": 60}));
        let rows = rows(&mut Random::new(seed));
        for (stream, more) in [("tuples", None), ("lines", Some("text[]"))] {
            let mut lines = vec![schema(stream, properties(more), key)];
            lines.extend(rows.iter().map(|row| record(stream, row.clone())));
            // Twice: a keyed table is loaded first, and then by a stage.
            target.load(&lines);
            target.load(&lines);
        }
        let columns: Vec<String> = (0..types().len())
            .map(|place| format!("c{place}::text"))
            .collect();
        let columns = format!("id, {}", columns.join(", "));
        assert_eq!(
            target.sql(&format!(
                "select count(*), (select count(*) from (select {columns} from tuples except all select {columns} from lines) d) from tuples"
            )),
            if key.is_empty() { "800|0" } else { "400|0" }
        );
    }
}

#[test]
fn what_is_stored_is_what_the_server_reads_of_the_text() {
    let target = Target::new(json!({}));
    let mut lines = vec![schema("s", properties(None), &[])];
    let mut expected = Vec::new();
    for (place, (name, values)) in types().iter().enumerate() {
        if matches!(
            *name,
            "json" | "jsonb" | "bytea" | "char(5)" | "varchar(20)" | "timestamp" | "time"
        ) {
            continue;
        }
        for value in values {
            let mut row = json!({"id": expected.len()});
            row[format!("c{place}")] = value.clone();
            lines.push(record("s", row));
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            expected.push((place, *name, text));
        }
    }
    target.load(&lines);
    for (id, (place, name, text)) in expected.iter().enumerate() {
        let literal = text.replace('\'', "''");
        let same = format!("select c{place}::text = '{literal}'::{name}::text from s where id = {id}");
        assert_eq!(target.sql(&same), "t", "{name} {text:?}");
    }
}

#[test]
fn a_column_that_gets_another_type_meanwhile_takes_no_values_of_the_first() {
    let target = Target::new(json!({"batch_size_rows": 1, "state_interval_seconds": 0}));
    // Four bytes each: the server would take one for the other.
    let properties = json!({"x": {"type": "integer", "x-sql-datatype": "integer"}});
    let mut child = target.start();
    child.send([
        schema("s", properties, &[]),
        record("s", json!({"x": 1})),
        state(json!(1)),
    ]);
    child.says("1");
    target.sql("alter table s alter x type real");
    child.send([record("s", json!({"x": 2})), state(json!(2))]);
    let outcome = child.finish();
    assert_eq!(outcome.code, Some(75), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("a column got another type"),
        "{}",
        outcome.stderr
    );
    assert_eq!(target.sql("select x from s"), "1");
}
