//! Taps that break one rule each, as what they print.

use serde_json::json;

use super::*;

/// What a tap prints.
struct Printed {
    catalog: Value,
    first: Vec<Value>,
    second: Vec<Value>,
}

fn schema() -> Value {
    json!({"type": "object", "properties": {
        "id": {"type": "integer"}, "at": {"type": "string", "format": "date-time"}, "shop": {"type": "integer"}}})
}

fn stream(id: &str) -> Value {
    json!({"tap_stream_id": id, "stream": id, "replication_method": "INCREMENTAL", "replication_key": "at",
        "key_properties": ["id"], "schema": schema(),
        "metadata": [{"breadcrumb": [], "metadata": {"selected-by-default": false}}]})
}

fn schema_message() -> Value {
    json!({"type": "SCHEMA", "stream": "orders", "schema": schema(), "key_properties": ["id"]})
}

fn record(id: i64, day: u32) -> Value {
    json!({"type": "RECORD", "stream": "orders", "record": {"id": id, "at": format!("2026-01-{day:02}T00:00:00Z"), "shop": 1}})
}

fn state(day: u32) -> Value {
    let bookmark =
        json!({"replication_key": "at", "replication_key_value": format!("2026-01-{day:02}T00:00:00Z")});
    json!({"type": "STATE", "value": {"bookmarks": {"orders": bookmark}}})
}

/// A tap that keeps the rules.
fn good() -> Printed {
    Printed {
        catalog: json!({"streams": [stream("orders")]}),
        first: vec![schema_message(), record(1, 1), state(1), record(2, 3), state(3)],
        second: vec![schema_message(), record(2, 3), state(3)],
    }
}

