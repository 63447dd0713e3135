use super::*;

fn json(decoder: &Decoder, value: &[u8]) -> String {
    let mut out = Vec::new();
    decoder.write(value, &mut out).expect("decodes");
    String::from_utf8(out).expect("UTF-8")
}

fn wrong(decoder: &Decoder, value: &[u8]) -> String {
    decoder.write(value, &mut Vec::new()).expect_err("wrong").0.into()
}

const ISO: Dates = Dates::Iso(InvalidDates::Error);

#[test]
fn numeric_by_its_groups() {
    let numeric = |weight: i16, sign: u16, scale: u16, groups: &[u16]| {
        let mut value = Vec::new();
        value.extend_from_slice(&(groups.len() as u16).to_be_bytes());
        value.extend_from_slice(&weight.to_be_bytes());
        value.extend_from_slice(&sign.to_be_bytes());
        value.extend_from_slice(&scale.to_be_bytes());
        for group in groups {
            value.extend_from_slice(&group.to_be_bytes());
        }
        json(&Decoder::Numeric, &value)
    };
    assert_eq!(numeric(0, 0, 0, &[]), "0");
    assert_eq!(numeric(0, 0, 2, &[]), "0.00");
    assert_eq!(numeric(0, 0, 2, &[17]), "17.00");
    assert_eq!(numeric(-1, 0, 2, &[500]), "0.05");
    assert_eq!(numeric(-2, 0x4000, 8, &[1]), "-0.00000001");
    assert_eq!(numeric(1, 0, 2, &[2, 1168, 2300]), "21168.23");
    assert_eq!(numeric(2, 0, 0, &[1]), "100000000");
    assert_eq!(numeric(0, 0xC000, 0, &[]), "null");
    assert_eq!(numeric(0, 0xF000, 0, &[]), "null");
}

#[test]
fn a_value_of_another_form_is_an_error_and_never_a_panic() {
    let all = [
        Decoder::Bool,
        Decoder::Int2,
        Decoder::Int4,
        Decoder::Int8,
        Decoder::Oid,
        Decoder::Float4,
        Decoder::Float8,
        Decoder::Numeric,
        Decoder::Decimal,
        Decoder::Uuid,
        Decoder::Date(ISO),
        Decoder::Time,
        Decoder::TimeTz,
        Decoder::Timestamp(ISO),
        Decoder::TimestampTz(ISO),
        Decoder::Interval,
        Decoder::Jsonb,
        Decoder::Network,
        Decoder::Mac,
        Decoder::Bits,
        Decoder::Hstore,
        Decoder::Array(Box::new(Decoder::Int4)),
    ];
    for decoder in all {
        for length in [0, 3, 5, 7, 9, 13, 21] {
            for byte in [0x00, 0x01, 0x7f, 0xff] {
                // Some lengths fit some type; then any answer will do, as long as it is one.
                let _ = decoder.write(&vec![byte; length], &mut Vec::new());
            }
        }
        assert!(wrong(&decoder, &[9; 3]).starts_with("expected the binary form of"));
    }
    assert_eq!(
        wrong(&Decoder::Text, b"\xff"),
        "expected text in UTF-8, found other bytes"
    );
}

#[test]
fn json_is_on_one_line() {
    assert_eq!(
        json(&Decoder::Json, b"{\n \"a\":\r\n\"b\\n\"}"),
        "{  \"a\":  \"b\\n\"}"
    );
    assert_eq!(json(&Decoder::Jsonb, b"\x01[1, 2]"), "[1, 2]");
}

#[test]
fn dates_without_a_plain_form() {
    let days = |days: i32, dates| json(&Decoder::Date(dates), &days.to_be_bytes());
    let with = |handling| Dates::Iso(handling);
    assert_eq!(days(0, ISO), "\"2000-01-01\"");
    assert_eq!(days(-730_119, ISO), "\"0001-01-01\"");
    assert_eq!(days(2_921_939, ISO), "\"9999-12-31\"");
    assert_eq!(days(i32::MAX, with(InvalidDates::Null)), "null");
    assert_eq!(days(i32::MIN, with(InvalidDates::Clamp)), "\"0001-01-01\"");
    assert_eq!(days(2_921_940, with(InvalidDates::Clamp)), "\"9999-12-31\"");
    assert_eq!(days(2_921_940, with(InvalidDates::Text)), "\"10000-01-01\"");
    assert_eq!(days(-730_120, Dates::Postgres), "\"0001-12-31 BC\"");
    assert_eq!(days(i32::MAX, Dates::Postgres), "\"infinity\"");
    assert_eq!(
        wrong(&Decoder::Date(ISO), &i32::MIN.to_be_bytes()),
        "expected a date from 0001-01-01 to 9999-12-31, found -infinity \
         (see the settings invalid_date_handling and dates_as_string)"
    );
}

