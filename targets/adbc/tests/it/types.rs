//! Every type and its extremes.

use serde_json::{Value, json};
use target_adbc::{BigQueryConfig, RedshiftConfig, SnowflakeConfig};

use crate::database::{Database, KNOWN, Kind, record, schema};
use crate::recording::{Named, Scene, bigquery, redshift, snowflake};

fn properties() -> Value {
    json!({
        "id": {"type": "integer"},
        "flag": {"type": ["boolean", "null"]},
        "int": {"type": ["integer", "null"]},
        "big": {"type": ["integer", "null"], "minimum": -1e30, "maximum": 1e30},
        "num": {"type": ["number", "null"]},
        "dec": {"type": ["string", "null"], "format": "singer.decimal", "precision": 38, "scale": 10},
        "free": {"type": ["string", "null"], "format": "singer.decimal"},
        "day": {"type": ["string", "null"], "format": "date"},
        "clock": {"type": ["string", "null"], "format": "time"},
        "at": {"type": ["string", "null"], "format": "date-time"},
        "text": {"type": ["string", "null"]},
        "uuid": {"type": ["string", "null"], "format": "uuid"},
        "json": {"type": ["object", "array", "null"]},
    })
}

fn rows(kind: Kind) -> [Value; 3] {
    // PostgreSQL has no text with this character.
    let text = if kind == Kind::Postgresql {
        "éx"
    } else {
        "é\u{0}x"
    };
    [
        json!({
            "id": 1, "flag": true, "int": i64::MAX, "big": 12_345_678_901_234_567_890_u64, "num": 1.797_693_134_862_315_7e308,
            "dec": "9999999999999999999999999999.9999999999", "free": "123456789012345678901234567890123456789.5",
            "day": "9999-12-31", "clock": "23:59:59.999999", "at": "2024-02-29T23:59:59.999999Z", "text": text,
            "uuid": "00000000-0000-0000-0000-00000000000a", "json": {"a": [1, null, 1.10]},
        }),
        json!({
            "id": 2, "flag": false, "int": i64::MIN, "big": -1, "num": 5e-324,
            "dec": "-0.0000000001", "free": "0.10", "day": "0001-01-01", "clock": "00:00:00", "at": "1970-01-01T02:00:00+02:00",
            "text": "", "uuid": "", "json": [],
        }),
        json!({"id": 3}),
    ]
}

/// What the types are called.
fn type_names(kind: Kind) -> Value {
    let types = match kind {
        Kind::DuckDb => [
            "BIGINT",
            "BOOLEAN",
            "BIGINT",
            "DECIMAL(38,0)",
            "DOUBLE",
            "DECIMAL(38,10)",
            "VARCHAR",
            "DATE",
            "TIME",
            "TIMESTAMP WITH TIME ZONE",
            "VARCHAR",
            "VARCHAR",
            "JSON",
        ],
        Kind::Postgresql => [
            "bigint",
            "boolean",
            "bigint",
            "numeric(38,0)",
            "double precision",
            "numeric(38,10)",
            "text",
            "date",
            "time without time zone",
            "timestamp with time zone",
            "text",
            "text",
            "jsonb",
        ],
        _ => [
            "INTEGER",
            "BOOLEAN",
            "INTEGER",
            "TEXT",
            "REAL",
            "TEXT",
            "TEXT",
            "DATE",
            "TIME",
            "TIMESTAMP",
            "TEXT",
            "TEXT",
            "TEXT",
        ],
    };
    let names = [
        "id", "flag", "int", "big", "num", "dec", "free", "day", "clock", "at", "text", "uuid", "json",
    ];
    names
        .iter()
        .zip(types)
        .map(|(name, of)| json!([name, of]))
        .collect()
}

/// The values, as another program reads them.
fn values(kind: Kind) -> Value {
    let spelled = |duckdb: Value, sqlite: Value, postgresql: Value| match kind {
        Kind::DuckDb => duckdb,
        Kind::Postgresql => postgresql,
        _ => sqlite,
    };
    json!([
        [
            1,
            spelled(json!(true), json!(1), json!(true)),
            i64::MAX,
            "12345678901234567890",
            f64::MAX,
            "9999999999999999999999999999.9999999999",
            "123456789012345678901234567890123456789.5",
            "9999-12-31",
            "23:59:59.999999",
            spelled(
                json!("2024-02-29 23:59:59.999999+00"),
                json!("2024-02-29T23:59:59.999999Z"),
                json!("2024-02-29T23:59:59.999999+00:00")
            ),
            spelled(json!("é\u{0}x"), json!("é\u{0}x"), json!("éx")),
            "00000000-0000-0000-0000-00000000000a",
            "{\"a\":[1,null,1.1]}"
        ],
        [
            2,
            spelled(json!(false), json!(0), json!(false)),
            i64::MIN,
            "-1",
            5e-324,
            spelled(json!("-1E-10"), json!("-0.0000000001"), json!("-0.0000000001")),
            "0.10",
            "0001-01-01",
            spelled(json!("00:00:00"), json!("00:00:00.000000"), json!("00:00:00")),
            spelled(
                json!("1970-01-01 00:00:00+00"),
                json!("1970-01-01T00:00:00.000000Z"),
                json!("1970-01-01T00:00:00+00:00")
            ),
            "",
            "",
            "[]"
        ],
        [
            3, null, null, null, null, null, null, null, null, null, null, null, null
        ]
    ])
}

