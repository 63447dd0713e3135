//! Beside MeltanoLabs' tap-postgres and target-postgres: the same source and settings leave the same tables.
//!
//! Every difference stands in a list here, with words of docs/compatibility.md that explain it.

use std::path::PathBuf;
use std::process::Command;

use melisma_testing::postgres::{Database, server};
use serde_json::{Value, json};

use super::{Configs, load, settings, tap};
use crate::harness::{Outcome, root, run};

/// A MeltanoLabs plugin of `cargo xtask setup`.
fn peer(name: &str) -> Command {
    let python = crate::harness::python("python-postgres");
    Command::new(python.with_file_name(name))
}

/// What is known to differ: where, theirs, ours, and the reason as docs/compatibility.md has it.
struct Difference {
    place: &'static str,
    theirs: &'static str,
    ours: &'static str,
    reason: &'static str,
}

/// The columns and keys of a schema: a line each, sorted.
fn shape(database: &Database, schema: &str) -> Vec<String> {
    let text = database.sql(&format!(
        "select c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
             || case when a.attnotnull then ' not null' else '' end
         from pg_class c join pg_attribute a on a.attrelid = c.oid
         where c.relnamespace = '{schema}'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
         union all
         select conrelid::regclass::text || ' ' || pg_get_constraintdef(oid) from pg_constraint
         where connamespace = '{schema}'::regnamespace and contype = 'p'
         order by 1"
    ));
    text.lines().map(str::to_owned).collect()
}

/// The rows of every table, as JSON, without the columns that tell when the run was.
fn rows(database: &Database, schema: &str) -> Vec<String> {
    let tables = database.sql(&format!(
        "select relname from pg_class where relnamespace = '{schema}'::regnamespace and relkind = 'r' order by 1"
    ));
    let of = |table: &str| {
        let text = database.sql(&format!(
            "select '{table} ' || (to_jsonb(t) - array['_sdc_received_at', '_sdc_batched_at', '_sdc_sequence',
                 '_sdc_sync_started_at', '_sdc_extracted_at'])::text from {schema}.\"{table}\" t order by 1"
        ));
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    tables.lines().flat_map(of).collect()
}

/// Compares line by line, as sets; what differs must be listed, and what is listed must differ.
#[track_caller]
fn same_but(theirs: &[String], ours: &[String], known: &[Difference]) {
    let documented = std::fs::read_to_string(root().join("docs/compatibility.md")).expect("the page");
    let documented = documented.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut only_theirs: Vec<&String> = theirs.iter().filter(|line| !ours.contains(line)).collect();
    let mut only_ours: Vec<&String> = ours.iter().filter(|line| !theirs.contains(line)).collect();
    for Difference {
        place,
        theirs,
        ours,
        reason,
    } in known
    {
        assert!(
            documented.contains(reason),
            "docs/compatibility.md does not say {reason:?}"
        );
        let mut found = false;
        for (lines, words) in [(&mut only_theirs, theirs), (&mut only_ours, ours)] {
            let before = lines.len();
            lines.retain(|line| !(line.starts_with(place) && line.contains(words)));
            found |= lines.len() < before;
        }
        assert!(found, "{place}: no longer a difference");
    }
    assert!(
        only_theirs.is_empty() && only_ours.is_empty(),
        "only theirs: {only_theirs:#?}\nonly ours: {only_ours:#?}"
    );
}

/// Loads with the peer's target.
fn their_load(settings: &Value, input: &[u8]) -> Outcome {
    let configs = Configs::new();
    let mut command = peer("target-postgres");
    configs.plugin("config", &mut command, settings);
    run(&mut command, input).ok()
}

