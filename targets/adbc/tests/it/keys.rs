//! Which keys are equal, within a commit and between runs.

use serde_json::{Value, json};

use crate::database::{Database, FILES, KNOWN, Kind, record, schema};

/// Loads these keys one after another, in one run or all but the first in another, and returns what stays of them: the place of the last
/// record of each key.
fn left(kind: Kind, property: &Value, keys: &[Value], at_once: bool) -> Vec<i64> {
    let database = Database::new(kind);
    let schema = schema("a", &json!({"k": property, "n": {"type": "integer"}}), &["k"]);
    let lines: Vec<Value> = keys
        .iter()
        .enumerate()
        .map(|(n, key)| record("a", &json!({"k": key, "n": n})))
        .collect();
    if at_once {
        let lines: Vec<Value> = [schema].into_iter().chain(lines).collect();
        database.load(&json!({}), &lines).ok();
    } else {
        let (first, others) = lines.split_at(1);
        for lines in [first, others] {
            let lines: Vec<Value> = [&schema].into_iter().chain(lines).cloned().collect();
            database.load(&json!({}), &lines).ok();
        }
    }
    let rows = database.rows("SELECT n FROM a ORDER BY n");
    let rows = rows.as_array().expect("rows");
    rows.iter()
        .map(|row| row[0].as_i64().expect("a number"))
        .collect()
}

#[test]
fn keys_are_equal_as_values_and_texts_as_they_are() {
    let text = json!({"type": "string"});
    let of = |format: &str| json!({"type": "string", "format": format});
    let decimal = json!({"type": "string", "format": "singer.decimal", "precision": 10, "scale": 2});
    for (property, keys, expected) in [
        // Case, accents in two forms, spaces and the empty text make another text.
        (
            &text,
            json!(["a", "A", "a ", "", "\u{e9}", "e\u{301}"]),
            &[0, 1, 2, 3, 4, 5][..],
        ),
        (&text, json!(["1", "01", "1.0", "1"]), &[1, 2, 3]),
        (
            &of("uuid"),
            json!([
                "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
                "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"
            ]),
            &[0, 1],
        ),
        // The same moment in two zones, to the microsecond.
        (
            &of("date-time"),
            json!([
                "2024-01-01T00:00:00Z",
                "2024-01-01T01:00:00+01:00",
                "2024-01-01T00:00:00.000000Z",
                "2024-01-01T00:00:00.000001Z"
            ]),
            &[2, 3],
        ),
        (
            &of("date"),
            json!(["2024-01-01", "2024-01-02", "2024-01-01"]),
            &[1, 2],
        ),
        (
            &of("time"),
            json!(["08:00:00", "08:00:00.000000", "08:00:00.000001"]),
            &[1, 2],
        ),
        (&decimal, json!(["1.5", "1.50", "1.5", "-0.00", "0"]), &[2, 4]),
        // Zero has a sign that does not count.
        (
            &json!({"type": "number"}),
            json!([0.0, -0.0, 0, 1, 1.0, 1e0]),
            &[2, 5],
        ),
        (
            &json!({"type": "integer"}),
            json!([9_007_199_254_740_993_i64, 9_007_199_254_740_992_i64, 1.0, 1]),
            &[0, 1, 3],
        ),
        (&json!({"type": "boolean"}), json!([true, false, true]), &[1, 2]),
    ] {
        let keys = keys.as_array().expect("keys");
        for kind in KNOWN {
            for at_once in [true, false] {
                let found = left(kind, property, keys, at_once);
                assert_eq!(found, expected, "{kind:?} {property} {keys:?} at once: {at_once}");
            }
        }
    }
}

#[test]
fn a_key_of_a_table_without_case_replaces_the_row_of_an_earlier_commit() {
    for kind in FILES {
        let database = Database::new(kind);
        database.change(match kind {
            Kind::DuckDb => "CREATE TABLE a (k VARCHAR COLLATE NOCASE, n BIGINT)",
            _ => "CREATE TABLE a (k TEXT COLLATE NOCASE PRIMARY KEY, n INTEGER)",
        });
        let schema = schema(
            "a",
            &json!({"k": {"type": "string"}, "n": {"type": "integer"}}),
            &["k"],
        );
        let row = |key: &str, n: i64| record("a", &json!({"k": key, "n": n}));
        database
            .load(&json!({}), &[schema.clone(), row("Ann", 1), row("Bob", 2)])
            .ok();
        database.load(&json!({}), &[schema.clone(), row("ANN", 3)]).ok();
        assert_eq!(
            database.rows("SELECT k, n FROM a ORDER BY n"),
            json!([["Bob", 2], [if kind == Kind::DuckDb { "Ann" } else { "ANN" }, 3]]),
            "{kind:?}"
        );
    }
}
