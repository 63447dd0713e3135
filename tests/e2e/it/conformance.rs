//! The cases of the SDK's target tests: 20 streams, written anew in tests/e2e/streams, with row assertions that the
//! SDK's suite leaves to each author. The exit codes are also checked on the streams that singer-sdk ships.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::harness::{Kind, Target, files, python, root};

fn stream(name: &str) -> Vec<u8> {
    std::fs::read(root().join(format!("tests/e2e/streams/{name}.singer"))).expect("the stream is there")
}

/// Feeds a stream that must load into a target; returns the target for a look at its rows, and the STATEs emitted.
fn load(kind: Kind, name: &str) -> (Target, Vec<String>) {
    let target = Target::new(kind);
    let outcome = target.feed_bytes(&stream(name)).ok();
    (target, outcome.states())
}

/// Checks the rows that target-jsonl writes for a stream.
#[track_caller]
fn expect(name: &str, stream: &str, rows: &Value) -> Vec<String> {
    let (target, states) = load(Kind::Jsonl, name);
    assert_eq!(&Value::Array(target.rows(stream)), rows);
    states
}

#[test]
fn array_data() {
    let rows = json!([
        {"id": 1, "fruits": ["apple", "pear"]},
        {"id": 2, "fruits": ["plum"]},
        {"id": 3, "fruits": ["fig", "quince", "sloe"]},
        {"id": 4, "fruits": []},
    ]);
    let states = expect("array_data", "test_array_data", &rows);
    assert_eq!(
        states.last().map(String::as_str),
        Some(r#"{"test_array_data": 4}"#)
    );
}

#[test]
fn camelcase() {
    let rows = json!([{"Id": "1", "clientName": "Ada"}, {"Id": "2", "clientName": "Grace"}]);
    let states = expect("camelcase", "TestCamelcase", &rows);
    assert_eq!(states, Vec::<String>::new());
}

#[test]
fn camelcase_complex_schema() {
    for kind in Kind::ALL {
        let (target, _) = load(kind, "camelcase_complex_schema");
        assert_eq!(
            target.rows("ForecastingTypeToCategory"),
            Vec::<Value>::new(),
            "{kind:?}"
        );
    }
}

#[test]
fn duplicate_records_are_all_appended() {
    for kind in Kind::ALL {
        assert_eq!(
            load(kind, "duplicate_records")
                .0
                .rows("test_duplicate_records")
                .len(),
            5,
            "{kind:?}"
        );
    }
}

#[test]
fn encoded_string_data() {
    let texts = [
        "plain",
        "άλφα βήτα",
        "你好，世界",
        "tab\t quote\" back\\ slash/ \u{2028}",
        "a\0bA\u{1}",
        "😀",
    ];
    for kind in Kind::ALL {
        let (target, _) = load(kind, "encoded_string_data");
        let rows = target.rows("test_strings");
        let found: Vec<&str> = rows.iter().filter_map(|row| row["info"].as_str()).collect();
        assert_eq!(found[..6], texts, "{kind:?}");
        assert_eq!(found[6], "rå 漢字 😀", "{kind:?}: raw UTF-8");
        for (stream, pointer) in [
            ("test_strings_in_objects", "/info/name"),
            ("test_strings_in_arrays", "/strings/0"),
        ] {
            let rows = target.rows(stream);
            let found: Vec<Value> = rows.iter().map(|row| inside(row, pointer)).collect();
            assert_eq!(json!(found), json!(texts), "{kind:?} {stream}");
        }
    }
}

/// Follows a pointer whose first step may lead into JSON text, as CSV and Parquet have nested values.
fn inside(row: &Value, pointer: &str) -> Value {
    let column = pointer.split('/').nth(1).expect("a column");
    let parsed = match &row[column] {
        Value::String(text) => serde_json::from_str(text).expect("nested values are JSON text"),
        nested => nested.clone(),
    };
    json!({ column: parsed })
        .pointer(pointer)
        .cloned()
        .unwrap_or_default()
}

#[test]
fn invalid_schema_must_fail() {
    let target = Target::jsonl();
    target
        .feed_bytes(&stream("invalid_schema"))
        .fails(65, &["line 1", "test_invalid_schema", "properties"]);
}

#[test]
fn multiple_state_messages_end_in_the_last() {
    let whole = String::from_utf8(stream("multiple_state_messages")).expect("UTF-8");
    let sent: Vec<&str> = whole
        .lines()
        .filter_map(|line| line.strip_prefix(r#"{"type": "STATE", "value": "#))
        .map(|line| &line[..line.len() - 1])
        .collect();
    for kind in Kind::ALL {
        let (_, emitted) = load(kind, "multiple_state_messages");
        let mut rest = sent.iter();
        let in_order = emitted.iter().all(|state| rest.any(|sent| sent == state));
        assert!(
            in_order,
            "{kind:?}: {emitted:?} is no subsequence of what was sent"
        );
        assert_eq!(
            emitted.last().map(String::as_str),
            sent.last().copied(),
            "{kind:?}"
        );
    }
}

#[test]
fn no_primary_keys_then_append() {
    for kind in Kind::ALL {
        let target = Target::new(kind).with("load_method", "append-only");
        target.feed_bytes(&stream("no_primary_keys")).ok();
        let states = target.feed_bytes(&stream("no_primary_keys_append")).ok().states();
        assert_eq!(states, [r#"{"test_no_pk": 7}"#]);
        assert_eq!(target.rows("test_no_pk").len(), 7, "{kind:?}");
    }
}

#[test]
fn optional_attributes() {
    let (target, _) = load(Kind::Parquet, "optional_attributes");
    let rows = target.rows("test_optional_attributes");
    let found: Vec<&Value> = rows.iter().map(|row| &row["optional"]).collect();
    assert_eq!(json!(found), json!(["here", null, "too", null]));
}

#[test]
fn pk_updates() {
    for kind in Kind::ALL {
        assert_eq!(
            load(kind, "pk_updates").0.rows("test_pk_updates").len(),
            2,
            "{kind:?}"
        );
    }
}

#[test]
fn record_before_schema_must_fail() {
    let target = Target::jsonl();
    target
        .feed_bytes(&stream("record_before_schema"))
        .fails(65, &["line 1", "test_record_before_schema", "SCHEMA"]);
}

#[test]
fn record_missing_fields_and_an_empty_state() {
    let (target, states) = load(Kind::Parquet, "record_missing_fields");
    assert_eq!(
        states,
        Vec::<String>::new(),
        "an empty STATE must not wipe what the runner has"
    );
    assert_eq!(
        target.rows("test_record_missing_fields")[1],
        json!({"id": 2, "optional": null})
    );
}

#[test]
fn record_missing_key_property_must_fail() {
    let outcome = Target::jsonl().feed_bytes(&stream("record_missing_key_property"));
    outcome.fails(65, &["line 2", "test_record_missing_key_property", "id"]);
}

#[test]
fn record_missing_required_property_must_fail() {
    let outcome = Target::jsonl().feed_bytes(&stream("record_missing_required_property"));
    outcome.fails(65, &["line 2", "test_record_missing_required_property", "id"]);
    let lax = Target::jsonl().with("validate_records", false);
    lax.feed_bytes(&stream("record_missing_required_property")).ok();
    assert_eq!(
        lax.rows("test_record_missing_required_property"),
        [json!({"metric": 1})]
    );
}

#[test]
fn schema_no_properties() {
    for kind in Kind::ALL {
        let (target, _) = load(kind, "schema_no_properties");
        for stream in [
            "test_object_schema_with_properties",
            "test_object_schema_no_properties",
        ] {
            let rows = target.rows(stream);
            assert_eq!(rows.len(), 2, "{kind:?}");
            assert_eq!(
                inside(&rows[1], "/object_store/metric"),
                json!(2),
                "{kind:?} {stream}"
            );
        }
    }
}

#[test]
fn schema_updates() {
    for kind in Kind::ALL {
        let (target, _) = load(kind, "schema_updates");
        let rows = target.rows("test_schema_updates");
        assert_eq!(rows.len(), 6, "{kind:?}");
        let id = |row: &Value| {
            row["id"]
                .as_str()
                .map_or_else(|| row["id"].to_string(), str::to_owned)
        };
        let ids: Vec<String> = rows.iter().map(id).collect();
        assert_eq!(ids, ["1", "2", "3", "4", "5", "6"], "{kind:?}");
        if kind != Kind::Csv {
            assert_eq!(rows[5]["a6"], 60, "{kind:?}");
            assert_eq!(
                rows[0].get("a6").unwrap_or(&Value::Null),
                &Value::Null,
                "{kind:?}"
            );
        }
        if kind == Kind::Csv {
            assert_eq!(
                (inside(&rows[4], "/a5/x"), &rows[4]["a6"]),
                (json!(5), &json!("50"))
            );
            assert_eq!((&rows[5]["a1"], &rows[5]["a6"]), (&json!(""), &json!("60")));
        }
    }
}

#[test]
fn special_chars_in_attributes() {
    for kind in Kind::ALL {
        let (target, _) = load(kind, "special_chars_in_attributes");
        let written: Vec<PathBuf> = std::fs::read_dir(target.out())
            .expect("files")
            .map(|entry| entry.expect("a file").path())
            .collect();
        assert_eq!(written.len(), 1, "{kind:?}: {written:?}");
        let name = written[0].file_name().expect("a name").to_string_lossy();
        let stem = name.split(['.', '-']).next().expect("a stem");
        assert!(
            !name.contains([':', '?']),
            "{kind:?}: {name} is no name on every file system"
        );
        assert_eq!(target.rows(stem).len(), 1, "{kind:?}");
    }
}

#[test]
fn user_location_data_then_upsert_data() {
    for kind in Kind::ALL {
        let target = Target::new(kind).with("load_method", "append-only");
        target.feed_bytes(&stream("user_location_data")).ok();
        target.feed_bytes(&stream("user_location_upsert_data")).ok();
        let counts = ["test_users", "test_locations", "test_user_in_location"].map(|s| target.rows(s).len());
        assert_eq!(counts, [5 + 8, 3 + 5, 3 + 5], "{kind:?}: files append");
    }
}

#[test]
fn cli_prints() {
    for kind in Kind::ALL {
        let target = Target::new(kind);
        for args in [&["--version"][..], &["--about"], &["--about", "--format", "json"]] {
            let outcome = crate::harness::run(target.command().args(args), b"").ok();
            assert!(!outcome.stdout.is_empty(), "{kind:?} {args:?}");
        }
    }
}

/// The streams that singer-sdk ships, by what must become of them.
#[test]
fn streams_of_singer_sdk() {
    let site = python("python")
        .parent()
        .and_then(|bin| bin.parent())
        .expect("an environment")
        .join("lib");
    let lib = std::fs::read_dir(site)
        .expect("lib")
        .next()
        .expect("lib/python3.x")
        .expect("an entry")
        .path();
    let folder = lib.join("site-packages/singer_sdk/testing/target_test_streams");
    let must_fail = [
        "invalid_schema",
        "record_before_schema",
        "record_missing_key_property",
        "record_missing_required_property",
    ];
    let mut seen = 0;
    for file in std::fs::read_dir(&folder)
        .expect("the streams")
        .map(|entry| entry.expect("an entry").path())
    {
        if file.extension().is_none_or(|extension| extension != "singer") {
            continue;
        }
        seen += 1;
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let input = std::fs::read(&file).expect("readable");
        for kind in Kind::ALL {
            let target = Target::new(kind);
            let outcome = target.feed_bytes(&input);
            let expected = if must_fail.contains(&name.as_str()) { 65 } else { 0 };
            assert_eq!(
                outcome.code,
                Some(expected),
                "{kind:?} {name}: {}",
                outcome.stderr
            );
            if kind == Kind::Jsonl && expected == 0 {
                assert_eq!(written(&target), sent(&input), "{name}");
            }
        }
    }
    assert!(seen >= 19, "only {seen} streams in {}", folder.display());
}

/// Rows in all files of a target.
fn written(target: &Target) -> usize {
    let Ok(entries) = std::fs::read_dir(target.out()) else {
        return 0;
    };
    entries
        .map(|entry| crate::harness::jsonl_rows(&entry.expect("a file").path()).len())
        .sum()
}

/// RECORDs in an input.
fn sent(input: &[u8]) -> usize {
    let records =
        |line: &&str| serde_json::from_str::<Value>(line).is_ok_and(|message| message["type"] == "RECORD");
    String::from_utf8_lossy(input).lines().filter(records).count()
}

#[test]
fn files_of_a_stream_are_told_from_those_of_another() {
    let folder = tempfile::TempDir::new().expect("a folder");
    for name in [
        "users.jsonl",
        "users-2026-1.jsonl",
        "users_old.jsonl",
        ".users.jsonl.melisma-journal",
    ] {
        std::fs::write(folder.path().join(name), "").expect("a file");
    }
    assert_eq!(files(folder.path(), "users").len(), 2);
}
