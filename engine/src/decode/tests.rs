use std::fmt::Write;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::cell::Text;

fn decoder(schema: &Value, validate: bool) -> Decoder {
    let schema = StreamSchema::compile("s", &schema.to_string(), &[""; 0], &[]).expect("a schema");
    Decoder::new(
        &Arc::new(schema),
        DecodeOptions {
            validate,
            unescape: true,
            ..DecodeOptions::default()
        },
    )
    .expect("a decoder")
}

fn abc() -> Value {
    json!({"properties": {"a": {}, "b": {}, "c": {}}})
}

/// What a cell stands for, as a value of `serde_json`.
fn to_value(cell: &Cell<'_>) -> Option<Value> {
    Some(match cell {
        Cell::Absent => return None,
        Cell::Null => Value::Null,
        Cell::Bool(value) => json!(value),
        Cell::Int(value) => json!(value),
        Cell::Number(digits) => serde_json::from_str(digits).expect("a number"),
        Cell::Text(text) => json!(text.to_text()),
        Cell::Json(json) => serde_json::from_str(json).expect("JSON"),
    })
}

fn decode<'a>(decoder: &mut Decoder, text: &'a str) -> Result<Vec<Cell<'a>>, Syntax> {
    let mut row = Row::default();
    let end = decoder.decode(text, 0, &mut row)?;
    assert_eq!(end, text.len(), "{text}");
    assert_eq!(row.record, text);
    Ok(row.cells)
}

#[test]
fn each_value_becomes_its_cell() {
    let mut decoder = decoder(&abc(), true);
    let text = |raw| Cell::Text(Text::plain(raw));
    for (value, cell) in [
        ("null", Cell::Null),
        ("true", Cell::Bool(true)),
        ("-7", Cell::Int(-7)),
        ("0", Cell::Int(0)),
        ("9223372036854775807", Cell::Int(i64::MAX)),
        ("-9223372036854775808", Cell::Int(i64::MIN)),
        ("9223372036854775808", Cell::Number("9223372036854775808")),
        ("-0", Cell::Number("-0")),
        ("1.50", Cell::Number("1.50")),
        ("1e400", Cell::Number("1e400")),
        ("\"x\"", text("x")),
        ("\"\\u00e9\"", Cell::Text(Text::new("\\u00e9", true))),
        ("[1, {}]", Cell::Json("[1, {}]")),
        ("{\"a\":[]}", Cell::Json("{\"a\":[]}")),
    ] {
        let record = format!("{{\"b\": {value}}}");
        let cells = decode(&mut decoder, &record).expect("JSON");
        assert_eq!(cells, [Cell::Absent, cell, Cell::Absent]);
    }
}

#[test]
fn what_is_not_json_is_an_error_at_its_byte() {
    let mut decoder = decoder(&abc(), true);
    for (record, at) in [
        ("", 0),
        ("[]", 0),
        ("{", 1),
        ("{\"a\"}", 4),
        ("{\"a\":}", 5),
        ("{\"a\":1", 6),
        ("{\"a\":1,}", 7),
        ("{\"a\":01}", 6),
        ("{\"a\":1 \"b\":2}", 7),
        ("{\"a\":NaN}", 5),
        ("{\"a\":tru}", 5),
        ("{\"a\":\"x", 7),
        ("{\"a\":\"\\ud800\"}", 6),
        ("{\"a\":-}", 5),
        ("{\"a\":1.}", 7),
        ("{a:1}", 1),
        ("{\"a\":[1}", 7),
    ] {
        for _ in 0..2 {
            assert_eq!(decode(&mut decoder, record).expect_err(record).at, at, "{record}");
        }
        decode(&mut decoder, "{\"a\": 1, \"b\": 2}").expect("the decoder goes on");
    }
}

