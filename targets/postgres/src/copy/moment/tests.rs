use super::*;

fn written(moment: Moment, text: &str, canonical: bool) -> Option<String> {
    let mut out = Vec::new();
    moment.write(&mut out, text, canonical).ok()?;
    String::from_utf8(out).ok()
}

#[test]
fn what_the_server_reads_alike_stays_as_it_came() {
    for text in [
        "2020-02-29T13:00:00Z",
        "2020-02-29 13:00:00.123456+00:00",
        "2020-02-29T13:00",
        "infinity",
        "-infinity",
        "0044-03-15 12:00:00 BC",
        "12345-02-28T00:00:00Z",
        "294276-12-31 23:59:59.999999",
        "4714-11-24 00:00:00 BC",
    ] {
        assert_eq!(written(Moment::Timestamp, text, false).as_deref(), Some(text));
    }
    assert_eq!(
        written(Moment::Date, "2020-02-29", false).as_deref(),
        Some("2020-02-29")
    );
    assert_eq!(
        written(Moment::Date, "0001-01-01 BC", false).as_deref(),
        Some("0001-01-01 BC")
    );
    assert_eq!(
        written(Moment::Time, "24:00:00", false).as_deref(),
        Some("24:00:00")
    );
}

#[test]
fn offsets_become_utc() {
    for (text, expected) in [
        ("2020-02-29T13:00:00+02:00", "2020-02-29 11:00:00+00"),
        ("2020-01-01T00:30:00.25+0100", "2019-12-31 23:30:00.250000+00"),
        ("0001-01-01T00:00:00+01", "0001-12-31 23:00:00+00 BC"),
        ("9999-12-31T23:59:59-01:00", "10000-01-01 00:59:59+00"),
    ] {
        for moment in [Moment::Timestamp, Moment::TimestampTz] {
            assert_eq!(written(moment, text, false).as_deref(), Some(expected));
        }
    }
}

#[test]
fn equal_moments_are_equal_bytes_when_asked() {
    let key = |text| written(Moment::Timestamp, text, true);
    assert_eq!(key("2020-01-01T12:00:00Z"), key("2020-01-01 13:00:00.000+01:00"));
    assert_eq!(
        written(Moment::Time, "08:30", true),
        written(Moment::Time, "08:30:00.0Z", true)
    );
    assert_eq!(key("infinity"), key("Infinity"));
    assert_eq!(key("12345-01-01"), key("012345-01-01T00:00:00.0Z"));
    assert_eq!(key("0044-03-15 BC").as_deref(), Some("0044-03-15 00:00:00+00 BC"));
    assert_eq!(key("0044-03-15 BC"), key("00044-03-15 00:00 BC"));
    let zoned = |text| written(Moment::TimestampTz, text, true);
    assert_eq!(
        zoned("12345-01-01T00:30:00+01:00").as_deref(),
        Some("12344-12-31 23:30:00+00")
    );
    let day = |text| written(Moment::Date, text, true);
    assert_eq!(day("12345-02-28").as_deref(), Some("12345-02-28"));
    assert_eq!(day("12345-02-28"), day("12345-02-28T00:00:00Z"));
    assert_eq!(day("0001-02-29 BC").as_deref(), Some("0001-02-29 BC"));
}

#[test]
fn midnights_are_dates_and_other_times_are_not() {
    assert_eq!(
        written(Moment::Date, "2020-02-29T00:00:00Z", false).as_deref(),
        Some("2020-02-29")
    );
    assert_eq!(written(Moment::Date, "2020-02-29T00:00:01Z", false), None);
}

#[test]
fn what_no_column_holds_is_invalid() {
    for text in [
        "",
        "294277-01-01T00:00:00",
        "4714-11-23 BC",
        "4715-01-01 BC",
        "2020-01-01T24:00:01",
        "2020-01-01T00:00:61Z",
        "2020-02-30",
        "2020-13-01T00:00:00Z",
        "0000-01-01",
        "12345-02-30",
        "tomorrow",
        "12345-01-01T00:00:00+02:00",
        "12345-01-01T00:00:00+02:00",
        "1234567-01-01",
        "0044-03-15 AD",
        "é",
    ] {
        assert_eq!(written(Moment::Timestamp, text, false), None, "{text}");
    }
    assert_eq!(written(Moment::Date, "12345-01-01T10:00:00", false), None);
    assert_eq!(written(Moment::Date, "5874898-01-01", false), None);
}

#[test]
fn days_of_every_era_agree_with_the_reader() {
    for days in (-719_162..2_932_896).step_by(61) {
        let (year, month, day) = civil(days);
        let text = format!("{year:04}-{month:02}-{day:02}");
        assert_eq!(parse_date(&text).map(i64::from), Some(days), "{text}");
    }
}

#[test]
fn one_moment_is_one_value_however_it_is_spelled() {
    for (text, expected) in [
        (
            "2024-01-01T01:00:00.1234567+01:00",
            "2024-01-01 00:00:00.123457+00",
        ),
        ("2024-01-01T01:00:00.9999999+01:00", "2024-01-01 00:00:01+00"),
        ("1969-12-31T23:00:00.9999999-01:00", "1970-01-01 00:00:01+00"),
        ("2024-01-01T00:00:00,5Z", "2024-01-01 00:00:00.500000+00"),
        ("2024-01-01T00:00:00,1234567", "2024-01-01 00:00:00.123457+00"),
        ("2016-12-31T23:59:60Z", "2017-01-01 00:00:00+00"),
        ("2017-01-01T00:59:60.25+01:00", "2017-01-01 00:00:00.250000+00"),
        ("2016-12-31T24:00:00Z", "2017-01-01 00:00:00+00"),
        ("2016-12-31 24:00", "2017-01-01 00:00:00+00"),
    ] {
        for moment in [Moment::Timestamp, Moment::TimestampTz] {
            assert_eq!(written(moment, text, false).as_deref(), Some(expected), "{text}");
            assert_eq!(written(moment, text, true).as_deref(), Some(expected), "{text}");
        }
    }
    let text = "2024-01-01T00:00:00.1234567Z";
    assert_eq!(
        written(Moment::Timestamp, text, false),
        written(Moment::Timestamp, text, true)
    );
}

#[test]
fn what_has_no_zone_is_utc_whatever_the_session_has() {
    for (text, expected) in [
        ("2020-01-01T12:00:00", "2020-01-01 12:00:00+00"),
        ("2020-01-01", "2020-01-01 00:00:00+00"),
        ("12345-01-01 12:00:00", "12345-01-01 12:00:00+00"),
        ("12345-01-01", "12345-01-01 00:00:00+00"),
        ("0044-03-15 12:00:00 BC", "0044-03-15 12:00:00+00 BC"),
        ("2020-01-01T12:00:00Z", "2020-01-01T12:00:00Z"),
    ] {
        assert_eq!(
            written(Moment::TimestampTz, text, false).as_deref(),
            Some(expected),
            "{text}"
        );
    }
}
