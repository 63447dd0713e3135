use serde_json::{Value, json};

use crate::shop::Project;

fn orders(ids: &[i64]) -> Project {
    Project::new(&json!({"orders": ids}))
}

/// A catalog with these streams selected, each with more metadata items.
fn catalog(streams: &[(&str, Value)]) -> Value {
    let entry = |(name, items): &(&str, Value)| {
        let mut metadata = vec![json!({"breadcrumb": [], "metadata": {"selected": true}})];
        metadata.extend(items.as_array().expect("a list").clone());
        json!({"tap_stream_id": name, "metadata": metadata})
    };
    json!({"streams": streams.iter().map(entry).collect::<Vec<_>>()})
}

#[test]
fn a_run_writes_schema_records_and_state_in_the_sdks_form() {
    let outcome = orders(&[1, 2]).run();
    assert_eq!(outcome.code, 0);
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    let schema = r#"{"type":"SCHEMA","stream":"orders","schema":{"type":"object","properties":{"id":{"#;
    assert!(lines[0].starts_with(schema), "{}", lines[0]);
    assert!(
        lines[0].ends_with(r#","key_properties":["id"],"bookmark_properties":["id"]}"#),
        "{}",
        lines[0]
    );
    let record = r#"{"type":"RECORD","stream":"orders","record":{"id":1,"updated_at":"2026-01-01T00:00:00Z","total":1.5,"buyer":{"name":"\"1\"","email":null}},"time_extracted":"20"#;
    assert!(lines[1].starts_with(record), "{}", lines[1]);
    assert!(lines[1].ends_with("+00:00\"}"), "{}", lines[1]);
    let state = r#"{"type":"STATE","value":{"bookmarks":{"orders":{"replication_key":"id","replication_key_value":2}}}}"#;
    assert_eq!(lines[3], state);
    let types: Vec<String> = outcome
        .messages()
        .iter()
        .map(|m| m["type"].as_str().unwrap_or("").to_owned())
        .collect();
    assert_eq!(
        types[..6],
        ["SCHEMA", "RECORD", "RECORD", "STATE", "SCHEMA", "RECORD"]
    );
}

#[test]
fn rows_write_cells_by_position() {
    let outcome = orders(&[])
        .with("--catalog", &catalog(&[("numbers", json!([]))]))
        .run();
    assert_eq!(
        outcome.records("numbers"),
        [
            json!({"a": 1, "b": "tab\t\"é\"", "c": {"d": 1, "e": 2}}),
            json!({"a": 2, "b": null, "c": {"d": 1, "e": 2}}),
            json!({"a": 3, "c": {"d": 1, "e": 2}}),
        ]
    );
}

/// A target that commits at STATEs alone never got one that covers the records of FULL_TABLE.
#[test]
fn a_state_covers_the_records_of_a_full_table_each_time() {
    let state = json!({"type": "STATE", "value": {"bookmarks": {"numbers": {}}}});
    let run = || orders(&[]).with("--catalog", &catalog(&[("numbers", json!([]))]));
    assert_eq!(run().run().of_type("STATE"), std::slice::from_ref(&state));
    let again = run().with("--state", &state["value"]).run();
    assert_eq!(again.messages().last(), Some(&state), "{}", again.stdout);
}

#[test]
fn what_is_not_selected_is_in_neither_schema_nor_records() {
    let off = |path: Value| json!({"breadcrumb": path, "metadata": {"selected": false}});
    let items = json!([
        off(json!(["properties", "b"])),
        off(json!(["properties", "c", "properties", "d"]))
    ]);
    let orders_items = json!([
        off(json!(["properties", "total"])),
        off(json!(["properties", "id"])),
        off(json!(["properties", "buyer", "properties", "email"]))
    ]);
    let catalog = catalog(&[("numbers", items), ("orders", orders_items)]);
    let outcome = orders(&[7]).with("--properties", &catalog).run();
    assert_eq!(outcome.records("numbers")[0], json!({"a": 1, "c": {"e": 2}}));
    let expected = json!({"id": 7, "updated_at": "2026-01-01T00:00:00Z", "buyer": {"name": "\"7\""}});
    assert_eq!(outcome.records("orders"), [expected]);
    let schemas = outcome.of_type("SCHEMA");
    assert_eq!(schemas.len(), 2);
    assert_eq!(
        schemas[1]["schema"]["properties"],
        json!({"a": {"type": "integer"}, "c": {"type": "object", "properties": {"e": {"type": "integer"}}}})
    );
    let required = &schemas[0]["schema"]["required"];
    assert_eq!(required, &json!(["id", "updated_at", "buyer"]));
}

#[test]
fn streams_that_no_catalog_names_or_selects_stay_out() {
    let streams = |project: Project| -> Vec<Value> {
        project
            .run()
            .of_type("SCHEMA")
            .iter()
            .map(|message| message["stream"].clone())
            .collect()
    };
    assert_eq!(streams(orders(&[])), ["orders", "numbers", "by_buyer"]);
    assert_eq!(
        streams(orders(&[]).with("--catalog", &catalog(&[("hidden", json!([]))]))),
        ["hidden"]
    );
    assert_eq!(
        streams(orders(&[]).with("--catalog", &json!({"streams": []}))),
        Vec::<Value>::new()
    );
}

#[test]
fn a_state_is_resumed_and_told_first() {
    let state = json!({"currently_syncing": "orders", "bookmarks": {"orders": {
        "replication_key": "id", "replication_key_value": 2, "progress_markers": {"replication_key": "id"}}}});
    let project = orders(&[1, 2, 3]).with("--catalog", &catalog(&[("orders", json!([]))]));
    let outcome = project.with("--state", &state).run();
    // What is about the run before is left out.
    let first = json!({"bookmarks": {"orders": {"replication_key": "id", "replication_key_value": 2}}});
    assert_eq!(outcome.messages()[0], json!({"type": "STATE", "value": first}));
    let ids: Vec<Value> = outcome
        .records("orders")
        .iter()
        .map(|record| record["id"].clone())
        .collect();
    assert_eq!(ids, [2, 3]);
    assert_eq!(
        outcome.state()["bookmarks"]["orders"],
        json!({"replication_key": "id", "replication_key_value": 3})
    );
    assert_eq!(outcome.state()["currently_syncing"], Value::Null);
}

#[test]
fn a_state_from_stdin_is_told_first_and_a_run_without_news_ends_in_it() {
    let state = br#"{"bookmarks":{"orders":{"replication_key":"id","replication_key_value":5}}}"#;
    let project = orders(&[]).with("--catalog", &catalog(&[("orders", json!([]))]));
    let outcome = project.flag("--state").flag("-").run_with(state);
    assert_eq!((outcome.code, outcome.of_type("STATE").len()), (0, 2));
    assert_eq!(outcome.messages().first(), outcome.messages().last());
    let empty = orders(&[]).with("--catalog", &catalog(&[("orders", json!([]))]));
    let outcome = empty.flag("--state").flag("-").run_with(b"{}");
    assert_eq!(outcome.of_type("STATE").len(), 1);
    assert_eq!(outcome.state(), json!({"bookmarks": {"orders": {}}}));
}

#[test]
fn partitions_have_bookmarks_of_their_own() {
    let outcome = orders(&[3, 1, 2])
        .with("--catalog", &catalog(&[("by_buyer", json!([]))]))
        .run();
    let partition =
        |buyer| json!({"context": {"buyer": buyer}, "replication_key": "id", "replication_key_value": 3});
    assert_eq!(
        outcome.state(),
        json!({"bookmarks": {"by_buyer": {"partitions": [partition("x"), partition("y")]}}})
    );
}

#[test]
fn a_record_out_of_order_ends_the_run_after_what_was_good() {
    let outcome = orders(&[1, 3, 2])
        .with("--catalog", &catalog(&[("orders", json!([]))]))
        .run();
    assert_eq!(outcome.code, 65);
    assert_eq!(outcome.records("orders").len(), 2);
    assert_eq!(outcome.state()["bookmarks"]["orders"]["replication_key_value"], 3);
}

#[test]
fn a_failure_tells_the_state_of_what_was_written() {
    let outcome = Project::new(&json!({"orders": [1, 2, 3], "fail_after": 2})).run();
    assert_eq!(outcome.code, 65);
    assert_eq!(outcome.records("orders").len(), 2);
    assert_eq!(outcome.state()["bookmarks"]["orders"]["replication_key_value"], 2);
    assert_eq!(outcome.of_type("SCHEMA").len(), 1, "later streams are not begun");
    assert_eq!(
        outcome.state()["currently_syncing"],
        "orders",
        "it is not read to its end"
    );
}

#[test]
fn a_signal_ends_the_run_with_its_state_and_128_plus_its_number() {
    let project = || Project::new(&json!({"orders": [1, 2, 3], "stop_after": 1}));
    let outcome = project().run();
    assert_eq!((outcome.code, outcome.records("orders").len()), (143, 2));
    assert_eq!(outcome.state()["bookmarks"]["orders"]["replication_key_value"], 2);
    assert_eq!(project().flag("--signal-exit-zero").run().code, 0);
}

#[test]
fn a_reader_that_went_away_is_an_error() {
    assert_eq!(orders(&[1]).run_into_broken_pipe(0), 74);
    assert_eq!(orders(&[1]).run_into_broken_pipe(1000), 74);
}

#[test]
fn nan_becomes_null() {
    let outcome = orders(&[13])
        .with("--catalog", &catalog(&[("orders", json!([]))]))
        .run();
    assert_eq!(outcome.records("orders")[0]["total"], Value::Null);
}

#[test]
fn tests_read_one_record_of_every_stream_or_none() {
    let outcome = orders(&[1, 2]).flag("--test").run();
    assert_eq!(outcome.code, 0);
    for stream in ["orders", "numbers", "by_buyer", "hidden"] {
        assert_eq!(outcome.records(stream).len(), 1, "{stream}");
    }
    assert!(outcome.of_type("STATE").is_empty());
    let schemas = orders(&[1, 2]).flag("--test=schema").run();
    assert_eq!(
        (schemas.of_type("SCHEMA").len(), schemas.messages().len()),
        (3, 3)
    );
}

#[test]
fn discovery_prints_a_catalog_that_syncs_the_same() {
    let discovered = orders(&[1]).flag("--discover").run();
    assert!(
        discovered
            .stdout
            .starts_with("{\n  \"streams\": [\n    {\n      \"tap_stream_id\": \"orders\",")
    );
    let catalog: Value = serde_json::from_str(&discovered.stdout).expect("JSON");
    assert_eq!(
        catalog["streams"][0]["metadata"][1],
        json!({"breadcrumb": ["properties", "id"], "metadata": {"inclusion": "automatic"}})
    );
    let without_time = |project: Project| -> Vec<Value> {
        let mut messages = project.run().messages();
        for message in &mut messages {
            if let Some(message) = message.as_object_mut() {
                message.remove("time_extracted");
            }
        }
        messages
    };
    assert_eq!(
        without_time(orders(&[1]).with("--catalog", &catalog)),
        without_time(orders(&[1]))
    );
}

#[test]
fn the_catalog_decides_the_method() {
    let with = |key: &str, value: &str| {
        let catalog = json!({"streams": [{"tap_stream_id": "orders", key: value}]});
        orders(&[2, 1]).with("--catalog", &catalog).run()
    };
    let full = with("replication_method", "FULL_TABLE");
    assert_eq!((full.code, full.records("orders").len()), (0, 2));
    assert_eq!(full.state(), json!({"bookmarks": {"orders": {}}}));
    assert_eq!(with("replication-method", "LOG_BASED").code, 78);
    assert_eq!(with("replication_method", "SOMETIMES").code, 78);
}

#[test]
fn about_describes_the_settings() {
    let about = |format: &[&str]| {
        let project = format
            .iter()
            .fold(Project::new(&json!({})).flag("--about"), |project, flag| {
                project.flag(flag)
            });
        project.run().stdout
    };
    let json: Value = serde_json::from_str(&about(&["--format", "json"])).expect("JSON");
    assert_eq!(
        (&json["name"], &json["description"]),
        (&json!("tap-shop"), &json!("Reads a shop."))
    );
    let token = &json["settings"]["properties"]["token"];
    assert_eq!(
        (&token["secret"], &token["writeOnly"]),
        (&json!(true), &json!(true))
    );
    assert!(
        json["capabilities"]
            .as_array()
            .expect("a list")
            .contains(&json!("catalog"))
    );
    assert!(about(&[]).contains("Environment variable: TAP_SHOP_FAIL_AFTER"));
    assert!(about(&["--format", "markdown"]).contains("| orders | False | `[]` | The ids of the orders,"));
}

#[test]
fn wrong_lines_and_wrong_settings_have_their_codes() {
    assert_eq!(orders(&[]).flag("--catalgo").run().code, 64);
    assert_eq!(Project::new(&json!({"orders": "x"})).run().code, 78);
    assert_eq!(Project::new(&json!({"start_date": "soon"})).run().code, 78);
    assert_eq!(orders(&[]).flag("--catalog").flag("/nonexistent").run().code, 78);
}