#[test]
fn the_last_of_two_wins_and_extras_are_told_once() {
    let mut decoder = decoder(&abc(), true);
    let mut row = Row::default();
    for round in 0..3 {
        decoder
            .decode("{\"a\":1,\"x\":[9],\"a\":2}", 0, &mut row)
            .expect("JSON");
        assert_eq!(row.cells, [Cell::Int(2), Cell::Absent, Cell::Absent]);
        assert!(!row.untouched);
        let unknown = if round == 0 {
            vec!["x".to_owned()]
        } else {
            Vec::new()
        };
        assert_eq!(decoder.take_unknown(), unknown);
    }
    decoder.decode("{\"a\":1,\"b\":2}", 0, &mut row).expect("JSON");
    assert!(row.untouched);
}

/// What becomes of the members that `abc` does not declare: whether the record may be passed on, and which are listed.
fn undeclared(how: Undeclared, record: &str) -> (bool, Vec<&str>, usize) {
    let options = DecodeOptions {
        undeclared: how,
        ..DecodeOptions::default()
    };
    let schema = StreamSchema::compile("s", &abc().to_string(), &[""; 0], &[]).expect("a schema");
    let mut decoder = Decoder::new(&Arc::new(schema), options).expect("a decoder");
    let mut row = Row::default();
    // The second time the keys are known.
    for _ in 0..2 {
        decoder.decode(record, 0, &mut row).expect("JSON");
    }
    (row.untouched, row.undeclared.clone(), decoder.violations().len())
}