#[test]
fn timestamps_in_each_form() {
    let at = |count: i64, dates, zoned: bool| {
        let decoder = if zoned {
            Decoder::TimestampTz(dates)
        } else {
            Decoder::Timestamp(dates)
        };
        json(&decoder, &count.to_be_bytes())
    };
    assert_eq!(at(-1, ISO, true), "\"1999-12-31T23:59:59.999999+00:00\"");
    assert_eq!(at(10_500_000, ISO, false), "\"2000-01-01T00:00:10.500000+00:00\"");
    assert_eq!(
        at(10_500_000, Dates::Postgres, false),
        "\"2000-01-01 00:00:10.5\""
    );
    assert_eq!(at(0, Dates::Postgres, true), "\"2000-01-01 00:00:00+00\"");
    assert_eq!(
        at(i64::MIN, Dates::Iso(InvalidDates::Text), true),
        "\"-infinity\""
    );
    assert_eq!(
        at(i64::MAX, Dates::Iso(InvalidDates::Clamp), true),
        "\"9999-12-31T23:59:59.999999+00:00\""
    );
}

/// A length that promises more items than there are bytes, times a dimension of none: 2^31 times nothing.
#[test]
fn the_lengths_of_an_array_are_held_against_its_bytes() {
    let array = |dimensions: &[i32], items: &[u8]| {
        let mut value = i32::try_from(dimensions.len())
            .expect("few")
            .to_be_bytes()
            .to_vec();
        value.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 23]);
        for length in dimensions {
            value.extend_from_slice(&length.to_be_bytes());
            value.extend_from_slice(&[0, 0, 0, 1]);
        }
        value.extend_from_slice(items);
        value
    };
    let decoder = Decoder::Array(Box::new(Decoder::Int4));
    assert_eq!(json(&decoder, &array(&[i32::MAX, 0], &[])), "[]");
    for (dimensions, items) in [
        (&[i32::MAX][..], &[][..]),
        (&[-1], &[]),
        (&[65536, 65536, 65536], &[]),
        (&[1], &[0xff; 5]),
    ] {
        assert!(wrong(&decoder, &array(dimensions, items)).contains("the binary form of an array"));
    }
}

#[test]
fn a_clock_shows_no_more_than_a_day() {
    for count in [-1, 86_400_000_001, i64::MIN, i64::MAX] {
        let value = count.to_be_bytes();
        assert!(wrong(&Decoder::Time, &value).contains("the binary form of a time"));
        assert!(
            wrong(&Decoder::TimeTz, &[&value[..], &[0; 4]].concat()).contains("of a time with time zone")
        );
    }
    assert_eq!(
        json(&Decoder::Time, &86_400_000_000_i64.to_be_bytes()),
        "\"24:00:00\""
    );
}

#[test]
fn a_numeric_has_no_zeros_in_front_and_four_digits_a_group() {
    let numeric = |weight: i16, groups: &[u16]| {
        let mut value = u16::try_from(groups.len()).expect("few").to_be_bytes().to_vec();
        value.extend_from_slice(&weight.to_be_bytes());
        value.extend_from_slice(&[0, 0, 0, 0]);
        for group in groups {
            value.extend_from_slice(&group.to_be_bytes());
        }
        value
    };
    for (weight, groups) in [(1, &[0, 144][..]), (3, &[]), (0, &[10_000]), (0, &[1, 65_535])] {
        let value = numeric(weight, groups);
        assert!(
            wrong(&Decoder::Numeric, &value).contains("the binary form of a numeric"),
            "{groups:?}"
        );
    }
}
