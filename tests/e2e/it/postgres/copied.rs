//! Rows that go from tap-postgres to target-postgres as tuples or lines of COPY: the tables are those that records make.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use melisma_testing::postgres::{Database, server};
use serde_json::{Value, json};

use super::settings;
use crate::harness::{Live, Outcome, kill, melisma, process, run};

/// A table of every type that is handed over; its key is not its first column.
pub(super) const EVERY_TYPE: &str = "
create schema src;
create table src.t (note text, d date, id bigint, n numeric(12,2), m numeric, v varchar(20), c char(5),
  b bool, i2 smallint, i4 int, u uuid, ts timestamp, tz timestamptz, e text, f4 real, f8 double precision, jb jsonb,
  primary key (id));
insert into src.t
select chr(1 + i) || E'\\t\\n\\\\N' || i, date '0001-01-01' + (random() * 3652058)::int, i, random() * 1e9,
  (random() - 0.5)::numeric * 10::numeric ^ (i % 60), left(md5(i::text), i % 20), left(md5(i::text), i % 5), i % 2 = 0,
  random() * 32767, random() * 2147483647, md5(i::text)::uuid, timestamp '0001-01-01' + random() * interval '9998 years',
  timestamptz '0001-01-02Z' + random() * interval '9998 years', null,
  ((random() - 0.5) * 10 ^ (i % 76 - 38))::real, (random() - 0.5) * 10::float8 ^ (i % 600 - 300),
  (array['null', '[]', '1.50', '\"\"', json_build_object('a', chr(1 + i), 'b', E'x\n\\ \"y\"', 'c', null)::text])[1 + i % 5]::jsonb
from generate_series(1, 300) i;
insert into src.t values ('\\N', '0044-03-15', 1001, 'NaN', 'Infinity', '\\', '  a', null, -32768,
  -2147483648, null, '1970-01-01', '9999-12-31 23:59:59.999999+00', '', 'NaN', '-Infinity', null);
insert into src.t (id, f4, f8) values (1003, 55101550, 9007199254740993), (1004, '1e-45', '5e-324'), (1005, '-0', '-0'),
  (1006, 16777216, 1e15), (1007, 3.4028235e38, 1.7976931348623157e308);
insert into src.t (id) values (1002);
";

const TAP: &str = "tap-postgres --config tap.json";

/// How rows travel.
#[derive(Clone, Copy, Debug)]
enum Way {
    Records,
    Lines,
    Tuples,
}

/// The one that all others are held against first.
const WAYS: [Way; 3] = [Way::Records, Way::Lines, Way::Tuples];

impl Way {
    /// The schema of its tables.
    fn schema(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Lines => "lines",
            Self::Tuples => "tuples",
        }
    }

    /// What the runner is asked for.
    fn variable(self) -> &'static str {
        match self {
            Self::Records => "0",
            Self::Lines => "lines",
            Self::Tuples => "1",
        }
    }
}

/// A database, and what the ways made of it.
struct Pair {
    database: Database<'static>,
    tap: Value,
    target: Value,
}

impl Pair {
    fn new(source: &str, tap: Value, target: Value) -> Self {
        let database = server().database();
        database.sql(source);
        Self {
            database,
            tap,
            target,
        }
    }

    /// `melisma run` into the schema of the way.
    fn run(&self, way: Way) -> Outcome {
        let folder = tempfile::tempdir().expect("a folder");
        run(&mut self.command(folder.path(), way), b"")
    }

    fn command(&self, folder: &Path, way: Way) -> Command {
        self.command_of(folder, way, TAP)
    }

    /// The same with other arguments of the tap.
    fn command_of(&self, folder: &Path, way: Way, tap_line: &str) -> Command {
        let mut tap = settings(&self.database, json!({"filter_schemas": "src"}));
        let mut target = settings(&self.database, json!({"default_target_schema": way.schema()}));
        for (settings, more) in [(&mut tap, &self.tap), (&mut target, &self.target)] {
            for (name, value) in more.as_object().expect("settings") {
                settings[name] = value.clone();
            }
        }
        fs::write(folder.join("tap.json"), tap.to_string()).expect("written");
        fs::write(folder.join("target.json"), target.to_string()).expect("written");
        let mut command = Command::new(melisma());
        command
            .current_dir(folder)
            .env("MELISMA_COPIED_ROWS", way.variable())
            .args(["run", tap_line, "target-postgres --config target.json"]);
        command
    }