#[test]
fn every_type_keeps_its_extremes_added_or_merged() {
    for kind in KNOWN {
        let (types, rows) = (type_names(kind), values(kind));
        for key in [&[][..], &["id"]] {
            let database = Database::new(kind);
            let mut lines = vec![schema("all", &properties(), key)];
            lines.extend(self::rows(kind).iter().map(|row| record("all", row)));
            database.load(&json!({}), &lines).ok();
            assert_eq!(database.types("all"), types, "{kind:?} {key:?}");
            let columns = match kind {
                // As text, because JSON numbers are read as floats.
                Kind::Postgresql => {
                    "id, flag, \"int\", big::text, num, \"dec\"::text, free, day, clock, \"at\", \"text\", uuid, \"json\""
                }
                _ => "*",
            };
            assert_eq!(
                database.rows(&format!("SELECT {columns} FROM \"all\" ORDER BY id")),
                rows,
                "{kind:?} {key:?}"
            );
        }
    }
}

#[test]
fn a_value_that_no_column_holds_is_refused_with_its_record() {
    for kind in KNOWN {
        let database = Database::new(kind);
        let mut lines = vec![schema("all", &properties(), &["id"])];
        let invalid = [
            json!({"id": 1, "day": "2024-02-30"}),
            json!({"id": 2, "dec": "1e38"}),
            json!({"id": 3, "flag": null}),
        ];
        lines.extend(invalid.iter().map(|row| record("all", row)));
        database
            .load(&json!({"on_invalid": "skip", "validate_records": false}), &lines)
            .ok();
        assert_eq!(database.rows("SELECT id FROM \"all\""), json!([[3]]), "{kind:?}");
    }
}

/// What the pages call a property.
const SPELLED: [(&str, &str); 12] = [
    ("flag", "boolean"),
    ("int", "integer"),
    ("big", "integer with bounds beyond 64 bits"),
    ("num", "number"),
    ("dec", "string, `singer.decimal` with precision 38 and scale 10"),
    ("free", "string, `singer.decimal` without precision"),
    ("day", "string, date"),
    ("clock", "string, time"),
    ("at", "string, date-time"),
    ("text", "string"),
    ("uuid", "string, uuid"),
    ("json", "object, array"),
];

/// What the types are called in the tables of a service that is not reached: those of its CREATE TABLE.
fn told_types<C: Named>(config: Value) -> Value {
    let told = Scene {
        config,
        lines: vec![schema("all", &properties(), &[])],
        ..Scene::default()
    }
    .run::<C>();
    let create = told
        .lines()
        .find(|line| line.starts_with("execute: CREATE TABLE "));
    let columns = create.and_then(|line| line.split_once('('));
    let (_, columns) = columns.unwrap_or_else(|| panic!("a table: {told}"));
    let columns = columns.split_once(") ").map_or(columns, |(columns, _)| columns);
    let column = |column: &str| {
        let (name, of) = column.split_once(' ').expect("a name and a type");
        let name = name.trim_matches(['"', '`']).to_lowercase();
        json!([name, of])
    };
    let columns = columns.strip_suffix(')').unwrap_or(columns);
    columns.split(", ").map(column).collect()
}

#[test]
fn the_pages_have_the_types_of_the_tables() {
    let headings = [
        ("DuckDB", "target-duckdb", type_names(Kind::DuckDb)),
        ("SQLite", "target-sqlite", type_names(Kind::Sqlite)),
        ("PostgreSQL", "target-adbc", type_names(Kind::Postgresql)),
        (
            "Redshift",
            "target-redshift",
            told_types::<RedshiftConfig>(redshift()),
        ),
        (
            "Snowflake",
            "target-snowflake",
            told_types::<SnowflakeConfig>(snowflake()),
        ),
        (
            "BigQuery",
            "target-bigquery",
            told_types::<BigQueryConfig>(bigquery()),
        ),
    ];
    let of = |types: &Value, name: &str| {
        let mut types = types.as_array().expect("a list").iter();
        let found = types.find(|of| of[0] == name).expect("a type");
        found[1].as_str().expect("a name").to_owned()
    };
    let table = |headings: &[&(&str, &str, Value)]| {
        let names: Vec<&str> = headings.iter().map(|(heading, ..)| *heading).collect();
        let lines = "|---".repeat(names.len() + 1);
        let rows = SPELLED.map(|(name, spelled)| {
            let types: Vec<String> = headings.iter().map(|(.., types)| of(types, name)).collect();
            format!("| {spelled} | {} |\n", types.join(" | "))
        });
        format!(
            "| JSON Schema | {} |\n{lines}|\n{}\n",
            names.join(" | "),
            rows.concat()
        )
    };
    let all: Vec<_> = headings.iter().collect();
    let pages = headings
        .iter()
        .map(|heading| (heading.1, vec![heading]))
        .filter(|(page, _)| *page != "target-adbc");
    for (page, headings) in pages.chain([("target-adbc", all)]) {
        let path = melisma_processes::root().join("docs").join(format!("{page}.md"));
        let text = std::fs::read_to_string(path).expect("a page");
        let table = table(&headings);
        assert!(text.contains(&table), "expected in {page}:\n{table}");
    }
}
