//! The readers of binary values and of the binary COPY stream, for `fuzz/properties`.

use crate::config::InvalidDates;
use crate::copy::{Tuple, Tuples};
use crate::decode::{Dates, Decoder};

/// The names that [`decode`] knows; each but `array` also as an item: `int4[]`.
pub const TYPES: &[&str] = &[
    "bool",
    "int2",
    "int4",
    "int8",
    "oid",
    "float4",
    "float8",
    "numeric",
    "decimal",
    "text",
    "bytea",
    "uuid",
    "date",
    "time",
    "timetz",
    "timestamp",
    "timestamptz",
    "interval",
    "json",
    "jsonb",
    "inet",
    "macaddr",
    "bit",
    "hstore",
];

fn decoder(name: &str) -> Option<Decoder> {
    if let Some(item) = name.strip_suffix("[]") {
        return decoder(item).map(|item| Decoder::Array(Box::new(item)));
    }
    let dates = Dates::Iso(InvalidDates::Text);
    Some(match name {
        "bool" => Decoder::Bool,
        "int2" => Decoder::Int2,
        "int4" => Decoder::Int4,
        "int8" => Decoder::Int8,
        "oid" => Decoder::Oid,
        "float4" => Decoder::Float4,
        "float8" => Decoder::Float8,
        "numeric" => Decoder::Numeric,
        "decimal" => Decoder::Decimal,
        "text" => Decoder::Text,
        "bytea" => Decoder::Bytes,
        "uuid" => Decoder::Uuid,
        "date" => Decoder::Date(dates),
        "time" => Decoder::Time,
        "timetz" => Decoder::TimeTz,
        "timestamp" => Decoder::Timestamp(dates),
        "timestamptz" => Decoder::TimestampTz(dates),
        "interval" => Decoder::Interval,
        "json" => Decoder::Json,
        "jsonb" => Decoder::Jsonb,
        "inet" => Decoder::Network,
        "macaddr" => Decoder::Mac,
        "bit" => Decoder::Bits,
        "hstore" => Decoder::Hstore,
        _ => return None,
    })
}

/// The JSON of a value of the type of that name, or what is wrong with it; `None` for a name that is not known.
pub fn decode(name: &str, value: &[u8]) -> Option<Result<Vec<u8>, String>> {
    let mut out = Vec::new();
    let written = decoder(name)?.write(value, &mut out);
    Some(written.map(|()| out).map_err(|wrong| wrong.0.into()))
}

/// The rows of a binary COPY stream that comes in these pieces, each as the values of `columns` columns.
pub fn tuples<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    columns: usize,
) -> melisma_sdk::Result<Vec<Vec<Option<Vec<u8>>>>> {
    let mut tuples = Tuples::default();
    let mut rows = Vec::new();
    for piece in pieces {
        tuples.feed(piece, |mut tuple: Tuple<'_>| {
            rows.push((0..columns).map(|_| tuple.next().map(<[u8]>::to_vec)).collect());
            Ok(())
        })?;
    }
    tuples.finish()?;
    Ok(rows)
}
