use std::sync::Arc;

use arrow_array::builder::{
    FixedSizeBinaryBuilder, Int32Builder, ListBuilder, ListViewBuilder, MapBuilder, StringBuilder,
};
use arrow_array::types::{Int8Type, Int16Type, IntervalDayTime, IntervalMonthDayNano};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BinaryViewArray, BooleanArray, Date32Array, Date64Array, Decimal32Array,
    Decimal64Array, Decimal128Array, Decimal256Array, DictionaryArray, DurationMillisecondArray,
    FixedSizeBinaryArray, FixedSizeListArray, Float16Array, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, IntervalDayTimeArray, IntervalMonthDayNanoArray,
    IntervalYearMonthArray, LargeBinaryArray, LargeStringArray, NullArray, RunArray, StringArray,
    StringViewArray, StructArray, Time32MillisecondArray, Time32SecondArray, Time64MicrosecondArray,
    Time64NanosecondArray, TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray,
    TimestampSecondArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array, UnionArray,
};
use arrow_buffer::i256;
use arrow_schema::{DataType, Field, UnionFields};
use serde_json::{Value, json};

use super::Cells;
use crate::arrow::{ValueOptions, json_schema};

fn field(name: &str, array: &dyn Array) -> Field {
    Field::new(name, array.data_type().clone(), true)
}

fn written(array: &dyn Array, field: &Field, options: ValueOptions) -> Vec<String> {
    let cells = Cells::new(array, field, options).expect("a type with values");
    let text = |row| {
        let mut out = Vec::new();
        cells.append(row, &mut out).expect("written");
        String::from_utf8(out).expect("UTF-8")
    };
    (0..array.len()).map(text).collect()
}

/// Each array with the JSON Schema and the values that it has.
#[expect(clippy::too_many_lines, reason = "a table")]
fn scalars() -> Vec<(ArrayRef, Value, Vec<&'static str>)> {
    let integer = |low: i64, high: u64| json!({"type": ["integer", "null"], "minimum": low, "maximum": high});
    let number = || json!({"type": ["number", "null"]});
    let text = || json!({"type": ["string", "null"]});
    let bytes = || json!({"type": ["string", "null"], "contentEncoding": "base16"});
    vec![
        (Arc::new(NullArray::new(1)), text(), vec!["null"]),
        (
            Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])),
            json!({"type": ["boolean", "null"]}),
            vec!["true", "null", "false"],
        ),
        (
            Arc::new(Int8Array::from(vec![i8::MIN, i8::MAX])),
            integer(-128, 127),
            vec!["-128", "127"],
        ),
        (
            Arc::new(Int16Array::from(vec![i16::MIN])),
            integer(-32768, 32767),
            vec!["-32768"],
        ),
        (
            Arc::new(Int32Array::from(vec![i32::MIN])),
            integer(i32::MIN.into(), 2_147_483_647),
            vec!["-2147483648"],
        ),
        (
            Arc::new(Int64Array::from(vec![i64::MIN, i64::MAX])),
            json!({"type": ["integer", "null"]}),
            vec!["-9223372036854775808", "9223372036854775807"],
        ),
        (
            Arc::new(UInt8Array::from(vec![u8::MAX])),
            integer(0, 255),
            vec!["255"],
        ),
        (
            Arc::new(UInt16Array::from(vec![u16::MAX])),
            integer(0, 65535),
            vec!["65535"],
        ),
        (
            Arc::new(UInt32Array::from(vec![u32::MAX])),
            integer(0, u32::MAX.into()),
            vec!["4294967295"],
        ),
        (
            Arc::new(UInt64Array::from(vec![u64::MAX])),
            integer(0, u64::MAX),
            vec!["18446744073709551615"],
        ),
        (
            Arc::new([Some(1.5), None].into_iter().collect::<Float32Array>()),
            number(),
            vec!["1.5", "null"],
        ),
        (
            Arc::new(Float32Array::from(vec![0.1, f32::NAN])),
            number(),
            vec!["0.1", "null"],
        ),
        (
            Arc::new(Float64Array::from(vec![
                f64::MAX,
                5e-324,
                -0.0,
                f64::INFINITY,
                f64::NEG_INFINITY,
                f64::NAN,
            ])),
            number(),
            vec![
                "1.7976931348623157e+308",
                "5e-324",
                "-0.0",
                "null",
                "null",
                "null",
            ],
        ),
        (
            Arc::new(StringArray::from(vec![Some("é\"\n"), None, Some("")])),
            text(),
            vec![r#""é\"\n""#, "null", "\"\""],
        ),
        (Arc::new(LargeStringArray::from(vec!["a"])), text(), vec!["\"a\""]),
        (
            Arc::new(StringViewArray::from(vec![
                "a",
                "a text that is longer than twelve bytes",
            ])),
            text(),
            vec!["\"a\"", "\"a text that is longer than twelve bytes\""],
        ),
        (
            Arc::new(BinaryArray::from(vec![&b"\x00\xff"[..], b""])),
            bytes(),
            vec!["\"00ff\"", "\"\""],
        ),
        (
            Arc::new(LargeBinaryArray::from(vec![&b"\x0a"[..]])),
            bytes(),
            vec!["\"0a\""],
        ),
        (
            Arc::new(BinaryViewArray::from(vec![&b"\x0a"[..]])),
            bytes(),
            vec!["\"0a\""],
        ),
        (
            Arc::new(FixedSizeBinaryArray::try_from_iter([[1_u8, 2]].into_iter()).expect("an array")),
            bytes(),
            vec!["\"0102\""],
        ),
    ]
}

