//! Rows that do not fit their header, and headers that do not fit each other.

use serde_json::json;

use crate::run::Folder;

const SHORT: &str = "a,b,c\n1,2,3\n4\n";
const LONG: &str = "a,b\n1,2\n3,4,5,\"6\"\"\"\n";

#[test]
fn by_default_a_ragged_row_is_an_error_with_its_line() {
    let folder = Folder::with(&[("short.csv", SHORT), ("long.csv", LONG)]);
    let log = folder.run("short.csv", &json!({}), json!({})).bad(65);
    assert!(log.contains("line 3, byte 12, stream t: "), "{log}");
    assert!(
        log.contains("short.csv: expected 3 cells, as the header has, found 1"),
        "{log}"
    );
    let log = folder.run("long.csv", &json!({}), json!({})).bad(65);
    assert!(
        log.contains("long.csv: expected 2 cells, as the header has, found 4"),
        "{log}"
    );
}

#[test]
fn short_rows_are_padded_and_long_rows_cut_or_kept() {
    let folder = Folder::with(&[("short.csv", SHORT), ("long.csv", LONG)]);
    for ragged in ["pad", "truncate", "extra"] {
        let found = folder
            .run("short.csv", &json!({"ragged": ragged}), json!({}))
            .good();
        assert_eq!(found.records()[1]["a"], "4");
        assert_eq!(found.records()[1]["b"], json!(null));
        assert!(found.records()[1].get("c").is_some());
    }
    let log = folder
        .run("long.csv", &json!({"ragged": "pad"}), json!({}))
        .bad(65);
    assert!(log.contains("found 4"), "{log}");
    let found = folder
        .run("long.csv", &json!({"ragged": "truncate"}), json!({}))
        .good();
    assert_eq!(
        found.records(),
        [&json!({"a": "1", "b": "2"}), &json!({"a": "3", "b": "4"})]
    );
    let found = folder
        .run("long.csv", &json!({"ragged": "extra"}), json!({}))
        .good();
    assert_eq!(
        found.records(),
        [
            &json!({"a": "1", "b": "2", "_sdc_extra": null}),
            &json!({"a": "3", "b": "4", "_sdc_extra": ["5", "6\""]})
        ]
    );
    let extra = &found.of("SCHEMA")[0]["schema"]["properties"]["_sdc_extra"];
    assert_eq!(
        extra,
        &json!({"type": ["array", "null"], "items": {"type": "string"}})
    );
}

#[test]
fn each_header_names_its_own_columns() {
    let folder = Folder::with(&[
        ("1.csv", "a,b\n1,2\n"),
        ("2.csv", "c,a\n3,4\n"),
        ("3.csv", "b\n5\n"),
    ]);
    let found = folder.run("", &json!({}), json!({})).good();
    assert_eq!(
        found.records(),
        [
            &json!({"a": "1", "b": "2"}),
            &json!({"a": "4", "c": "3"}),
            &json!({"b": "5"})
        ]
    );
    let log = folder.run("", &json!({"keys": ["a"]}), json!({})).bad(65);
    assert!(
        log.contains("3.csv: header: expected a column a, which is a key property, found b"),
        "{log}"
    );
    let log = folder.run("", &json!({"keys": ["id"]}), json!({})).bad(78);
    assert!(
        log.contains("entity t: keys: expected a column id, found a, b, c"),
        "{log}"
    );
}

#[test]
fn duplicate_names_are_an_error_or_numbered() {
    let folder = Folder::with(&[("a.csv", "x,y,x\n1,2,3\n")]);
    let log = folder.run("a.csv", &json!({}), json!({})).bad(65);
    assert!(
        log.contains("line 1, byte 0") && log.contains(r#"a.csv: header: the name "x" is there twice"#),
        "{log}"
    );
    let found = folder
        .run("a.csv", &json!({"duplicate_headers": "suffix"}), json!({}))
        .good();
    assert_eq!(found.records(), [&json!({"x": "1", "y": "2", "x_2": "3"})]);
}

#[test]
fn header_options() {
    let folder = Folder::with(&[("a.csv", "report of \"today\nby me\nx,y\n1,2\n")]);
    let rows = |entry| folder.run("a.csv", &entry, json!({})).good();
    let found = rows(json!({"skip_rows": 2}));
    assert_eq!(found.records(), [&json!({"x": "1", "y": "2"})]);
    let found = rows(json!({"skip_rows": 2, "header": ["p", "q"]}));
    assert_eq!(found.records(), [&json!({"p": "1", "q": "2"})]);
    let found = rows(json!({"skip_rows": 2, "has_header": false}));
    let expected = [
        json!({"column_1": "x", "column_2": "y"}),
        json!({"column_1": "1", "column_2": "2"}),
    ];
    assert_eq!(found.records(), [&expected[0], &expected[1]]);
    let found = rows(json!({"skip_rows": 3, "has_header": false, "header": ["p", "q"]}));
    assert_eq!(found.records(), [&json!({"p": "1", "q": "2"})]);
    let log = folder
        .run("a.csv", &json!({"skip_rows": 2, "header": ["p"]}), json!({}))
        .bad(65);
    assert!(
        log.contains("expected 1 columns, as the setting header has, found 2"),
        "{log}"
    );
}
