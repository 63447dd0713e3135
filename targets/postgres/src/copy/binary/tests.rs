use proptest::prelude::*;

use super::*;

fn field(kind: Binary, text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    kind.write::<true>(&mut out, text.as_bytes())?;
    if !text.contains('\\') {
        let mut same = Vec::new();
        assert_eq!(
            kind.write::<false>(&mut same, text.as_bytes()),
            Some(()),
            "{text}"
        );
        assert_eq!(same, out, "{text}");
    }
    let (bytes, value) = out.split_first_chunk().expect("a number of bytes");
    assert_eq!(u32::from_be_bytes(*bytes) as usize, value.len(), "{text}");
    Some(value.to_vec())
}

#[test]
fn values_have_the_bytes_that_the_server_sends() {
    for (kind, text, expected) in [
        (Binary::Boolean, "t", &[1_u8][..]),
        (Binary::Int2, "-2", &[0xFF, 0xFE]),
        (Binary::Int8, "-9223372036854775808", &[0x80, 0, 0, 0, 0, 0, 0, 0]),
        (Binary::Float4, "1.5", &[0x3F, 0xC0, 0, 0]),
        (Binary::Date, "2000-01-02", &[0, 0, 0, 1]),
        (
            Binary::Timestamp,
            "2000-01-01T00:00:00.5Z",
            &[0, 0, 0, 0, 0, 7, 0xA1, 0x20],
        ),
        (Binary::TimestampTz, "1999-12-31 23:59:59.999999+00", &[0xFF; 8]),
        (Binary::Time, "24:00:00", &86_400_000_000_i64.to_be_bytes()),
        (Binary::Text, r"a\tb\\N", b"a\tb\\N"),
        (Binary::Json, r#"{"a": "\\n"}"#, br#"{"a": "\n"}"#),
        (Binary::Jsonb, "[1]", b"\x01[1]"),
        (Binary::Bytea, r"\\x0aFf", &[10, 255]),
        (
            Binary::Uuid,
            "a0eebc999c0b4ef8bb6d6bb9bd380a11",
            &[
                0xA0, 0xEE, 0xBC, 0x99, 0x9C, 0x0B, 0x4E, 0xF8, 0xBB, 0x6D, 0x6B, 0xB9, 0xBD, 0x38, 0x0A,
                0x11,
            ],
        ),
        // digits, weight, sign, scale
        (Binary::Numeric, "0", &[0; 8]),
        (Binary::Numeric, "-0.00", &[0, 0, 0, 0, 0, 0, 0, 2]),
        (
            Binary::Numeric,
            "12345.67",
            &[0, 3, 0, 1, 0, 0, 0, 2, 0, 1, 0x09, 0x29, 0x1A, 0x2C],
        ),
        (Binary::Numeric, "-1e4", &[0, 1, 0, 1, 0x40, 0, 0, 0, 0, 1]),
        (Binary::Numeric, "NaN", &[0, 0, 0, 0, 0xC0, 0, 0, 0]),
    ] {
        assert_eq!(field(kind, text).as_deref(), Some(expected), "{kind:?} {text}");
    }
}

#[test]
fn what_only_the_server_reads_has_no_binary_form() {
    for (kind, text) in [
        (Binary::Boolean, "true"),
        (Binary::Int4, "2147483648"),
        (Binary::Int8, ""),
        (Binary::Int8, "1 "),
        (Binary::Numeric, ""),
        (Binary::Numeric, "."),
        (Binary::Numeric, "1.2.3"),
        (Binary::Numeric, "Infinity"),
        (Binary::Numeric, "1e100000"),
        (Binary::Date, "infinity"),
        (Binary::Date, "0044-03-15 BC"),
        (Binary::Timestamp, "-infinity"),
        (Binary::Timestamp, "12345-01-01 00:00:00"),
        (Binary::Time, "25:00"),
        (Binary::Uuid, "a0eebc99"),
        (Binary::Bytea, r"\\x0"),
    ] {
        assert_eq!(field(kind, text), None, "{kind:?} {text}");
    }
}

#[test]
fn a_line_with_more_or_fewer_fields_has_no_tuple() {
    let columns = [Binary::Int4, Binary::Text];
    let tuple = |line: &str| {
        let mut out = Vec::new();
        write_tuple(&mut out, line.as_bytes(), &columns).map(|()| out)
    };
    let bytes = [&[0, 2, 0, 0, 0, 4, 0, 0, 0, 7, 0xFF, 0xFF, 0xFF, 0xFF][..]].concat();
    assert_eq!(tuple("7\t\\N"), Some(bytes));
    assert_eq!(
        tuple("7\t"),
        Some([&[0, 2, 0, 0, 0, 4, 0, 0, 0, 7, 0, 0, 0, 0][..]].concat())
    );
    for line in ["7", "7\ta\tb", ""] {
        assert_eq!(tuple(line), None, "{line}");
    }
}

/// What the server reads of the binary form of a number: its digits by position.
fn read_numeric(bytes: &[u8]) -> String {
    let word = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
    let (count, weight, sign, scale) = (word(0), word(2).cast_signed(), word(4), usize::from(word(6)));
    let group = |power: i16| match usize::try_from(weight - power) {
        Ok(at) if at < usize::from(count) => word(8 + 2 * at),
        _ => 0,
    };
    let digits = |powers: &mut dyn Iterator<Item = i16>| {
        let groups: Vec<String> = powers.map(|power| format!("{:04}", group(power))).collect();
        groups.concat()
    };
    let behind = i16::try_from(scale.div_ceil(4)).expect("few");
    let whole = digits(&mut (0..=weight.max(0)).rev());
    let fraction = digits(&mut (1..=behind).map(|place| -place));
    let whole = whole.trim_start_matches('0');
    format!(
        "{}{}{}{}",
        if sign == 0x4000 { "-" } else { "" },
        if whole.is_empty() { "0" } else { whole },
        if scale > 0 { "." } else { "" },
        &fraction[..scale]
    )
}

proptest! {
    #[test]
    fn numbers_keep_every_digit(whole in "(0|[1-9][0-9]{0,30})", fraction in "[0-9]{0,30}", negative: bool) {
        let point = if fraction.is_empty() { "" } else { "." };
        let text = format!("{whole}{point}{fraction}");
        let is_zero = text.bytes().all(|byte| matches!(byte, b'0' | b'.'));
        let text = if negative && !is_zero { format!("-{text}") } else { text };
        let bytes = field(Binary::Numeric, &text).expect("a number");
        prop_assert_eq!(read_numeric(&bytes), text);
    }

    #[test]
    fn an_exponent_moves_the_point(digits in "[1-9][0-9]{0,20}", at in 0_usize..20, power in -40_i32..40) {
        let at = at.min(digits.len());
        let text = format!("{}.{}e{power}", &digits[..at], &digits[at..]);
        let bytes = field(Binary::Numeric, &text).expect("a number");
        // By moving digits one by one.
        let (mut whole, mut fraction) = (digits[..at].to_owned(), digits[at..].to_owned());
        for _ in 0..power.max(0) {
            whole.push(if fraction.is_empty() { '0' } else { fraction.remove(0) });
        }
        for _ in 0..(-power).max(0) {
            fraction.insert(0, whole.pop().unwrap_or('0'));
        }
        let whole = whole.trim_start_matches('0');
        let whole = if whole.is_empty() { "0" } else { whole };
        let point = if fraction.is_empty() { "" } else { "." };
        prop_assert_eq!(read_numeric(&bytes), format!("{whole}{point}{fraction}"));
    }
}
