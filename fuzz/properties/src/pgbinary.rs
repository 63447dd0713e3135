//! tap-postgres's readers of binary values: what they make of any bytes is JSON, and bounded, or an error; and they
//! read what `postgres-types` writes. The COPY stream reads the same in any pieces.
//!
//! The first byte chooses what is done, the second the type.

use std::collections::HashMap;
use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use postgres::types::private::BytesMut;
use postgres::types::{Field, Kind, ToSql, Type};
use serde_json::{Value, json};
use tap_postgres::fuzzing::{TYPES, decode, tuples};

use crate::input::Input;
use crate::reference;

/// See the [module](self).
pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    match input.below(4) {
        0 => any_value(input),
        1 => round_trips(input),
        2 => any_stream(input),
        _ => stream(input),
    }
}

fn any_value(mut input: Input<'_>) {
    let choice = input.below(2 * TYPES.len());
    let name = TYPES[choice % TYPES.len()];
    let name = if choice < TYPES.len() {
        name.to_owned()
    } else {
        format!("{name}[]")
    };
    let value = input.rest();
    let Ok(out) = decode(&name, value).expect("a known type") else {
        return;
    };
    // A numeric of a few bytes may have 131,072 digits before the point and 16,383 after it.
    let most = 100
        + 8 * value.len()
        + if name.contains("numeric") || name.contains("decimal") {
            (value.len() / 8 + 1) * 150_000
        } else {
            0
        };
    assert!(
        out.len() <= most,
        "{name}: {} bytes of {}",
        out.len(),
        value.len()
    );
    let text = String::from_utf8(out).expect("UTF-8");
    // The server has checked what a json holds; it is passed on as it is.
    if !name.contains("json") {
        assert!(reference::parse(&text, 10).is_some(), "{name}: {text}");
    }
    assert!(!text.contains(['\n', '\r']), "{name}: {text}");
}

fn sent<T: ToSql + std::fmt::Debug>(value: &T, kind: &Type) -> Result<Vec<u8>, Box<dyn Error + Sync + Send>> {
    let mut out = BytesMut::new();
    value.to_sql(kind, &mut out)?;
    Ok(out.to_vec())
}

fn agrees<T: ToSql + std::fmt::Debug>(value: &T, kind: &Type, name: &str, expected: &Value) {
    let Ok(bytes) = sent(value, kind) else { return };
    let out = decode(name, &bytes)
        .expect("a known type")
        .expect("a value that was sent");
    let found: Value = serde_json::from_slice(&out).expect("JSON");
    assert_eq!(&found, expected, "{name}: {value:?}");
}

