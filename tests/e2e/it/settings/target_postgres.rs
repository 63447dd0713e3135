//! target-postgres.

use std::process::Command;

use melisma_testing::postgres::{Database, server};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::files::{bytes, join, lines, standard};
use super::{Probe, Subject, every_setting_does_something, observe, probe, tested};
use crate::harness::{melisma, record, run, schema, state};

/// Settings of a connection to a database of the tests' server.
pub(super) fn connection(database: &Database<'_>) -> Value {
    json!({
        "host": database.host(), "port": database.port(), "user": database.user(),
        "password": database.password(), "database": database.name(),
    })
}

/// What both PostgreSQL connectors need to be reached.
pub(super) fn of_the_connection() -> Vec<Probe> {
    let tls = json!({"ssl_enable": true});
    let tunnel = json!({"ssh_tunnel": {"enable": true}});
    vec![
        probe("host", "nowhere.invalid"),
        probe("port", 1),
        probe("user", "no_such_user"),
        probe("password", "wrong"),
        probe("database", "no_such_database"),
        probe("sqlalchemy_url", "postgresql://nowhere.invalid/x"),
        probe("dialect+driver", "postgresql+psycopg2"),
        probe("ssl_enable", true),
        probe("ssl_mode", "disable").given(tls.clone()),
        probe("ssl_certificate_authority", "FOLDER/none.pem").given(tls.clone()),
        probe("ssl_client_certificate_enable", true).given(tls),
        tested(
            "ssl_client_certificate",
            "our_certificate_is_shown_from_text_or_file",
        ),
        tested(
            "ssl_client_private_key",
            "our_certificate_is_shown_from_text_or_file",
        ),
        probe("ssl_storage_directory", "FOLDER/pem"),
        probe("ssl", true),
        probe("ssh_tunnel.enable", true),
        probe("ssh_tunnel.host", "gate.example.com").given(tunnel.clone()),
        probe("ssh_tunnel.port", 2222).given(tunnel.clone()),
        probe("ssh_tunnel.username", "me").given(tunnel.clone()),
        probe("ssh_tunnel.private_key", "PEM text").given(tunnel.clone()),
        probe("ssh_tunnel.private_key_password", "secret").given(tunnel),
        tested(
            "connect_timeout_seconds",
            "a_server_that_does_not_answer_is_given_up_after_connect_timeout",
        ),
    ]
}

/// A target on a new database. `THEN` in an input stands between runs; what begins with `SQL` is for the database.
struct Tables;

const TABLES: &str = "select n.nspname, c.relname, c.relacl is not null, (select string_agg(a.attname || ' ' || \
    format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull, ', ' order by a.attnum) from pg_attribute a \
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) from pg_class c join pg_namespace n on \
    n.oid = c.relnamespace where n.nspname !~ '^(pg_|information_schema$)' order by 1, 2";
const ROWS: &str = "select string_agg(format('select %L, to_jsonb(t) from %I.%I t', c.oid::regclass, n.nspname, \
    c.relname), ' union all ') from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r' \
    and n.nspname !~ '^(pg_|information_schema$)'";

impl Subject for Tables {
    fn observe(&self, config: &Value, input: Option<&str>) -> String {
        let database = server().database();
        let folder = TempDir::new().expect("a folder");
        let name = folder.path().display().to_string();
        let config = super::over(&connection(&database), config);
        let path = folder.path().join("config.json");
        std::fs::write(&path, config.to_string().replace("FOLDER", &name)).expect("written");
        let names = [&*name, database.name()];
        let mut seen = String::new();
        for input in input.map_or_else(lines, str::to_owned).split("THEN\n") {
            if let Some(sql) = input.strip_prefix("SQL ") {
                database.sql(sql);
                continue;
            }
            let mut command = Command::new(melisma());
            command.args(["target-postgres", "--config"]).arg(&path);
            seen += &observe::outcome(&run(&mut command, &bytes(input)), &names);
        }
        seen += &database.sql(TABLES);
        let rows = database.sql(ROWS);
        if !rows.trim().is_empty() {
            seen += &observe::timeless(&database.sql(&format!("{rows} order by 1, 2")));
        }
        std::fs::remove_file(path).expect("it is there");
        seen + &observe::files(folder.path())
    }
}

