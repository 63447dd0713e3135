//! What the scripted tap sends: every row is a function of the seed and its number, so that whoever reads it back can
//! tell whether it is the one that was sent.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::random::{Random, mix};

/// A word that is in every row, and must never be in a log.
pub const CANARY: &str = "c4n4ry";
/// Keys of the stream `people`, whose rows change.
const PEOPLE: u64 = 20;
/// 2026-01-01 in microseconds.
const EPOCH: i64 = 1_767_225_600_000_000;

/// A stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// Each row has a key of its own.
    Orders,
    /// No keys.
    Events,
    /// The same keys come again and again, and there are versions.
    People,
}

impl Stream {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Orders, Self::Events, Self::People];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Events => "events",
            Self::People => "people",
        }
    }

    /// Whether it has a key.
    pub fn is_keyed(self) -> bool {
        self != Self::Events
    }
}

/// Where the rows come from.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// What all rows follow from.
    pub seed: u64,
    /// A STATE follows every so many rows.
    pub state_every: u64,
    /// The row from which `orders` has one more column; `events` follows a little later.
    pub change: u64,
    /// The row from which `people` has its second version.
    pub activate: u64,
}

/// A row, in a form that all targets can be read back into.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its number among all rows.
    pub n: u64,
    /// The key, where there is one.
    pub id: i64,
    /// Too large for a float.
    pub big: i64,
    /// A number that a float holds exactly.
    pub price: f64,
    /// Microseconds since 1970.
    pub at: i64,
    /// Sometimes null.
    pub flag: Option<bool>,
    /// With quotes, newlines and more, and the [`CANARY`].
    pub text: String,
    /// An object.
    pub doc: Value,
    /// The column of the changed schema.
    pub extra: Option<String>,
}

impl Source {
    /// The stream of a row.
    pub fn stream(&self, n: u64) -> Stream {
        match mix(self.seed ^ mix(n)) % 4 {
            0 | 1 => Stream::Orders,
            2 => Stream::Events,
            _ => Stream::People,
        }
    }

    /// The row from which a stream has the column `extra`.
    pub fn change_of(&self, stream: Stream) -> u64 {
        match stream {
            Stream::Orders => self.change,
            Stream::Events => self.change + 40,
            Stream::People => u64::MAX,
        }
    }

    /// The version of `people` at a row.
    pub fn version(&self, n: u64) -> i64 {
        if n < self.activate { 1 } else { 2 }
    }

    /// The row itself.
    pub fn row(&self, n: u64) -> Row {
        let mut random = Random::new(self.seed ^ mix(n ^ 0xabcd));
        let stream = self.stream(n);
        let id = match stream {
            Stream::People => random.below(PEOPLE) as i64,
            Stream::Orders | Stream::Events => (n * 7 + 3) as i64,
        };
        let long = random.below(40) as usize;
        let extra = (n >= self.change_of(stream)).then(|| format!("later {n}"));
        Row {
            n,
            id,
            big: (random.number() >> 2) as i64 | (1 << 60) | 1,
            price: random.below(1 << 20) as f64 / 8.0,
            at: EPOCH + (n as i64) * 1_000_003,
            flag: [None, Some(false), Some(true)][random.below(3) as usize],
            text: format!("{CANARY} {n} \"q\" \\ , é\t\u{1f3b5} {}", "xy\n".repeat(long)),
            doc: json!({"a": n, "list": [1, "two", null], "deep": {"é": random.below(1000)}}),
            extra,
        }
    }

    /// The RECORD line of a row.
    pub fn record(&self, n: u64, out: &mut String) {
        let row = self.row(n);
        let stream = self.stream(n);
        let _ = write!(
            out,
            "{{\"type\": \"RECORD\", \"stream\": \"{}\", \"record\": ",
            stream.name()
        );
        let mut record = json!({
            "n": row.n, "id": row.id, "big": row.big, "price": row.price, "at": date_time(row.at),
            "flag": row.flag, "text": row.text, "doc": row.doc,
        });
        if let Some(extra) = row.extra {
            record["extra"] = extra.into();
        }
        let _ = write!(out, "{record}");
        if stream == Stream::People {
            let _ = write!(out, ", \"version\": {}", self.version(n));
        }
        out.push_str("}\n");
    }

