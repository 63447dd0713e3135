use super::*;
use crate::copy::read_field;

const POLICY: InvalidValuePolicy = InvalidValuePolicy {
    nul: Nul::Refuse,
    dates: InvalidDates::Error,
    values: InvalidValues::Error,
};

fn field(form: &Form, json: &str, key: bool, policy: InvalidValuePolicy) -> Result<Option<String>, String> {
    let cell = cell_of(json);
    let mut out = Vec::new();
    let column = CopyColumn {
        cell: 0,
        form: form.clone(),
        key,
        scale: None,
        wider: Wider::Never,
    };
    match column.write(&mut out, &cell, policy) {
        Ok(()) => Ok(read_field(&out)),
        Err(refused) => Err(refuse(&refused, "x", &cell, column.stays()).to_string()),
    }
}

#[test]
fn values_have_the_form_of_their_column() {
    for (form, json, expected) in [
        (Form::Boolean, "true", "t"),
        (Form::Boolean, "\"false\"", "f"),
        (Form::Integer { bytes: 2 }, "-32768", "-32768"),
        (Form::Integer { bytes: 8 }, "12.0", "12"),
        (Form::Integer { bytes: 4 }, "\"7\"", "7"),
        (Form::Numeric, "1.50", "1.50"),
        (
            Form::Numeric,
            "12345678901234567890123",
            "12345678901234567890123",
        ),
        (Form::Numeric, "\"-1e-3\"", "-1e-3"),
        (Form::Numeric, "\"NaN\"", "NaN"),
        (Form::Float, "1e300", "1e300"),
        (
            Form::Decimal {
                precision: 5,
                scale: 2,
            },
            "123.4500",
            "123.4500",
        ),
        (
            Form::Decimal {
                precision: 5,
                scale: 2,
            },
            "\"123.45\"",
            "123.45",
        ),
        (
            Form::Rounded {
                precision: 5,
                scale: 2,
            },
            "1.2345",
            "1.2345",
        ),
        (Form::Characters { most: 3 }, "\"é漢😀\"", "é漢😀"),
        (Form::Characters { most: 3 }, r#""a\n\\""#, "a\n\\"),
        (
            Form::Array(Box::new(Form::Integer { bytes: 4 })),
            r#""{1,NULL,3}""#,
            r#"{"1",NULL,"3"}"#,
        ),
        (Form::Text, "true", "true"),
        (Form::Text, "1.50", "1.50"),
        (Form::Text, r#"{"a": "\n"}"#, r#"{"a": "\n"}"#),
        (Form::Text, r#""\"\\N""#, r#""\N"#),
        (Form::Json, r#""a\"b""#, r#""a\"b""#),
        (Form::Json, "12", "12"),
        (
            Form::Uuid,
            r#""{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}""#,
            "a0eebc999c0b4ef8bb6d6bb9bd380a11",
        ),
        (Form::Bytea, r#""0xABC""#, r"\x0ABC"),
        (Form::Bytea, r#""\\xdead""#, r"\xdead"),
        (Form::Other, r#""192.168.0.1/24""#, "192.168.0.1/24"),
    ] {
        assert_eq!(
            field(&form, json, false, POLICY),
            Ok(Some(expected.to_owned())),
            "{form:?} {json}"
        );
    }
    assert_eq!(field(&Form::Boolean, "null", false, POLICY), Ok(None));
}

#[test]
fn what_does_not_fit_says_what_does() {
    for (form, json, error) in [
        (Form::Boolean, "1", "x: expected a boolean, found 1"),
        (
            Form::Integer { bytes: 2 },
            "32768",
            "x: expected an integer that fits smallint, found 32768",
        ),
        (
            Form::Integer { bytes: 8 },
            "1.5",
            "x: expected an integer that fits bigint, found 1.5",
        ),
        (Form::Numeric, "\"1,5\"", "x: expected a number, found \"1,5\""),
        (Form::Numeric, "\".\"", "x: expected a number, found \".\""),
        (
            Form::Numeric,
            "\"--inf\"",
            "x: expected a number, found \"--inf\"",
        ),
        (
            Form::Numeric,
            "1e200000",
            "x: expected a number that fits numeric, found 1e200000",
        ),
        (
            Form::Decimal {
                precision: 5,
                scale: 2,
            },
            "1.234",
            "x: expected a number that fits numeric(5,2), found 1.234",
        ),
        (
            Form::Float,
            "1e400",
            "x: expected a number in the range of the column, found 1e400",
        ),
        (
            Form::Real,
            "1e39",
            "x: expected a number in the range of the column, found 1e39",
        ),
        (
            Form::Characters { most: 3 },
            "\"abcd\"",
            "x: expected at most 3 characters, found \"abcd\"",
        ),
        (
            Form::Array(Box::new(Form::Integer { bytes: 4 })),
            "[[1],[2,3]]",
            "x: expected an array whose elements fit the column, found [[1],[2,3]]",
        ),
        (
            Form::Array(Box::new(Form::Text)),
            "\"{a\"",
            "x: expected an array, found \"{a\"",
        ),
        (Form::Uuid, "\"x\"", "x: expected a UUID, found \"x\""),
        (Form::Bytea, "\"xyz\"", "x: expected base16, found \"xyz\""),
        (
            Form::Moment(Moment::Date),
            "20200101",
            "x: expected a date, found 20200101",
        ),
        (
            Form::Moment(Moment::Timestamp),
            "\"\"",
            "x: expected a date and time, found \"\"",
        ),
        (
            Form::Array(Box::new(Form::Text)),
            "1",
            "x: expected an array, found 1",
        ),
    ] {
        assert_eq!(field(&form, json, false, POLICY), Err(error.to_owned()));
    }
    assert_eq!(
        field(&Form::Text, "null", true, POLICY),
        Err("x: expected a value for the key, found null".to_owned())
    );
}

#[test]
fn equal_keys_are_equal_bytes() {
    for (form, a, b) in [
        (Form::Numeric, "1.0", "1"),
        (Form::Numeric, "1e2", "100"),
        (Form::Float, "1.0", "1e0"),
        (Form::Float, "-0.0", "0"),
        (Form::Float, "\"inf\"", "\"Infinity\""),
        (Form::Numeric, "-0.0", "0"),
        (Form::Numeric, "\"NaN\"", "\"nan\""),
        (
            Form::Numeric,
            "1234567890123456789012345678901234567890",
            "1234567890123456789012345678901234567890.0",
        ),
        (Form::Bytea, "\"AB\"", "\"0xab\""),
        (Form::Text, r#""\u0008""#, r#""\b""#),
        (
            Form::Uuid,
            r#""A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11""#,
            r#""a0eebc999c0b4ef8bb6d6bb9bd380a11""#,
        ),
    ] {
        assert_eq!(field(&form, a, true, POLICY), field(&form, b, true, POLICY));
    }
}

#[test]
fn a_key_is_rounded_when_it_may_be_a_binary_float_and_refused_when_it_is_a_text() {
    let written = |json: &str| {
        let mut out = Vec::new();
        let column = CopyColumn {
            cell: 0,
            form: Form::Numeric,
            key: true,
            scale: Some(2),
            wider: Wider::Never,
        };
        let cell = cell_of(json);
        match column.write(&mut out, &cell, POLICY) {
            Ok(()) => Ok(read_field(&out).expect("a value")),
            Err(refused) => Err(refuse(&refused, "x", &cell, None).to_string()),
        }
    };
    assert_eq!(written("1.004").as_deref(), Ok("1"));
    assert_eq!(written("0.30000000000000004").as_deref(), Ok("0.3"));
    assert_eq!(written("\"1.500\"").as_deref(), Ok("1.5"));
    let error = written("\"1.001\"").expect_err("refused");
    assert!(error.contains("at most 2 digits behind the point"), "{error}");
}

#[test]
fn dates_that_no_column_holds_follow_the_setting() {
    let form = Form::Moment(Moment::Timestamp);
    let with = |dates| {
        field(
            &form,
            "\"0000-00-00\"",
            false,
            InvalidValuePolicy { dates, ..POLICY },
        )
    };
    assert_eq!(with(InvalidDates::Null), Ok(None));
    assert_eq!(
        with(InvalidDates::Max),
        Ok(Some("9999-12-31 23:59:59.999999".to_owned()))
    );
    assert!(with(InvalidDates::Error).is_err());
}