fn round_trips(mut input: Input<'_>) {
    let choice = input.below(13);
    let number = || {
        let mut bytes = [0; 8];
        let rest = input.rest();
        let length = rest.len().min(8);
        bytes[..length].copy_from_slice(&rest[..length]);
        i64::from_le_bytes(bytes)
    };
    let n = number();
    let text = String::from_utf8_lossy(input.rest()).replace('\0', "0");
    if reference::is_private_to_serde_json(&text) {
        return;
    }
    let short = n as i32;
    match choice {
        0 => agrees(&(n & 1 == 1), &Type::BOOL, "bool", &json!(n & 1 == 1)),
        1 => agrees(&(n as i16), &Type::INT2, "int2", &json!(n as i16)),
        2 => agrees(&short, &Type::INT4, "int4", &json!(short)),
        3 => agrees(&n, &Type::INT8, "int8", &json!(n)),
        4 => agrees(
            &short.cast_unsigned(),
            &Type::OID,
            "oid",
            &json!(short.cast_unsigned()),
        ),
        5 => {
            let value = f64::from_bits(n.cast_unsigned());
            agrees(&value, &Type::FLOAT8, "float8", &json!(value));
        }
        6 => {
            let value = f32::from_bits(short.cast_unsigned());
            let out = decode("float4", &sent(&value, &Type::FLOAT4).expect("a float"))
                .expect("known")
                .expect("a float");
            let found = String::from_utf8(out).expect("UTF-8");
            // NaN and the infinities are null; all others read the same again.
            assert_eq!(found.parse::<f32>().ok(), value.is_finite().then_some(value));
        }
        7 => agrees(&text, &Type::TEXT, "text", &json!(text)),
        8 => {
            let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
            agrees(&text.as_bytes(), &Type::BYTEA, "bytea", &json!(hex));
        }
        9 => {
            let items: Vec<Option<i32>> = text
                .bytes()
                .map(|byte| (byte > 40).then_some(short ^ i32::from(byte)))
                .collect();
            agrees(&items, &Type::INT4_ARRAY, "int4[]", &json!(items));
        }
        10 => {
            let items: Vec<Option<&str>> = text
                .split(' ')
                .map(|item| (item != "x").then_some(item))
                .collect();
            agrees(&items, &Type::TEXT_ARRAY, "text[]", &json!(items));
        }
        11 => {
            let address = if short & 1 == 0 {
                IpAddr::V4(Ipv4Addr::from(short.cast_unsigned()))
            } else {
                IpAddr::V6(Ipv6Addr::from(
                    u128::from(n.cast_unsigned()) << 64 | u128::from(n.cast_unsigned()),
                ))
            };
            agrees(&address, &Type::INET, "inet", &json!(address.to_string()));
        }
        _ => {
            let kind = Type::new(
                "hstore".into(),
                99_999,
                Kind::Composite(Vec::<Field>::new()),
                "public".into(),
            );
            let members: HashMap<String, Option<String>> = text
                .split(' ')
                .enumerate()
                .map(|(i, item)| (item.to_owned(), (i % 3 > 0).then(|| format!("{i}"))))
                .collect();
            agrees(&members, &kind, "hstore", &json!(members));
        }
    }
}

fn pieces<'a>(bytes: &'a [u8], plan: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut at = 0;
    let mut turn = 0;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let wanted = plan
            .get(turn % plan.len().max(1))
            .map_or(1, |&n| usize::from(n).max(1));
        turn += 1;
        at += wanted;
        Some(&rest[..wanted.min(rest.len())])
    })
}

/// Any bytes, after a good header: the pieces make no difference.
fn any_stream(mut input: Input<'_>) {
    let plan = input.take(3);
    let mut bytes = if input.byte() & 1 == 1 {
        Vec::new()
    } else {
        header(0)
    };
    bytes.extend_from_slice(input.rest());
    let whole = tuples([&*bytes], 3).map_err(|error| error.to_string());
    let parts = tuples(pieces(&bytes, plan), 3).map_err(|error| error.to_string());
    assert_eq!(parts, whole);
}

fn header(extension: u8) -> Vec<u8> {
    let mut bytes = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0".to_vec();
    bytes.push(extension);
    bytes.extend((0..extension).map(|_| 7));
    bytes
}

/// A stream of values reads as those values.
fn stream(mut input: Input<'_>) {
    let plan = input.take(3);
    let columns = input.below(4);
    let mut bytes = header(input.byte() % 9);
    let mut expected: Vec<Vec<Option<Vec<u8>>>> = Vec::new();
    while !input.is_empty() && columns > 0 {
        bytes.extend_from_slice(&(columns as i16).to_be_bytes());
        let row = (0..columns).map(|_| {
            let length = input.byte();
            (length < 200).then(|| input.take(usize::from(length)).to_vec())
        });
        let row: Vec<Option<Vec<u8>>> = row.collect();
        for value in &row {
            let length = value.as_ref().map_or(-1, |value| value.len() as i32);
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(value.as_deref().unwrap_or_default());
        }
        expected.push(row);
    }
    bytes.extend_from_slice(&(-1_i16).to_be_bytes());
    assert_eq!(tuples(pieces(&bytes, plan), columns).expect("a stream"), expected);
}