    /// The SCHEMA line of a stream, as it is at a row.
    pub fn schema(&self, stream: Stream, n: u64, out: &mut String) {
        let mut properties = json!({
            "n": {"type": "integer"},
            "id": {"type": "integer"},
            "big": {"type": "integer"},
            "price": {"type": "number"},
            "at": {"type": "string", "format": "date-time"},
            "flag": {"type": ["boolean", "null"]},
            "text": {"type": "string"},
            "doc": {"type": "object"},
        });
        if n >= self.change_of(stream) {
            properties["extra"] = json!({"type": ["string", "null"]});
        }
        let keys: &[&str] = if stream.is_keyed() { &["id"] } else { &[] };
        let message = json!({
            "type": "SCHEMA", "stream": stream.name(), "key_properties": keys,
            "schema": {"type": "object", "properties": properties},
        });
        let _ = writeln!(out, "{message}");
    }

    /// The value of the STATE that covers the rows below `next`. Spaces, digits and escapes are such as a careless
    /// program would not keep.
    pub fn state(&self, next: u64) -> String {
        format!(
            "{{\"bookmarks\":{{\"orders\": {{\"at\": {next}.50, \"sum\":1e2}} }}, \"next\":{next},  \"\\u00e9/\\/\": [{}, null]}}",
            mix(self.seed ^ next) >> 1
        )
    }

    /// The row that a STATE covers all rows before; `None` when its bytes are not the tap's.
    pub fn next_of(&self, state: &str) -> Option<u64> {
        let value: Value = serde_json::from_str(state).ok()?;
        let next = value.get("next")?.as_u64()?;
        (self.state(next) == state).then_some(next)
    }
}

/// RFC 3339 in UTC, of microseconds in the weeks after [`EPOCH`].
fn date_time(micros: i64) -> String {
    let since = micros - EPOCH;
    let (seconds, rest) = (since / 1_000_000, since % 1_000_000);
    let (day, second) = (seconds / 86_400, seconds % 86_400);
    // 31 days at most: 2.6 million rows.
    format!(
        "2026-01-{:02}T{:02}:{:02}:{:02}.{rest:06}Z",
        day % 31 + 1,
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

/// The other way round, also without the `Z`.
pub(crate) fn micros(text: &str) -> Option<i64> {
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<i64>().ok();
    if text.get(..8)? != "2026-01-" {
        return None;
    }
    let seconds =
        (number(8..10)? - 1) * 86_400 + number(11..13)? * 3600 + number(14..16)? * 60 + number(17..19)?;
    let fraction = text.get(19..)?.trim_end_matches("+00:00").trim_end_matches('Z');
    let digits = fraction.strip_prefix('.').unwrap_or_default();
    let micros = format!("{digits:0<6}").parse::<i64>().ok()?;
    Some(EPOCH + seconds * 1_000_000 + micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: Source = Source {
        seed: 7,
        state_every: 10,
        change: 100,
        activate: 200,
    };

    #[test]
    fn rows_are_the_same_each_time_and_differ_from_each_other() {
        assert_eq!(SOURCE.row(5), SOURCE.row(5));
        assert_ne!(SOURCE.row(5).big, SOURCE.row(6).big);
        assert_ne!(SOURCE.row(5).big, Source { seed: 8, ..SOURCE }.row(5).big);
        for n in [0, 1, 86_399, 86_400, 1_000_000] {
            assert_eq!(micros(&date_time(SOURCE.row(n).at)), Some(SOURCE.row(n).at));
        }
    }

    #[test]
    fn a_state_is_known_by_its_bytes() {
        let state = SOURCE.state(30);
        assert_eq!(SOURCE.next_of(&state), Some(30));
        let value: Value = serde_json::from_str(&state).unwrap();
        assert_eq!(SOURCE.next_of(&value.to_string()), None);
        assert_eq!(SOURCE.next_of(&state.replace(":30,", ":31,")), None);
    }
}