#[test]
fn undeclared_properties_are_dropped_kept_collected_or_refused() {
    let record = r#"{"a":1,"more": [2],"b":3,"e\u006e": {}}"#;
    let members = vec![r#""more": [2]"#, r#""e\u006e": {}"#];
    assert_eq!(undeclared(Undeclared::Drop, record), (false, vec![], 0));
    assert_eq!(undeclared(Undeclared::Keep, record), (true, members.clone(), 0));
    assert_eq!(undeclared(Undeclared::Collect, record), (false, members, 0));
    assert_eq!(undeclared(Undeclared::Refuse, record), (false, vec![], 2));
}

#[test]
fn of_two_undeclared_properties_with_one_name_the_last_stays() {
    let twice = r#"{"x":1,"a":1,"y":2,"\u0078":3,"y":4}"#;
    let last = vec![r#""\u0078":3"#, r#""y":4"#];
    assert_eq!(undeclared(Undeclared::Keep, twice), (false, last.clone(), 0));
    assert_eq!(undeclared(Undeclared::Collect, twice), (false, last, 0));
    // More of them than names are remembered, in another order each time.
    let many: Vec<String> = (0..3000).map(|n| format!("\"n{}\":{n}", n * 7 % 2999)).collect();
    let record = format!("{{{}}}", many.join(","));
    let (untouched, members, _) = undeclared(Undeclared::Keep, &record);
    assert_eq!((untouched, members.len()), (false, 2999));
}

#[test]
fn what_the_target_has_columns_for_is_not_undeclared() {
    let record = r#"{"a":1,"_sdc_sequence":1,"_sdc_other":2}"#;
    assert_eq!(
        undeclared(Undeclared::Collect, record),
        (false, vec![r#""_sdc_other":2"#], 0)
    );
    let (untouched, members, _) = undeclared(Undeclared::Keep, record);
    assert!(!untouched && members.len() == 1);
    assert_eq!(undeclared(Undeclared::Refuse, record).2, 1);
}

#[test]
fn of_two_values_only_the_one_that_counts_is_checked() {
    let schema = json!({"properties": {
        "a": {"type": "integer"}, "b": {"type": "object", "properties": {"x": {"type": "integer"}}},
    }});
    let mut decoder = decoder(&schema, true);
    for (record, violations) in [
        (r#"{"a":"x","a":1}"#, 0),
        (r#"{"a":1,"a":"x"}"#, 1),
        (r#"{"b":{"x":"1","x":1}}"#, 0),
        (r#"{"b":{"x":1,"x":"1"}}"#, 1),
        (r#"{"b":{"x":"1"},"b":{"x":1},"a":"x"}"#, 1),
    ] {
        for _ in 0..2 {
            decode(&mut decoder, record).expect("JSON");
            assert_eq!(decoder.violations().len(), violations, "{record}");
        }
    }
}

#[test]
fn a_record_has_128_levels_its_own_among_them() {
    let mut decoder = decoder(&abc(), true);
    let nested = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n));
    decode(&mut decoder, &nested(127)).expect("128 levels");
    assert!(decode(&mut decoder, &nested(128)).is_err());
}

#[test]
fn metadata_is_filled_in_and_never_stands_twice() {
    let schema = StreamSchema::compile("s", r#"{"properties": {"a": {}}}"#, &[""; 0], &[]).expect("a schema");
    let schema = Arc::new(schema.with_metadata());
    let mut decoder = Decoder::new(
        &schema,
        DecodeOptions {
            validate: true,
            ..DecodeOptions::default()
        },
    )
    .expect("a decoder");
    let values = MetadataValues {
        received_at: "r",
        batched_at: "b",
        sequence: 1,
        sync_started_at: 2,
    };
    for (record, untouched, deleted) in [
        (r#"{"a":1}"#, true, Cell::Null),
        (
            r#"{"a":1,"_sdc_deleted_at":"d"}"#,
            false,
            Cell::Text(Text::new("d", false)),
        ),
        (r#"{"a":1,"_sdc_sequence":9}"#, false, Cell::Null),
    ] {
        let mut row = Row {
            version: Some(7),
            ..Row::default()
        };
        decoder.decode(record, 0, &mut row).expect("JSON");
        decoder.fill_metadata(&values, &mut row);
        assert_eq!(row.untouched, untouched, "{record}");
        let cell = |metadata: Metadata| row.cells[schema.column(metadata.name()).expect("a column")];
        assert_eq!(cell(Metadata::DeletedAt), deleted);
        assert_eq!(cell(Metadata::ExtractedAt), Cell::Null);
        assert_eq!(cell(Metadata::Sequence), Cell::Int(1));
        assert_eq!(cell(Metadata::TableVersion), Cell::Int(7));
    }
}

#[test]
fn an_integer_may_be_spelled_with_a_point_but_not_be_a_fraction() {
    for validate in [true, false] {
        let mut decoder = decoder(&json!({"properties": {"a": {"type": "integer"}}}), validate);
        for (value, cell) in [
            ("1.0", Cell::Int(1)),
            ("1e3", Cell::Int(1000)),
            ("-0", Cell::Int(0)),
        ] {
            let record = format!("{{\"a\":{value}}}");
            assert_eq!(decode(&mut decoder, &record).expect("JSON"), [cell]);
            assert!(decoder.violations().is_empty());
        }
        assert_eq!(
            decode(&mut decoder, "{\"a\":1.7}").expect("JSON"),
            [Cell::Number("1.7")]
        );
        assert_eq!(decoder.violations().len(), usize::from(validate));
        let big = "{\"a\":123456789012345678901234567890}";
        assert_eq!(
            decode(&mut decoder, big).expect("JSON"),
            [Cell::Number(&big[5..35])]
        );
        assert!(decoder.violations().is_empty());
    }
}

#[test]
fn all_violations_are_reported_with_their_place() {
    let schema = json!({
        "properties": {"id": {"type": "integer"}, "t": {"type": ["string", "null"], "maxLength": 2}, "r": {}},
        "required": ["r"], "additionalProperties": false,
    });
    let mut decoder = decoder(&schema, true);
    decode(&mut decoder, r#"{"id": "x", "t": "abc", "z": 1}"#).expect("JSON");
    let found: Vec<_> = decoder
        .violations()
        .iter()
        .map(|v| (v.path.as_str(), v.at, v.message.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("id", 7, "expected an integer, found \"x\""),
            ("t", 17, "expected at most 2 characters, found 3: \"abc\""),
            ("", 24, "expected no property outside the schema, found \"z\""),
            ("r", 0, "expected the required property, found none"),
        ]
    );
}

#[test]
fn a_missing_key_property_is_refused_even_without_validation() {
    let schema = r#"{"properties": {"id": {}, "x": {}}, "required": ["x"]}"#;
    let schema = StreamSchema::compile("s", schema, &["id"], &[]).expect("a schema");
    let mut decoder = Decoder::new(
        &Arc::new(schema),
        DecodeOptions {
            validate: false,
            ..DecodeOptions::default()
        },
    )
    .expect("a decoder");
    decode(&mut decoder, "{}").expect("JSON");
    assert_eq!(decoder.violations().len(), 1);
    assert_eq!(decoder.violations()[0].path, "id");
}

#[test]
fn keywords_of_the_whole_record_are_checked() {
    let schema =
        json!({"properties": {"a": {}, "b": {}}, "minProperties": 1, "dependentRequired": {"a": ["b"]}});
    let mut decoder = decoder(&schema, true);
    for (record, valid) in [
        ("{}", false),
        (r#"{"a":1}"#, false),
        (r#"{"b":1}"#, true),
        (r#"{"a":1,"b":2}"#, true),
    ] {
        decode(&mut decoder, record).expect("JSON");
        assert_eq!(decoder.violations().is_empty(), valid, "{record}");
    }
}

#[test]
fn a_required_property_need_not_be_a_column() {
    let mut decoder = decoder(&json!({"properties": {"a": {}}, "required": ["a", "b"]}), true);
    for (record, violations) in [("{}", 2), (r#"{"a":1}"#, 1), (r#"{"a":1,"b":2}"#, 0)] {
        decode(&mut decoder, record).expect("JSON");
        assert_eq!(decoder.violations().len(), violations, "{record}");
    }
}

/// Whatever was unescaped before it: the last of two, one with spaces before it, one that is refused half-way.
#[test]
fn a_row_has_its_strings_unescaped() {
    let mut decoder = decoder(&abc(), false);
    let mut row = Row::default();
    for (record, expected) in [
        (
            r#"{"a":"x\n\u00e9\ud83d\ude00","b":"plain","c":"\"c\""}"#,
            ["x\né😀", "plain", "\"c\""],
        ),
        (
            r#"{"a":"\u00e9","b":"b\t", "c":  "c\t","a":"\u6f22"}"#,
            ["漢", "b\t", "c\t"],
        ),
        (r#"{"a":"\u0041","b":"\ud800","c":""}"#, ["A", "", ""]),
        (r#"{"b":"","c":"\\u0041","a":"a"}"#, ["a", "", "\\u0041"]),
    ] {
        if decoder.decode(record, 0, &mut row).is_err() {
            assert!(record.contains("ud800"), "{record}");
            continue;
        }
        for (cell, expected) in row.cells.iter().zip(expected) {
            let Cell::Text(text) = cell else {
                panic!("{cell:?} in {record}")
            };
            let mut scratch = String::new();
            assert_eq!(
                row.text(text).unwrap_or_else(|| text.unescape(&mut scratch)),
                expected,
                "{record}"
            );
            assert_eq!(text.to_text(), expected, "{record}");
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter_map("finite", |n| n.is_finite().then(|| Value::from(n))),
        ".{0,40}".prop_map(Value::from),
        "[a\"\\\\\u{0}é😀]{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((".{0,8}", inner), 0..5)
                .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

/// Writes JSON the way that some writer might: spacing, order of keys and escapes at its whim.
fn spell(value: &Value, style: u8, out: &mut String) {
    let gap = ["", " ", "\t ", "  "][usize::from(style % 4)];
    match value {
        Value::Object(members) => {
            let _ = write!(out, "{{{gap}");
            for (i, (name, value)) in members.iter().enumerate() {
                if i > 0 {
                    let _ = write!(out, "{gap},{gap}");
                }
                spell(&Value::from(name.as_str()), style, out);
                let _ = write!(out, "{gap}:{gap}");
                spell(value, style, out);
            }
            let _ = write!(out, "{gap}}}");
        }
        Value::Array(items) => {
            let _ = write!(out, "[{gap}");
            for (i, value) in items.iter().enumerate() {
                if i > 0 {
                    let _ = write!(out, "{gap},{gap}");
                }
                spell(value, style, out);
            }
            let _ = write!(out, "{gap}]");
        }
        Value::String(text) if style & 4 == 4 => {
            out.push('"');
            text.encode_utf16()
                .for_each(|unit| out.extend(format!("\\u{unit:04x}").chars()));
            out.push('"');
        }
        other => out.push_str(&other.to_string()),
    }
}

proptest! {
    /// The decoder and serde_json agree on every record, whatever the order, spacing and escapes of the ones before.
    #[test]
    fn agrees_with_serde_json(
        records in prop::collection::vec(
            (prop::collection::vec(("[abcdxé\"]{1,2}", any_json()), 0..8), any::<u8>()), 1..12)
    ) {
        let names = ["a", "b", "c", "d", "ab", "é", "\"a"];
        let properties: Map<String, Value> = names.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
        let mut decoder = decoder(&json!({ "properties": properties }), true);
        for (members, style) in records {
            let mut text = String::new();
            let object: Map<String, Value> = members.into_iter().collect();
            spell(&Value::Object(object.clone()), style, &mut text);
            let oracle: Map<String, Value> = serde_json::from_str(&text).expect("valid JSON");
            prop_assert_eq!(&oracle, &object);
            let cells = decode(&mut decoder, &text).expect("serde_json takes it");
            for (name, cell) in names.iter().zip(&cells) {
                prop_assert_eq!(to_value(cell), oracle.get(*name).cloned(), "{} in {}", name, text);
            }
        }
    }

    /// Keys of all lengths, alike at their start and at their end, left out, twice and in any order.
    #[test]
    fn finds_every_key(
        records in prop::collection::vec((prop::collection::vec((0_usize..90, 0_i64..1_000_000), 0..60), any::<u8>()), 1..12)
    ) {
        let name = |i: usize| format!("key_{}{i}{}", "x".repeat(i % 5 * 7), "_end".repeat(i % 3));
        // Every tenth is outside the schema.
        let inside = |i: &usize| !i.is_multiple_of(10);
        let properties: Map<String, Value> = (0..90).filter(inside).map(|i| (name(i), json!({}))).collect();
        let mut decoder = decoder(&json!({ "properties": properties }), true);
        for (mut members, style) in records {
            if style & 1 == 0 {
                members.sort_unstable();
            }
            let gap = ["", " "][usize::from(style >> 1 & 1)];
            let all: Vec<String> = members.iter().map(|(i, n)| format!("\"{}\":{gap}{n}", name(*i))).collect();
            let text = format!("{{{}}}{}", all.join(&format!(",{gap}")), " ".repeat(usize::from(style)));
            let mut row = Row::default();
            decoder.decode(&text, 0, &mut row).expect("JSON");
            for (i, cell) in (0..90).filter(inside).zip(&row.cells) {
                let last = members.iter().rev().find(|(found, _)| *found == i);
                prop_assert_eq!(*cell, last.map_or(Cell::Absent, |(_, n)| Cell::Int(*n)), "{} in {}", name(i), text);
            }
            let untouched = members.iter().enumerate().all(|(at, (i, _))| {
                inside(i) && members[..at].iter().all(|(before, _)| before != i)
            });
            prop_assert_eq!(row.untouched, untouched, "{}", text);
        }
    }

    /// One byte changed anywhere: accepted exactly when serde_json accepts it.
    #[test]
    fn accepts_what_serde_json_accepts(value in any_json(), at in any::<prop::sample::Index>(), byte in 0x20_u8..0x7f) {
        let mut record = json!({"a": value, "b": 1.5, "c": "x\u{1}"}).to_string().into_bytes();
        let at = at.index(record.len());
        record[at] = byte;
        if let Ok(text) = String::from_utf8(record) {
            let mut decoder = decoder(&abc(), true);
            let mut row = Row::default();
            let found = decoder.decode(&text, 0, &mut row).is_ok_and(|end| end == text.len());
            let oracle = serde_json::from_str::<Map<String, Value>>(&text);
            // serde_json refuses a number beyond f64, which is valid JSON and kept as digits here.
            let beyond = oracle.as_ref().is_err_and(|error| error.to_string().contains("out of range"));
            prop_assert!(found == oracle.is_ok() || beyond, "{}", text);
        }
    }
}