/// Everything that the peer's tap says, every stream selected.
fn their_tap(settings: &Value) -> Vec<u8> {
    let configs = Configs::new();
    let mut discover = peer("tap-postgres");
    configs.plugin("config", &mut discover, settings);
    let found = run(discover.arg("--discover"), b"").ok();
    let mut catalog: Value = serde_json::from_slice(&found.stdout).expect("a catalog");
    for stream in catalog["streams"].as_array_mut().expect("streams") {
        for entry in stream["metadata"].as_array_mut().expect("metadata") {
            if entry["breadcrumb"] == json!([]) {
                entry["metadata"]["selected"] = true.into();
            }
        }
    }
    let path: PathBuf = configs.0.path().join("catalog.json");
    std::fs::write(&path, catalog.to_string()).expect("written");
    let mut command = peer("tap-postgres");
    configs.plugin("config", &mut command, settings);
    run(command.arg("--catalog").arg(path), b"").ok().stdout
}

/// Schemas that allow several types, as the taps of business software and document stores write them, with values
/// that the peer's column holds.
fn real_taps(
    say: &mut impl FnMut(Value),
    schema: &impl Fn(&str, Value, Value) -> Value,
    record: &impl Fn(&str, Value) -> Value,
) {
    let at = json!({"type": "string", "format": "date-time"});
    let date = json!({"type": "string", "format": "date"});
    let texts = json!({"type": "array", "items": {"type": "string"}});
    say(schema(
        "real_taps",
        json!(["id"]),
        json!({
            "id": {"type": ["integer", "string"]},
            "date_or_text": {"anyOf": [at, {"type": ["string", "null"]}]},
            "date_or_number": {"anyOf": [{"type": "null"}, at, {"type": "integer"}]},
            "day_or_date": {"anyOf": [date, at, {"type": "null"}]},
            "one_of": {"oneOf": [at, {"type": "null"}]},
            "list_or_text": {"type": ["null", "array", "string"], "items": {"type": "string"}},
            "any_list": {"anyOf": [texts, {"type": "string"}, {"type": "null"}]},
            "text_or_list": {"anyOf": [{"type": "string"}, texts, {"type": "null"}]},
            "any_object": {"anyOf": [{"type": "object", "properties": {}}, {"type": "null"}]},
            "object_or_text": {"type": ["null", "object", "string"]},
            "whole_or_number": {"anyOf": [{"type": "integer"}, {"type": "number"}, {"type": "null"}]},
            "number_or_text": {"type": ["null", "number", "string"]},
            "number_first": {"anyOf": [{"type": "number"}, {"type": "string"}, {"type": "null"}]},
            "flag_or_number": {"type": ["null", "boolean", "integer"]},
            "flag_or_text": {"type": ["null", "boolean", "string"]},
            "uuid_or_text": {"anyOf": [{"type": "string", "format": "uuid"}, {"type": ["string", "null"]}]},
            "anything": {},
            "choice": {"enum": ["a", "b", null]},
            "mixed_items": {"type": ["null", "array"], "items": {"type": ["string", "integer", "null"]}},
            "branch_items": {"type": ["null", "array"], "items": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
            "deep_items": {"type": ["null", "array"], "items": {"type": "array", "items": {"type": "string"}}},
            "untyped_items": {"type": ["null", "array"], "items": {}},
            "variant": {"type": ["null", "string"], "x-sql-datatype": "variant"},
            "tiny": {"type": ["null", "integer"], "minimum": 0, "maximum": 255},
            "half_open": {"type": ["null", "integer"], "minimum": 0},
        }),
    ));
    say(record(
        "real_taps",
        json!({
            "id": "a1", "date_or_text": "2024-05-06T07:08:09Z",
            "date_or_number": "2024-05-06T07:08:09Z", "day_or_date": "2024-05-06", "one_of": "2024-05-06T07:08:09Z",
            "list_or_text": ["a"], "any_list": ["a", "b c"], "text_or_list": "a", "any_object": {"a": 1},
            "object_or_text": {"a": 1}, "whole_or_number": 5, "number_or_text": "x", "number_first": 1.5,
            "flag_or_number": 7, "flag_or_text": "x", "uuid_or_text": "6f1f7a0e-7c5c-4c0b-9f59-0c1f4ee6e0a1",
            "anything": "text", "choice": "a", "mixed_items": ["a"], "branch_items": ["a"],
            "untyped_items": ["a"], "variant": "v", "tiny": 255, "half_open": 5_000_000_000_i64,
        }),
    ));
    say(schema(
        "text_first",
        json!(["id"]),
        json!({"id": {"type": "integer"}, "text_or_date": {"anyOf": [{"type": ["string", "null"]}, at]}}),
    ));
    say(record(
        "text_first",
        json!({"id": 1, "text_or_date": "2024-05-06T07:08:09Z"}),
    ));
}

/// One stream of each kind that a target has to name, type, update or version.
fn messages() -> Vec<u8> {
    let mut lines = Vec::new();
    let mut say = |message: Value| lines.push(message.to_string());
    let schema = |stream: &str, keys: Value, properties: Value| json!({"type": "SCHEMA", "stream": stream, "key_properties": keys, "schema": {"type": "object", "properties": properties}});
    let record = |stream: &str, record: Value| json!({"type": "RECORD", "stream": stream, "record": record, "time_extracted": "2024-05-06T07:08:09.123456Z"});
    say(schema(
        "public-types",
        json!(["id"]),
        json!({
            "id": {"type": "integer"},
            "small": {"type": ["integer", "null"], "minimum": -32768, "maximum": 32767},
            "medium": {"type": ["integer", "null"], "minimum": -2_147_483_648_i64, "maximum": 2_147_483_647},
            "number": {"type": ["number", "null"]},
            "flag": {"type": ["boolean", "null"]},
            "text": {"type": ["string", "null"]},
            "short": {"type": ["string", "null"], "maxLength": 10},
            "email": {"type": ["string", "null"], "format": "email"},
            "uuid": {"type": ["string", "null"], "format": "uuid"},
            "date": {"type": ["string", "null"], "format": "date"},
            "time": {"type": ["string", "null"], "format": "time"},
            "moment": {"type": ["string", "null"], "format": "date-time"},
            "object": {"type": ["object", "null"], "properties": {"a": {"type": "integer"}}},
            "list": {"type": ["array", "null"]},
            "strings": {"type": ["array", "null"], "items": {"type": "string"}},
            "integers": {"type": ["array", "null"], "items": {"type": "integer"}},
            "objects": {"type": ["array", "null"], "items": {"type": "object"}},
            "either": {"type": ["integer", "string", "null"]},
            "branches": {"anyOf": [{"type": "null"}, {"type": "string", "format": "date-time"}]},
        "price": {"type": ["string", "null"], "format": "x-singer.decimal", "precision": 12, "scale": 4},
        "rate": {"type": ["number", "null"], "format": "x-singer.decimal", "precision": 12, "scale": 4},
        }),
    ));
    say(record(
        "public-types",
        json!({
            "id": 1, "small": -5, "medium": 70000, "number": 1.5, "flag": true, "text": "tab\t'quote' \\ \"é\" \u{1f600}\nline",
            "short": "abc", "email": "a@b.c", "uuid": "6f1f7a0e-7c5c-4c0b-9f59-0c1f4ee6e0a1", "date": "2024-02-29",
            "time": "23:59:59.123456", "moment": "2024-02-29T12:30:00.5+00:00", "object": {"a": 1, "b": [null, "x"]}, "list": [1, "a"],
            "strings": ["a", "b\"c"], "integers": [1, -2], "objects": [{"x": 1}], "either": "7", "branches": "2020-01-01T00:00:00Z",
            "price": "12.5", "rate": 12.5,
        }),
    ));
    say(record("public-types", json!({"id": 2})));
    say(record(
        "public-types",
        json!({"id": 3, "text": "", "number": 12_345_678_901_i64, "object": {}, "strings": []}),
    ));
    real_taps(&mut say, &schema, &record);
    say(schema("no_keys", json!([]), json!({"a": {"type": "integer"}})));
    for _ in 0..2 {
        say(record("no_keys", json!({"a": 1})));
    }
    say(schema(
        "Upper Case",
        json!(["Id", "order"]),
        json!({"Id": {"type": "integer"}, "order": {"type": "string"}, "SELECT": {"type": ["string", "null"]}}),
    ));
    say(record(
        "Upper Case",
        json!({"Id": 1, "order": "a", "SELECT": "first"}),
    ));
    say(record(
        "Upper Case",
        json!({"Id": 1, "order": "a", "SELECT": "second"}),
    ));
    say(schema(
        "grows",
        json!(["id"]),
        json!({"id": {"type": "integer"}, "a": {"type": ["string", "null"]}}),
    ));
    say(record("grows", json!({"id": 1, "a": "x"})));
    say(schema(
        "grows",
        json!(["id"]),
        json!({"id": {"type": "integer"}, "a": {"type": ["string", "null"]}, "b": {"type": ["integer", "null"]}}),
    ));
    say(record("grows", json!({"id": 2, "a": "y", "b": 5})));
    (lines.join("\n") + "\n").into_bytes()
}

#[test]
fn the_target_leaves_the_tables_that_meltanolabs_leaves() {
    let (theirs, ours) = (server().database(), server().database());
    // As Meltano Hub's definition of the plugin sets them.
    let hub = json!({
        "default_target_schema": "melty", "load_method": "append-only", "use_copy": false, "activate_version": true,
        "add_record_metadata": true, "dialect+driver": "postgresql+psycopg", "ssl_mode": "verify-full", "ssl_enable": false,
    });
    their_load(&settings(&theirs, hub.clone()), &messages());
    load(&settings(&ours, hub), &messages());
    let exact = |place, theirs, ours| Difference {
        place,
        theirs,
        ours,
        reason: "a `number` with the format `x-singer.decimal` or `singer.decimal`",
    };
    let column = exact("types.rate", "numeric", "numeric(12,4)");
    same_but(&shape(&theirs, "melty"), &shape(&ours, "melty"), &[column]);
    let digits = exact("types {\"id\": 1,", r#""rate": 12.5,"#, r#""rate": 12.5000,"#);
    let spelled = Difference {
        place: "text_first {",
        theirs: r#""2024-05-06 07:08:09+00""#,
        ours: r#""2024-05-06T07:08:09Z""#,
        reason: "A date-time in a text column stays as it came",
    };
    same_but(&rows(&theirs, "melty"), &rows(&ours, "melty"), &[digits, spelled]);
}

#[test]
fn the_pair_leaves_the_tables_that_meltanolabs_pair_leaves() {
    let (source, theirs, ours) = (server().database(), server().database(), server().database());
    source.sql(
        "create table orders (id bigint primary key, placed timestamp, day date, total numeric(12,2), note varchar(20),
             paid boolean, tags text[], extra jsonb, ratio double precision, at time);
         insert into orders select n, timestamp '2024-01-01' + n * interval '1 hour 1 us', date '2024-01-01' + n::int, n * 1.25,
             'note ' || n, n % 2 = 0, array['a' || n, 'b'], jsonb_build_object('n', n, 'l', jsonb_build_array(n, 'x')),
             n / 4.0, time '01:02:03' from generate_series(1, 100) n;
         insert into orders (id) values (1000);
         create table without_key (a bigint, b text); insert into without_key values (1, 'x'), (1, 'x'), (null, null);
         create table two_keys (a bigint, b text, c bigint, primary key (a, b)); insert into two_keys values (1, 'x', 5);",
    );
    let from = settings(&source, json!({ "filter_schemas": ["public"] }));
    let into = |database| settings(database, json!({ "default_target_schema": "melty" }));
    their_load(&into(&theirs), &their_tap(&from));
    load(&into(&ours), &tap(&from));
    same_but(&shape(&theirs, "melty"), &shape(&ours, "melty"), &[]);
    same_but(&rows(&theirs, "melty"), &rows(&ours, "melty"), &[]);
}