    /// Runs all ways; they end alike and make the same table. Returns the bytes that passed in each.
    #[track_caller]
    fn same(&self) -> [f64; 3] {
        let outcomes = WAYS.map(|way| self.run(way));
        let records = &outcomes[0];
        for (outcome, way) in outcomes.iter().zip(WAYS).skip(1) {
            assert_eq!(
                records.code, outcome.code,
                "{}\n{}",
                records.stderr, outcome.stderr
            );
            assert_eq!(
                self.table("records"),
                self.table(way.schema()),
                "{way:?}\n{}",
                outcome.stderr
            );
        }
        outcomes.map(|outcome| passed(&outcome))
    }

    /// The same, where the rows are handed over: they take fewer bytes than as records.
    #[track_caller]
    fn same_and_shorter(&self) {
        let [records, others @ ..] = self.same();
        for other in others {
            assert!(other < 0.7 * records, "{other} bytes, and {records} as records");
        }
    }

    /// Makes a table in the schema of each way.
    fn make(&self, columns: &str) {
        for way in WAYS {
            let schema = way.schema();
            self.database.sql(&format!(
                "create schema {schema}; create table {schema}.t ({columns})"
            ));
        }
    }

    /// The columns and the rows of the table that was made, without what tells the time.
    fn table(&self, schema: &str) -> String {
        let columns = self.database.sql(&format!(
            "select attname, format_type(atttypid, atttypmod) from pg_attribute
             where attrelid = '{schema}.t'::regclass and attnum > 0 order by attnum"
        ));
        let names: Vec<String> = columns
            .lines()
            .filter_map(|line| line.split('|').next())
            .filter(|name| !name.starts_with("_sdc_"))
            .map(|name| format!("{name}::text"))
            .collect();
        let places: Vec<String> = (1..=names.len()).map(|place| place.to_string()).collect();
        let rows = self.database.sql(&format!(
            "select {} from {schema}.t order by {}",
            names.join(", "),
            places.join(", ")
        ));
        format!("{columns}\n{rows}")
    }
}

/// The kB of the summary of a run.
fn passed(outcome: &Outcome) -> f64 {
    let summary = outcome
        .stderr
        .lines()
        .find(|line| line.contains(" records of 1 stream, "));
    let size = summary.and_then(|line| line.split_once("1 stream, ")?.1.split_once(" kB"));
    size.and_then(|(size, _)| size.parse().ok()).unwrap_or_default()
}

fn every_type(tap: Value, target: Value) -> Pair {
    let mut tap = tap;
    if tap.get("invalid_date_handling").is_none() {
        tap["invalid_date_handling"] = "null".into();
    }
    Pair::new(EVERY_TYPE, tap, target)
}

#[test]
fn a_first_load_an_upsert_and_an_append_are_the_same() {
    let pair = every_type(json!({}), json!({}));
    pair.same_and_shorter();
    pair.database
        .sql("update src.t set note = 'again' where id % 3 = 0; delete from src.t where id = 7");
    pair.same_and_shorter();
    let metadata = "select count(*) from tuples.t where _sdc_extracted_at is null or _sdc_batched_at is null
        or _sdc_received_at < _sdc_extracted_at or _sdc_sequence is null or _sdc_deleted_at is not null";
    assert_eq!(pair.database.sql(metadata), "0");
    // The columns of the table are in the order of the schema, and the key is not first.
    every_type(
        json!({}),
        json!({"load_method": "append-only", "add_record_metadata": false}),
    )
    .same_and_shorter();
    every_type(json!({}), json!({"load_method": "overwrite"})).same_and_shorter();
    every_type(json!({}), json!({"state_in_target": true, "hard_delete": true})).same_and_shorter();
}

