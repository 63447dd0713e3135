//! target-snowflake, target-bigquery and target-redshift up to their drivers: the SQL and the batches that a connection gets.
//! None of it was run against a service.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use target_adbc::{BigQueryConfig, RedshiftConfig, SnowflakeConfig};

use crate::database::{record, schema, state};
use crate::recording::{Named, Scene, bigquery, redshift, snowflake, with};

/// A stream of all types, with a key that comes twice, and one without a key.
fn all_types() -> Vec<Value> {
    let all = json!({
        "Id": {"type": "integer"}, "flag": {"type": ["boolean", "null"]}, "num": {"type": ["number", "null"]},
        "price": {"type": ["string", "null"], "format": "singer.decimal", "precision": 38, "scale": 10},
        "day": {"type": ["string", "null"], "format": "date"}, "clock": {"type": ["string", "null"], "format": "time"},
        "at": {"type": ["string", "null"], "format": "date-time"}, "name": {"type": ["string", "null"]},
        "doc": {"type": ["object", "null"]},
    });
    let row = json!({
        "Id": 1, "flag": true, "num": 0.5, "price": "1.5", "day": "2024-02-29", "clock": "23:59:59.5",
        "at": "2024-02-29T12:00:00Z", "name": "it's", "doc": {"a": [1]},
    });
    vec![
        schema("shop-orders", &all, &["Id"]),
        schema("log", &json!({"line": {"type": "string"}}), &[]),
        record("shop-orders", &row),
        record("log", &json!({"line": "a"})),
        record("shop-orders", &json!({"Id": 1})),
        state(&json!({"at": 1})),
    ]
}

/// What each dialect tells a table's columns as.
fn existing(columns: &[(&str, &str)]) -> Value {
    columns.iter().map(|(name, of)| json!([name, of])).collect()
}

fn ids(rows: &[Value]) -> Vec<Value> {
    let properties = json!({"id": {"type": "integer"}, "v": {"type": ["string", "null"]}});
    let mut lines = vec![schema("a", &properties, &["id"])];
    lines.extend(rows.iter().map(|row| record("a", row)));
    lines.push(state(&json!(1)));
    lines
}

#[test]
fn snowflake_makes_tables_and_merges() {
    let new = Scene {
        config: snowflake(),
        lines: all_types(),
        ..Scene::default()
    };
    new.is::<SnowflakeConfig>("snowflake_new");
    let columns = existing(&[("ID", "NUMBER(38,0)"), ("V", "TEXT"), ("OTHER", "BINARY")]);
    let merged = Scene {
        config: with(
            &snowflake(),
            &json!({"state_in_target": true, "state_id": "a\\b"}),
        ),
        answers: vec![("table_name = 'A'", columns)],
        lines: ids(&[json!({"id": 1, "v": "x"}), json!({"id": 1, "v": "y"})]),
        repeated: true,
    };
    merged.is::<SnowflakeConfig>("snowflake_merge");
}

#[test]
fn snowflake_replaces_and_activates_in_one_transaction() {
    let columns = existing(&[("ID", "NUMBER(38,0)"), ("V", "TEXT")]);
    let overwrite = Scene {
        config: with(&snowflake(), &json!({"load_method": "overwrite"})),
        answers: vec![("table_name = 'A'", columns.clone())],
        lines: ids(&[json!({"id": 2, "v": null})]),
        ..Scene::default()
    };
    overwrite.is::<SnowflakeConfig>("snowflake_overwrite");
    let mut lines = ids(&[]);
    lines.insert(
        1,
        json!({"type": "RECORD", "stream": "a", "record": {"id": 1}, "version": 7}),
    );
    lines.insert(
        2,
        json!({"type": "ACTIVATE_VERSION", "stream": "a", "version": 7}),
    );
    let versions = Scene {
        config: with(&snowflake(), &json!({"add_record_metadata": true})),
        lines,
        ..Scene::default()
    };
    versions.is::<SnowflakeConfig>("snowflake_versions");
}