fn text(lines: &[Value]) -> String {
    let lines = lines.iter().map(|line| match line {
        Value::String(text) => text.clone(),
        line => line.to_string(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn judged(tap: &Printed, asked: &Asked) -> Report {
    let program = Program {
        discover: &|| Ok(tap.catalog.to_string()),
        sync: &|catalog, state| {
            assert!(catalog.contains("\"selected\":true"), "{catalog}");
            (
                text(if state.is_empty() { &tap.first } else { &tap.second }),
                Ok(()),
            )
        },
    };
    let mut report = Report::default();
    check(&program, asked, &mut report);
    report
}

/// The rules that are broken once `change` has been made to a good tap, with their lines.
fn broken(change: impl FnOnce(&mut Printed)) -> Vec<(Rule, Option<usize>)> {
    let mut tap = good();
    change(&mut tap);
    let report = judged(&tap, &Asked::default());
    report
        .broken()
        .iter()
        .map(|broken| (broken.rule, broken.line))
        .collect()
}

#[test]
fn a_good_tap_breaks_nothing() {
    let report = judged(&good(), &Asked::default());
    report.assert();
    assert_eq!(report.records("orders").len(), 2);
    assert_eq!(report.second_records("orders").len(), 1);
}

#[test]
fn each_rule_of_a_catalog_can_fail() {
    let catalog = |catalog: Value| broken(|tap| tap.catalog = catalog);
    let invalid = vec![(Rule::CatalogIsValid, None)];
    assert_eq!(catalog(json!({"streams": []})), invalid);
    let changed = |name: &str, value: Value| {
        let mut one = stream("orders");
        one[name] = value;
        catalog(json!({"streams": [one]}))
    };
    assert_eq!(changed("key_properties", json!(["key"])), invalid);
    assert_eq!(changed("replication_key", json!("when"))[0], invalid[0]);
    assert_eq!(changed("schema", json!({"type": "object"}))[0], invalid[0]);
    assert_eq!(
        changed(
            "schema",
            json!({"type": "objekt", "properties": {"id": {}, "at": {}}})
        )[0],
        invalid[0]
    );
    assert_eq!(
        catalog(json!({"streams": [stream("orders"), stream("orders")]}))[0],
        invalid[0]
    );
}

#[test]
fn each_rule_of_a_run_can_fail() {
    let first = |at: usize, line: Value| broken(|tap| tap.first[at] = line);
    // Without the record, the bookmark after it is ahead.
    for line in [json!("not a message"), json!({"type": "RECORDS"})] {
        assert_eq!(
            first(1, line),
            [(Rule::LineIsMessage, Some(2)), (Rule::StateAfterRecords, Some(3))]
        );
    }
    let swapped = broken(|tap| tap.first.swap(0, 1));
    assert_eq!(
        swapped,
        [
            (Rule::SchemaBeforeRecord, Some(1)),
            (Rule::StateAfterRecords, Some(3))
        ]
    );
    let changed = |name: &str, value: Value| {
        let mut line = record(1, 1);
        line["record"][name] = value;
        first(1, line)
    };
    assert_eq!(changed("shop", json!("one")), [(Rule::RecordFitsSchema, Some(2))]);
    assert_eq!(
        changed("at", json!("yesterday"))[0],
        (Rule::RecordFitsSchema, Some(2))
    );
    let keyless = changed("id", Value::Null);
    assert_eq!(
        keyless,
        [(Rule::RecordFitsSchema, Some(2)), (Rule::KeyIsPresent, Some(2))]
    );
    assert_eq!(first(2, state(2)), [(Rule::StateAfterRecords, Some(3))]);
    assert_eq!(
        broken(|tap| drop(tap.first.pop())),
        [(Rule::StateIsLast, Some(4))]
    );
    let early = broken(|tap| tap.first = vec![schema_message(), record(1, 3), state(3), record(2, 3)]);
    assert_eq!(early, [(Rule::StateIsLast, Some(4))]);
    let mut marked = state(3);
    marked["value"]["bookmarks"]["orders"]["progress_markers"] = json!({"x": 1});
    marked["value"]["currently_syncing"] = json!("orders");
    assert_eq!(
        first(4, marked),
        [(Rule::StateIsLast, Some(5)), (Rule::StateIsLast, Some(5))]
    );
    let empty = broken(|tap| {
        tap.first = vec![
            schema_message(),
            json!({"type": "STATE", "value": {"bookmarks": {"orders": {}}}}),
        ];
    });
    assert_eq!(empty, [(Rule::HasRecords, None)]);
}

#[test]
fn each_rule_of_a_second_run_can_fail() {
    let older = broken(|tap| tap.second.insert(1, record(1, 1)));
    assert_eq!(older, [(Rule::ReadsNothingOlder, Some(2))]);
    assert_eq!(
        broken(|tap| tap.second[2] = state(2)),
        [(Rule::StateMovesForward, Some(3))]
    );
    let ahead = broken(|tap| tap.second[2] = state(4));
    assert_eq!(ahead, [(Rule::StateAfterRecords, Some(3))]);
}

#[test]
fn partitions_have_bookmarks_of_their_own() {
    let partitions = |days: [u32; 2]| {
        let part = |(shop, day): (usize, u32)| json!({"context": {"shop": shop + 1}, "replication_key": "at", "replication_key_value": format!("2026-01-{day:02}T00:00:00Z")});
        let parts: Vec<Value> = days.into_iter().enumerate().map(part).collect();
        json!({"type": "STATE", "value": {"bookmarks": {"orders": {"partitions": parts}}}})
    };
    let shop = |id, day, shop: i64| {
        let mut line = record(id, day);
        line["record"]["shop"] = shop.into();
        line
    };
    let run = |states: [u32; 2], again: Value| {
        broken(|tap| {
            tap.first = vec![schema_message(), shop(1, 5, 1), shop(2, 2, 2), partitions(states)];
            tap.second = vec![schema_message(), again, partitions([5, 3])];
        })
    };
    assert_eq!(run([5, 2], shop(3, 3, 2)), []);
    assert_eq!(run([5, 3], shop(3, 3, 2)), [(Rule::StateAfterRecords, Some(4))]);
    assert_eq!(run([5, 2], shop(3, 3, 1))[0], (Rule::ReadsNothingOlder, Some(2)));
}

#[test]
fn what_is_said_of_a_stream_counts() {
    let mut tap = good();
    tap.second.insert(1, record(1, 1));
    tap.second[3] = state(9);
    let orders = || vec!["orders".to_owned()];
    let asked = Asked {
        own_bookmark: orders(),
        reads_again: orders(),
        ..Asked::default()
    };
    judged(&tap, &asked).assert();
    tap.first = vec![json!({"type": "STATE", "value": {}})];
    tap.second = tap.first.clone();
    let asked = Asked {
        may_be_empty: orders(),
        ..Asked::default()
    };
    judged(&tap, &asked).assert();
}

#[test]
fn errors_of_the_tap_are_named_with_their_run() {
    let fails = |discovers: bool| {
        let program = Program {
            discover: &|| {
                if discovers {
                    Ok(good().catalog.to_string())
                } else {
                    Err(Error::config("no shop there"))
                }
            },
            sync: &|_, _| {
                (
                    text(&good().first[..3]),
                    Err(Error::input("gone").in_stream("orders")),
                )
            },
        };
        let mut report = Report::default();
        check(&program, &Asked::default(), &mut report);
        report.to_string()
    };
    assert_eq!(fails(false), "discovers: discovery: no shop there");
    assert!(
        fails(true).starts_with("tap-succeeds: first run, stream orders: gone"),
        "{}",
        fails(true)
    );
}

#[test]
fn of_many_lines_the_first_is_shown() {
    let mut tap = good();
    tap.first = vec![
        schema_message(),
        record(1, 1),
        record(2, 1),
        record(3, 1),
        state(1),
    ];
    for line in 1..4 {
        tap.first[line]["record"]["shop"] = json!("x".repeat(500));
    }
    tap.second = vec![schema_message(), state(1)];
    let report = judged(&tap, &Asked::default());
    let text = report.to_string();
    assert!(
        text.starts_with("record-fits-schema: first run, line 2, stream orders: shop: \"xxx"),
        "{text}"
    );
    assert!(text.ends_with("(and 2 more lines)") && text.len() < 300, "{text}");
}
