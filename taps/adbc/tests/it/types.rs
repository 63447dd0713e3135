//! Every type and its extremes.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::database::{Database, Kind};
use crate::run::Run;

/// A type: how it is declared, what discovery makes of it, and values with what records have of them.
struct Type {
    sql: &'static str,
    schema: Value,
    values: Vec<(&'static str, Value)>,
}

fn of(sql: &'static str, schema: Value, values: Vec<(&'static str, Value)>) -> Type {
    Type { sql, schema, values }
}

fn integer(low: impl Into<Value>, high: impl Into<Value>) -> Value {
    json!({"type": ["integer", "null"], "minimum": low.into(), "maximum": high.into()})
}

fn decimal(precision: u8, scale: u8) -> Value {
    json!({"type": ["string", "null"], "format": "singer.decimal", "precision": precision, "scale": scale})
}

fn text() -> Value {
    json!({"type": ["string", "null"]})
}

fn format(name: &str) -> Value {
    json!({"type": ["string", "null"], "format": name})
}

fn any_json() -> Value {
    json!({
        "type": ["string", "number", "integer", "array", "object", "boolean", "null"], "additionalProperties": true,
    })
}

/// Digits that no float has.
fn digits(text: &str) -> Value {
    serde_json::from_str(text).expect("a number")
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn duckdb_types() -> Vec<Type> {
    let bytes = || json!({"type": ["string", "null"], "contentEncoding": "base16"});
    let i32s = || integer(i32::MIN, i32::MAX);
    vec![
        of(
            "BOOLEAN",
            json!({"type": ["boolean", "null"]}),
            vec![("true", json!(true)), ("false", json!(false))],
        ),
        of(
            "TINYINT",
            integer(-128, 127),
            vec![("-128", json!(-128)), ("127", json!(127))],
        ),
        of(
            "SMALLINT",
            integer(i16::MIN, i16::MAX),
            vec![("-32768", json!(-32768))],
        ),
        of(
            "INTEGER",
            i32s(),
            vec![("-2147483648", json!(i32::MIN)), ("2147483647", json!(i32::MAX))],
        ),
        of(
            "BIGINT",
            json!({"type": ["integer", "null"]}),
            vec![
                ("-9223372036854775808", json!(i64::MIN)),
                ("9223372036854775807", json!(i64::MAX)),
            ],
        ),
        of(
            "HUGEINT",
            integer(-2_f64.powi(127), 2_f64.powi(127)),
            vec![
                (
                    "170141183460469231731687303715884105727",
                    digits("170141183460469231731687303715884105727"),
                ),
                (
                    "-170141183460469231731687303715884105728",
                    digits("-170141183460469231731687303715884105728"),
                ),
            ],
        ),
        of("UTINYINT", integer(0, 255), vec![("255", json!(255))]),
        of("USMALLINT", integer(0, 65535), vec![("65535", json!(65535))]),
        of(
            "UINTEGER",
            integer(0, u32::MAX),
            vec![("4294967295", json!(u32::MAX))],
        ),
        of(
            "UBIGINT",
            integer(0, u64::MAX),
            vec![("18446744073709551615", json!(u64::MAX))],
        ),
        of(
            "UHUGEINT",
            integer(0.0, 2_f64.powi(128)),
            vec![(
                "340282366920938463463374607431768211455",
                digits("340282366920938463463374607431768211455"),
            )],
        ),
        of(
            "FLOAT",
            json!({"type": ["number", "null"]}),
            vec![
                ("0.1", json!(0.1)),
                ("'nan'", json!(null)),
                ("'-inf'", json!(null)),
            ],
        ),
        of(
            "DOUBLE",
            json!({"type": ["number", "null"]}),
            vec![
                ("1.7976931348623157e308", json!(f64::MAX)),
                ("5e-324", json!(5e-324)),
                ("'infinity'", json!(null)),
                ("'nan'", json!(null)),
            ],
        ),
        of("DECIMAL(4,1)", decimal(4, 1), vec![("-999.9", json!("-999.9"))]),
        of("DECIMAL(18,0)", decimal(18, 0), vec![("7", json!("7"))]),
        of(
            "DECIMAL(38,10)",
            decimal(38, 10),
            vec![
                (
                    "9999999999999999999999999999.9999999999",
                    json!("9999999999999999999999999999.9999999999"),
                ),
                ("-0.0000000001", json!("-0.0000000001")),
            ],
        ),
        of(
            "VARCHAR",
            text(),
            vec!["'é\"猫' || chr(10)", "''"]
                .into_iter()
                .zip([json!("é\"猫\n"), json!("")])
                .collect(),
        ),
        of(
            "BLOB",
            bytes(),
            vec![("'\\x00\\xFF'::blob", json!("00ff")), ("''::blob", json!(""))],
        ),
        of("BIT", text(), vec![("'0101'", json!("0101"))]),
        of(
            "UUID",
            text(),
            vec![(
                "'00000000-0000-0000-0000-00000000000A'",
                json!("00000000-0000-0000-0000-00000000000a"),
            )],
        ),
        of(
            "DATE",
            format("date"),
            vec![
                ("'0001-01-01'", json!("0001-01-01")),
                ("'9999-12-31'", json!("9999-12-31")),
            ],
        ),
        of(
            "TIME",
            format("time"),
            vec![
                ("'23:59:59.999999'", json!("23:59:59.999999")),
                ("'00:00:00'", json!("00:00:00")),
            ],
        ),
        of(
            "TIME WITH TIME ZONE",
            text(),
            vec![("'10:00:00+02'", json!("10:00:00+02"))],
        ),
        of(
            "TIMESTAMP",
            format("date-time"),
            vec![
                (
                    "'9999-12-31 23:59:59.999999'",
                    json!("9999-12-31T23:59:59.999999+00:00"),
                ),
                ("'0001-01-01'", json!("0001-01-01T00:00:00.000000+00:00")),
            ],
        ),
        of(
            "TIMESTAMP WITH TIME ZONE",
            format("date-time"),
            vec![(
                "'2024-02-29 10:00:00.5+02'",
                json!("2024-02-29T08:00:00.500000+00:00"),
            )],
        ),
        of(
            "TIMESTAMP_S",
            format("date-time"),
            vec![("'2024-02-29 10:00:01'", json!("2024-02-29T10:00:01.000000+00:00"))],
        ),
        of(
            "TIMESTAMP_MS",
            format("date-time"),
            vec![(
                "'1969-12-31 23:59:59.999'",
                json!("1969-12-31T23:59:59.999000+00:00"),
            )],
        ),
        of(
            "TIMESTAMP_NS",
            format("date-time"),
            vec![(
                "'2024-02-29 10:00:00.123456789'",
                json!("2024-02-29T10:00:00.123456789+00:00"),
            )],
        ),
        of(
            "INTERVAL",
            text(),
            vec![(
                "'1 year 2 months -3 days 04:05:06.5'",
                json!("1 year 2 months -3 days 04:05:06.5"),
            )],
        ),
        of(
            "JSON",
            any_json(),
            vec![
                ("'{\"a\": [1.10, null]}'", digits("{\"a\": [1.10, null]}")),
                ("'null'", json!(null)),
            ],
        ),
        of("ENUM('low', 'high')", text(), vec![("'high'", json!("high"))]),
        of(
            "INTEGER[]",
            json!({"type": ["array", "null"], "items": i32s()}),
            vec![("[1, null]", json!([1, null])), ("[]", json!([]))],
        ),
        of(
            "INTEGER[2]",
            json!({"type": ["array", "null"], "items": i32s()}),
            vec![("[1, 2]", json!([1, 2]))],
        ),
        of(
            "STRUCT(a INTEGER, \"b c\" VARCHAR[])",
            json!({
                "type": ["object", "null"],
                "properties": {"a": i32s(), "b c": {"type": ["array", "null"], "items": text()}},
            }),
            vec![(
                "{'a': 1, 'b c': ['x', null]}",
                json!({"a": 1, "b c": ["x", null]}),
            )],
        ),
        of(
            "MAP(VARCHAR, INTEGER)",
            json!({"type": ["object", "null"], "additionalProperties": i32s()}),
            vec![("MAP {'a': 1, 'b': null}", json!({"a": 1, "b": null}))],
        ),
        of(
            "MAP(INTEGER, DATE)",
            json!({"type": ["array", "null"], "items": {"type": ["object"], "properties": {
                "key": {"type": ["integer"], "minimum": i32::MIN, "maximum": i32::MAX}, "value": format("date"),
            }}}),
            vec![(
                "MAP {1: DATE '2024-01-01'}",
                json!([{"key": 1, "value": "2024-01-01"}]),
            )],
        ),
        of(
            "UNION(num INTEGER, str VARCHAR)",
            any_json(),
            vec![("union_value(num := 2)", json!({"num": 2}))],
        ),
        of(
            "STRUCT(b BIT)",
            any_json(),
            vec![("{'b': '01'::BIT}", json!({"b": "01"}))],
        ),
    ]
}

/// A table with a column for each type, and a row for each value.
fn make(kind: Kind, types: &[Type]) -> Database {
    let mut columns = "n INTEGER".to_owned();
    for (at, of_type) in types.iter().enumerate() {
        let _ = write!(columns, ", c{at} {}", of_type.sql);
    }
    let mut statements = vec![format!("create table t ({columns})")];
    for (at, of_type) in types.iter().enumerate() {
        for (sql, _) in &of_type.values {
            statements.push(format!(
                "insert into t (n, c{at}) values ({}, {sql})",
                statements.len()
            ));
        }
    }
    let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
    Database::new(kind, &statements)
}

/// The items of an array may be null whatever is declared.
fn check(kind: Kind, types: &[Type]) {
    let database = make(kind, types);
    let run = Run::on(&database, &json!({})).go().ok();
    let schema = run.schema("main-t");
    let mut records = run.records("main-t").into_iter();
    for (at, of_type) in types.iter().enumerate() {
        let name = format!("c{at}");
        assert_eq!(schema["properties"][&name], of_type.schema, "{}", of_type.sql);
        for (sql, value) in &of_type.values {
            let record = records.next().expect("a record for each value");
            assert_eq!(
                record[&name].to_string(),
                value.to_string(),
                "{} {sql}",
                of_type.sql
            );
            let others = record.as_object().expect("an object").iter();
            let mut others = others.filter(|(other, _)| **other != name && *other != "n");
            assert!(others.all(|(_, value)| value.is_null()), "{record}");
        }
    }
    assert_eq!(records.next(), None);
}

#[test]
fn every_type_of_duckdb_keeps_its_extremes() {
    check(Kind::DuckDb, &duckdb_types());
}

fn sqlite_types() -> Vec<Type> {
    let number = || json!({"type": ["number", "null"]});
    vec![
        of(
            "INTEGER",
            json!({"type": ["integer", "null"]}),
            vec![
                ("-9223372036854775807 - 1", json!(i64::MIN)),
                ("9223372036854775807", json!(i64::MAX)),
            ],
        ),
        of(
            "BOOLEAN",
            json!({"type": ["boolean", "null"]}),
            vec![("1", json!(true)), ("false", json!(false))],
        ),
        of(
            "REAL",
            number(),
            vec![
                ("1.7976931348623157e308", json!(f64::MAX)),
                ("5e-324", json!(5e-324)),
                ("9e999", json!(null)),
                ("7", json!(7.0)),
            ],
        ),
        of(
            "DECIMAL(10,2)",
            number(),
            vec![
                ("21168.2", digits("21168.2")),
                ("0.1 + 0.2", digits("0.30000000000000004")),
                ("9007199254740993", digits("9007199254740993")),
                ("'0.12345678901234567890'", digits("0.12345678901234567890")),
                ("-9e999", json!(null)),
            ],
        ),
        of(
            "VARCHAR(3)",
            text(),
            vec![
                ("'é\"猫 ' || char(10)", json!("é\"猫 \n")),
                ("12", json!("12")),
                ("''", json!("")),
            ],
        ),
        of(
            "BLOB",
            json!({"type": ["string", "null"], "contentEncoding": "base16"}),
            vec![
                ("x'00ff'", json!("00ff")),
                ("x''", json!("")),
                ("'a'", json!("61")),
            ],
        ),
        of(
            "DATE",
            format("date"),
            vec![("'2024-02-29'", json!("2024-02-29"))],
        ),
        of(
            "TIME",
            format("time"),
            vec![
                ("'23:59:59.999999'", json!("23:59:59.999999")),
                ("'10:00'", json!("10:00:00")),
            ],
        ),
        of(
            "DATETIME",
            format("date-time"),
            vec![
                (
                    "'2024-02-29 23:59:59.999999'",
                    json!("2024-02-29T23:59:59.999999+00:00"),
                ),
                ("'2024-02-29T10:00:00Z'", json!("2024-02-29T10:00:00Z")),
                ("'2024-02-29'", json!("2024-02-29T00:00:00+00:00")),
            ],
        ),
        of(
            "JSON",
            any_json(),
            vec![("'{\"a\": 1.10}'", digits("{\"a\":1.10}")), ("7", json!(7))],
        ),
        of(
            "",
            text(),
            vec![
                ("'x'", json!("x")),
                ("12", json!("12")),
                ("0.5", json!("0.5")),
                ("x'0a'", json!("0a")),
            ],
        ),
    ]
}

#[test]
fn every_declaration_of_sqlite_keeps_its_extremes() {
    check(Kind::Sqlite, &sqlite_types());
}

#[test]
fn a_column_of_sqlite_that_begins_with_thousands_of_nulls_keeps_its_type() {
    let numbers = "with recursive n (i) as (select 1 union all select i + 1 from n where i < 20000)";
    let fill = format!("insert into t (i) {numbers} select i from n");
    let database = Database::new(
        Kind::Sqlite,
        &[
            "create table t (i integer primary key, a text, b real, c blob, d decimal, e datetime)",
            &fill,
            "update t set a = 'x', b = 0.5, c = x'0a', d = 1.5, e = '2024-01-01 00:00:00' where i = 20000",
        ],
    );
    let run = Run::on(&database, &json!({})).go().ok();
    let records = run.records("main-t");
    assert_eq!(records.len(), 20_000);
    assert_eq!(
        records[19_999],
        json!({"i": 20000, "a": "x", "b": 0.5, "c": "0a", "d": 1.5, "e": "2024-01-01T00:00:00+00:00"})
    );
}

#[test]
fn a_value_of_sqlite_that_is_not_what_its_column_declares_is_refused_by_the_column_s_name() {
    let numbers = "with recursive n (i) as (select 1 union all select i + 1 from n where i < 20000)";
    let many = format!("insert into t {numbers} select i from n");
    for (declared, first, words) in [
        ("integer", "'abc'", ["column price", "(INTEGER), found abc"]),
        ("integer", "1.5", ["column price", "(INTEGER), found others"]),
        ("real", "'abc'", ["column price", "(REAL), found abc"]),
        ("boolean", "2", ["column price", "expected 0 or 1, found 2"]),
        (
            "decimal",
            "'abc'",
            ["column price", "expected a number, found abc"],
        ),
        (
            "datetime",
            "1709200800",
            ["column price", "invalid_date_handling and dates_as_string"],
        ),
    ] {
        let table = format!("create table t (price {declared})");
        let insert = format!("insert into t values ({first})");
        let database = Database::new(Kind::Sqlite, &[&table, &insert]);
        Run::on(&database, &json!({})).go().fails(65, &words);
    }
    // In a batch that is not the first one.
    let database = Database::new(
        Kind::Sqlite,
        &[
            "create table t (price integer)",
            &many,
            "insert into t values ('abc')",
        ],
    );
    Run::on(&database, &json!({}))
        .go()
        .fails(65, &["the column is price, declared INTEGER"]);
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let database = Database::new(
        Kind::Sqlite,
        &[
            "create table t (name text)",
            "insert into t values (cast(x'61ff' as text))",
        ],
    );
    Run::on(&database, &json!({}))
        .go()
        .fails(65, &["column name: expected text in UTF-8, found other bytes"]);
}

#[test]
fn settings_change_the_form_of_values() {
    let database = Database::new(
        Kind::DuckDb,
        &[
            "create table t (price decimal(10, 2), day date, seen timestamp)",
            "insert into t values (1.50, 'infinity', '2024-01-01')",
        ],
    );
    let run = |more: Value| Run::on(&database, &more).go();
    run(json!({})).fails(65, &["column day: expected a date from 0001-01-01 to 9999-12-31"]);
    let clamped = run(json!({"invalid_date_handling": "clamp", "use_singer_decimal": false})).ok();
    assert_eq!(
        clamped.schema("main-t")["properties"]["price"],
        json!({"type": ["number", "null"]})
    );
    assert!(
        clamped.text.contains(r#""price":1.50,"day":"9999-12-31""#),
        "{}",
        clamped.text
    );
    let null = run(json!({"invalid_date_handling": "null"})).ok();
    assert_eq!(null.values("main-t", "day"), [json!(null)]);
    let texts = run(json!({"dates_as_string": true})).ok();
    assert_eq!(texts.schema("main-t")["properties"]["seen"], text());
    assert_eq!(texts.values("main-t", "day"), ["+5881580-07-11"]);

    let database = Database::new(
        Kind::Sqlite,
        &["create table t (day date)", "insert into t values ('29.2.2024')"],
    );
    let run = |more: Value| Run::on(&database, &more).go();
    assert_eq!(
        run(json!({"invalid_date_handling": "null"}))
            .ok()
            .values("main-t", "day"),
        [json!(null)]
    );
    for more in [
        json!({"invalid_date_handling": "text"}),
        json!({"dates_as_string": true}),
    ] {
        assert_eq!(run(more).ok().values("main-t", "day"), ["29.2.2024"]);
    }
    run(json!({"invalid_date_handling": "clamp"})).fails(78, &["invalid_date_handling"]);
}

/// What the pages call a JSON Schema.
fn spelled(schema: &Value) -> String {
    let types = schema["type"].as_array().expect("types").iter();
    let types: Vec<&str> = types
        .filter_map(Value::as_str)
        .filter(|name| *name != "null")
        .collect();
    let mut text = if types.len() > 1 {
        "any JSON".to_owned()
    } else {
        types.concat()
    };
    if schema.get("minimum").is_some() {
        text += " with `minimum`, `maximum`";
    }
    if let Some(format) = schema["format"].as_str() {
        let _ = write!(text, ", format {format}");
    }
    if schema.get("contentEncoding").is_some() {
        text += " with `contentEncoding: base16`";
    }
    if schema.get("precision").is_some() {
        text += " with `precision`, `scale`";
    }
    text
}

#[test]
fn the_pages_have_the_types() {
    for (page, types) in [("tap-duckdb", duckdb_types()), ("tap-sqlite", sqlite_types())] {
        let path = melisma_processes::root().join("docs").join(format!("{page}.md"));
        let text = std::fs::read_to_string(path).expect("a page");
        let rows: BTreeSet<(String, String)> = types
            .iter()
            .map(|of_type| {
                let sql = if of_type.sql.is_empty() {
                    "no type"
                } else {
                    of_type.sql
                };
                (sql.to_owned(), spelled(&of_type.schema))
            })
            .collect();
        for (sql, schema) in rows {
            let has = text.lines().filter(|line| line.starts_with('|')).any(|line| {
                let cells: Vec<&str> = line.split('|').map(str::trim).collect();
                cells[1].contains(&format!("`{sql}`")) && cells[2] == schema
            });
            assert!(has, "docs/{page}.md: expected a row | `{sql}` | {schema} |");
        }
    }
}
