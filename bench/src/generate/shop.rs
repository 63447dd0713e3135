//! Shapes about streams and keys: many streams that take turns, and changes of the same keys.

use std::collections::HashSet;
use std::io::Write;

use jiff::Timestamp;
use melisma_sdk::Result;

use super::seed::Seed;
use super::shapes::money;
use super::stream::{Stream, Type, Writer};

use Type::{Integer, Number, Text, Time};

/// 2026-01-01T00:00:00Z
const EPOCH: i64 = 1_767_225_600;

/// The moment of the change with this number: a second after the one before.
fn moment(change: u64) -> String {
    let second = EPOCH.saturating_add_unsigned(change);
    Timestamp::from_second(second).unwrap_or_default().to_string()
}

/// Streams take turns of 1 to 20 records, in an order that does not repeat.
pub(super) fn streams<W: Write>(rows: u64, streams: u32, seed: u64, out: &mut Writer<W>) -> Result<u64> {
    let mut seed = Seed::new(seed);
    let columns = [("id", Integer), ("name", Text), ("updated_at", Time)];
    let streams = streams.max(1);
    for stream in 0..streams {
        out.stream(&Stream {
            name: &format!("stream_{stream}"),
            columns: &columns,
            keys: &["id"],
        })?;
    }
    let mut id = 0;
    while id < rows {
        let stream = seed.below(streams.into()) as usize;
        for _ in 0..(1 + seed.below(20)).min(rows - id) {
            out.row.begin();
            out.row.number("id", id);
            out.row.string("name", format_args!("item {}", seed.below(1000)));
            out.row.string("updated_at", moment(id));
            out.record(stream)?;
            id += 1;
        }
    }
    Ok(rows)
}

/// On average four changes a key; half of all changes are of a tenth of the keys.
pub(super) fn changes<W: Write>(rows: u64, seed: u64, out: &mut Writer<W>) -> Result<u64> {
    let mut seed = Seed::new(seed);
    let columns = [
        ("id", Integer),
        ("status", Text),
        ("amount", Number),
        ("version", Integer),
        ("updated_at", Time),
    ];
    out.states_every(1000);
    out.stream(&Stream {
        name: "changes",
        columns: &columns,
        keys: &["id"],
    })?;
    let keys = (rows / 4).clamp(1, 1 << 31);
    let mut changed = HashSet::new();
    for change in 0..rows {
        let range = if seed.below(2) == 0 {
            keys
        } else {
            keys.div_ceil(10)
        };
        let id = seed.below(range);
        changed.insert(id);
        out.row.begin();
        out.row.number("id", id);
        out.row
            .string("status", seed.of(&["open", "paid", "shipped", "returned"]));
        out.row.number("amount", money(seed.below(1_000_000)));
        out.row.number("version", change);
        out.row.string("updated_at", moment(change));
        out.record(0)?;
    }
    Ok(changed.len() as u64)
}
