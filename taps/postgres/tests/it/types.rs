//! Every type with its extremes, against what psql says of the same values.

use melisma_testing::postgres::Database;
use serde_json::{Value, json};

use crate::run::{Run, database};

/// The JSON that each of these literals of a type becomes, and its schema.
fn values(sql_type: &str, literals: &[&str], settings: &Value) -> (Vec<String>, Value) {
    let database = database("");
    fill(&database, sql_type, literals);
    read(&database, settings)
}

fn fill(database: &Database<'_>, sql_type: &str, literals: &[&str]) {
    let rows: Vec<String> = literals
        .iter()
        .enumerate()
        .map(|(i, literal)| format!("({i}, '{}')", literal.replace('\'', "''")))
        .collect();
    database.sql(&format!(
        "create table t (i int, v {sql_type}); insert into t values {}",
        rows.join(", ")
    ));
}

/// The texts of the values, as they stand in the records.
fn read(database: &Database<'_>, settings: &Value) -> (Vec<String>, Value) {
    let outcome = Run::on(database, settings).go().ok();
    let texts = outcome
        .text
        .lines()
        .filter_map(|line| {
            let value = line
                .split_once(",\"v\":")?
                .1
                .rsplit_once("},\"time_extracted\"")?
                .0;
            line.starts_with("{\"type\":\"RECORD\"").then(|| value.to_owned())
        })
        .collect();
    (texts, outcome.schema("public-t")["properties"]["v"].clone())
}

/// Each literal and its JSON.
fn assert_values(sql_type: &str, schema: &Value, expected: &[(&str, &str)]) {
    let literals: Vec<&str> = expected.iter().map(|(literal, _)| *literal).collect();
    let (found, found_schema) = values(sql_type, &literals, &json!({"invalid_date_handling": "text"}));
    let wanted: Vec<&str> = expected.iter().map(|(_, json)| *json).collect();
    assert_eq!(found, wanted, "{sql_type}");
    assert_eq!(found_schema, *schema, "{sql_type}");
}

