//! Paths, and files without rows.

use serde_json::json;

use crate::run::{Folder, run};

#[test]
fn folders_and_patterns_are_read_in_the_order_of_paths() {
    let folder = Folder::with(&[
        ("d/b.csv", "x\nb\n"),
        ("d/a/z.csv", "x\na\n"),
        ("d/c.txt", "x\nno\n"),
        ("d/e.tsv", "x\ntsv\n"),
    ]);
    let cells = |path: &str| -> Vec<String> {
        let found = folder.run(path, &json!({}), json!({})).good();
        found
            .records()
            .iter()
            .map(|record| record["x"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(cells("d"), ["a", "b"]);
    assert_eq!(cells("d/*.t*"), ["no", "tsv"]);
    assert_eq!(cells("**/*.csv"), ["a", "b"]);
    assert_eq!(cells("d/e.tsv"), ["tsv"]);
}

#[test]
fn a_missing_path_is_a_configuration_error_that_names_it() {
    let folder = Folder::with(&[("notes.txt", "x\n")]);
    for path in ["none.csv", "none/*.csv", ""] {
        let log = folder.run(path, &json!({}), json!({})).bad(78);
        assert!(
            log.contains(&folder.path().join(path).display().to_string()),
            "{log}"
        );
    }
    let log = run(&json!({}), &[]).bad(78);
    assert!(log.contains("expected at least one entry in files"), "{log}");
}

#[test]
fn files_without_rows() {
    let folder = Folder::with(&[
        ("header.csv", "x,y\n"),
        ("more/empty.csv", ""),
        ("more/blank.csv", "\n\n"),
    ]);
    let found = folder.run("header.csv", &json!({}), json!({})).good();
    assert_eq!((found.of("SCHEMA").len(), found.records().len()), (1, 0));
    // An empty file among others is told and changes nothing.
    let found = folder.run("", &json!({}), json!({})).good();
    assert_eq!((found.of("SCHEMA").len(), found.records().len()), (1, 0));
    assert!(
        found.log.contains("empty.csv: is empty") && found.log.contains("blank.csv: is empty"),
        "{}",
        found.log
    );
    // Nothing but empty files: there is no stream.
    let found = folder.run("more", &json!({}), json!({})).good();
    assert_eq!(found.of("SCHEMA").len(), 0);
    assert!(found.log.contains("stream t: is left out"), "{}", found.log);
}

#[test]
fn null_values() {
    let folder = Folder::with(&[("a.csv", "x,y\nNA,\n\"NA\",na\n")]);
    let found = folder
        .run("a.csv", &json!({"null_values": ["NA"]}), json!({}))
        .good();
    assert_eq!(
        found.records(),
        [&json!({"x": null, "y": ""}), &json!({"x": null, "y": "na"})]
    );
    let found = folder
        .run("a.csv", &json!({"null_values": ["", "na"]}), json!({}))
        .good();
    assert_eq!(
        found.records(),
        [&json!({"x": "NA", "y": null}), &json!({"x": "NA", "y": null})]
    );
}

#[test]
fn an_open_quote_is_an_error_where_it_opens() {
    let folder = Folder::with(&[("a.csv", "x,y\n1,\"a\n2,b\n")]);
    let log = folder.run("a.csv", &json!({}), json!({})).bad(65);
    assert!(log.contains("line 2, byte 6, stream t: "), "{log}");
    assert!(log.contains("a.csv: expected a closing quote"), "{log}");
}