fn moments() -> Vec<(ArrayRef, Value, Vec<&'static str>)> {
    let date = || json!({"type": ["string", "null"], "format": "date"});
    let time = || json!({"type": ["string", "null"], "format": "time"});
    let moment = || json!({"type": ["string", "null"], "format": "date-time"});
    let text = || json!({"type": ["string", "null"]});
    vec![
        (
            Arc::new(Date32Array::from(vec![0, -719_162, 2_932_896])),
            date(),
            vec!["\"1970-01-01\"", "\"0001-01-01\"", "\"9999-12-31\""],
        ),
        (
            Arc::new(Date64Array::from(vec![-86_400_000])),
            date(),
            vec!["\"1969-12-31\""],
        ),
        (
            Arc::new(Time32SecondArray::from(vec![86_399])),
            time(),
            vec!["\"23:59:59\""],
        ),
        (
            Arc::new(Time32MillisecondArray::from(vec![500])),
            time(),
            vec!["\"00:00:00.500000\""],
        ),
        (
            Arc::new(Time64MicrosecondArray::from(vec![86_400_000_000, 1])),
            time(),
            vec!["\"24:00:00\"", "\"00:00:00.000001\""],
        ),
        (
            Arc::new(Time64NanosecondArray::from(vec![1])),
            time(),
            vec!["\"00:00:00.000000001\""],
        ),
        (
            Arc::new(TimestampSecondArray::from(vec![1])),
            moment(),
            vec!["\"1970-01-01T00:00:01.000000+00:00\""],
        ),
        (
            Arc::new(TimestampMillisecondArray::from(vec![-1]).with_timezone("+02:00")),
            moment(),
            vec!["\"1969-12-31T23:59:59.999000+00:00\""],
        ),
        (
            Arc::new(TimestampMicrosecondArray::from(vec![1_709_200_800_500_000])),
            moment(),
            vec!["\"2024-02-29T10:00:00.500000+00:00\""],
        ),
        (
            Arc::new(TimestampNanosecondArray::from(vec![i64::MAX, i64::MIN])),
            moment(),
            vec![
                "\"2262-04-11T23:47:16.854775807+00:00\"",
                "\"1677-09-21T00:12:43.145224192+00:00\"",
            ],
        ),
        (
            Arc::new(DurationMillisecondArray::from(vec![-90_061_001])),
            text(),
            vec!["\"-25:01:01.001\""],
        ),
        (
            Arc::new(IntervalYearMonthArray::from(vec![14])),
            text(),
            vec!["\"1 year 2 months\""],
        ),
        (
            Arc::new(IntervalDayTimeArray::from(vec![IntervalDayTime::new(-1, 1_500)])),
            text(),
            vec!["\"-1 day 00:00:01.5\""],
        ),
        (
            Arc::new(IntervalMonthDayNanoArray::from(vec![IntervalMonthDayNano::new(
                1, 2, 3,
            )])),
            text(),
            vec!["\"1 month 2 days 00:00:00.000000003\""],
        ),
    ]
}

#[test]
fn every_scalar_type_has_its_schema_and_its_extremes() {
    for (array, schema, values) in scalars().into_iter().chain(moments()) {
        let field = field("c", &array);
        let options = ValueOptions::default();
        let name = array.data_type();
        assert_eq!(json_schema(&field, options).expect("a schema"), schema, "{name}");
        assert_eq!(written(&array, &field, options), values, "{name}");
        // A part of a batch, whose values begin elsewhere.
        let last = array.slice(array.len() - 1, 1);
        assert_eq!(
            written(&last, &field, options),
            values[values.len() - 1..],
            "{name}"
        );
    }
}