#[test]
fn snowflake_changes_what_it_can_and_refuses_the_rest() {
    let scene = |of: &str| Scene {
        config: snowflake(),
        answers: vec![
            ("table_name = 'A'", existing(&[("ID", of)])),
            ("table_name = 'A'", existing(&[("ID", "NUMBER(19,0)")])),
        ],
        lines: ids(&[json!({"id": 1})]),
        ..Scene::default()
    };
    scene("NUMBER(10,0)").is::<SnowflakeConfig>("snowflake_widen");
    let refused = scene("BOOLEAN").run::<SnowflakeConfig>();
    assert!(refused.ends_with("exit code 78, STATE \n"), "{refused}");
}

#[test]
fn bigquery_makes_tables_and_merges() {
    let metadata = json!({"add_record_metadata": true, "upsert": true, "cluster_on_key_properties": true, "partition_expiration_days": 30});
    let new = Scene {
        config: with(&bigquery(), &metadata),
        lines: all_types(),
        ..Scene::default()
    };
    new.is::<BigQueryConfig>("bigquery_new");
    let columns = existing(&[("id", "INT64"), ("v", "STRING")]);
    let merged = Scene {
        config: with(
            &bigquery(),
            &json!({"upsert": "true", "state_in_target": true, "state_id": "it's\\a"}),
        ),
        answers: vec![("table_name = 'a'", columns)],
        lines: ids(&[json!({"id": 1, "v": "x"}), json!({"id": 1, "v": "y"})]),
        repeated: true,
    };
    merged.is::<BigQueryConfig>("bigquery_merge");
}

#[test]
fn bigquery_appends_unless_it_is_told_otherwise_and_replaces_in_one_script() {
    let columns = existing(&[("id", "INT64"), ("v", "STRING")]);
    let scene = |more: &Value| Scene {
        config: with(&bigquery(), more),
        answers: vec![("table_name = 'a'", columns.clone())],
        lines: ids(&[json!({"id": 2, "v": null})]),
        ..Scene::default()
    };
    scene(&json!({"column_name_transforms": {"lower": true}})).is::<BigQueryConfig>("bigquery_append");
    scene(&json!({"overwrite": true, "credentials_json": "{}", "credentials_path": null}))
        .is::<BigQueryConfig>("bigquery_overwrite");
}

#[test]
fn bigquery_changes_what_it_can_and_refuses_the_rest() {
    let scene = |of: &str| Scene {
        config: bigquery(),
        answers: vec![
            ("table_name = 'a'", existing(&[("id", of)])),
            ("table_name = 'a'", existing(&[("id", "FLOAT64")])),
            ("NOT BETWEEN", json!([["0"]])),
        ],
        lines: vec![
            schema("a", &json!({"id": {"type": "number"}}), &[]),
            record("a", &json!({"id": 0.5})),
        ],
        ..Scene::default()
    };
    scene("INT64").is::<BigQueryConfig>("bigquery_widen");
    let refused = scene("DATE").run::<BigQueryConfig>();
    assert!(refused.ends_with("exit code 78, STATE \n"), "{refused}");
}

#[test]
fn redshift_makes_tables_and_replaces_rows() {
    let new = Scene {
        config: with(&redshift(), &json!({"ssl_enable": true})),
        lines: all_types(),
        ..Scene::default()
    };
    new.is::<RedshiftConfig>("redshift_new");
    let columns = existing(&[
        ("id", "bigint"),
        ("v", "character varying(65535)"),
        ("other", "varbyte"),
    ]);
    let merged = Scene {
        config: with(
            &redshift(),
            &json!({"state_in_target": true, "state_id": "it's\\a", "default_target_schema": "raw"}),
        ),
        answers: vec![("c.relname = 'a'", columns)],
        lines: ids(&[json!({"id": 1, "v": "x"}), json!({"id": 1, "v": "y"})]),
        repeated: true,
    };
    merged.is::<RedshiftConfig>("redshift_merge");
    let widen = Scene {
        config: with(
            &redshift(),
            &json!({"enable_iam_authentication": true, "cluster_identifier": "c", "host": null}),
        ),
        answers: vec![
            ("c.relname = 'a'", existing(&[("id", "boolean")])),
            ("c.relname = 'a'", existing(&[("id", "character varying(65535)")])),
        ],
        lines: vec![
            schema("a", &json!({"id": {"type": "string"}}), &[]),
            record("a", &json!({"id": "x"})),
        ],
        ..Scene::default()
    };
    widen.is::<RedshiftConfig>("redshift_widen");
}

