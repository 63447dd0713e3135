//! ACTIVATE_VERSION, and records that say that they are deleted.

use serde_json::{Value, json};

use crate::driver::{Target, plain, schema};

fn versioned(id: u32, version: Option<u32>) -> Value {
    let mut line = json!({"type": "RECORD", "stream": "s", "record": {"id": id, "t": "x"}});
    if let Some(version) = version {
        line["version"] = json!(version);
    }
    line
}

fn activate(version: u32) -> Value {
    json!({"type": "ACTIVATE_VERSION", "stream": "s", "version": version})
}

#[test]
fn older_versions_are_marked_or_deleted() {
    for (hard, expected) in [(false, "1|t\n2|f\n3|f\n4|t\n5|f"), (true, "2|f\n3|f\n5|f")] {
        let target = Target::new(json!({"add_record_metadata": true, "hard_delete": hard}));
        target.load(&[
            plain(&["id"]),
            activate(1),
            versioned(1, Some(1)),
            versioned(2, Some(1)),
            versioned(4, None),
        ]);
        target.load(&[
            plain(&["id"]),
            versioned(2, Some(2)),
            versioned(3, Some(2)),
            activate(2),
            // After the message: not touched, whatever its version.
            versioned(5, Some(1)),
        ]);
        assert_eq!(
            target.sql("select id, _sdc_deleted_at is not null from s order by id"),
            expected
        );
        // What comes again is there again.
        target.load(&[plain(&["id"]), versioned(1, Some(2))]);
        assert_eq!(
            target.sql("select _sdc_deleted_at is null from s where id = 1"),
            "t"
        );
    }
}

#[test]
fn versions_are_followed_in_the_first_load_too() {
    let target = Target::new(json!({"add_record_metadata": true, "hard_delete": true}));
    target.load(&[
        plain(&["id"]),
        versioned(1, Some(1)),
        versioned(2, Some(2)),
        activate(2),
        versioned(3, Some(2)),
    ]);
    assert_eq!(target.sql("select id from s order by id"), "2\n3");
    assert_eq!(target.key("s"), "id");
}

#[test]
fn versions_are_passed_over_when_asked() {
    for settings in [
        json!({"add_record_metadata": true, "activate_version": false}),
        json!({"add_record_metadata": true, "process_activate_version_messages": false}),
        json!({}),
    ] {
        let target = Target::new(settings);
        target.load(&[plain(&["id"]), versioned(1, Some(1)), activate(2)]);
        assert_eq!(target.sql("select count(*) from s"), "1");
    }
}

#[test]
fn deleted_records_delete_in_their_order() {
    let deleted = |id| json!({"type": "RECORD", "stream": "s", "record": {"id": id, "_sdc_deleted_at": "2026-01-01T00:00:00Z"}});
    let put = |id, t: &str| json!({"type": "RECORD", "stream": "s", "record": {"id": id, "t": t}});
    let properties = json!({"id": {"type": "integer"}, "t": {"type": ["string", "null"]}, "_sdc_deleted_at": {"type": ["string", "null"], "format": "date-time"}});
    let schema = schema("s", properties, &["id"]);
    let before = [schema.clone(), put(1, "a"), put(2, "b"), put(3, "c"), put(4, "d")];
    // 1 is deleted; 2 is deleted and comes again, with less; 3 is put and deleted; 4 stays; 5 comes and goes.
    let after = [
        schema.clone(),
        deleted(1),
        deleted(2),
        json!({"type": "RECORD", "stream": "s", "record": {"id": 2}}),
        put(3, "C"),
        deleted(3),
        put(5, "e"),
        deleted(5),
    ];
    for rows in [1, 2, 100] {
        let target =
            Target::new(json!({"add_record_metadata": true, "hard_delete": true, "batch_size_rows": rows}));
        target.load(&before);
        target.load(&after);
        assert_eq!(target.sql("select id, t from s order by id"), "2|\n4|d", "{rows}");
        // In one run, into a new table.
        let target =
            Target::new(json!({"add_record_metadata": true, "hard_delete": true, "batch_size_rows": rows}));
        let mut lines = before.to_vec();
        lines.extend(after[1..].to_vec());
        target.load(&lines);
        assert_eq!(target.sql("select id, t from s order by id"), "2|\n4|d", "{rows}");
    }
    let target = Target::new(
        json!({"add_record_metadata": true, "hard_delete": true, "hard_delete_mode": "versions"}),
    );
    target.load(&before);
    target.load(&after);
    // 2 came again without saying that it is not deleted: what a record lacks stays.
    assert_eq!(
        target.sql("select string_agg(id::text, ',' order by id) from s where _sdc_deleted_at is not null"),
        "1,2,3,5"
    );
}
