//! `#[derive(Record)]`: its attributes, and that what it writes is what its schema says.

use std::borrow::Cow;

use melisma_sdk::{Record, Stream, tap};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The schema of a type, and the records that its values become.
fn written<T: Serialize + melisma_sdk::JsonSchema>(values: &[T]) -> (Value, Vec<Value>) {
    let stream = Stream::of::<T>("s").sync(|output| values.iter().try_for_each(|value| output.record(value)));
    let messages = tap::test_stream(stream, "").expect("reads");
    let records = messages.iter().filter(|message| message["type"] == "RECORD");
    let records: Vec<Value> = records.map(|message| message["record"].clone()).collect();
    for (record, value) in records.iter().zip(values) {
        assert_eq!(*record, serde_json::to_value(value).expect("serializes"));
    }
    (messages[0]["schema"].clone(), records)
}

#[derive(Record, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Renamed {
    /// The id,
    /// in two lines.
    order_id: u32,
    #[serde(rename = "type", alias = "kind")]
    kind: String,
    #[serde(skip, default)]
    secret: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    maybe: Option<u8>,
}

#[test]
fn names_follow_serde_and_what_is_skipped_is_not_written() {
    let first: Renamed =
        serde_json::from_value(json!({"orderId": 1, "kind": "a", "maybe": null})).expect("reads");
    let second = Renamed {
        maybe: Some(2),
        order_id: 2,
        kind: "b".into(),
        secret: 0,
    };
    let (schema, records) = written(&[first, second]);
    assert_eq!(
        records,
        [
            json!({"orderId": 1, "type": "a"}),
            json!({"orderId": 2, "type": "b", "maybe": 2})
        ]
    );
    assert_eq!(schema["required"], json!(["orderId", "type"]));
    assert_eq!(
        schema["properties"]["orderId"]["description"],
        "The id, in two lines."
    );
    assert_eq!(schema["properties"]["maybe"]["type"], json!(["integer", "null"]));
}

#[derive(Record)]
struct Outer<'a, T> {
    #[serde(flatten)]
    position: Position,
    text: &'a str,
    either: Cow<'a, str>,
    generic: Vec<Option<T>>,
    #[record(serde)]
    other: Other,
}

#[derive(Record)]
struct Position {
    line: u64,
    byte: u64,
}

/// A type that knows nothing of records.
#[derive(Serialize, schemars::JsonSchema)]
struct Other(Vec<u8>);

#[test]
fn flattened_borrowed_and_generic_fields() {
    let outer = Outer {
        position: Position {
            line: 1,
            byte: u64::MAX,
        },
        text: "a",
        either: "\"b\"".into(),
        generic: vec![Some(true), None],
        other: Other(vec![1, 2]),
    };
    let (schema, records) = written(&[outer]);
    let expected = json!({
        "line": 1, "byte": u64::MAX, "text": "a", "either": "\"b\"", "generic": [true, null], "other": [1, 2]});
    assert_eq!(records, [expected]);
    assert_eq!(
        schema["required"],
        json!(["line", "byte", "text", "either", "generic", "other"])
    );
    assert_eq!(
        schema["properties"]["generic"]["items"],
        json!({"type": ["boolean", "null"]})
    );
    assert_eq!(schema["properties"]["other"]["type"], "array");
}

#[derive(Record)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event {
    OrderMade {
        id: i64,
        by: String,
    },
    #[serde(rename_all = "camelCase")]
    OrderGone {
        id: i64,
        reason_code: Option<u8>,
    },
    Ping,
}

#[test]
fn the_variants_of_an_enum_are_one_object() {
    let made = Event::OrderMade {
        id: 1,
        by: "me".into(),
    };
    let gone = Event::OrderGone {
        id: 2,
        reason_code: None,
    };
    let (schema, records) = written(&[made, gone, Event::Ping]);
    assert_eq!(records[0], json!({"event": "order_made", "id": 1, "by": "me"}));
    assert_eq!(
        records[1],
        json!({"event": "order_gone", "id": 2, "reasonCode": null})
    );
    assert_eq!(records[2], json!({"event": "ping"}));
    let words = json!(["order_made", "order_gone", "ping"]);
    assert_eq!(
        schema["properties"]["event"],
        json!({"type": "string", "enum": words})
    );
    assert_eq!(schema["properties"]["id"]["type"], json!(["integer", "null"]));
    assert_eq!(schema["required"], json!(["event"]));
}

#[derive(Record)]
struct Optional {
    id: Option<u64>,
    #[record(serde)]
    other: Option<Other>,
    inner: Option<Position>,
}

#[test]
fn what_may_be_null_may_be_absent() {
    let (schema, records) = written(&[Optional {
        id: None,
        other: None,
        inner: None,
    }]);
    assert_eq!(records, [json!({"id": null, "other": null, "inner": null})]);
    assert_eq!(schema.get("required"), None);
    // An object that is there has its properties.
    assert_eq!(schema["properties"]["inner"]["required"], json!(["line", "byte"]));
}

/// Members that come in another order than the schema has, or not at all, and numbers and keys of every kind.
#[test]
fn maps_are_records_whatever_their_order() {
    let schema = json!({"type": "object", "properties": {"a": {}, "b": {}, "c": {}}});
    let records = [
        json!({"c": 3, "a": 1}),
        json!({"b": {"1": [1.5, -2, null, "é\n"]}}),
        json!({}),
        json!({"d": 4, "b": 2}),
    ];
    let stream = Stream::new("s", schema).sync(|output| {
        records.iter().try_for_each(|record| output.record(record))?;
        output.record(&std::collections::BTreeMap::from([(
            "a",
            std::collections::BTreeMap::from([(7_u8, true)]),
        )]))
    });
    let messages = tap::test_stream(stream, "").expect("reads");
    let written: Vec<&Value> = messages
        .iter()
        .filter_map(|message| message.get("record"))
        .collect();
    assert_eq!(written[..3], [&records[0], &records[1], &records[2]]);
    assert_eq!(written[3..], [&json!({"b": 2}), &json!({"a": {"7": true}})]);
}

#[test]
fn what_is_no_object_is_no_record() {
    for value in [json!(1), json!("text"), json!([1]), Value::Null] {
        let stream = Stream::new("s", json!({"properties": {}})).sync(|output| output.record(&value));
        let error = tap::test_stream(stream, "").expect_err("no object");
        assert_eq!(error.message(), "a record must be an object");
    }
}