/// A run that should have told the connection nothing.
#[track_caller]
fn refuses<C: Named>(config: Value) {
    let shown = config.to_string();
    let told = Scene {
        config,
        ..Scene::default()
    }
    .run::<C>();
    assert!(told.ends_with("exit code 78, STATE \n"), "{shown}: {told}");
    assert!(!told.contains("connect"), "{shown}: {told}");
}

#[test]
fn settings_that_cannot_work_are_refused() {
    for more in [
        json!({"denormalized": false}),
        json!({"upsert": ["orders*"]}),
        json!({"overwrite": "orders*"}),
        json!({"fail_fast": false}),
        json!({"generate_view": true}),
        json!({"credentials_json": "{}"}),
    ] {
        refuses::<BigQueryConfig>(with(&bigquery(), &more));
    }
    for more in [
        json!({"grants": ["reader"]}),
        json!({"port": "x"}),
        json!({"host": null}),
        json!({"enable_iam_authentication": true}),
    ] {
        refuses::<RedshiftConfig>(with(&redshift(), &more));
    }
    for more in [
        json!({"password": null}),
        json!({"oauth_access_token": "t"}),
        json!({"private_key": "not a key"}),
    ] {
        refuses::<SnowflakeConfig>(with(&snowflake(), &more));
    }
}

/// Shows that each setting changes what the connection is asked for, or that the run is refused; and that none is left out.
#[track_caller]
fn every_setting_does_something<C: Named>(base: &Value, ignored: &[&str], probes: &[(&str, Value, Value)]) {
    let schema = schemars::schema_for!(C);
    let settings = schema
        .get("properties")
        .and_then(Value::as_object)
        .expect("settings");
    let mut settings: BTreeSet<&str> = settings.keys().map(String::as_str).collect();
    for setting in ignored {
        assert!(settings.remove(setting), "{setting} is no setting");
    }
    let given: BTreeSet<&str> = probes.iter().map(|(setting, ..)| *setting).collect();
    assert_eq!(given, settings);
    for (setting, value, given) in probes {
        let run = |more: &Value| {
            let mut lines = all_types();
            lines.insert(
                lines.len() - 1,
                json!({"type": "ACTIVATE_VERSION", "stream": "shop-orders", "version": 2}),
            );
            lines.insert(
                lines.len() - 1,
                record(
                    "log",
                    &json!({"line": "b", "_sdc_deleted_at": "2024-01-01T00:00:00Z"}),
                ),
            );
            let scene = Scene {
                config: with(&with(base, given), more),
                lines,
                ..Scene::default()
            };
            scene.run::<C>()
        };
        let usual = run(&json!({}));
        assert_eq!(usual, run(&json!({})), "{setting}: two equal runs differ");
        assert_ne!(
            usual,
            run(&json!({*setting: value})),
            "{setting} = {value} does nothing"
        );
    }
    for setting in ignored {
        let run = |config: Value| {
            let scene = Scene {
                config,
                lines: all_types(),
                ..Scene::default()
            };
            scene.run::<C>()
        };
        let property = &schema.get("properties").expect("settings")[*setting];
        assert!(
            property.get("x-ignored").is_some(),
            "{setting} is not said to be ignored"
        );
        let value = match property["type"].to_string() {
            kind if kind.contains("boolean") => json!(true),
            kind if kind.contains("integer") => json!(1),
            _ => json!("x"),
        };
        assert_eq!(
            run(base.clone()),
            run(with(base, &json!({*setting: value}))),
            "{setting}"
        );
    }
}

/// Settings of all SQL targets, with a value that makes a difference.
fn of_sql() -> Vec<(&'static str, Value, Value)> {
    let none = json!({});
    vec![
        ("schema_evolution", json!("fail"), none.clone()),
        ("hard_delete", json!(true), none.clone()),
        ("primary_key_required", json!(true), none.clone()),
        ("state_in_target", json!(true), none.clone()),
        ("state_id", json!("other"), json!({"state_in_target": true})),
        ("default_target_schema", json!("other"), none.clone()),
        ("driver", json!("other"), none.clone()),
        ("options", json!({"x": "y"}), none),
    ]
}

