//! PostgreSQL to PostgreSQL: every type of docs/tap-postgres.md comes back as an equal value.

use std::fmt::{Debug, Write as _};

use melisma_testing::postgres::{Database, installations, server};
use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::strategy::{BoxedStrategy, Just, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::{load, settings, tap};

/// Random values of each type, besides its extremes.
const RANDOM: usize = 40;

/// A type, values of it as the server reads them, and what makes the loaded value one of that type again.
struct Case {
    name: &'static str,
    kind: &'static str,
    values: Vec<String>,
    back: &'static str,
}

/// What turns the loaded column `d.v` into text that the type reads.
const TEXT: &str = "d.v::text";
/// JSON in both, for what has no equality of its own or is loaded as JSON.
const JSON: &str = "json";
/// A number that is equal: a numeric has no -0.
const NUMBER: &str = "d.v";

fn case<T: ToString + Debug>(
    name: &'static str,
    kind: &'static str,
    extremes: &[&str],
    random: impl Strategy<Value = T> + 'static,
) -> Case {
    // The same values in every run: a failure can be looked at again.
    let mut runner = TestRunner::deterministic();
    let random: BoxedStrategy<T> = random.boxed();
    let mut values: Vec<String> = extremes.iter().map(|&value| value.to_owned()).collect();
    values.extend((0..RANDOM).map(|_| {
        random
            .new_tree(&mut runner)
            .expect("a value")
            .current()
            .to_string()
    }));
    Case {
        name,
        kind,
        values,
        back: TEXT,
    }
}

fn as_json(case: Case) -> Case {
    Case { back: JSON, ..case }
}

fn as_number(case: Case) -> Case {
    Case { back: NUMBER, ..case }
}

/// Text of any characters but NUL, which PostgreSQL has not.
fn text() -> impl Strategy<Value = String> {
    vec(any::<char>().prop_filter("NUL", |c| *c != '\0'), 0..40).prop_map(String::from_iter)
}

fn digits(most: usize) -> impl Strategy<Value = String> {
    let digits = |most| {
        vec(0..10u8, 1..most).prop_map(|digits| digits.iter().map(ToString::to_string).collect::<String>())
    };
    (any::<bool>(), digits(most), digits(most))
        .prop_map(|(minus, whole, part)| format!("{}{whole}.{part}", if minus { "-" } else { "" }))
}

fn date() -> impl Strategy<Value = String> {
    (1..=9999u32, 1..=12u32, 1..=28u32).prop_map(|(y, m, d)| format!("{y:04}-{m:02}-{d:02}"))
}

fn time() -> impl Strategy<Value = String> {
    (0..24u32, 0..60u32, 0..60u32, 0..1_000_000u32)
        .prop_map(|(h, m, s, u)| format!("{h:02}:{m:02}:{s:02}.{u:06}"))
}

fn numbers() -> Vec<Case> {
    vec![
        case("int2", "int2", &["-32768", "32767", "0"], any::<i16>()),
        case("int4", "int4", &["-2147483648", "2147483647"], any::<i32>()),
        case(
            "int8",
            "int8",
            &["-9223372036854775808", "9223372036854775807", "9007199254740993"],
            any::<i64>(),
        ),
        as_number(case(
            "float4",
            "float4",
            &["3.4028235e+38", "1e-45", "-0", "0.1", "16777217"],
            any::<f32>().prop_filter("finite", |f| f.is_finite()),
        )),
        as_number(case(
            "float8",
            "float8",
            &[
                "1.7976931348623157e+308",
                "5e-324",
                "-0",
                "0.1",
                "9007199254740993",
            ],
            any::<f64>().prop_filter("finite", |f| f.is_finite()),
        )),
        case(
            "numeric",
            "numeric",
            &[
                "0",
                "-0.000000000000000000000000000001",
                "1e130",
                "1e-130",
                "100.00",
                "12345678901234567890123456789012345678901234567890.5",
            ],
            digits(300),
        ),
        case(
            "numeric_limited",
            "numeric(38,10)",
            &["9999999999999999999999999999.9999999999", "0.0000000001"],
            digits(20),
        ),
        case(
            "money",
            "money",
            &["-92233720368547758.08", "92233720368547758.07", "0"],
            any::<i32>(),
        ),
        case("boolean", "boolean", &["true", "false"], any::<bool>()),
        case("oid", "oid", &["0", "4294967295"], any::<u32>()),
    ]
}

fn texts() -> Vec<Case> {
    vec![
        case(
            "text",
            "text",
            &[
                "",
                "\\N",
                "\\.",
                "\t\n\r\\",
                "\"'",
                "\u{1}\u{7f}\u{2028}\u{10ffff}",
                "é",
            ],
            text(),
        ),
        case("varchar", "varchar(60)", &["", " x "], text()),
        case("bpchar", "char(8)", &["abc", "        "], "[a-z]{0,8}"),
        case(
            "uuid",
            "uuid",
            &[
                "00000000-0000-0000-0000-000000000000",
                "ffffffff-ffff-ffff-ffff-ffffffffffff",
            ],
            "[0-9a-f]{32}",
        ),
        case(
            "bytea",
            "bytea",
            &["\\x", "\\x00ff", "\\x5c5c"],
            "[0-9a-f]{2}".prop_map(|hex| format!("\\x{hex}00")),
        ),
        case("enum", "mood", &["sad", "it's \"ok\""], Just("sad")),
        case("domain", "positive", &["1", "2147483647"], 1..i32::MAX),
        case(
            "inet",
            "inet",
            &["0.0.0.0/0", "255.255.255.255", "::1/64", "fe80::1"],
            any::<[u8; 4]>().prop_map(|[a, b, c, d]| format!("{a}.{b}.{c}.{d}/{}", d % 33)),
        ),
        case(
            "cidr",
            "cidr",
            &["10.0.0.0/8", "::/0"],
            any::<u8>().prop_map(|a| format!("{a}.0.0.0/8")),
        ),
        case(
            "macaddr",
            "macaddr",
            &["00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"],
            "([0-9a-f]{2}:){5}[0-9a-f]{2}",
        ),
        case("bit", "bit(8)", &["00000000", "11111111"], "[01]{8}"),
        case("varbit", "varbit", &["", "1"], "[01]{0,70}"),
        // JSON's own null becomes null.
        as_json(case(
            "json",
            "json",
            &[
                "{}",
                "[]",
                "\"\\u00e9\"",
                "1e100",
                "{\"a\": [1, null, {\"b\": \"\\\"\"}]}",
            ],
            any::<i64>(),
        )),
        as_json(case(
            "jsonb",
            "jsonb",
            &[
                "{}",
                "[]",
                "{\"a\": {\"b\": [true, 1.50, \"x\"]}}",
                "\"x\"",
                "-0.1",
            ],
            any::<i64>(),
        )),
        as_json(case(
            "hstore",
            "hstore",
            &["", "a=>1", "\"a b\"=>\"c\\\"d\", e=>NULL"],
            Just("x=>y"),
        )),
        case(
            "composite",
            "pair",
            &["(1,a)", "(,)", "(2,\"it\"\"s, (so)\")"],
            any::<i32>().prop_map(|n| format!("({n},x)")),
        ),
        case(
            "point",
            "point",
            &["(0,0)", "(1.5,-2.25)"],
            (any::<i16>(), any::<i16>()).prop_map(|(x, y)| format!("({x},{y})")),
        ),
    ]
}

fn times() -> Vec<Case> {
    vec![
        case(
            "date",
            "date",
            &["0001-01-01", "9999-12-31", "1970-01-01", "2000-02-29"],
            date(),
        ),
        case("time", "time", &["00:00:00", "23:59:59.999999"], time()),
        case(
            "timetz",
            "timetz",
            &["00:00:00+00", "23:59:59.999999-12:34"],
            time().prop_map(|t| format!("{t}+05:30")),
        ),
        case(
            "timestamp",
            "timestamp",
            &["0001-01-01 00:00:00", "9999-12-31 23:59:59.999999"],
            (date(), time()).prop_map(|(d, t)| format!("{d} {t}")),
        ),
        Case {
            back: "(d.v::text || '+00')",
            ..case(
                "timestamptz",
                "timestamptz",
                &["0001-01-02 00:00:00+00", "9999-12-30 23:59:59.999999+00"],
                (date(), time()).prop_map(|(d, t)| format!("{d} {t}+00")),
            )
        },
        case(
            "interval",
            "interval",
            &[
                "0",
                "178000000 years",
                "-1 mon 2 days -03:04:05.000006",
                "1 year 1 us",
            ],
            (any::<i16>(), any::<i16>(), any::<i32>())
                .prop_map(|(m, d, u)| format!("{m} mon {d} days {u} us")),
        ),
        case(
            "int4range",
            "int4range",
            &["empty", "(,)", "[1,1]", "[-2147483648,2147483647)"],
            (0..9i32, 10..99i32).prop_map(|(a, b)| format!("[{a},{b})")),
        ),
        case(
            "numrange",
            "numrange",
            &["empty", "(0.1,]"],
            (0..9i32, 10..99i32).prop_map(|(a, b)| format!("({a}.5,{b}]")),
        ),
        case(
            "tstzrange",
            "tstzrange",
            &["[2020-01-01 00:00+00,)"],
            date().prop_map(|d| format!("(,{d} 12:00:00+00]")),
        ),
    ]
}

fn arrays() -> Vec<Case> {
    let of = |items: &'static str| vec(items, 0..5).prop_map(|items| format!("{{{}}}", items.join(",")));
    vec![
        as_json(case(
            "int4s",
            "int4[]",
            &["{}", "{NULL}", "{1,NULL,-2147483648}"],
            of("-?[1-9][0-9]{0,8}"),
        )),
        as_json(case(
            "texts",
            "text[]",
            &["{}", "{\"\",NULL,\"NULL\",\"a\\\"b\\\\c,{}\"}"],
            of("[a-z]{1,9}"),
        )),
        as_json(case("booleans", "boolean[]", &["{t,f,NULL}"], of("[tf]"))),
        as_json(case(
            "numerics",
            "numeric[]",
            &["{1.50,-0.001}"],
            of("[1-9][0-9]{0,30}\\.[0-9]{1,20}"),
        )),
        as_json(case(
            "matrix",
            "int4[][]",
            &["{{1,2},{3,NULL}}", "{}"],
            Just("{{1},{2}}"),
        )),
        // Of another depth than declared.
        as_json(case(
            "deeper",
            "int4[]",
            &["{1}", "{{1,2},{3,NULL}}", "{}"],
            Just("{{{7}}}"),
        )),
        as_json(case(
            "deeper_texts",
            "text[]",
            &["{{a,b},{\"c,{}\",NULL}}"],
            Just("{x}"),
        )),
        as_json(case("deeper_numerics", "numeric[]", &["{{1.50}}"], Just("{0.1}"))),
        as_json(case("flatter", "int4[][]", &["{{1},{2}}", "{3}"], Just("{4}"))),
        as_json(case(
            "cube",
            "text[][][]",
            &["{{{a,b},{c,d}},{{e,f},{g,NULL}}}"],
            Just("{{{x}}}"),
        )),
    ]
}

/// One table a type, `id` its key.
fn fill(database: &Database, cases: &[Case]) {
    let mut sql = "create schema src; set search_path = src, public;
        create type mood as enum ('sad', 'it''s \"ok\"'); create domain positive as int check (value > 0);
        create type pair as (n int, t text);"
        .to_owned();
    if cases.iter().any(|case| case.kind == "hstore") {
        sql.push_str("create extension hstore schema public;");
    }
    for Case {
        name, kind, values, ..
    } in cases
    {
        let _ = write!(
            sql,
            "create table \"{name}\" (id int primary key, v {kind}); insert into \"{name}\" values (0, null)"
        );
        for (id, value) in values.iter().enumerate() {
            let _ = write!(sql, ",\n({}, '{}')", id + 1, value.replace('\'', "''"));
        }
        sql.push_str(";\n");
    }
    database.sql(&sql);
}

/// The rows that came back as another value, or not at all.
fn differences(database: &Database, case: &Case) -> String {
    let Case { name, kind, back, .. } = case;
    let (ours, theirs) = match *back {
        JSON => ("to_jsonb(s.v)".to_owned(), "to_jsonb(d.v)".to_owned()),
        NUMBER => ("s.v".to_owned(), format!("d.v::{kind}")),
        // As text: not every type has equality, and 1.50 is not to become 1.5.
        back => ("s.v::text".to_owned(), format!("({back})::{kind}::text")),
    };
    database.sql(&format!(
        "set search_path = src, public; set extra_float_digits = 3;
         select id, {ours}, {theirs} from src.\"{name}\" s full join dst.\"{name}\" d using (id)
         where {ours} is distinct from {theirs} or (s.id is null) or (d.id is null) limit 3"
    ))
}

fn round_trip(database: &Database) {
    let mut cases: Vec<Case> = [numbers(), texts(), times(), arrays()]
        .into_iter()
        .flatten()
        .collect();
    if database.sql("select count(*) from pg_available_extensions where name = 'hstore'") == "0" {
        // Not every packager has the extensions.
        cases.retain(|case| case.kind != "hstore");
    }
    fill(database, &cases);
    let said = tap(&settings(database, json!({ "filter_schemas": ["src"] })));
    load(&target(database), &said);
    let wrong: Vec<String> = cases
        .iter()
        .map(|case| (case.name, differences(database, case)))
        .filter(|(_, found)| !found.is_empty())
        .map(|(name, found)| format!("{name}: {found}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn target(database: &Database) -> Value {
    settings(
        database,
        json!({ "default_target_schema": "dst", "interpret_content_encoding": true }),
    )
}

#[test]
fn every_type_comes_back_equal() {
    round_trip(&server().database());
}

#[test]
fn every_type_comes_back_equal_from_the_other_version_of_the_server() {
    use melisma_testing::postgres::{Options, Server};
    let ours = server().installation().version;
    let Some(other) = installations().into_iter().find(|found| found.version != ours) else {
        // Where the package manager offers one version only.
        return;
    };
    let server = Server::start(&Options {
        installation: Some(other),
        ..Options::default()
    });
    round_trip(&server.database());
}