#[test]
fn decimals_have_all_their_digits_as_numbers_or_as_strings() {
    let wide = i256::from_i128(i128::MAX).wrapping_mul(i256::from_i128(1_000_000_000));
    let arrays: Vec<(ArrayRef, &str, u16, u8)> = vec![
        (
            Arc::new(
                Decimal32Array::from(vec![-5])
                    .with_precision_and_scale(9, 2)
                    .expect("fits"),
            ),
            "-0.05",
            9,
            2,
        ),
        (
            Arc::new(
                Decimal64Array::from(vec![12])
                    .with_precision_and_scale(18, 0)
                    .expect("fits"),
            ),
            "12",
            18,
            0,
        ),
        (
            Arc::new(
                Decimal128Array::from(vec![10_i128.pow(38) - 1])
                    .with_precision_and_scale(38, 10)
                    .expect("fits"),
            ),
            "9999999999999999999999999999.9999999999",
            38,
            10,
        ),
        (
            Arc::new(
                Decimal128Array::from(vec![17])
                    .with_precision_and_scale(5, -3)
                    .expect("fits"),
            ),
            "17000",
            8,
            0,
        ),
        (
            Arc::new(
                Decimal256Array::from(vec![wide])
                    .with_precision_and_scale(76, 9)
                    .expect("fits"),
            ),
            "170141183460469231731687303715884105727.000000000",
            76,
            9,
        ),
    ];
    for (array, digits, precision, scale) in arrays {
        let field = field("c", &array);
        let number = ValueOptions::default();
        assert_eq!(
            json_schema(&field, number).expect("a schema"),
            json!({"type": ["number", "null"]})
        );
        assert_eq!(written(&array, &field, number), [digits]);
        let string = ValueOptions {
            decimals_as_strings: true,
            ..number
        };
        assert_eq!(
            json_schema(&field, string).expect("a schema"),
            json!({
                "type": ["string", "null"], "format": "singer.decimal", "precision": precision, "scale": scale,
            })
        );
        assert_eq!(written(&array, &field, string), [format!("\"{digits}\"")]);
    }
}

#[test]
fn a_half_has_the_digits_of_its_value() {
    let array = Float16Array::from_iter_values([1.5_f32, f32::INFINITY].map(|value| {
        let bytes = if value.is_finite() { 0x3e00 } else { 0x7c00 };
        <arrow_array::types::Float16Type as arrow_array::ArrowPrimitiveType>::Native::from_bits(bytes)
    }));
    assert_eq!(
        written(&array, &field("c", &array), ValueOptions::default()),
        ["1.5", "null"]
    );
}