fn of_snowflake_login() -> Vec<(&'static str, Value, Value)> {
    let none = json!({});
    let key = json!({"password": null, "private_key": "AAAA"});
    let token = json!({"password": null, "oauth_access_token": "a"});
    vec![
        ("account", json!("other"), none.clone()),
        ("user", json!("other"), none.clone()),
        ("password", json!("other"), none.clone()),
        ("private_key", json!("BBBB"), key.clone()),
        ("private_key_path", json!("/none"), none.clone()),
        ("private_key_passphrase", json!("x"), key),
        ("oauth_access_token", json!("b"), token),
        ("use_browser_authentication", json!(true), none.clone()),
        ("warehouse", json!("other"), none.clone()),
        ("role", json!("other"), none),
    ]
}

#[test]
fn every_setting_of_target_snowflake_changes_what_is_told() {
    let mut probes = of_sql();
    probes.extend(of_snowflake_login());
    probes.extend([
        ("database", json!("other"), json!({})),
        ("schema", json!("other"), json!({})),
        ("timestamp_type", json!("TIMESTAMP_TZ"), json!({})),
    ]);
    every_setting_does_something::<SnowflakeConfig>(&snowflake(), &["clean_up_batch_files"], &probes);
}

#[test]
fn every_setting_of_target_bigquery_changes_what_is_told() {
    let none = json!({});
    let metadata = json!({"add_record_metadata": true});
    let mut probes = of_sql();
    probes.extend([
        ("project", json!("other"), none.clone()),
        ("dataset", json!("other"), none.clone()),
        ("location", json!("EU"), none.clone()),
        ("credentials_path", json!("/other.json"), none.clone()),
        ("credentials_json", json!("{}"), json!({"credentials_path": null})),
        ("denormalized", json!(false), none.clone()),
        ("upsert", json!(true), none.clone()),
        ("overwrite", json!(true), none.clone()),
        ("batch_size", json!(1), none.clone()),
        ("fail_fast", json!(false), none.clone()),
        ("generate_view", json!(true), none.clone()),
        ("partition_granularity", json!("day"), metadata.clone()),
        ("partition_expiration_days", json!(7), metadata.clone()),
        (
            "cluster_on_key_properties",
            json!(true),
            json!({"add_record_metadata": true, "upsert": true}),
        ),
        ("clustering_fields", json!(["name"]), none.clone()),
        ("column_name_transforms", json!({"lower": true}), none.clone()),
        ("temporary_table_expiration_hours", json!(1), none),
    ]);
    let ignored = [
        "method",
        "bucket",
        "timeout",
        "dedupe_before_upsert",
        "schema_resolver_version",
        "timestamp_format",
        "temporary_table_name_template",
    ];
    every_setting_does_something::<BigQueryConfig>(&bigquery(), &ignored, &probes);
}

#[test]
fn every_setting_of_target_redshift_changes_what_is_told() {
    let none = json!({});
    let mut probes = of_sql();
    probes.extend([
        ("host", json!("other"), none.clone()),
        ("port", json!("5440"), none.clone()),
        ("user", json!("other"), none.clone()),
        ("password", json!("other"), none.clone()),
        ("dbname", json!("other"), none.clone()),
        (
            "enable_iam_authentication",
            json!(true),
            json!({"cluster_identifier": "c"}),
        ),
        (
            "cluster_identifier",
            json!("d"),
            json!({"cluster_identifier": "c", "enable_iam_authentication": true}),
        ),
        ("ssl_enable", json!(true), none.clone()),
        ("ssl_mode", json!("require"), json!({"ssl_enable": true})),
        (
            "activate_version",
            json!(true),
            json!({"add_record_metadata": true}),
        ),
        ("grants", json!(["reader"]), none),
    ]);
    let ignored = [
        "aws_redshift_copy_role_arn",
        "s3_bucket",
        "s3_region",
        "s3_key_prefix",
        "remove_s3_files",
        "temp_dir",
        "enable_schema_warning",
    ];
    every_setting_does_something::<RedshiftConfig>(&redshift(), &ignored, &probes);
}
