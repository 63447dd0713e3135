//! What goes wrong: drivers, files, catalogs that are older than their tables.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::database::{ALL, Database, Kind, python};
use crate::run::Run;

const TABLES: [&str; 2] = [
    "create table t (id integer primary key, name varchar, n integer)",
    "insert into t values (1, 'a', 7)",
];

#[test]
fn a_driver_that_is_not_there_is_named_with_the_package_to_install() {
    for (kind, words) in [
        (
            Kind::DuckDb,
            [
                "found none named none",
                "put the folder with it into ADBC_DRIVER_PATH",
            ],
        ),
        (
            Kind::Sqlite,
            [
                "found none named none",
                "put the folder with it into ADBC_DRIVER_PATH",
            ],
        ),
    ] {
        let database = Database::new(kind, &TABLES);
        Run::on(&database, &json!({"driver": "none"}))
            .go()
            .fails(78, &words);
    }
    Run::with(None, json!({"driver": "snowflake"})).go().fails(
        78,
        &["found none named snowflake", "pip install adbc-driver-snowflake"],
    );
}

#[test]
fn a_file_that_is_not_there_is_not_made() {
    for kind in ALL {
        let database = Database::new(kind, &TABLES);
        let missing = database.folder.path().join("missing.db");
        let config = match kind {
            Kind::DuckDb => json!({"path": missing}),
            Kind::Sqlite => json!({"database": missing}),
        };
        let run = Run::on(&database, &config).go();
        assert_eq!(run.code, 74, "{}", run.log);
        assert!(run.log.contains("cannot open "), "{}", run.log);
        assert!(run.log.contains("missing.db"), "{}", run.log);
        assert!(!run.log.contains("memory"), "{}", run.log);
        assert!(!missing.exists(), "{kind:?}");
    }
}

#[test]
fn a_database_is_only_read() {
    for kind in ALL {
        let database = Database::new(kind, &TABLES);
        let before = std::fs::read(database.path()).expect("a file");
        Run::on(&database, &json!({})).go().ok();
        assert_eq!(
            std::fs::read(database.path()).expect("a file"),
            before,
            "{kind:?}"
        );
        // Two processes may read at the same time.
        let names: Vec<_> = std::fs::read_dir(database.folder.path())
            .expect("read")
            .flatten()
            .collect();
        assert_eq!(names.len(), 1, "{kind:?}: {names:?}");
    }
}

/// Another program that holds the database until its input ends.
fn holder(database: &Database) -> Child {
    let script = match database.kind {
        Kind::DuckDb => {
            "from adbc_driver_manager import dbapi
c = dbapi.connect(driver=sys.argv[2], entrypoint='duckdb_adbc_init', db_kwargs={'path': sys.argv[1]}, autocommit=True)"
        }
        Kind::Sqlite => {
            "import sqlite3; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('begin exclusive')"
        }
    };
    let script = format!("import sys\n{script}\nprint('open', flush=True); sys.stdin.read()");
    let mut holder = Command::new(python())
        .args(["-c", &script])
        .arg(database.path())
        .arg(crate::database::duckdb())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python");
    let mut line = String::new();
    BufReader::new(holder.stdout.take().expect("piped"))
        .read_line(&mut line)
        .expect("read");
    holder
}

#[test]
fn a_database_that_another_process_writes_is_named_with_the_process() {
    for kind in ALL {
        let database = Database::new(kind, &TABLES);
        let mut holder = holder(&database);
        let config = match kind {
            Kind::DuckDb => json!({}),
            Kind::Sqlite => json!({"lock_timeout_seconds": 0.1}),
        };
        let run = Run::on(&database, &config).go();
        drop(holder.stdin.take());
        holder.wait().expect("ended");
        run.fails(75, &["lock", &holder.id().to_string()]);
        Run::on(&database, &json!({})).go().ok();
    }
}

/// The catalog of the database with everything selected.
fn selected(database: &Database) -> Value {
    let mut catalog = Run::on(database, &json!({})).discover();
    for stream in catalog["streams"].as_array_mut().expect("streams") {
        stream["metadata"][0]["metadata"]["selected"] = true.into();
    }
    catalog
}

#[test]
fn a_table_that_was_dropped_is_left_out_and_the_run_does_not_succeed() {
    for kind in ALL {
        let database = Database::new(kind, &TABLES);
        database.change(&["create table gone (n integer)"]);
        let catalog = selected(&database);
        database.change(&["drop table gone"]);
        let run = Run::on(&database, &json!({})).catalog(&catalog).go();
        let run = run.fails(78, &["stream main-gone", "all else was read"]);
        assert_eq!(run.values("main-t", "id"), [1], "{kind:?}");
        assert_ne!(run.state(), Value::Null);
        let strict = Run::on(&database, &json!({"strict": true}))
            .catalog(&catalog)
            .go();
        assert!(
            strict
                .fails(78, &["stream main-gone cannot be read"])
                .messages
                .is_empty()
        );
    }
}

