use serde_json::json;

use super::*;

fn extent(full_refresh: &[&str], from: &[&str]) -> ExtentArgs {
    ExtentArgs {
        full_refresh_stream: full_refresh.iter().map(|&stream| stream.to_owned()).collect(),
        from: from
            .iter()
            .map(|from| from.parse().expect("STREAM=VALUE"))
            .collect(),
        ..ExtentArgs::default()
    }
}

fn catalog() -> Value {
    let stream = |id: &str, name: &str, metadata: Value, key_type: &str| {
        json!({"tap_stream_id": id, "stream": name, "metadata": [{"breadcrumb": [], "metadata": metadata}],
               "schema": {"properties": {"id": {"type": ["null", key_type]}, "at": {"type": "string"}}}})
    };
    json!({"streams": [
        stream("shop-orders", "orders", json!({"selected": true, "replication-key": "id"}), "integer"),
        stream("events", "events", json!({"selected": true, "valid-replication-keys": ["at"]}), "integer"),
        stream("kinds", "kinds", json!({"selected": false, "replication-key": "id", "replication-method": "FULL_TABLE"}), "integer"),
        stream("plain", "plain", json!({}), "string"),
    ]})
}

fn changed(state: &str, extent: &ExtentArgs) -> String {
    let state = change(Some(state), extent, Some(&catalog()), "tap-x").expect("changed");
    state.expect("a state")
}

fn refused(state: &str, extent: &ExtentArgs) -> String {
    let state = change(Some(state), extent, Some(&catalog()), "tap-x");
    state.expect_err("refused").to_string()
}

#[test]
fn only_the_bookmarks_of_the_named_streams_are_forgotten() {
    let state = r#"{"currently_syncing": "events", "bookmarks": {"shop-orders": {"id": 12345678901234567890123}, "events": {"at": "x"}, "gone": {"a": 1.0}}, "v": 1e400}"#;
    for (patterns, expected) in [
        (
            &["orders"][..],
            r#"{"currently_syncing": "events", "bookmarks": {"events": {"at": "x"}, "gone": {"a": 1.0}}, "v": 1e400}"#,
        ),
        (
            &["ev*", "g?ne"],
            r#"{"bookmarks": {"shop-orders": {"id": 12345678901234567890123}}, "v": 1e400}"#,
        ),
        (&["*"], r#"{"bookmarks": {}, "v": 1e400}"#),
        // It has no bookmark, and starts from its beginning anyway.
        (&["kinds"], state),
    ] {
        assert_eq!(changed(state, &extent(patterns, &[])), expected, "{patterns:?}");
    }
    assert_eq!(
        changed(r#"{"events": "2024", "b": 1}"#, &extent(&["events"], &[])),
        r#"{"b": 1}"#
    );
    let none = change(None, &extent(&["orders"], &[]), Some(&catalog()), "tap-x");
    assert_eq!(none.expect("fine"), None);
}

#[test]
fn a_bookmark_is_replaced_in_the_shape_that_it_has() {
    let from = extent(&[], &["orders=7"]);
    for (old, expected) in [
        (
            r#"{"replication_key": "id", "replication_key_value": 99, "progress_markers": {"x": 1}, "version": 3}"#,
            r#"{"version": 3, "replication_key": "id", "replication_key_value": 7}"#,
        ),
        (r#"{"id": 99, "last_pk_fetched": {"id": 98}}"#, r#"{"id": 7}"#),
        (
            r#"{"partitions": [{"context": {"shop": "a"}, "replication_key_value": 99}, {"context": {"shop": 2}}]}"#,
            r#"{"partitions": [{"context": {"shop": "a"}, "replication_key": "id", "replication_key_value": 7}, {"context": {"shop": 2}, "replication_key": "id", "replication_key_value": 7}], "replication_key": "id", "replication_key_value": 7}"#,
        ),
        // Nothing shows what the tap reads.
        (
            "{}",
            r#"{"replication_key": "id", "replication_key_value": 7, "id": 7}"#,
        ),
    ] {
        let state = format!(r#"{{"bookmarks": {{"shop-orders": {old}, "other": {{"k": 1}}}}}}"#);
        let expected = format!(r#"{{"bookmarks": {{"shop-orders": {expected}, "other": {{"k": 1}}}}}}"#);
        assert_eq!(changed(&state, &from), expected);
    }
    // The other streams show what the tap reads.
    assert_eq!(
        changed(
            r#"{"bookmarks": {"events": {"replication_key_value": "x"}}}"#,
            &from
        ),
        r#"{"bookmarks": {"events": {"replication_key_value": "x"}, "shop-orders": {"replication_key": "id", "replication_key_value": 7}}}"#
    );
    assert_eq!(
        changed(r#"{"shop-orders": 9, "x": 1}"#, &from),
        r#"{"shop-orders": 7, "x": 1}"#
    );
    let first = change(None, &from, Some(&catalog()), "tap-x").expect("changed");
    assert_eq!(
        first.as_deref(),
        Some(
            r#"{"bookmarks": {"shop-orders": {"replication_key": "id", "replication_key_value": 7, "id": 7}}}"#
        )
    );
}

#[test]
fn a_value_has_the_type_of_the_replication_key() {
    let state = r#"{"bookmarks": {"events": {"at": "x"}}}"#;
    let dated = changed(state, &extent(&[], &["events=2024-01-01"]));
    assert_eq!(dated, r#"{"bookmarks": {"events": {"at": "2024-01-01"}}}"#);
    let digits = changed(state, &extent(&[], &["events=2024"]));
    assert_eq!(
        digits, r#"{"bookmarks": {"events": {"at": "2024"}}}"#,
        "the schema says string"
    );
    let big = changed("{}", &extent(&[], &["orders=12345678901234567890123"]));
    assert!(
        big.contains(r#""replication_key_value": 12345678901234567890123"#),
        "{big}"
    );
    let error = refused(state, &extent(&[], &["orders=2024-01-01"]));
    assert!(
        error.contains("expected a number for id") && error.contains("orders"),
        "{error}"
    );
    // Without a catalog the bookmark shows both.
    let known = r#"{"bookmarks": {"s": {"replication_key": "n", "replication_key_value": 5}}}"#;
    let changed = change(Some(known), &extent(&[], &["s=6"]), None, "tap-x").expect("changed");
    assert_eq!(
        changed.as_deref(),
        Some(r#"{"bookmarks": {"s": {"replication_key": "n", "replication_key_value": 6}}}"#)
    );
}

#[test]
fn streams_that_cannot_start_from_a_value_are_refused_by_name() {
    for (option, said) in [
        (extent(&[], &["kinds=1"]), "kinds is replicated by FULL_TABLE"),
        (extent(&[], &["plain=1"]), "plain has no replication key"),
        (
            extent(&[], &["order=1"]),
            "tap-x has no stream order; did you mean",
        ),
        (extent(&["nothing*"], &[]), "tap-x has no stream nothing*"),
    ] {
        let error = refused(r#"{"bookmarks": {"events": {"at": "x"}}}"#, &option);
        assert!(error.contains(said), "{error}");
    }
    assert!(refused("[1]", &extent(&["*"], &[])).contains("not a JSON object"));
}

#[test]
fn selected_streams_are_those_of_the_catalog() {
    assert_eq!(
        selected(Some(&catalog())),
        Some(vec!["orders".to_owned(), "events".to_owned()])
    );
    assert_eq!(selected(None), None);
}