#[test]
fn numbers() {
    assert_values(
        "int2",
        &json!({"type": ["integer", "null"], "minimum": -32768, "maximum": 32767}),
        &[("-32768", "-32768"), ("0", "0"), ("32767", "32767")],
    );
    assert_values(
        "int8",
        &json!({"type": ["integer", "null"]}),
        &[
            ("-9223372036854775808", "-9223372036854775808"),
            ("9223372036854775807", "9223372036854775807"),
        ],
    );
    assert_values(
        "oid",
        &json!({"type": ["integer", "null"], "minimum": 0, "maximum": 4_294_967_295_u32}),
        &[("0", "0"), ("4294967295", "4294967295")],
    );
    let number = json!({"type": ["number", "null"]});
    assert_values(
        "real",
        &number,
        &[
            ("0.1", "0.1"),
            ("-0", "-0.0"),
            ("3.4028235e38", "3.4028235e+38"),
            ("1e-45", "1e-45"),
            ("NaN", "null"),
            ("-Infinity", "null"),
        ],
    );
    assert_values(
        "float8",
        &number,
        &[
            ("0.1", "0.1"),
            ("1", "1.0"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
            ("5e-324", "5e-324"),
            ("Infinity", "null"),
        ],
    );
    assert_values(
        "numeric",
        &number,
        &[
            ("0", "0"),
            ("-0.00", "0.00"),
            ("1.10", "1.10"),
            ("-1e-20", "-0.00000000000000000001"),
            ("1e40", "10000000000000000000000000000000000000000"),
            ("NaN", "null"),
            ("Infinity", "null"),
        ],
    );
    assert_values(
        "bool",
        &json!({"type": ["boolean", "null"]}),
        &[("t", "true"), ("f", "false")],
    );
}

#[test]
fn text_and_bytes() {
    let string = json!({"type": ["string", "null"]});
    assert_values(
        "text",
        &string,
        &[
            ("", "\"\""),
            ("\"\\/\u{1}\u{7f}\n\t\r", "\"\\\"\\\\/\\u0001\u{7f}\\n\\t\\r\""),
            ("é漢😀\u{2028}", "\"é漢😀\u{2028}\""),
        ],
    );
    assert_values("name", &string, &[("x", "\"x\"")]);
    assert_values("\"char\"", &string, &[("x", "\"x\"")]);
    assert_values(
        "varchar(3)",
        &json!({"type": ["string", "null"], "maxLength": 3}),
        &[("ab ", "\"ab \"")],
    );
    assert_values(
        "char(3)",
        &json!({"type": ["string", "null"], "maxLength": 3}),
        &[("a", "\"a  \"")],
    );
    assert_values(
        "bytea",
        &json!({"type": ["string", "null"], "contentEncoding": "base16"}),
        &[("", "\"\""), ("\\x00ffAB", "\"00ffab\"")],
    );
    assert_values(
        "uuid",
        &json!({"type": ["string", "null"], "format": "uuid"}),
        &[(
            "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
            "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\"",
        )],
    );
    assert_values(
        "bit varying",
        &string,
        &[("", "\"\""), ("010110011", "\"010110011\"")],
    );
    assert_values("bit(1)", &string, &[("1", "\"1\"")]);
    assert_values(
        "macaddr",
        &string,
        &[("08-00-2b-01-02-0F", "\"08:00:2b:01:02:0f\"")],
    );
    assert_values(
        "macaddr8",
        &string,
        &[("08002b01020f0a0b", "\"08:00:2b:01:02:0f:0a:0b\"")],
    );
}

#[test]
fn addresses_are_psqls_text() {
    let string = json!({"type": ["string", "null"]});
    let same = |literal| (literal, format!("\"{literal}\""));
    let inet: Vec<_> = [
        "0.0.0.0",
        "10.1.2.3/8",
        "255.255.255.255",
        "::",
        "::1",
        "::/0",
        "::ffff:1.2.3.4",
        "::1.2.3.4",
        "::1.2.3.4/96",
        "2001:db8::1:0:0:1",
        "2001:0:0:1::1/64",
        "1:2:3:4:5:6:7:8",
        "64:ff9b::1",
    ]
    .map(same)
    .into();
    let inet: Vec<_> = inet
        .iter()
        .map(|(literal, json)| (*literal, json.as_str()))
        .collect();
    assert_values("inet", &string, &inet);
    let cidr = ["10.0.0.0/8", "10.1.2.3/32", "::/0", "2001:db8::/32"].map(same);
    let cidr: Vec<_> = cidr
        .iter()
        .map(|(literal, json)| (*literal, json.as_str()))
        .collect();
    assert_values("cidr", &string, &cidr);
}

#[test]
fn dates_and_times() {
    let format = |format: &str| json!({"type": ["string", "null"], "format": format});
    assert_values(
        "date",
        &format("date"),
        &[
            ("0001-01-01", "\"0001-01-01\""),
            ("9999-12-31", "\"9999-12-31\""),
            ("4713-01-01 BC", "\"4713-01-01 BC\""),
            ("5874897-12-31", "\"5874897-12-31\""),
            ("-infinity", "\"-infinity\""),
        ],
    );
    assert_values(
        "timestamp",
        &format("date-time"),
        &[
            (
                "2024-02-29 23:59:59.999999",
                "\"2024-02-29T23:59:59.999999+00:00\"",
            ),
            ("1999-12-31 23:59:59.5", "\"1999-12-31T23:59:59.500000+00:00\""),
            ("4713-01-01 00:00:00 BC", "\"4713-01-01 00:00:00 BC\""),
            ("294276-12-31 23:59:59.999999", "\"294276-12-31 23:59:59.999999\""),
        ],
    );
    assert_values(
        "timestamptz",
        &format("date-time"),
        &[
            ("2024-03-01 00:30+01", "\"2024-02-29T23:30:00.000000+00:00\""),
            ("0001-01-01 00:00 BC", "\"0001-01-01 00:00:00+00 BC\""),
            ("infinity", "\"infinity\""),
        ],
    );
    assert_values(
        "time",
        &format("time"),
        &[
            ("00:00", "\"00:00:00\""),
            ("24:00", "\"24:00:00\""),
            ("12:34:56.70", "\"12:34:56.700000\""),
        ],
    );
    assert_values(
        "timetz",
        &json!({"type": ["string", "null"], "format": "time", "x-sql-datatype": "timetz"}),
        &[
            ("12:34:56.000001+05:30", "\"12:34:56.000001+05:30\""),
            ("24:00-15:59:59", "\"24:00:00-15:59:59\""),
        ],
    );
}

#[test]
fn structures() {
    let database = database(
        "create extension hstore; create type mood as enum ('sad', 'ok \"x\"');
         create domain price as numeric(5,2) check (value > 0); create domain prices as price[];
         create type pair as (a int, b text);",
    );
    let check = |sql_type: &str, schema: Value, expected: &[(&str, &str)]| {
        database.sql("drop table if exists t");
        let literals: Vec<&str> = expected.iter().map(|(literal, _)| *literal).collect();
        fill(&database, sql_type, &literals);
        let (found, found_schema) = read(&database, &json!({}));
        let wanted: Vec<&str> = expected.iter().map(|(_, json)| *json).collect();
        assert_eq!(found, wanted, "{sql_type}");
        assert_eq!(found_schema, schema, "{sql_type}");
    };
    let string = json!({"type": ["string", "null"]});
    let any = json!({"type": ["string", "number", "integer", "array", "object", "boolean", "null"], "additionalProperties": true});
    check("mood", string.clone(), &[("ok \"x\"", "\"ok \\\"x\\\"\"")]);
    check("price", json!({"type": ["number", "null"]}), &[("1.5", "1.50")]);
    check(
        "prices",
        json!({"type": ["array", "null"], "items": {"type": ["number", "null"]}}),
        &[("{1,2.25}", "[1.00,2.25]")],
    );
    check(
        "pair",
        string.clone(),
        &[("(1,\"a b\")", "\"(1,\\\"a b\\\")\""), ("(,)", "\"(,)\"")],
    );
    check(
        "pair[]",
        json!({"type": ["array", "null"], "items": {"type": ["string", "null"]}}),
        &[("{\"(1,x)\",NULL}", "[\"(1,x)\",null]")],
    );
    check(
        "hstore",
        json!({"type": ["object", "null"], "additionalProperties": true}),
        &[
            ("", "{}"),
            ("\"a \\\"\"=>1, b=>NULL", "{\"b\":null,\"a \\\"\":\"1\"}"),
        ],
    );
    check(
        "json",
        any.clone(),
        &[
            ("{\"a\" :\n [1.10, null]}", "{\"a\" :  [1.10, null]}"),
            ("null", "null"),
        ],
    );
    check(
        "jsonb",
        any,
        &[("{\"b\": 1, \"a\":\"\\u00e9\\n\"}", "{\"a\": \"é\\n\", \"b\": 1}")],
    );
    check(
        "int4range",
        string.clone(),
        &[("[1,3]", "\"[1,4)\""), ("empty", "\"empty\"")],
    );
    check(
        "tsrange[]",
        json!({"type": ["array", "null"], "items": {"type": ["string", "null"]}}),
        &[(
            "{\"[2024-01-01,infinity)\"}",
            "[\"[\\\"2024-01-01 00:00:00\\\",infinity)\"]",
        )],
    );
    check("money", string.clone(), &[("-12.3", "\"-$12.30\"")]);
    check("xml", string.clone(), &[("<a>&lt;</a>", "\"<a>&lt;</a>\"")]);
    check("point", string.clone(), &[("(1,2.5)", "\"(1,2.5)\"")]);
    check("tsvector", string, &[("b a", "\"'a' 'b'\"")]);
}

#[test]
fn arrays_of_any_dimension() {
    let array = |items: Value| json!({"type": ["array", "null"], "items": items});
    let integer =
        json!({"type": ["integer", "null"], "minimum": -2_147_483_648_i64, "maximum": 2_147_483_647});
    assert_values(
        "int[]",
        &array(integer.clone()),
        &[
            ("{}", "[]"),
            ("{1,NULL,-3}", "[1,null,-3]"),
            ("[5:6]={1,2}", "[1,2]"),
        ],
    );
    assert_values(
        "int[][][]",
        &array(array(array(integer))),
        &[("{{{1,2},{3,4}},{{5,6},{7,8}}}", "[[[1,2],[3,4]],[[5,6],[7,8]]]")],
    );
    assert_values(
        "text[]",
        &array(json!({"type": ["string", "null"]})),
        &[(
            "{\"a,b\",\"\\\"\\\\\",NULL,\"NULL\"}",
            "[\"a,b\",\"\\\"\\\\\",null,\"NULL\"]",
        )],
    );
    assert_values(
        "timestamptz[]",
        &array(json!({"type": ["string", "null"], "format": "date-time"})),
        &[("{2024-01-01 00:00Z}", "[\"2024-01-01T00:00:00.000000+00:00\"]")],
    );
    assert_values(
        "inet[]",
        &array(json!({"type": ["string", "null"]})),
        &[("{10.0.0.1}", "[\"10.0.0.1\"]")],
    );
}

#[test]
fn settings_choose_the_form() {
    let one =
        |sql_type: &str, literal: &str, settings: Value| values(sql_type, &[literal], &settings).0[0].clone();
    assert_eq!(
        one("numeric(5,2)", "1.5", json!({"use_singer_decimal": true})),
        "\"1.50\""
    );
    assert_eq!(
        one(
            "timestamptz",
            "2024-01-01 00:00:00.50Z",
            json!({"dates_as_string": true})
        ),
        "\"2024-01-01 00:00:00.5+00\""
    );
    assert_eq!(
        one("date", "0044-03-15 BC", json!({"dates_as_string": "true"})),
        "\"0044-03-15 BC\""
    );
    assert_eq!(
        one("date", "infinity", json!({"invalid_date_handling": "null"})),
        "null"
    );
    assert_eq!(
        one(
            "timestamp",
            "12024-01-01",
            json!({"invalid_date_handling": "clamp"})
        ),
        "\"9999-12-31T23:59:59.999999+00:00\""
    );
}

#[test]
fn a_date_beyond_iso_8601_ends_the_run_unless_settings_say_otherwise() {
    let database = database("create table t (d date); insert into t values ('infinity')");
    let outcome = Run::on(&database, &json!({})).go();
    assert_eq!(outcome.code, 65);
    let message = "stream public-t: column d: expected a date from 0001-01-01 to 9999-12-31, found infinity";
    assert!(outcome.log.contains(message), "{}", outcome.log);
    assert!(outcome.records("public-t").is_empty());
}

#[test]
fn a_value_of_50_megabytes() {
    let database = database("create table t as select 1 as i, repeat('abcde\"', 9000000) as v");
    let (found, _) = read(&database, &json!({}));
    assert_eq!(found[0].len(), 9_000_000 * 7 + 2);
}