/// Two versions of a stream; the second has a row less.
fn versions() -> String {
    let version = |id: u64, version: u64| {
        format!(r#"{{"type":"RECORD","stream":"s","record":{{"id":{id}}},"version":{version}}}"#)
    };
    let ids = json!({"id": {"type": "integer"}});
    join(&[
        schema("s", &ids, &["id"]),
        version(1, 1),
        version(2, 1),
        version(1, 2),
        r#"{"type":"ACTIVATE_VERSION","stream":"s","version":2}"#.to_owned(),
        state("1"),
    ])
}

/// A stream of one record, its property `a` of this schema.
fn one(property: &Value, value: &str) -> String {
    let properties = json!({"id": {"type": "integer"}, "a": property});
    join(&[
        schema("s", &properties, &["id"]),
        record("s", &format!(r#"{{"id":1,"a":{value}}}"#)),
        state("1"),
    ])
}

fn own() -> Vec<Probe> {
    let mapped = |more: Value| json!({"schema_mapping": {"source": more}});
    let of_source = || lines().replace(r#""stream":"s""#, r#""stream":"source-s""#);
    let role = "pg_monitor";
    let flat = json!({"flattening_enabled": true});
    let deep = json!({"type": "object", "properties": {"bravo": {"type": "object", "properties": {"charlie": {"type": "integer"}}}}});
    let deep = one(&deep, r#"{"bravo":{"charlie":1}}"#);
    let long_stream = lines().replace(r#""stream":"s""#, r#""stream":"a_stream_of_a_long_name""#);
    let grown = one(&json!({"type": "integer"}), "1") + "THEN\n" + &lines();
    let slow = "SQL create function slow() returns trigger language plpgsql as 'begin perform pg_sleep(1.5); return null; end'; \
        create table s (id bigint primary key); create trigger slow after insert on s execute function slow()\nTHEN\n";
    let named = "SQL create table s (id bigint primary key, by text default current_setting('application_name'))\nTHEN\n";
    let (slow, named) = (slow.to_owned(), named.to_owned());
    let keyless = lines().replace(r#""key_properties":["id"]"#, r#""key_properties":[]"#);
    vec![
        probe("default_target_schema", "other"),
        probe("naming_mode", "pipelinewise"),
        probe("schema_mapping{}.target_schema", "mapped")
            .given(mapped(json!({})))
            .on(of_source()),
        probe("schema_mapping{}.target_schema_select_permissions", role)
            .given(mapped(json!({"target_schema": "mapped"})))
            .on(of_source()),
        probe("schema_mapping{}.indices", json!({"s": ["text"]}))
            .given(mapped(json!({"target_schema": "mapped"})))
            .on(of_source()),
        probe("default_target_schema_select_permissions", role),
        probe("use_copy", true),
        probe("activate_version", false).on(versions()),
        probe("process_activate_version_messages", false).on(versions()),
        tested("hard_delete", "older_versions_are_marked_or_deleted"),
        tested("hard_delete_mode", "deleted_records_delete_in_their_order"),
        probe("add_metadata_columns", true),
        probe("interpret_content_encoding", true).on(one(
            &json!({"type": "string", "contentEncoding": "base16"}),
            "\"00ff\"",
        )),
        probe("sanitize_null_text_characters", true).on(one(&json!({"type": "string"}), r#""a\u0000b""#)),
        probe("invalid_date_handling", "null").on(one(
            &json!({"type": ["string", "null"], "format": "date-time"}),
            "\"2020-02-31T00:00:00Z\"",
        )),
        probe("invalid_values", "null")
            .given(json!({"schema_evolution": "error"}))
            .on(one(&json!({"type": "integer"}), "1")
                + "THEN\n"
                + &one(
                    &json!({"type": ["integer", "null"]}),
                    "123456789012345678901234567890",
                )),
        probe("widen_on", "schema").on(one(&json!({"type": "integer"}), "1")
            + "THEN\n"
            + &one(&json!({"type": ["integer", "string"]}), "2")),
        probe("schema_evolution", "freeze").on(grown),
        probe("identifier_max_length", 16).on(long_stream),
        probe("primary_key_required", true).on(keyless),
        tested(
            "lock_timeout_seconds",
            "a_table_that_somebody_locks_is_told_with_who_it_is",
        ),
        probe("state_in_target", true),
        probe("state_id", "mine").given(json!({"state_in_target": true})),
        tested("parallelism", "max_parallelism_is_the_number_of_writing_threads"),
        probe("flush_all_streams", true),
        probe("temp_dir", "FOLDER/temp"),
        probe("data_flattening_max_level", 1).on(deep.clone()),
        probe("flattening_enabled", true).on(deep.clone()),
        probe("flattening_max_depth", 1)
            .given(flat.clone())
            .on(deep.clone()),
        probe("flattening_max_key_length", 10)
            .given(flat.clone())
            .on(deep.clone()),
        probe("flattening_separator", "_").given(flat).on(deep),
        probe("load_method", "overwrite").on(lines() + "THEN\n" + &one(&json!({"type": "integer"}), "1")),
        probe("statement_timeout_seconds", 1).on(slow + &lines()),
        probe("application_name", "mine").on(named + &lines()),
    ]
}

#[test]
fn a_server_that_does_not_answer_is_given_up_after_connect_timeout() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
    let port = silent.local_addr().expect("an address").port();
    for plugin in ["tap-postgres", "target-postgres"] {
        let config = json!({"host": "127.0.0.1", "port": port, "user": "x", "connect_timeout_seconds": 1});
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("config.json");
        std::fs::write(&path, config.to_string()).expect("written");
        let mut command = Command::new(melisma());
        command.args([plugin, "--config"]).arg(path);
        let began = std::time::Instant::now();
        run(&mut command, b"").fails(69, &["cannot connect"]);
        // It would be 30 seconds without the setting.
        assert!(began.elapsed().as_secs() < 25, "{plugin}");
    }
}

#[test]
fn every_setting_of_target_postgres_does_something() {
    let mut probes = of_the_connection();
    // Each commit has a moment of its own.
    probes.extend(standard(&json!({"add_record_metadata": false})));
    probes.extend(own());
    let base = json!({"default_target_schema": "public", "add_record_metadata": false});
    every_setting_does_something("target-postgres", &base, &Tables, &probes);
}
