//! Keys that differ in bytes and are equal on the server: of one key the last record counts, in every load.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::driver::{Target, record, schema, state};
use crate::random::{Random, seeds};

/// A type of key: its schema, and what it is made of; classes of values, those of one class equal on the server.
struct Kind {
    schema: Value,
    classes: Vec<Vec<Value>>,
}

fn kind(schema: Value, classes: &Value) -> Kind {
    let classes = classes.as_array().expect("classes").iter();
    Kind {
        schema,
        classes: classes
            .map(|class| class.as_array().expect("a class").clone())
            .collect(),
    }
}

/// A text property whose column is of this type.
fn sql_type(name: &str, classes: &Value) -> Kind {
    let types = ["string", "number", "boolean", "array"];
    kind(json!({"type": types, "x-sql-datatype": name}), classes)
}

/// What some of the types need.
const TYPES: &str = "create type mood as enum ('sad', 'ok'); create domain cents as numeric(10,2); \
    create domain short as varchar(3); create domain span as interval not null";

/// Columns of the types that taps name.
fn of_sql_types() -> Vec<Kind> {
    let long = "n".repeat(63);
    vec![
        sql_type(
            "interval",
            &json!([["1 day", "24:00:00", "1 d"], ["2 days", "48:00:00"]]),
        ),
        sql_type("inet", &json!([["10.0.0.1", "10.0.0.1/32"], ["::1", "0:0::1"]])),
        sql_type("cidr", &json!([["10.0.0.0/8", "10/8"], ["11.0.0.0/8"]])),
        sql_type(
            "macaddr",
            &json!([["08:00:2b:01:02:03", "08-00-2B-01-02-03", "08002b010203"]]),
        ),
        sql_type("bit(3)", &json!([["101", "B101", "b101"], ["111"]])),
        sql_type("bit varying", &json!([["101", "b101"], ["1010"]])),
        sql_type(
            "time with time zone",
            &json!([["08:30:00+00", "08:30Z", "08:30:00.000+00:00"], ["08:30:00+01"]]),
        ),
        sql_type("money", &json!([["1.00", "$1", "1"], ["2"]])),
        sql_type(
            "varchar(3)",
            &json!([["abc", "abc ", "abc   "], ["abd"], ["ab "], ["ab"]]),
        ),
        sql_type("character(5)", &json!([["a", "a ", "a    "], ["b"]])),
        sql_type(
            "name",
            &json!([[format!("{long}a"), format!("{long}b"), long], ["n"]]),
        ),
        sql_type("oid", &json!([["7", "007"], ["8"]])),
        sql_type("int4range", &json!([["[1,3)", "[1,2]", "(0,2]"], ["[1,4)"]])),
        sql_type("integer[]", &json!([[[1, 2], "{1,2}", "{1, 2}"], [[2, 1]]])),
        sql_type("interval[]", &json!([[["1 day"], ["24:00:00"]], [["2 days"]]])),
        sql_type("mood", &json!([["sad"], ["ok"]])),
        sql_type("cents", &json!([["1.0", "1", "1.00"], ["2"]])),
        sql_type("short", &json!([["abc", "abc "], ["ab"]])),
        sql_type("span", &json!([["1 day", "24:00"], ["2 days"]])),
        sql_type("boolean", &json!([["true", "t", true], ["false", false]])),
        sql_type("smallint", &json!([["7", 7, 7.0], ["8"]])),
        sql_type(
            "real",
            &json!([
                ["16777216", "16777217", "1.6777216e7"],
                ["0", "-0", "-0.0"],
                ["NaN", "nan"]
            ]),
        ),
        sql_type("bytea", &json!([["AB", "ab", "\\xAb", "0xaB"], ["AC"]])),
        sql_type(
            "timestamp with time zone",
            &json!([
                [
                    "2020-01-01T12:00:00Z",
                    "2020-01-01 13:00:00+01:00",
                    "2020-01-01T12:00:00.000"
                ],
                ["2020-01-01T12:00:00.5Z"]
            ]),
        ),
    ]
}

/// Columns of the types that JSON Schema has, and numbers of any length.
fn of_schemas() -> Vec<Kind> {
    let big = "1234567890".repeat(4);
    vec![
        kind(
            json!({"type": "object"}),
            &json!([[{"a": 1, "b": "x"}, {"b": "x", "a": 1.0}], [{"a": 2}]]),
        ),
        kind(
            json!({"type": "array", "items": {"type": "number"}}),
            &json!([[[1, 2], [1.0, 2.00]], [[1]]]),
        ),
        kind(
            json!({"type": "string", "format": "uuid"}),
            &json!([[
                "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
                "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}",
                "a0eebc999c0b4ef8bb6d6bb9bd380a11"
            ]]),
        ),
        kind(
            json!({"type": "string", "format": "time"}),
            &json!([["08:30", "08:30:00", "08:30:00.0"], ["08:31"]]),
        ),
        kind(
            json!({"type": "string", "format": "date"}),
            &json!([["2020-02-29", "2020-02-29T00:00:00Z"]]),
        ),
        kind(
            json!({"type": ["number", "string"], "format": "singer.decimal", "precision": 10, "scale": 2}),
            &json!([[1.001, 1.004, 1], [1.005, 1.01, "1.01"], [0, -0.0, -0.001]]),
        ),
        kind(
            json!({"type": "string"}),
            &json!([["a "], ["a"], ["A"], ["\u{e9}"], ["e\u{301}"]]),
        ),
        sql_type(
            "numeric",
            &json!([
                [big, format!("{big}.0"), format!("{big}00e-2")],
                [1, 1.0, "1e0", "1.00"],
                ["NaN", "nan"]
            ]),
        ),
        sql_type(
            "double precision",
            &json!([
                [0, -0.0, "0.0", "-0"],
                ["1e300", "10e299"],
                ["Infinity", "inf", "+Infinity"]
            ]),
        ),
    ]
}