#[test]
fn a_catalog_that_is_older_than_its_table_gets_the_table_s_schema() {
    let database = Database::new(Kind::DuckDb, &TABLES);
    let catalog = selected(&database);
    database.change(&[
        "alter table t alter n type bigint",
        "alter table t drop name",
        "alter table t add later integer",
        "insert into t values (2, 9223372036854775807, 1)",
    ]);
    let run = Run::on(&database, &json!({})).catalog(&catalog).go();
    let run = run.fails(
        78,
        &[
            "property n: its type is BIGINT, and the catalog says INTEGER",
            "property name of stream main-t",
        ],
    );
    assert_eq!(
        run.schema("main-t")["properties"]["n"],
        json!({"type": ["integer", "null"]})
    );
    assert_eq!(run.values("main-t", "n"), [json!(7), json!(i64::MAX)]);
    assert_eq!(
        run.records("main-t")[0],
        json!({"id": 1, "n": 7}),
        "what is new is not read"
    );
    let database = Database::new(Kind::Sqlite, &TABLES);
    let catalog = selected(&database);
    database.change(&["alter table t drop column n", "alter table t add column n text"]);
    let run = Run::on(&database, &json!({})).catalog(&catalog).go().ok();
    assert!(run.log.contains("property n: its type is TEXT"), "{}", run.log);
    assert_eq!(
        run.schema("main-t")["properties"]["n"],
        json!({"type": ["string", "null"]})
    );
}

#[test]
fn what_is_not_selected_is_not_read() {
    for kind in ALL {
        let database = Database::new(kind, &TABLES);
        let mut catalog = selected(&database);
        for item in catalog["streams"][0]["metadata"]
            .as_array_mut()
            .expect("metadata")
        {
            if item["breadcrumb"] == json!(["properties", "name"]) {
                item["metadata"]["selected"] = false.into();
            }
        }
        let run = Run::on(&database, &json!({})).catalog(&catalog).go().ok();
        assert_eq!(run.records("main-t"), [json!({"id": 1, "n": 7})], "{kind:?}");
        let plain = Database::new(
            kind,
            &["create table t (n integer)", "insert into t values (1), (2)"],
        );
        let mut catalog = selected(&plain);
        catalog["streams"][0]["metadata"][1]["metadata"]["selected"] = false.into();
        let run = Run::on(&plain, &json!({})).catalog(&catalog).go().ok();
        assert_eq!(
            run.records("main-t"),
            [json!({}), json!({})],
            "{kind:?}: no column at all"
        );
    }
}

#[test]
fn versions_follow_a_whole_read_when_they_are_asked_for() {
    for kind in ALL {
        let database = Database::new(kind, &TABLES);
        let run = Run::on(&database, &json!({"emit_activate_version_messages": true}))
            .go()
            .ok();
        let record = run
            .messages
            .iter()
            .find(|message| message["type"] == "RECORD")
            .expect("a record");
        let activate = run
            .messages
            .iter()
            .find(|message| message["type"] == "ACTIVATE_VERSION");
        let activate = activate.expect("ACTIVATE_VERSION");
        assert!(record["version"].is_i64(), "{record}");
        assert_eq!(record["version"], activate["version"], "{kind:?}");
    }
}

#[test]
fn a_catalog_that_asks_for_the_log_is_refused() {
    let database = Database::new(Kind::Sqlite, &TABLES);
    let mut catalog = selected(&database);
    catalog["streams"][0]["metadata"][0]["metadata"]["replication-method"] = "LOG_BASED".into();
    let run = Run::on(&database, &json!({})).catalog(&catalog).go();
    run.fails(78, &["main-t", "LOG_BASED"]);
}

#[test]
fn a_clause_that_is_no_sql_is_an_error_of_its_stream() {
    for kind in ALL {
        let database = Database::new(kind, &TABLES);
        let config = json!({"stream_options": {"main-t": {"custom_where_clauses": ["nonsense = 1"]}}});
        let run = Run::on(&database, &config).go();
        assert_ne!(run.code, 0);
        assert!(
            run.log.contains("stream main-t: cannot read \"main\".\"t\"") && run.log.contains("nonsense"),
            "{}",
            run.log
        );
    }
}
