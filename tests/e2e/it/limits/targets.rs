//! Of targets.

use std::process::Command;

use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::{Value, json};

use super::{any, as_the_page_says};
use crate::harness::{Every, Kind, Live, Target, files, record, run, schema, state, wait_for};

#[test]
fn of_the_input_of_a_target() {
    let row = record("s", r#"{"a":1}"#);
    let nested = |levels: usize| {
        record(
            "s",
            &format!(r#"{{"a":{}{}}}"#, "[".repeat(levels), "]".repeat(levels)),
        )
    };
    let columns = |count: usize| {
        let properties: serde_json::Map<_, _> = (0..count).map(|i| (format!("c{i}"), json!({}))).collect();
        schema("wide", &Value::Object(properties), &[])
    };
    let part: serde_json::Map<_, _> = (0..1000)
        .map(|i| (format!("p{i}"), json!({"type": "string"})))
        .collect();
    let twice: serde_json::Map<_, _> = (0..200)
        .map(|i| (format!("q{i}"), json!({"$ref": "#/definitions/d"})))
        .collect();
    let references = json!({"type": "SCHEMA", "stream": "r", "key_properties": [],
        "schema": {"definitions": {"d": {"type": "object", "properties": part}}, "properties": twice}});
    for (what, setting, value, good, bad) in [
        (
            "bytes of a line",
            "max_line_bytes",
            1000,
            format!("{row:1000}"),
            format!("{row:1001}"),
        ),
        ("streams", "max_streams", 2, any("t"), any("u")),
        ("levels of nesting", "max_streams", 9, nested(127), nested(128)),
        (
            "columns of a stream",
            "max_streams",
            9,
            columns(10_000),
            columns(10_001),
        ),
        (
            "bytes of a stream's name",
            "max_streams",
            9,
            any(&"x".repeat(200)),
            any(&"x".repeat(65_537)),
        ),
        (
            "bytes of a property's name",
            "max_streams",
            9,
            schema("n", &json!({"x".repeat(65_536): {}}), &[]),
            schema("n2", &json!({"x".repeat(65_537): {}}), &[]),
        ),
        (
            "nodes of a schema",
            "max_streams",
            9,
            any("q"),
            references.to_string(),
        ),
    ] {
        let target = Target::jsonl().with(setting, value);
        let outcome = target.feed([
            any("s"),
            good,
            row.clone(),
            state("1"),
            bad,
            row.clone(),
            state("2"),
        ]);
        let outcome = outcome.fails(65, &[]);
        as_the_page_says(what, &outcome.stderr);
        assert_eq!(outcome.states(), ["1"], "{what}: what came before is emitted");
        assert!(!target.text("s").is_empty(), "{what}");
    }
}

#[test]
fn of_what_is_set_aside() {
    let target = Target::jsonl().with("on_invalid", "dead_letter");
    let letters = target.path("letters");
    let target = target
        .with("dead_letter_path", json!(letters))
        .with("dead_letter_max_bytes", 1000);
    let strict = schema("s", &json!({"a": {"type": "integer"}}), &[]);
    let bad = record("s", &format!(r#"{{"a":"{}"}}"#, "x".repeat(300)));
    let outcome = target.feed([
        strict,
        state("0"),
        bad.clone(),
        state("1"),
        bad.clone(),
        bad.clone(),
        state("4"),
    ]);
    let outcome = outcome.fails(65, &[]);
    as_the_page_says(
        "bytes that one run writes to the dead-letter file",
        &outcome.stderr,
    );
    assert_eq!(outcome.states().last().map(String::as_str), Some("1"));
    let size = std::fs::metadata(letters).expect("there").len();
    assert!(size > 0 && size <= 1000, "{size} bytes");
}

#[test]
fn of_a_commit() {
    let rows = |count: u64| (0..count).map(|i| record("s", &format!(r#"{{"a":{i}}}"#)));
    let parts = |target: &Target| files(&target.out(), "s").len();
    let by_rows = Target::jsonl()
        .with("write_mode", "parts")
        .with("batch_size_rows", 10);
    by_rows.feed([any("s")].into_iter().chain(rows(25))).ok();
    assert_eq!(parts(&by_rows), 3);
    let by_bytes = Target::jsonl()
        .with("write_mode", "parts")
        .with("batch_size_bytes", 20);
    by_bytes.feed([any("s")].into_iter().chain(rows(100))).ok();
    assert!(parts(&by_bytes) > 1, "{}", parts(&by_bytes));
    let groups = Target::parquet().with("row_group_rows", 10);
    groups.feed([any("s")].into_iter().chain(rows(25))).ok();
    let file = std::fs::File::open(&files(&groups.out(), "s")[0]).expect("there");
    let reader = SerializedFileReader::new(file).expect("Parquet");
    assert_eq!(reader.metadata().num_row_groups(), 3);
    let by_bytes = Target::parquet()
        .with("row_group_bytes", 1)
        .with("memory_budget_bytes", 4096);
    by_bytes.feed([any("s")].into_iter().chain(rows(2000))).ok();
    let file = std::fs::File::open(&files(&by_bytes.out(), "s")[0]).expect("there");
    assert!(
        SerializedFileReader::new(file)
            .expect("Parquet")
            .metadata()
            .num_row_groups()
            > 1
    );

    // By their age, though nothing more comes; and then the STATE, at once.
    let by_age = Target::jsonl()
        .with("batch_wait_limit_seconds", 0.05)
        .with("state_interval_seconds", 3600);
    let mut live = Live::start(&mut by_age.command());
    live.send([any("s")].into_iter().chain(rows(3)).chain([state("3")]));
    live.says("3");
    let by_state = Target::jsonl().with("state_interval_seconds", 0.05);
    let mut live = Live::start(&mut by_state.command());
    live.send([any("s")].into_iter().chain(rows(3)).chain([state("3")]));
    live.says("3");
}

/// One byte of memory for everything: slow, and still all of it arrives.
#[test]
fn of_memory_everything_waits_and_nothing_is_lost() {
    for kind in Kind::ALL {
        let target = Target::new(kind)
            .with("memory_budget_bytes", 1)
            .with("max_parallelism", 3);
        let lines = (0..300).flat_map(|i| {
            let stream = ["s", "t", "u", "v"][i % 4];
            [
                record(stream, &format!(r#"{{"a":"{}"}}"#, "x".repeat(i))),
                state(&i.to_string()),
            ]
        });
        let outcome = target
            .feed(["s", "t", "u", "v"].map(any).into_iter().chain(lines))
            .ok();
        assert_eq!(
            outcome.states().last().map(String::as_str),
            Some("299"),
            "{kind:?}"
        );
        assert_eq!(target.rows("s").len(), 75, "{kind:?}");
    }
    Target::jsonl()
        .with("max_parallelism", 257)
        .feed([any("s")])
        .fails(78, &["max_parallelism"]);
}

#[test]
fn of_files_that_are_there() {
    let target = Target::jsonl();
    std::fs::create_dir(target.out()).expect("made");
    let torn = std::fs::File::create(target.out().join("s.jsonl")).expect("made");
    torn.set_len((64 << 20) + 1).expect("a file of nothing");
    let outcome = target.feed([any("s"), record("s", "{}")]).fails(74, &[]);
    as_the_page_says("bytes of a last line", &outcome.stderr);

    let target = Target::new(Kind::Csv);
    std::fs::create_dir(target.out()).expect("made");
    let path = target.out().join("s.csv");
    std::fs::write(&path, format!("{}\n1\n", "x".repeat((16 << 20) + 1))).expect("written");
    let outcome = target.feed([any("s"), record("s", r#"{"a":1}"#)]).fails(65, &[]);
    as_the_page_says("bytes of the header", &outcome.stderr);
    assert_eq!(
        std::fs::metadata(&path).expect("there").len(),
        (16 << 20) + 4,
        "it is as it was"
    );
}

/// More streams than a shell lets a process have files.
#[test]
fn of_open_files_the_hard_one_counts() {
    let target = Target::jsonl();
    let lines: Vec<String> = (0..100)
        .flat_map(|i| [any(&format!("s{i}")), record(&format!("s{i}"), "{}")])
        .collect();
    let command = target.command();
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "ulimit -Sn 64; exec \"$@\"", "sh"])
        .arg(command.get_program())
        .args(command.get_args());
    run(&mut limited, (lines.join("\n") + "\n").as_bytes()).ok();
    assert_eq!(std::fs::read_dir(target.out()).expect("a folder").count(), 100);
}

#[test]
fn of_postgresql() {
    let target = Every::postgres().with("lock_timeout_seconds", 0.2);
    let columns: serde_json::Map<_, _> = (0..1601)
        .map(|i| (format!("c{i}"), json!({"type": "integer"})))
        .collect();
    let wide = schema("wide", &Value::Object(columns), &[]);
    let outcome = run(&mut target.command(), (wide + "\n").as_bytes()).fails(65, &[]);
    as_the_page_says("columns of a table", &outcome.stderr);
    let Every::Table { database, .. } = &target else {
        unreachable!("a table")
    };
    let long = "x".repeat(64);
    run(
        &mut target.command(),
        format!("{}\n{}\n", any(&long), record(&long, "{}")).as_bytes(),
    )
    .ok();
    let table = database.sql("select tablename from pg_tables where tablename like 'xxx%'");
    assert_eq!(table.len(), 63, "{table}");
    let mut holder = Live::start(&mut database.psql());
    holder.send([format!("begin; lock table public.\"{table}\";")]);
    let held = "select count(*) > 0 from pg_locks where granted and mode = 'AccessExclusiveLock' and relation is not null";
    wait_for("the lock", || (database.sql(held) == "t").then_some(()));
    let input = format!("{}\n{}\n", any(&long), record(&long, "{}"));
    run(&mut target.command(), input.as_bytes()).fails(75, &["lock"]);
}
