//! More streams than the server has locks for.

use melisma_processes::wait_for;
use melisma_testing::postgres::{Database, Options, Server};
use serde_json::{Value, json};

use crate::driver::{Target, record, schema, state};

/// How many streams are loaded. A server of the defaults has locks for about 7,800 tables and indexes, and a stream takes
/// two to eight of them; this one has a tenth of that, so that the test takes a tenth of the time.
const STREAMS: usize = 250;

fn small_server() -> Server {
    Server::start(&Options {
        settings: [("max_locks_per_transaction", "10"), ("max_connections", "8")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        ..Options::default()
    })
}

/// A SCHEMA and a record of each stream; every stream has a column of its own when they are to differ.
fn lines(differ: bool, t: &str) -> Vec<Value> {
    let mut lines = Vec::new();
    for n in 0..STREAMS {
        let (stream, own) = (format!("s{n}"), format!("c{}", if differ { n } else { 0 }));
        let properties =
            json!({"id": {"type": "integer"}, "t": {"type": "string"}, &*own: {"type": "string"}});
        lines.push(schema(&stream, properties, &["id"]));
        lines.push(record(&stream, json!({"id": 1, "t": t, &*own: "x"})));
    }
    lines.push(state(json!({"n": 1})));
    lines
}

/// The number of tables, of their rows, and of those with this text. So many tables at once that the server has locks.
fn counted(database: &Database<'_>, t: &str) -> String {
    let names = database.sql("select relname from pg_class where relkind = 'r' and relname ~ '^s[0-9]+$'");
    let names: Vec<&str> = names.split_whitespace().collect();
    let (mut rows, mut equal) = (0, 0);
    for some in names.chunks(50) {
        let counts: Vec<String> = some
            .iter()
            .map(|name| format!("select count(*) as a, count(*) filter (where t = '{t}') as b from {name}"))
            .collect();
        let sums = database.sql(&format!(
            "select sum(a), sum(b) from ({}) c",
            counts.join(" union all ")
        ));
        let (a, b) = sums.trim_end().split_once('|').expect("two sums");
        rows += a.parse::<usize>().expect("a number");
        equal += b.parse::<usize>().expect("a number");
    }
    format!("{}|{rows}|{equal}", names.len())
}

/// The target has ended, but its session may still be rolling back, and as long as it has every lock no client can connect.
fn until_locks_are_free(database: &Database<'_>) {
    wait_for("a server with free locks", || {
        let locks = "select count(*) < 20 from pg_locks where pid <> pg_backend_pid()";
        let output = database
            .psql()
            .args(["-XAtc", locks])
            .output()
            .expect("psql runs");
        (output.stdout == b"t\n").then_some(())
    });
}

#[test]
fn thousands_of_streams_do_not_exhaust_the_locks_of_a_server() {
    let server = small_server();
    for (method, differ) in [("upsert", false), ("upsert", true), ("overwrite", false)] {
        let database = server.database();
        let mut target = Target::new(json!({}));
        target.with(json!({"port": database.port(), "database": database.name(), "load_method": method}));
        for t in ["first", "second"] {
            let states = target.load(&lines(differ, t));
            assert_eq!(states, [r#"{"n":1}"#]);
            assert_eq!(
                counted(&database, t),
                format!("{STREAMS}|{STREAMS}|{STREAMS}"),
                "{method} {differ} {t}"
            );
        }
        let left = "select count(*) from pg_class where relname like '%melisma%'";
        assert_eq!(database.sql(left).trim_end(), "0");
    }
}

#[test]
fn commits_of_single_rows_touch_the_tables_that_changed() {
    let server = small_server();
    let database = server.database();
    let mut target = Target::new(json!({}));
    target.with(json!({
        "port": database.port(), "database": database.name(), "batch_size_rows": 1, "state_interval_seconds": 0,
    }));
    target.load(&lines(true, "first"));
    let mut twice = lines(true, "second");
    // The stages of the first streams are gone when their records come again.
    twice.extend(
        lines(true, "third")
            .into_iter()
            .filter(|line| line["type"] == "RECORD"),
    );
    target.load(&twice);
    assert_eq!(
        counted(&database, "third"),
        format!("{STREAMS}|{STREAMS}|{STREAMS}")
    );
}

#[test]
fn a_transaction_that_may_not_be_split_says_what_it_lacks() {
    let server = small_server();
    let database = server.database();
    let mut target = Target::new(json!({}));
    let settings = json!({"port": database.port(), "database": database.name(), "state_in_target": true});
    target.with(settings);
    let states = target.fail(
        &lines(true, "first"),
        75,
        &["SQLSTATE 53200", "max_locks_per_transaction"],
    );
    assert_eq!(states, Vec::<String>::new());
    until_locks_are_free(&database);
    assert_eq!(counted(&database, "first"), "0|0|0");
}
