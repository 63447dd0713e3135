//! Random records, against a model of what a table should hold.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use crate::driver::{Target, record, schema};

const COLUMNS: [&str; 3] = ["a", "b", "c"];

/// xorshift: the same numbers for the same seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// By key, what is in `a`, `b` and `c`.
type Model = BTreeMap<(u64, String), [Option<String>; 3]>;

/// A record that puts, all of a row or a part, or deletes; and what it does to the model.
fn step(random: &mut Random, number: usize, deletes: bool, model: &mut Model) -> Value {
    // Two columns of the key, whose texts joined would be the same for different keys.
    let (id, part) = (
        random.below(4),
        ["", "1", "\t", "\\"][random.below(4) as usize].to_owned(),
    );
    let mut members = Map::new();
    members.insert("part".to_owned(), json!(part));
    members.insert("id".to_owned(), json!(id));
    let key = (id, part);
    if deletes && random.below(5) == 0 {
        members.insert("_sdc_deleted_at".to_owned(), json!("2026-01-01T00:00:00Z"));
        model.remove(&key);
        return record("s", Value::Object(members));
    }
    let row = model.entry(key).or_default();
    let whole = random.below(3) > 0;
    for (name, there) in COLUMNS.iter().zip(row) {
        if whole || random.below(2) == 0 {
            let value = (random.below(6) > 0).then(|| format!("{number}\t{name}\n\\N"));
            members.insert((*name).to_owned(), json!(value));
            *there = value;
        }
    }
    if deletes && whole {
        members.insert("_sdc_deleted_at".to_owned(), Value::Null);
    }
    record("s", Value::Object(members))
}

fn check(seed: u64) {
    let mut random = Random::new(seed);
    let deletes = random.below(2) == 0;
    let text = json!({"type": ["string", "null"]});
    let properties = json!({
        "a": text, "id": {"type": "integer"}, "b": text, "part": {"type": "string"}, "c": text,
        "_sdc_deleted_at": {"type": ["string", "null"], "format": "date-time"},
    });
    let mut target = Target::new(json!({}));
    let mut model = Model::new();
    for _ in 0..3 {
        target.with(json!({"hard_delete": deletes, "add_record_metadata": deletes, "batch_size_rows": 1 + random.below(40)}));
        let mut lines = vec![schema("s", properties.clone(), &["id", "part"])];
        for number in 0..60 {
            lines.push(step(&mut random, number, deletes, &mut model));
        }
        target.load(&lines);
        let rows = target.sql("select coalesce(json_agg(json_build_array(id, part, a, b, c)), '[]') from s");
        let mut rows: Vec<Value> = serde_json::from_str(&rows).expect("JSON");
        let mut expected: Vec<Value> = model
            .iter()
            .map(|((id, part), [a, b, c])| json!([id, part, a, b, c]))
            .collect();
        for list in [&mut rows, &mut expected] {
            list.sort_by_key(ToString::to_string);
        }
        assert_eq!(rows, expected, "MELISMA_TEST_SEED={seed}");
        assert_eq!(target.key("s"), "id, part", "MELISMA_TEST_SEED={seed}");
    }
}

/// That of `MELISMA_TEST_SEED`, or so many others.
pub(crate) fn seeds(rounds: u64) -> Vec<u64> {
    if let Ok(seed) = std::env::var("MELISMA_TEST_SEED") {
        return vec![seed.parse().expect("a number")];
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    (0..rounds)
        .map(|round| u64::from(now.subsec_nanos()) * 16 + round)
        .collect()
}

#[test]
fn tables_hold_what_the_model_does() {
    for seed in seeds(12) {
        check(seed);
    }
}