#[test]
fn values_that_a_setting_speaks_of_are_the_same() {
    for dates in ["error", "null", "clamp", "text"] {
        for far in ["infinity", "-infinity", "0044-03-15 BC", "12024-02-29"] {
            let pair = every_type(json!({"invalid_date_handling": dates}), json!({}));
            pair.database.sql(&format!(
                "insert into src.t (id, d, ts, tz) values (2000, '{far}', '{far}', '{far}')"
            ));
            let records = pair.run(Way::Records);
            for way in [Way::Lines, Way::Tuples] {
                let copied = pair.run(way);
                assert_eq!(records.code, copied.code, "{}", copied.stderr);
                if dates == "error" {
                    let why = format!("found {far}");
                    assert!(copied.stderr.contains(&why), "{}", copied.stderr);
                } else {
                    assert_eq!(pair.table("records"), pair.table(way.schema()), "{dates} {far}");
                }
            }
        }
    }
    every_type(json!({"use_singer_decimal": true}), json!({})).same_and_shorter();
    every_type(json!({"dates_as_string": true}), json!({})).same();
}

#[test]
fn a_table_of_other_types_gets_what_records_would_bring() {
    for before in [
        "id bigint primary key, ts text, tz text, d text, n text, b text, u text",
        "id bigint primary key, ts timestamptz, tz timestamptz, n double precision, i4 bigint, v varchar(3)",
        "id numeric primary key, n numeric(5,1), m numeric(8,4), i4 smallint",
        "id text primary key, note varchar(2)",
    ] {
        for evolution in ["widen", "error", "freeze", "version"] {
            let target = json!({"schema_evolution": evolution, "add_record_metadata": false});
            let pair = every_type(json!({}), target);
            pair.make(before);
            pair.same();
        }
    }
}

#[test]
fn a_row_that_is_refused_is_a_record_among_the_dead_letters() {
    let letters = tempfile::tempdir().expect("a folder");
    let mut found = Vec::new();
    for way in WAYS {
        let path = letters.path().join(way.schema());
        let target =
            json!({"on_invalid": "dead_letter", "dead_letter_path": path, "schema_evolution": "freeze"});
        let pair = every_type(json!({}), target);
        pair.make("id bigint primary key, note varchar(4)");
        let outcome = pair.run(way);
        let text = fs::read_to_string(&path).unwrap_or_default();
        assert!(!text.is_empty(), "{}", outcome.stderr);
        let letters = text.lines().map(|line| {
            let letter: Value = serde_json::from_str(line).expect("JSON");
            let record = letter["line"].as_str().map_or_else(
                || letter["record"].clone(),
                |line| serde_json::from_str::<Value>(line).expect("a message")["record"].clone(),
            );
            record["id"].clone()
        });
        found.push((outcome.code, letters.collect::<Vec<_>>()));
    }
    assert_eq!(found[0], found[1]);
    assert_eq!(found[0], found[2]);
}

#[test]
fn a_null_in_the_key_is_refused_as_in_a_record() {
    let source = "create schema src; create table src.t (id int, v text, unique (id));
        insert into src.t values (1, 'a'), (null, 'b')";
    let pair = Pair::new(source, json!({}), json!({}));
    let [records, others @ ..] = WAYS.map(|way| pair.run(way));
    for other in others {
        assert_eq!(records.code, other.code, "{}\n{}", records.stderr, other.stderr);
        assert_eq!(
            records.stderr.contains("expected a value for the key"),
            other.stderr.contains("expected a value for the key"),
            "{}",
            other.stderr
        );
    }
}

#[test]
fn what_cannot_be_handed_over_comes_as_records() {
    let source =
        "create schema src; create table src.t (id int primary key, j jsonb, a int[], x interval, f float8);
        insert into src.t values (1, '{\"a\": [1]}', '{1,2}', '1 day', 0.1)";
    Pair::new(source, json!({}), json!({})).same();
    let source = "create schema src; create table src.t (id int primary key, j json, jt json);
        insert into src.t values (1, E'{\"a\":\\n1}', 'null'), (2, '{\"a\": \"\\u0041\"}', ' null'), (3, '[1]', null)";
    Pair::new(source, json!({}), json!({})).same();
    let source = "create schema src; create table src.base (id int primary key, v timestamptz);
        insert into src.base select i, timestamptz '2024-01-01' + i * interval '1 hour' from generate_series(1, 50) i;
        create view src.t as select * from src.base where v > '2024-01-02 00:00:00'";
    Pair::new(source, json!({"filter_tables": "src.t"}), json!({})).same();
}