fn kinds(target: &Target) -> Vec<Kind> {
    let mut kinds = of_sql_types();
    kinds.extend(of_schemas());
    if target.sql("select count(*) from pg_available_extensions where name = 'citext'") == "1" {
        // Where no unqualified operator finds it.
        target.sql("create schema elsewhere; create extension citext schema elsewhere");
        kinds.push(sql_type("elsewhere.citext", &json!([["a", "A"], ["b", "B"]])));
        kinds.push(sql_type("elsewhere.citext[]", &json!([[["a"], ["A"]], [["b"]]])));
    }
    kinds
}

/// A stream for each kind: `k0`, `k1`, ...
fn schemas(kinds: &[Kind]) -> Vec<Value> {
    let text = json!({"type": ["string", "null"]});
    let one = |(at, kind): (usize, &Kind)| {
        schema(
            &format!("k{at}"),
            json!({"a": text, "k": kind.schema, "b": text, "class": {"type": "integer"}, "n": {"type": "integer"}}),
            &["k"],
        )
    };
    kinds.iter().enumerate().map(one).collect()
}

#[test]
fn of_keys_that_are_equal_on_the_server_the_last_one_stays() {
    let target = Target::new(json!({"interpret_content_encoding": true}));
    target.sql(TYPES);
    let kinds = kinds(&target);
    let mut lines = schemas(&kinds);
    for (at, kind) in kinds.iter().enumerate() {
        for (class, spellings) in kind.classes.iter().enumerate() {
            for (n, k) in spellings.iter().enumerate() {
                lines.push(record(&format!("k{at}"), json!({"k": k, "class": class, "n": n})));
            }
        }
    }
    lines.push(state(json!({"n": 1})));
    for round in ["first load", "second load"] {
        assert_eq!(target.load(&lines), [r#"{"n":1}"#]);
        for (at, kind) in kinds.iter().enumerate() {
            let last: Vec<String> = kind
                .classes
                .iter()
                .map(|class| (class.len() - 1).to_string())
                .collect();
            let found = target.sql(&format!(
                "select string_agg(n::text, ',' order by class) from k{at}"
            ));
            assert_eq!(found, last.join(","), "{round}: {}", kind.schema);
            assert_eq!(target.key(&format!("k{at}")), "k");
        }
    }
}

/// Random puts, of whole rows or parts, and deletions.
fn check(seed: u64) {
    let mut random = Random::new(seed);
    let mut target = Target::new(json!({}));
    target.sql(TYPES);
    let kinds = kinds(&target);
    let deletes = random.below(2) == 0;
    let mut schemas = schemas(&kinds);
    for schema in &mut schemas {
        schema["schema"]["properties"]["_sdc_deleted_at"] =
            json!({"type": ["string", "null"], "format": "date-time"});
    }
    let mut models: Vec<BTreeMap<usize, [Option<String>; 2]>> = vec![BTreeMap::new(); kinds.len()];
    for load in 0..3 {
        target.with(json!({"hard_delete": deletes, "add_record_metadata": deletes, "batch_size_rows": 1 + random.below(30)}));
        let mut lines = schemas.clone();
        for step in 0..kinds.len() * 8 {
            let at = random.below(kinds.len() as u64) as usize;
            let class = random.below(kinds[at].classes.len() as u64) as usize;
            let spellings = &kinds[at].classes[class];
            let mut members = Map::new();
            members.insert(
                "k".to_owned(),
                spellings[random.below(spellings.len() as u64) as usize].clone(),
            );
            if deletes && random.below(5) == 0 {
                members.insert("_sdc_deleted_at".to_owned(), json!("2026-01-01T00:00:00Z"));
                models[at].remove(&class);
            } else {
                members.insert("class".to_owned(), json!(class));
                let row = models[at].entry(class).or_default();
                let whole = random.below(2) == 0;
                for (name, there) in ["a", "b"].iter().zip(row) {
                    if whole || random.below(2) == 0 {
                        let value = (random.below(6) > 0).then(|| format!("{load} {step}"));
                        members.insert((*name).to_owned(), json!(value));
                        *there = value;
                    }
                }
                if whole {
                    members.insert("n".to_owned(), json!(0));
                    members.insert("_sdc_deleted_at".to_owned(), Value::Null);
                }
            }
            lines.push(record(&format!("k{at}"), Value::Object(members)));
        }
        target.load(&lines);
        for (at, model) in models.iter().enumerate() {
            let rows = target.sql(&format!(
                "select coalesce(json_agg(json_build_array(class, a, b) order by class), '[]') from k{at}"
            ));
            let rows: Value = serde_json::from_str(&rows).expect("JSON");
            let expected: Vec<Value> = model.iter().map(|(class, [a, b])| json!([class, a, b])).collect();
            assert_eq!(
                rows,
                json!(expected),
                "MELISMA_TEST_SEED={seed} {}",
                kinds[at].schema
            );
        }
    }
}

#[test]
fn tables_whose_keys_only_the_server_compares_hold_what_the_model_does() {
    for seed in seeds(2) {
        check(seed);
    }
}

#[test]
fn keys_of_several_columns_are_equal_when_each_of_them_is() {
    let target = Target::new(json!({"batch_size_rows": 3}));
    let properties = json!({
        "v": {"type": "string"},
        "b": {"type": "string", "x-sql-datatype": "interval"},
        "a": {"type": ["number", "string"], "x-sql-datatype": "numeric"},
        "c": {"type": "string"},
    });
    let line = |a: Value, b: &str, c: &str, v: &str| record("s", json!({"a": a, "b": b, "c": c, "v": v}));
    let lines = [
        schema("s", properties, &["a", "b", "c"]),
        line(json!(1), "1 day", "x", "first"),
        line(json!(1.0), "24:00", "x", "second"),
        line(json!(1), "1 day", "X", "other"),
        line(json!("1.00"), "1 day", "x", "last"),
        line(json!(2), "1 day", "x", "another"),
    ];
    for _ in 0..2 {
        target.load(&lines);
        assert_eq!(
            target.sql("select string_agg(v, ', ' order by v) from s"),
            "another, last, other"
        );
    }
    assert_eq!(target.key("s"), "a, b, c");
}

#[test]
fn collations_and_precisions_of_a_table_decide_which_keys_are_equal() {
    let target = Target::new(json!({}));
    target.sql(
        "create table t (k timestamp(3) primary key, n bigint); \
         create table d (k time(0) primary key, n bigint); \
         create table v (k varchar(2), n bigint, unique (k))",
    );
    let icu = target.sql("select count(*) from pg_collation where collprovider = 'i'") != "0";
    let both = icu
        && target
            .sql("show server_version_num")
            .parse::<u32>()
            .expect("a number")
            >= 120_000;
    let mut kinds = vec![
        (
            "t",
            json!({"type": "string", "format": "date-time"}),
            vec!["2020-01-01T00:00:00.0001Z", "2020-01-01T00:00:00.0002Z"],
        ),
        (
            "d",
            json!({"type": "string", "format": "time"}),
            vec!["08:30:00.1", "08:30:00.2"],
        ),
        ("v", json!({"type": "string"}), vec!["ab", "ab "]),
    ];
    if both {
        target.sql(
            "create collation ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false); \
             create table c (k text collate ci primary key, n bigint); \
             create table i (k text not null, n bigint); create unique index on i (k collate ci)",
        );
        kinds.push(("c", json!({"type": "string"}), vec!["key", "KEY", "Key"]));
        kinds.push(("i", json!({"type": "string"}), vec!["key", "KEY", "Key"]));
    }
    let mut lines = Vec::new();
    for (stream, k, values) in &kinds {
        lines.push(schema(stream, json!({"k": k, "n": {"type": "integer"}}), &["k"]));
        for (n, value) in values.iter().enumerate() {
            lines.push(record(stream, json!({"k": value, "n": n})));
        }
    }
    for _ in 0..2 {
        target.load(&lines);
        for (stream, _, values) in &kinds {
            let found = target.sql(&format!("select n from {stream}"));
            assert_eq!(found, (values.len() - 1).to_string(), "{stream}");
        }
    }
}

#[test]
fn a_text_that_its_column_would_round_is_no_key() {
    let mut target = Target::new(json!({}));
    let decimal = json!({"type": "string", "format": "singer.decimal", "precision": 10, "scale": 2});
    let lines = [
        schema("s", json!({"id": decimal, "x": {"type": "string"}}), &["id"]),
        record("s", json!({"id": "1.50", "x": "kept"})),
        record("s", json!({"id": "1.001", "x": "one row"})),
        record("s", json!({"id": "1.500", "x": "same"})),
        record("s", json!({"id": "1.002", "x": "another row"})),
    ];
    let error = "id: expected a key with at most 2 digits behind the point, which its column keeps";
    target.fail(&lines, 65, &["line 3", error, "1.001"]);
    target.with(json!({"on_invalid": "skip"}));
    for _ in 0..2 {
        target.load(&lines);
        assert_eq!(target.sql("select * from s"), "1.50|same");
    }
    // What is no key is rounded, as such columns do.
    target.with(json!({"load_method": "append", "default_target_schema": "appended"}));
    target.load(&lines);
    assert_eq!(target.sql("select count(*), min(id) from appended.s"), "4|1.00");
}
