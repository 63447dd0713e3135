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
    // An empty file among others is warned of and changes nothing.
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
fn null_values_with_the_escape_character_are_cells_written_so() {
    // MySQL writes NULL as \N, and a text of these two characters as \\N.
    let rows = "x,y\n\\N,\"\\N\"\n\\\\N,x \\N\nN,\"say \\\"\\\\N\\\"\"\n\\N,\\N";
    let folder = Folder::with(&[("a.csv", rows)]);
    for window in ["\\N", "N"] {
        let entry = json!({"null_values": [window], "escapechar": "\\", "doublequote": false});
        let found = folder.run("a.csv", &entry, json!({})).good();
        let expected = if window == "N" {
            // Without the escape it is the text that counts, whichever way it is written.
            [
                json!({"x": null, "y": null}),
                json!({"x": "\\N", "y": "x N"}),
                json!({"x": null, "y": "say \"\\N\""}),
                json!({"x": null, "y": null}),
            ]
        } else {
            [
                json!({"x": null, "y": "N"}),
                json!({"x": "\\N", "y": "x N"}),
                json!({"x": "N", "y": "say \"\\N\""}),
                json!({"x": null, "y": null}),
            ]
        };
        assert_eq!(found.records(), expected.iter().collect::<Vec<_>>(), "{window}");
    }
    let entry = json!({"null_values": ["\\N"], "escapechar": "\\", "doublequote": false});
    let found = folder.run("a.csv", &entry, json!({"infer_types": true})).good();
    assert_eq!(found.records()[0], &json!({"x": null, "y": "N"}));
}

/// A pipe with a name, which nobody writes to: whoever opens it waits for ever.
fn make_pipe(path: &std::path::Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

#[test]
fn a_pipe_is_refused_before_anything_is_read() {
    let folder = Folder::new();
    let path = folder.path().join("pipe.csv");
    make_pipe(&path);
    for path in ["pipe.csv", "/dev/null", "/dev/zero"] {
        let log = folder.run(path, &json!({}), json!({})).bad(78);
        assert!(
            log.contains("found a pipe or a device, which cannot be read twice"),
            "{log}"
        );
    }
    // Among other files it is left out, and the run fails.
    folder.write("a.csv", b"x\n1\n");
    for path in ["", "*.csv"] {
        let found = folder.run(path, &json!({}), json!({}));
        assert_eq!(found.records(), [&json!({"x": "1"})]);
        let log = found.bad(74);
        assert!(
            log.contains("files that cannot be read: 1, the first") && log.contains("pipe.csv"),
            "{log}"
        );
    }
}

#[test]
fn a_pipe_among_files_is_left_alone_and_fails_the_run_after_they_were_read() {
    let folder = Folder::with(&[("in/a.csv", "x\n1\n"), ("in/c.csv", "x\n3\n")]);
    make_pipe(&folder.path().join("in/b.csv"));
    for path in ["in", "in/*.csv"] {
        let found = folder.run(path, &json!({}), json!({}));
        assert_eq!(found.records().len(), 2, "{path}");
        let log = found.bad(74);
        assert!(
            log.contains("in/b.csv") && log.contains("a pipe or a device"),
            "{log}"
        );
    }
}

#[test]
fn a_link_to_nothing_fails_the_run_after_the_other_files_were_read() {
    let folder = Folder::with(&[("in/a.csv", "x\n1\n")]);
    std::os::unix::fs::symlink("/not/mounted.csv", folder.path().join("in/b.csv")).unwrap();
    std::os::unix::fs::symlink(".", folder.path().join("in/loop")).unwrap();
    for (path, settings) in [
        ("in", json!({})),
        ("in/*.csv", json!({})),
        ("in/**/*.csv", json!({"incremental": true})),
    ] {
        let found = folder.run(path, &json!({}), settings);
        assert_eq!(found.records().len(), 1, "{path}");
        let log = found.bad(74);
        assert!(log.contains("b.csv"), "{path}: {log}");
    }
}

#[test]
fn forty_thousand_columns_are_no_more_work_than_their_cells() {
    let header: Vec<String> = (0..40_000).map(|i| format!("column_number_{i}")).collect();
    let row = vec!["1"; header.len()].join(",");
    let text = format!("{}\n{row}\n", header.join(","));
    let folder = Folder::with(&[("a.csv", &text), ("b.csv", &text)]);
    let found = folder.run("", &json!({}), json!({"infer_types": true})).good();
    assert_eq!(found.records().len(), 2);
    assert_eq!(found.records()[1]["column_number_39999"], json!(1));
}

#[test]
fn an_open_quote_is_an_error_where_it_opens() {
    let folder = Folder::with(&[("a.csv", "x,y\n1,\"a\n2,b\n")]);
    let log = folder.run("a.csv", &json!({}), json!({})).bad(65);
    assert!(log.contains("line 2, byte 6, stream t: "), "{log}");
    assert!(log.contains("a.csv: expected a closing quote"), "{log}");
}
