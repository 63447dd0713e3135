use serde_json::json;
use serde_json::value::RawValue;

use super::*;

const TIME: KeyType = KeyType::Time { timestamp: true };
const SORTED: Order = Order::Sorted { check: true };
const NOW: &str = "\"2026-06-01T00:00:00+00:00\"";

struct Run {
    progress: Progress,
    state: State,
}

/// A stream `s` with key `at`, begun on a state.
fn run(kind: KeyType, order: Order, state: &str, start_date: Option<&str>) -> Run {
    let mut state = State::read(state.as_bytes()).expect("reads");
    let mut progress = Progress::new("at", kind, order, NOW, start_date);
    progress.begin(&mut state, "s", None);
    Run { progress, state }
}

impl Run {
    fn see(&mut self, value: &str) -> &mut Self {
        self.progress.see(value.as_bytes()).expect("in order");
        self
    }

    fn state(&mut self) -> Value {
        self.progress.store(&mut self.state);
        self.written()["bookmarks"]["s"].clone()
    }

    fn finish(&mut self) -> Value {
        self.progress.finish(&mut self.state);
        self.written()["bookmarks"]["s"].clone()
    }

    fn written(&self) -> Value {
        let mut out = Vec::new();
        self.state.write(&mut out);
        if out.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&out).expect("JSON")
        }
    }
}

#[test]
fn a_sorted_stream_moves_its_bookmark_with_each_record() {
    let mut run = run(KeyType::Number, SORTED, "", None);
    assert_eq!(
        run.see("3").state(),
        json!({"replication_key": "at", "replication_key_value": 3})
    );
    assert_eq!(run.see("3").see("11").state()["replication_key_value"], 11);
    assert_eq!(
        run.finish(),
        json!({"replication_key": "at", "replication_key_value": 11})
    );
}

#[test]
fn a_sorted_stream_refuses_what_is_out_of_order_by_meaning() {
    let mut numbers = run(KeyType::Number, SORTED, "", None);
    numbers.see("9").see("10");
    let error = numbers.progress.see(b"9").expect_err("out of order");
    assert_eq!(
        error.to_string(),
        "at: the stream is said to be sorted, but 9 comes after 10"
    );
    let mut times = run(TIME, SORTED, "", None);
    times
        .see("\"2026-01-01T02:00:00+02:00\"")
        .see("\"2026-01-01T00:00:00.5Z\"");
    assert!(times.progress.see(b"\"2026-01-01T00:00:00Z\"").is_err());
    let mut unchecked = run(KeyType::Number, Order::Sorted { check: false }, "", None);
    assert_eq!(unchecked.see("10").see("9").state()["replication_key_value"], 10);
}

#[test]
fn records_before_the_bookmark_do_not_take_it_back() {
    let state = r#"{"bookmarks":{"s":{"replication_key":"at","replication_key_value":50}}}"#;
    let mut run = run(KeyType::Number, SORTED, state, None);
    assert_eq!(run.progress.start(), Some("50"));
    assert_eq!(run.see("40").state()["replication_key_value"], 50);
    assert_eq!(run.see("60").state()["replication_key_value"], 60);
    assert_eq!(run.state()["starting_replication_value"], 50);
}

#[test]
fn an_unsorted_stream_keeps_markers_until_its_end() {
    let mut run = run(KeyType::Number, Order::Unsorted, "", None);
    run.see("7").see("100").see("9");
    let note = "Progress is not resumable if interrupted.";
    let markers = json!({"Note": note, "replication_key": "at", "replication_key_value": 100});
    assert_eq!(run.state(), json!({"progress_markers": markers}));
    assert_eq!(
        run.finish(),
        json!({"replication_key": "at", "replication_key_value": 100})
    );
}

#[test]
fn the_bookmark_of_an_unsorted_stream_stops_at_the_signpost() {
    let mut later = run(TIME, Order::Unsorted, "", None);
    assert_eq!(
        later.see("\"2026-07-01T00:00:00Z\"").state()["replication_key_signpost"],
        "2026-06-01T00:00:00+00:00"
    );
    let expected = json!({"replication_key": "at", "replication_key_value": "2026-06-01T00:00:00+00:00"});
    assert_eq!(later.finish(), expected);
    let mut earlier = run(TIME, Order::Unsorted, "", None);
    assert_eq!(
        earlier.see("\"2026-05-01T00:00:00Z\"").finish()["replication_key_value"],
        "2026-05-01T00:00:00Z"
    );
    let mut sorted = run(TIME, SORTED, "", None);
    assert_eq!(
        sorted.see("\"2026-07-01T00:00:00Z\"").finish()["replication_key_value"],
        "2026-07-01T00:00:00Z"
    );
}