#[test]
fn nested_values_are_arrays_and_objects() {
    let mut lists = ListBuilder::new(Int32Builder::new());
    lists.append_value([Some(1), None]);
    lists.append_null();
    lists.append_value([]);
    let lists = lists.finish();
    let mut views = ListViewBuilder::new(Int32Builder::new());
    views.append_value([Some(7)]);
    let views = views.finish();
    let fixed = FixedSizeListArray::from_iter_primitive::<arrow_array::types::Int32Type, _, _>(
        [Some(vec![Some(1), Some(2)]), None, Some(vec![None, Some(4)])],
        2,
    );
    let structs = StructArray::from(vec![
        (
            Arc::new(Field::new("a \"b\"", DataType::Int32, true)),
            Arc::new(Int32Array::from(vec![1, 2])) as ArrayRef,
        ),
        (
            Arc::new(Field::new("list", lists.data_type().clone(), true)),
            Arc::new(lists.slice(0, 2)) as ArrayRef,
        ),
    ]);
    let integer = json!({"type": ["integer", "null"], "minimum": i32::MIN, "maximum": i32::MAX});
    let array = json!({"type": ["array", "null"], "items": integer});
    let cases: Vec<(ArrayRef, Value, Vec<&str>)> = vec![
        (Arc::new(lists), array.clone(), vec!["[1,null]", "null", "[]"]),
        (Arc::new(views), array.clone(), vec!["[7]"]),
        (Arc::new(fixed), array.clone(), vec!["[1,2]", "null", "[null,4]"]),
        (
            Arc::new(structs),
            json!({"type": ["object", "null"], "properties": {"a \"b\"": integer, "list": array}}),
            vec![r#"{"a \"b\"":1,"list":[1,null]}"#, r#"{"a \"b\"":2,"list":null}"#],
        ),
    ];
    for (array, schema, values) in cases {
        let field = field("c", &array);
        let options = ValueOptions::default();
        assert_eq!(json_schema(&field, options).expect("a schema"), schema);
        assert_eq!(written(&array, &field, options), values);
        let last = array.slice(array.len() - 1, 1);
        assert_eq!(written(&last, &field, options), values[values.len() - 1..]);
    }
}

#[test]
fn maps_are_objects_where_their_keys_are_texts() {
    let mut texts = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    texts.keys().append_value("a");
    texts.values().append_value(1);
    texts.keys().append_value("b");
    texts.values().append_null();
    texts.append(true).expect("appended");
    let texts = texts.finish();
    let mut numbers = MapBuilder::new(None, Int32Builder::new(), StringBuilder::new());
    numbers.keys().append_value(1);
    numbers.values().append_value("x");
    numbers.append(true).expect("appended");
    let numbers = numbers.finish();
    let options = ValueOptions::default();
    let of = field("c", &texts);
    assert_eq!(
        json_schema(&of, options).expect("a schema"),
        json!({
            "type": ["object", "null"],
            "additionalProperties": {"type": ["integer", "null"], "minimum": i32::MIN, "maximum": i32::MAX},
        })
    );
    assert_eq!(written(&texts, &of, options), [r#"{"a":1,"b":null}"#]);
    let of = field("c", &numbers);
    let schema = json_schema(&of, options).expect("a schema");
    assert_eq!(
        schema["items"]["properties"]["value"],
        json!({"type": ["string", "null"]})
    );
    assert_eq!(written(&numbers, &of, options), [r#"[{"key":1,"value":"x"}]"#]);
}

#[test]
fn dictionaries_and_runs_are_their_values() {
    let options = ValueOptions::default();
    let dictionary: DictionaryArray<Int8Type> = [Some("a"), None, Some("b"), Some("a")].into_iter().collect();
    let of = field("c", &dictionary);
    assert_eq!(
        json_schema(&of, options).expect("a schema"),
        json!({"type": ["string", "null"]})
    );
    assert_eq!(
        written(&dictionary, &of, options),
        ["\"a\"", "null", "\"b\"", "\"a\""]
    );
    let empty: DictionaryArray<Int8Type> = [None::<&str>].into_iter().collect();
    assert_eq!(written(&empty, &of, options), ["null"]);
    let runs: RunArray<Int16Type> = [Some("a"), Some("a"), None, Some("b")].into_iter().collect();
    let of = field("c", &runs);
    assert_eq!(written(&runs, &of, options), ["\"a\"", "\"a\"", "null", "\"b\""]);
}

#[test]
fn extension_types_say_what_texts_and_bytes_are() {
    let named = |name: &str, array: &dyn Array| {
        let extension = ("ARROW:extension:name".to_owned(), name.to_owned());
        field("c", array).with_metadata([extension])
    };
    let options = ValueOptions::default();
    let texts = StringArray::from(vec!["{\"a\":\n[1.10]}", "null"]);
    let of = named("arrow.json", &texts);
    assert_eq!(written(&texts, &of, options), ["{\"a\": [1.10]}", "null"]);
    let broken = StringArray::from(vec!["{"]);
    let cells = Cells::new(&broken, &of, options).expect("texts");
    let error = cells.append(0, &mut Vec::new()).expect_err("refused");
    assert_eq!(error.to_string(), "column c: expected JSON, found {");
    let mut uuids = FixedSizeBinaryBuilder::new(16);
    uuids
        .append_value(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef_u128.to_be_bytes())
        .expect("fits");
    let uuids = uuids.finish();
    let of = named("arrow.uuid", &uuids);
    assert_eq!(json_schema(&of, options).expect("a schema")["format"], "uuid");
    assert_eq!(
        written(&uuids, &of, options),
        ["\"01234567-89ab-cdef-0123-456789abcdef\""]
    );
}

#[test]
fn a_union_is_refused_by_its_name() {
    let fields = UnionFields::from_fields(vec![Field::new("a", DataType::Int32, false)]);
    let union = UnionArray::try_new(
        fields,
        vec![0].into(),
        None,
        vec![Arc::new(Int32Array::from(vec![1]))],
    );
    let union = union.expect("a union");
    let of = field("mixed", &union);
    let list = Field::new_list("list", of.clone(), true);
    for of in [&of, &list] {
        let error = json_schema(of, ValueOptions::default()).expect_err("refused");
        assert!(
            error.to_string().contains("column mixed: expected a type"),
            "{error}"
        );
    }
    assert!(Cells::new(&union, &of, ValueOptions::default()).is_err());
}

#[test]
fn a_date_that_is_refused_names_its_column() {
    let array = Date32Array::from(vec![i32::MAX]);
    let of = field("born", &array);
    let cells = Cells::new(&array, &of, ValueOptions::default()).expect("dates");
    let error = cells.append(0, &mut Vec::new()).expect_err("refused").to_string();
    assert!(
        error.starts_with("column born: expected a date from 0001-01-01 to 9999-12-31"),
        "{error}"
    );
    let options = ValueOptions {
        dates_as_strings: true,
        ..ValueOptions::default()
    };
    assert_eq!(
        json_schema(&of, options).expect("a schema"),
        json!({"type": ["string", "null"]})
    );
    assert_eq!(written(&array, &of, options), ["\"+5881580-07-11\""]);
}