/// A database without an encoding has bytes that are no text; its server says so of them, whatever the form.
#[test]
fn bytes_that_are_no_text_are_refused_as_in_a_record() {
    let mut pair = Pair::new("select 1", json!({}), json!({}));
    let name = format!("{}_bytes", pair.database.name());
    pair.database.sql(&format!(
        "create database {name} encoding 'SQL_ASCII' locale 'C' template template0"
    ));
    let source = r"create schema src; create table src.t (id int primary key, note text);
        insert into src.t values (1, 'good'), (2, E'\xE9')";
    server().psql(&name, source);
    pair.tap["database"] = name.as_str().into();
    for way in WAYS {
        let outcome = pair.run(way);
        assert_eq!(outcome.code, Some(65), "{way:?}\n{}", outcome.stderr);
        assert!(
            outcome.stderr.contains("invalid byte sequence"),
            "{way:?}\n{}",
            outcome.stderr
        );
    }
    pair.database.sql(&format!("drop database {name}"));
}

/// The tap, the target and the runner are killed in turn while rows pass; what is run again resumes, and misses nothing.
#[test]
fn no_row_is_lost_when_a_process_is_killed() {
    let source = "create schema src; create table src.t (id int primary key, note text, at timestamptz);
        insert into src.t select i, repeat('x', i % 300), now() from generate_series(1, 60000) i";
    let tap = json!({"full_table_range_mb": 1});
    let pair = Pair::new(
        source,
        tap,
        json!({"batch_size_rows": 2000, "state_interval_seconds": 0.05}),
    );
    let folder = tempfile::tempdir().expect("a folder");
    for (turn, victim) in ["tap-postgres", "target-postgres", "melisma"]
        .iter()
        .cycle()
        .take(9)
        .enumerate()
    {
        let mut live = Live::start(&mut pair.command(folder.path(), Way::Tuples));
        let pid = match *victim {
            "melisma" => live.id(),
            plugin => process(&live, plugin),
        };
        thread::sleep(Duration::from_millis(20 + 40 * turn as u64));
        if live.ended() {
            continue;
        }
        kill("KILL", &pid.to_string());
        drop(live.end());
    }
    run(&mut pair.command(folder.path(), Way::Tuples), b"").ok();
    let left = "(table src.t except select id, note, at at time zone 'utc' from tuples.t)";
    assert_eq!(
        pair.database.sql(&format!("select count(*) from {left} missing")),
        "0"
    );
    assert_eq!(pair.database.sql("select count(*) from tuples.t"), "60000");
}

/// Rows with a value of its own way among many that have none, and keys that come again: what repeats a key replaces what
/// came before, be they lines or tuples, in a table and in a stage.
#[test]
fn rows_of_both_forms_in_one_batch_are_in_their_order() {
    let source = "create schema src; create table src.t (id int, d date, note text);
        insert into src.t select i % 500, case when i % 97 = 0 then 'infinity' else date '2024-01-01' + i end, 'note ' || i
        from generate_series(1, 5000) i";
    let pair = Pair::new(source, json!({"invalid_date_handling": "null"}), json!({}));
    let tables = WAYS.map(|way| {
        let folder = tempfile::tempdir().expect("a folder");
        let mut keyed = pair.command_of(folder.path(), way, &format!("{TAP} --catalog catalog.json"));
        fs::write(folder.path().join("catalog.json"), keyed_catalog(folder.path())).expect("written");
        keyed.arg("--full-refresh");
        let rows = format!("select count(*), max(note) from {}.t", way.schema());
        for _ in 0..2 {
            run(&mut keyed, b"").ok();
            assert_eq!(pair.database.sql(&rows), "500|note 5000", "{way:?}");
        }
        pair.table(way.schema())
    });
    assert_eq!(tables[0], tables[1]);
    assert_eq!(tables[0], tables[2]);
}

/// The tap's catalog in a folder with its settings, with a key that the table does not have.
fn keyed_catalog(folder: &Path) -> String {
    let mut discover = Command::new(melisma());
    discover
        .current_dir(folder)
        .args(TAP.split(' '))
        .arg("--discover");
    let found = run(&mut discover, b"").ok().stdout;
    let mut catalog: Value = serde_json::from_slice(&found).expect("a catalog");
    let stream = &mut catalog["streams"][0];
    stream["key_properties"] = json!(["id"]);
    for entry in stream["metadata"].as_array_mut().expect("metadata") {
        if entry["breadcrumb"] == json!([]) {
            entry["metadata"]["table-key-properties"] = json!(["id"]);
        }
    }
    catalog.to_string()
}
