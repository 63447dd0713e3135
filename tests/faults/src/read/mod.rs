//! What a target holds, read back without any of the product's own code.

mod databases;
mod files;
mod postgres;
mod state;

use serde_json::Value;

use crate::rig::{Kind, Rig};
use crate::source::{Row, Stream, micros};

pub use files::Parts;
pub use state::{emitted, stored};

/// The rows of each stream, in the order in which they stand.
#[derive(Debug, Default)]
pub struct Found {
    /// By [`Stream::ALL`].
    pub rows: [Vec<Row>; 3],
}

impl Found {
    /// The rows of a stream.
    pub fn of(&self, stream: Stream) -> &[Row] {
        &self.rows[stream as usize]
    }
}

/// Reads everything. `torn`: a run was killed a moment ago, so that the last row of a file that grows may be half there.
///
/// # Errors
/// Something is there that is no row.
pub fn all(rig: &Rig<'_>, parts: &mut Parts, torn: bool) -> Result<Found, String> {
    if rig.kind.is_sql() {
        let rows = databases::contents(rig)?.rows;
        return Ok(Found { rows });
    }
    let mut found = Found::default();
    for stream in Stream::ALL {
        let rows = match rig.kind {
            Kind::Postgres => postgres::rows(rig, stream)?,
            kind => files::rows(&rig.out(), kind, stream, parts, torn)?,
        };
        found.rows[stream as usize] = rows;
    }
    Ok(found)
}

/// A row of JSON, whose `at` is text or microseconds.
fn row(value: &Value) -> Option<Row> {
    let at = &value["at"];
    let extra = value.get("extra").and_then(Value::as_str);
    Some(Row {
        n: value["n"].as_u64()?,
        id: value["id"].as_i64()?,
        big: value["big"].as_i64()?,
        price: value["price"].as_f64()?,
        at: at.as_i64().or_else(|| micros(at.as_str()?))?,
        flag: value["flag"].as_bool(),
        text: value["text"].as_str()?.to_owned(),
        doc: match &value["doc"] {
            Value::String(text) => serde_json::from_str(text).ok()?,
            doc => doc.clone(),
        },
        extra: extra.map(str::to_owned),
    })
}
