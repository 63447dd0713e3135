//! tap-postgres.

use std::process::Command;

use melisma_testing::postgres::server;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::target_postgres::{connection, of_the_connection};
use super::{Probe, Subject, every_setting_does_something, observe, probe, tested};
use crate::harness::{melisma, run};

/// A tap on a new database with these tables.
struct Rows;

const TABLES: &str = "create table t (id int primary key, at timestamp, number numeric(10, 2), document jsonb); \
    insert into t values (1, '2020-01-01', 1.5, '{}'), (2, '2020-01-02', 2.5, '[]'); \
    create schema other; create table other.u as select 1 as id";

impl Subject for Rows {
    fn observe(&self, config: &Value, input: Option<&str>) -> String {
        let database = server().database();
        database.sql(input.unwrap_or(TABLES));
        let folder = TempDir::new().expect("a folder");
        let name = folder.path().display().to_string();
        let config = super::over(&connection(&database), config);
        let path = folder.path().join("config.json");
        std::fs::write(&path, config.to_string().replace("FOLDER", &name)).expect("written");
        let mut command = Command::new(melisma());
        command.args(["tap-postgres", "--config"]).arg(&path);
        observe::outcome(&run(&mut command, b""), &[&name, database.name()])
    }
}

fn probes() -> Vec<Probe> {
    let mut probes = of_the_connection();
    let named = "create view v as select application_name from pg_stat_activity where pid = pg_backend_pid()";
    let slow = "create view v as select 1 as id, pg_sleep(1.5)::text as slept";
    let infinite = "create table t as select 'infinity'::date as at";
    probes.extend([
        probe("application_name", "mine").on(named),
        probe("statement_timeout_seconds", 1).on(slow),
        probe("filter_schemas", json!(["other"])),
        probe("filter_tables", json!(["u"])),
        probe("dates_as_string", true),
        probe("json_as_object", true),
        probe("use_singer_decimal", true),
        probe("invalid_date_handling", "null").on(infinite),
        probe("default_replication_method", "LOG_BASED"),
        tested(
            "start_date",
            "start_date_counts_where_it_is_later_than_the_bookmark",
        ),
        probe("stream_options{}.custom_where_clauses", json!(["id > 1"]))
            .given(json!({"stream_options": {"public-t": {}}})),
        probe("max_record_count", 1),
        tested("limit", "limits_and_clauses"),
        tested(
            "parallelism",
            "several_connections_read_the_same_rows_and_can_be_interrupted",
        ),
        tested("full_table_resume", "resuming_can_be_turned_off"),
        tested(
            "full_table_range_mb",
            "a_signal_ends_the_run_with_the_state_of_what_was_read",
        ),
        probe("emit_activate_version_messages", true),
        tested(
            "strict",
            "a_catalog_that_selects_nothing_is_an_error_in_a_strict_run_alone",
        ),
    ]);
    let ignored = [
        ("itersize", json!(20_000)),
        ("replication_slot_name", json!("slot")),
        ("replication_max_run_seconds", json!(60)),
        ("replication_idle_exit_seconds", json!(60)),
        ("log_based_single_connection", json!(true)),
        ("auto_bootstrap_log_based", json!(true)),
        ("break_at_end_lsn", json!(true)),
        ("debug_lsn", json!(true)),
        ("tap_id", json!("tap")),
        ("output_plugin", json!("pgoutput")),
        ("publication_name", json!("publication")),
        ("create_slot", json!(true)),
        ("create_publication", json!(true)),
        ("ack_mode", json!("state")),
    ];
    probes.extend(ignored.map(|(setting, value)| probe(setting, value)));
    probes
}

#[test]
fn every_setting_of_tap_postgres_does_something() {
    every_setting_does_something("tap-postgres", &json!({}), &Rows, &probes());
}