#[test]
fn a_bookmark_of_another_key_does_not_count() {
    let state = r#"{"bookmarks":{"s":{"replication_key":"other","replication_key_value":50}}}"#;
    let mut run = run(KeyType::Number, SORTED, state, None);
    assert_eq!(run.progress.start(), None);
    assert_eq!(
        run.see("1").finish(),
        json!({"replication_key": "at", "replication_key_value": 1})
    );
}

#[test]
fn a_later_start_date_wins_for_dates_only() {
    let state =
        r#"{"bookmarks":{"s":{"replication_key":"at","replication_key_value":"2026-01-01T00:00:00Z"}}}"#;
    let start = |kind, date: &str| {
        let date = format!("\"{date}\"");
        run(kind, SORTED, state, Some(&date))
            .progress
            .start()
            .map(str::to_owned)
    };
    assert_eq!(start(TIME, "2026-02-01").as_deref(), Some("\"2026-02-01\""));
    assert_eq!(
        start(TIME, "2025-02-01").as_deref(),
        Some("\"2026-01-01T00:00:00Z\"")
    );
    assert_eq!(
        start(KeyType::Text, "2026-02-01").as_deref(),
        Some("\"2026-02-01\""),
        "a text that is a time"
    );
    let texts = state.replace("2026-01-01T00:00:00Z", "b17");
    let unlike = run(KeyType::Text, SORTED, &texts, Some("\"2026-02-01\""));
    assert_eq!(unlike.progress.start(), Some("\"b17\""));
    let manual = run(KeyType::Text, Order::Manual, state, Some("\"2026-02-01\""));
    assert_eq!(manual.progress.start(), Some("\"2026-01-01T00:00:00Z\""));
    assert_eq!(
        run(TIME, SORTED, "", Some("\"2026-02-01\"")).progress.start(),
        Some("\"2026-02-01\"")
    );
}

#[test]
fn nothing_seen_changes_nothing() {
    let state = r#"{"bookmarks":{"s":{"replication_key":"at","replication_key_value":5}}}"#;
    for order in [SORTED, Order::Unsorted, Order::Manual] {
        let mut run = run(KeyType::Number, order, state, None);
        run.see("null");
        assert_eq!(
            run.finish(),
            json!({"replication_key": "at", "replication_key_value": 5}),
            "{order:?}"
        );
    }
}

#[test]
fn partitions_end_one_by_one() {
    let mut run = run(KeyType::Number, Order::Unsorted, "", None);
    run.progress.finish(&mut run.state);
    run.progress.begin(&mut run.state, "s", Some(&json!({"org": 1})));
    run.see("5");
    run.progress.finish(&mut run.state);
    run.progress.begin(&mut run.state, "s", Some(&json!({"org": 2})));
    let state = run.see("3").state();
    assert_eq!(
        state["partitions"][0],
        json!({"context": {"org": 1}, "replication_key": "at", "replication_key_value": 5})
    );
    assert_eq!(
        state["partitions"][1]["progress_markers"]["replication_key_value"],
        3
    );
}

#[test]
fn a_bookmark_set_by_hand_is_taken_as_it_is() {
    let mut run = run(TIME, Order::Manual, "", None);
    run.see("\"2030-01-01\"");
    run.progress.set(&mut run.state, "\"2026-07-01\"").expect("sets");
    assert_eq!(
        run.finish(),
        json!({"replication_key": "at", "replication_key_value": "2026-07-01"})
    );
}

#[test]
fn a_number_that_a_json_reader_may_change_is_a_string_in_the_state() {
    for (value, kept) in [
        ("1704067200.999999999", json!("1704067200.999999999")),
        ("9007199254740993", json!("9007199254740993")),
        ("9007199254740992", json!(9_007_199_254_740_992_u64)),
        ("1.5", json!(1.5)),
    ] {
        for order in [SORTED, Order::Unsorted, Order::Manual] {
            let mut first = run(KeyType::Number, order, "", None);
            first.progress.set(&mut first.state, value).expect("in order");
            let state = first.finish();
            assert_eq!(state["replication_key_value"], kept, "{order:?}");
            let state = json!({"bookmarks": {"s": state}}).to_string();
            let second = run(KeyType::Number, order, &state, None);
            let start = second.progress.start().expect("a bookmark");
            let start: Box<RawValue> = second.progress.read(start).expect("a number");
            assert_eq!(start.get(), value, "{order:?}");
        }
    }
}

#[test]
fn a_string_bookmark_compares_as_the_number_it_is() {
    let state =
        json!({"bookmarks": {"s": {"replication_key": "at", "replication_key_value": "9007199254740995"}}});
    let mut run = run(KeyType::Number, SORTED, &state.to_string(), None);
    run.see("9007199254740993").see("9007199254740994");
    assert_eq!(run.state()["replication_key_value"], "9007199254740995");
    assert_eq!(
        run.see("9007199254740996").finish()["replication_key_value"],
        "9007199254740996"
    );
}
