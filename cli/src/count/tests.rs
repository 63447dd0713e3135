//! The counter on whole inputs.

use melisma_sdk::target::Count;

use super::counter::Counter;
use super::stream_name;

const INPUT: &str = concat!(
    "{\"type\": \"SCHEMA\", \"stream\": \"a\", \"schema\": {}, \"key_properties\": []}\n",
    "{\"type\": \"RECORD\", \"stream\": \"a\", \"record\": {\"stream\": \"x\"}}\n",
    "{\"type\": \"RECORD\", \"stream\": \"a\", \"record\": {\"x\": \"}\\\"\"}}\r\n",
    "\n  \r\n",
    "{\"type\":\"RECORD\",\"stream\":\"ab\",\"record\":{}}\n",
    "{\"record\": {\"type\": \"STATE\", \"l\": [1, {\"}\": 2}]}, \"stream\": \"a\", \"type\": \"RECORD\"}\n",
    "{\"type\": \"STATE\", \"value\": {}}\n",
    "noise\n\u{0}\u{1}\n",
    "{\"type\": \"RECORD\", \"stream\": \"a\", \"record\": {}}",
);

fn check(counter: &Counter) {
    let counts: Vec<_> = counter
        .streams
        .iter()
        .map(|s| (s.name.as_str(), s.records))
        .collect();
    assert_eq!(counts, [("a", 4), ("ab", 1)]);
    assert_eq!(
        (counter.schemas, counter.states, counter.blank, counter.other),
        (1, 1, 2, 2)
    );
    assert_eq!((counter.lines, counter.bytes), (11, INPUT.len() as u64));
}

#[test]
fn counts_the_same_however_the_blocks_are_cut() {
    for size in [1, 2, 3, 7, 16, 61, 200, INPUT.len()] {
        let mut counter = Counter::default();
        INPUT
            .as_bytes()
            .chunks(size)
            .for_each(|block| counter.feed(block));
        counter.finish();
        check(&counter);
    }
}

#[test]
fn a_name_that_begins_like_another_is_another_stream() {
    let mut counter = Counter::default();
    counter.feed(b"{\"type\":\"RECORD\",\"stream\":\"a\",\"record\":{}}\n{\"type\":\"RECORD\",\"stream\":\"a\\\"b\",\"record\":{}}\n");
    assert_eq!(
        counter
            .streams
            .iter()
            .map(|s| s.name.as_str())
            .collect::<Vec<_>>(),
        ["a", "a\"b"]
    );
}

#[test]
fn long_names_are_counted_apart_and_not_kept() {
    let mut counter = Counter::default();
    let long = "x".repeat(100_000);
    for name in [
        format!("{long}a"),
        format!("{long}b"),
        "s".to_owned(),
        format!("{long}a"),
    ] {
        counter.feed(format!("{{\"type\":\"RECORD\",\"stream\":\"{name}\",\"record\":{{}}}}\n").as_bytes());
    }
    let records: Vec<_> = counter.streams.iter().map(|s| s.records).collect();
    assert_eq!(records, [2, 1, 1]);
    assert!(
        counter
            .streams
            .iter()
            .all(|s| s.name.len() <= stream_name::MAX_BYTES)
    );
    assert!(
        counter
            .by_name
            .keys()
            .all(|key| key.len() <= stream_name::MAX_BYTES)
    );
}

#[test]
fn the_bytes_of_a_stream_are_those_of_its_lines() {
    let line = b"{\"type\":\"RECORD\",\"stream\":\"a\",\"record\":{}}\n";
    let mut counter = Counter::default();
    for cut in 0..line.len() {
        counter.feed(&line[..cut]);
        counter.feed(&line[cut..]);
    }
    assert_eq!(counter.streams[0].bytes, (line.len() * line.len()) as u64);
}

#[test]
fn counts_of_a_target_are_taken_over_by_stream() {
    let mut counter = Counter::default();
    let of = |stream: &'static str, records, bytes| Count {
        stream: Some(stream.into()),
        records: Some(records),
        bytes,
    };
    let all = |bytes| Count {
        bytes,
        ..Count::default()
    };
    for count in [of("a", 1, 10), all(15), of("b\"", 2, 20), of("a", 3, 30), all(60)] {
        counter.take_over(count);
    }
    let counts = counter
        .streams
        .iter()
        .map(|s| (s.name.as_str(), s.records, s.bytes));
    assert_eq!(counts.collect::<Vec<_>>(), [("a", 3, 30), ("b\"", 2, 20)]);
    assert_eq!((counter.bytes, counter.records()), (60, 5));
}
