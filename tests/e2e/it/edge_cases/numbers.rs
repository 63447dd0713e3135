//! Numbers.

use serde_json::{Value, json};

use super::{BAD_INPUT, feed, refused, stream, written};
use crate::harness::{Kind, Target, files, parquet_schema};

fn number() -> Value {
    json!({"type": ["number", "null"]})
}

fn integer() -> Value {
    json!({"type": ["integer", "null"]})
}

/// The text of each `v` in the lines that target-jsonl writes.
#[track_caller]
fn texts<'a>(v: &Value, values: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let target = Target::jsonl();
    feed(&target, v, values).ok();
    let text = |line: &str| {
        line.split_once(r#""v":"#)
            .expect("v")
            .1
            .trim_end_matches('}')
            .trim()
            .to_owned()
    };
    target.text("s").lines().map(text).collect()
}

#[test]
fn nan_and_infinity_in_fail_or_become_null() {
    for bare in ["NaN", "Infinity", "-Infinity"] {
        for kind in Kind::ALL {
            feed(&Target::new(kind), &number(), [bare]).fails(BAD_INPUT, &["line 2", "stream s"]);
        }
        let target = Target::jsonl().with("nan", "null");
        feed(&target, &number(), [bare, "1.5"]).ok();
        assert_eq!(
            target.rows("s"),
            [json!({"id": 1, "v": null}), json!({"id": 2, "v": 1.5})]
        );
    }
}

#[test]
fn nan_out_is_null_never_bare() {
    let target = Target::jsonl()
        .with("nan", "null")
        .with("validate_records", false);
    feed(&target, &json!({}), [r#"{"deep":[NaN,1]}"#]).ok();
    assert_eq!(target.rows("s")[0]["v"], json!({"deep": [null, 1]}));
}

#[test]
fn floats_keep_their_text() {
    let all = [
        "1.10",
        "0.1000000000000000055511151231257827",
        "1e2",
        "-0.0",
        "1E-7",
        "123456789.123456789123",
    ];
    assert_eq!(texts(&number(), all), all);
    let csv: Vec<Value> = written(Kind::Csv, &number(), all);
    assert_eq!(csv, all, "CSV has the digits as they came");
}

#[test]
fn floats_in_parquet_are_the_nearest_double() {
    assert_eq!(
        written(Kind::Parquet, &number(), ["1.10", "1e2", "0.1"]),
        [json!(1.1), json!(100.0), json!(0.1)]
    );
}

#[test]
fn integral_floats_are_integers() {
    for kind in [Kind::Jsonl, Kind::Csv, Kind::Parquet] {
        assert_eq!(
            written(kind, &integer(), ["1.0", "10e1", "0.0"]).len(),
            3,
            "{kind:?}"
        );
    }
    assert_eq!(
        written(Kind::Parquet, &integer(), ["1.0", "10e1", "-0.0"]),
        [json!(1), json!(100), json!(0)]
    );
    refused(&integer(), "1.5");
    refused(&integer(), "15e-1");
}

#[test]
fn boolean_for_integer_is_rejected() {
    refused(&integer(), "true");
    refused(&number(), "false");
}

#[test]
fn text_for_number_is_rejected() {
    refused(&number(), r#""1.5""#);
    refused(&integer(), r#""15""#);
}

#[test]
fn multiple_of_and_long_decimals_are_exact() {
    let money = json!({"type": ["number", "null"], "multipleOf": 0.01});
    assert_eq!(
        texts(&money, ["0.07", "19.99", "1e3", "33554432.93"]),
        ["0.07", "19.99", "1e3", "33554432.93"]
    );
    for kind in Kind::ALL {
        feed(&Target::new(kind), &money, ["0.075"]).fails(BAD_INPUT, &["line 2", "v", "0.01"]);
    }
    // What pipelinewise's tap-postgres says of a numeric column; 38 digits made the SDK's decimals crash.
    let numeric = r#"{"type":["number","null"],"multipleOf":1e-38,"minimum":-1e62,"maximum":1e62,"exclusiveMinimum":true,"exclusiveMaximum":true}"#;
    let long = "12345678901234567890.12345678901234567890123456789012345678";
    let schema = stream(&json!("@")).replace(r#""@""#, numeric);
    let target = Target::jsonl();
    let record = format!(r#"{{"type":"RECORD","stream":"s","record":{{"id":1,"v":{long}}}}}"#);
    target.feed([&schema, &record]).ok();
    assert!(target.text("s").contains(long));
}

#[test]
fn singer_decimal_is_accepted_under_both_names() {
    for (format, size) in [
        ("singer.decimal", json!({"precision": 20, "scale": 4})),
        ("x-singer.decimal", json!({"precision": 20, "scale": 4})),
        ("singer.decimal", json!({})),
    ] {
        let mut v = json!({"type": ["string", "null"], "format": format});
        v.as_object_mut()
            .expect("an object")
            .extend(size.as_object().expect("an object").clone());
        let values = [r#""12345678901.1234""#, "null", r#""-0.5""#];
        let target = Target::parquet();
        feed(&target, &v, values).ok();
        let rows: Vec<Value> = target.rows("s").iter().map(|row| row["v"].clone()).collect();
        assert_eq!((rows.len(), &rows[1]), (3, &Value::Null));
        let file = &files(&target.out(), "s")[0];
        if size.get("scale").is_some() {
            assert!(
                parquet_schema(file).contains("DECIMAL(20,4)"),
                "{}",
                parquet_schema(file)
            );
            assert_eq!(
                rows,
                [json!("12345678901.1234"), Value::Null, json!("-0.5000")],
                "{format}"
            );
        }
        assert_eq!(
            written(Kind::Jsonl, &v, values),
            [json!("12345678901.1234"), Value::Null, json!("-0.5")]
        );
    }
}

#[test]
fn singer_decimal_that_does_not_fit_fails_in_parquet() {
    let v = json!({"type": ["string", "null"], "format": "singer.decimal", "precision": 5, "scale": 2});
    for value in [r#""12345.67""#, r#""1.234""#, r#""abc""#] {
        feed(&Target::parquet(), &v, [value]).fails(BAD_INPUT, &["line 2", "v"]);
    }
}

#[test]
fn big_integers_keep_their_digits() {
    let all = [
        "9223372036854775807",
        "-9223372036854775808",
        "9223372036854775808",
        "123456789012345678901234567890",
    ];
    assert_eq!(texts(&integer(), all), all);
    assert_eq!(written(Kind::Csv, &integer(), all), all);
    let fits = written(Kind::Parquet, &integer(), [all[0], all[1]]);
    assert_eq!(fits, [json!(i64::MAX), json!(i64::MIN)]);
    feed(&Target::parquet(), &integer(), [all[2]]).fails(BAD_INPUT, &["line 2", "v", "9223372036854775808"]);
}

#[test]
fn bounds_are_checked() {
    let bounded = json!({"type": "integer", "minimum": 0, "exclusiveMaximum": 10});
    assert_eq!(texts(&bounded, ["0", "9"]), ["0", "9"]);
    refused(&bounded, "-1");
    refused(&bounded, "10");
    let draft4 = json!({"type": "integer", "minimum": 0, "exclusiveMinimum": true});
    refused(&draft4, "0");
}
