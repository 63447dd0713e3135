//! What goes wrong around the tap: signals, servers, limits.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use melisma_testing::postgres::{Database, Options, Server};
use serde_json::{Value, json};

use crate::run::{Run, config, database};

/// The program on this database, and the folder of its settings.
fn tap(database: &Database<'_>, more: &Value) -> (Command, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    std::fs::write(&path, config(database, more).to_string()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tap-postgres"));
    command.arg("--config").arg(path);
    (command, folder)
}

const LARGE: &str = "create table t as select i, repeat('x', 1000) as pad from generate_series(1, 200000) i";

#[test]
fn a_signal_ends_the_run_with_the_state_of_what_was_read() {
    let database = database(LARGE);
    for more in [
        json!({"full_table_range_mb": 1}),
        json!({"full_table_range_mb": 1, "parallelism": 2}),
    ] {
        let (mut command, _folder) = tap(&database, &more);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for line in lines.by_ref().take(50_000) {
            assert!(line.unwrap().starts_with("{\"type\":"));
        }
        melisma_processes::kill("TERM", &child.id().to_string());
        let last = lines.map(|line| line.unwrap()).last().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(143));
        let last: Value = serde_json::from_str(&last).unwrap();
        assert!(
            last["value"]["bookmarks"]["public-t"]["full_table"]["parts"][0]["marks"].is_array(),
            "{last}"
        );
    }
    // The statement was cancelled, so the server sends no more rows.
    let others =
        "select count(*) from pg_stat_activity where application_name = 'tap_postgres' and state = 'active'
                  and datname = current_database()";
    while database.sql(others) != "0" {}
}

#[test]
fn a_server_that_dies_is_an_error_of_its_own() {
    let server = Server::start(&Options::default());
    let database = server.database();
    database.sql(LARGE);
    let (mut command, _folder) = tap(&database, &json!({}));
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    for _ in 0..1_000 {
        out.read_line(&mut String::new()).unwrap();
    }
    server.kill();
    std::io::copy(&mut out, &mut std::io::sink()).unwrap();
    let mut log = String::new();
    child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(69), "{log}");
    assert!(
        log.contains("stream public-t: cannot read \"public\".\"t\": "),
        "{log}"
    );
    let outcome = Run::on(&database, &json!({})).go();
    assert_eq!(outcome.code, 69);
    assert!(
        outcome.log.contains("cannot connect to postgresql://127.0.0.1:"),
        "{}",
        outcome.log
    );
}

#[test]
fn a_table_that_goes_away_or_a_wrong_clause_is_an_error_of_the_server() {
    let database = database("create table t (id int)");
    let clause = json!({"stream_options": {"public-t": {"custom_where_clauses": ["idd > 3"]}}});
    let outcome = Run::on(&database, &clause).go();
    assert_eq!(outcome.code, 78);
    assert!(
        outcome
            .log
            .contains("cannot read \"public\".\"t\": column \"idd\" does not exist"),
        "{}",
        outcome.log
    );
}

#[test]
fn what_would_change_records_is_refused_and_what_peers_know_is_taken() {
    let database = database("create table t as select 1 as id");
    for more in [
        json!({"flattening_enabled": "true"}),
        json!({"stream_maps": {"t": {"x": "y"}}}),
    ] {
        let outcome = Run::on(&database, &more).go();
        assert_eq!(outcome.code, 78);
        assert!(
            outcome.log.contains("not supported by this plugin"),
            "{}",
            outcome.log
        );
    }
    let mut settings = config(
        &database,
        &json!({
            "dbname": database.name(), "filter_schemas": "public", "ssl": "false", "itersize": "20000", "limit": 5,
            "default_replication_method": "FULL_TABLE", "tap_id": "x", "break_at_end_lsn": true, "max_run_seconds": 43200,
            "logical_poll_total_seconds": 10800, "replication_slot_name": "tappostgres", "stream_maps": {},
            "stream_map_config": {}, "flattening_enabled": false, "ssh_tunnel.enable": false, "ssl_mode": "verify-full",
            "batch_config": {"encoding": {"format": "jsonl"}}, "stream_options": {},
        }),
    );
    settings.as_object_mut().unwrap().remove("database");
    let outcome = Run::with(settings).go().ok();
    assert_eq!(outcome.records("public-t").len(), 1);
    let warned: Vec<_> = outcome.log.lines().filter(|line| line.contains("WARN")).collect();
    for name in [
        "itersize",
        "tap_id",
        "break_at_end_lsn",
        "replication_max_run_seconds",
        "replication_slot_name",
        "batch_config",
    ] {
        let of_name = |line: &&&str| line.contains(&format!("{name} is ignored: "));
        assert_eq!(
            warned.iter().filter(of_name).count(),
            1,
            "{name}: {}",
            outcome.log
        );
    }
    assert_eq!(warned.len(), 6, "{}", outcome.log);
}

#[test]
fn a_test_reads_one_record_of_each_stream() {
    let database = database(LARGE);
    database.sql("create table u as select 1 as id");
    let outcome = Run::on(&database, &json!({})).arg("--test").go().ok();
    assert_eq!(outcome.records("public-t").len(), 1);
    assert_eq!(outcome.records("public-u").len(), 1);
}

#[test]
fn max_record_count_limits_whole_tables() {
    let database = database("create table t as select generate_series(1, 10) as id");
    let outcome = Run::on(&database, &json!({"max_record_count": 3})).go().ok();
    assert_eq!(outcome.records("public-t").len(), 3);
}

#[test]
fn without_a_user_it_is_that_of_the_process_as_for_libpq() {
    let database = database("");
    let mut settings = config(&database, &json!({"password": "of somebody else"}));
    settings.as_object_mut().unwrap().remove("user");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    std::fs::write(&path, settings.to_string()).unwrap();
    let name = Command::new("id").arg("-un").output().unwrap();
    let name = String::from_utf8(name.stdout).unwrap();
    let run = |variables: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tap-postgres"));
        command.arg("--config").arg(&path);
        for variable in ["USER", "LOGNAME", "PGUSER", "PGPASSWORD"] {
            command.env_remove(variable);
        }
        let outcome = command.envs(variables.iter().copied()).output().unwrap();
        assert_eq!(outcome.status.code(), Some(78));
        String::from_utf8(outcome.stderr).unwrap()
    };
    let of = |name: &str| format!("authentication failed for user \"{}\"", name.trim());
    for (variables, user) in [
        (&[][..], name.as_str()),
        (&[("USER", "another"), ("LOGNAME", "another")][..], &name),
        (&[("PGUSER", "third")][..], "third"),
    ] {
        let log = run(variables);
        assert!(log.contains(&of(user)), "{variables:?}: {log}");
    }
}
