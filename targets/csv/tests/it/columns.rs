//! Columns stay right, whatever becomes of the schema.

use std::fs;

use melisma_sdk::Cell::{self, Int, Null};
use melisma_sdk::Text;
use serde_json::json;
use tempfile::TempDir;

use crate::driver::{files, only, open, run};

fn text(raw: &str) -> Cell<'_> {
    Cell::Text(Text::plain(raw))
}

#[test]
fn a_new_column_is_added_and_earlier_rows_are_padded() {
    for mode in ["append", "replace"] {
        let folder = TempDir::new().expect("a folder");
        let target = open(folder.path(), &json!({"write_mode": mode, "null_value": "-"})).expect("opens");
        run(
            &target,
            "s",
            &[
                (&["id", "note"], &[&[Int(1), text("x,\"y\"\n")], &[Int(2), Null]]),
                (&["id", "new", "note"], &[&[Int(3), text("n"), text("z")]]),
                (&["more"], &[&[Int(4)]]),
                // Back to the first shape: nothing is lost, nothing moves.
                (&["note", "id"], &[&[text("w"), Int(5)]]),
            ],
        )
        .expect("runs");
        assert_eq!(
            only(folder.path()),
            "id,note,new,more\r\n1,\"x,\"\"y\"\"\n\",-,-\r\n2,-,-,-\r\n3,z,n,-\r\n-,-,-,4\r\n5,w,-,-\r\n",
            "{mode}"
        );
    }
}

#[test]
fn a_new_schema_begins_a_new_part() {
    let folder = TempDir::new().expect("a folder");
    let target = open(folder.path(), &json!({"write_mode": "parts"})).expect("opens");
    let steps: [crate::driver::Step<'_>; 3] = [
        (&["id", "a"], &[&[Int(1), Int(2)]]),
        (&["b"], &[&[Int(3)]]),
        (&["c"], &[]),
    ];
    run(&target, "s", &steps).expect("runs");
    let files = files(folder.path());
    let texts: Vec<&str> = files.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts, ["id,a\r\n1,2\r\n", "b\r\n3\r\n"]);
}

#[test]
fn an_existing_file_decides_the_order() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("s.csv");
    // Another program's file: other order, other line ends, a byte order mark, a quoted name, a short row.
    fs::write(&path, "\u{feff}note,\"a \"\"b\"\"\",id\nx,y,1\nz\n").expect("written");
    let target = open(folder.path(), &json!({})).expect("opens");
    run(&target, "s", &[(&["id", "note"], &[&[Int(2), text("n")]])]).expect("runs");
    assert_eq!(
        only(folder.path()),
        "\u{feff}note,\"a \"\"b\"\"\",id\nx,y,1\nz\nn,,2\n"
    );

    let target = open(folder.path(), &json!({})).expect("opens");
    run(&target, "s", &[(&["id", "new"], &[&[Int(3), Int(9)]])]).expect("runs");
    assert_eq!(
        only(folder.path()),
        "\u{feff}note,\"a \"\"b\"\"\",id,new\nx,y,1,\nz,,,\nn,,2,\n,,3,9\n"
    );
}

#[test]
fn the_header_is_there_without_rows() {
    for (mode, there) in [("append", 1), ("replace", 1), ("parts", 0)] {
        let folder = TempDir::new().expect("a folder");
        let target = open(folder.path(), &json!({"write_mode": mode})).expect("opens");
        run(&target, "s", &[(&["a", "b"], &[]), (&["a", "c"], &[])]).expect("runs");
        let files = files(folder.path());
        assert_eq!(files.len(), there);
        assert!(files.iter().all(|(_, text)| text == "a,b,c\r\n"), "{files:?}");
    }
}

#[test]
fn fixed_headers_choose_the_columns() {
    let folder = TempDir::new().expect("a folder");
    let settings = json!({"fixed_headers": {"s": ["b", "none", "a"]}});
    for _ in 0..2 {
        let target = open(folder.path(), &settings).expect("opens");
        let steps: [crate::driver::Step<'_>; 2] = [
            (&["a", "b", "c"], &[&[Int(1), Int(2), Int(3)]]),
            (&["c", "d"], &[&[Int(4), Int(5)]]),
        ];
        run(&target, "s", &steps).expect("runs");
    }
    assert_eq!(only(folder.path()), "b,none,a\r\n2,,1\r\n,,\r\n2,,1\r\n,,\r\n");
    let target = open(folder.path(), &json!({"fixed_headers": {"s": ["a"]}})).expect("opens");
    let error = run(&target, "s", &[(&["a"], &[])])
        .expect_err("another header")
        .to_string();
    assert!(
        error.ends_with("s.csv: fixed_headers are a, but the file to append to has b,none,a"),
        "{error}"
    );
}

#[test]
fn a_header_that_can_not_be_told_apart_is_refused() {
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("s.csv"), "a,b,a\n").expect("written");
    let target = open(folder.path(), &json!({})).expect("opens");
    let error = run(&target, "s", &[(&["a"], &[])])
        .expect_err("twice")
        .to_string();
    assert!(
        error.ends_with("s.csv: the column \"a\" is duplicated in the header"),
        "{error}"
    );
}

#[test]
fn headers_of_any_length_and_line_end_are_read() {
    // The file is read in pieces of 65,536 bytes: a header ends before, at and behind the end of one.
    for (total, end) in [
        (3, "\n"),
        (99_000, "\r\n"),
        (65_534, "\r\n"),
        (65_535, "\r\n"),
        (65_536, "\n"),
        (65_535, "\n"),
    ] {
        let length = total / 2;
        let folder = TempDir::new().expect("a folder");
        let (one, two) = ("n".repeat(length), "m".repeat(total - 1 - length));
        let header = format!("{one},{two}{end}");
        fs::write(folder.path().join("s.csv"), &header).expect("written");
        let target = open(folder.path(), &json!({})).expect("opens");
        run(&target, "s", &[(&[&one, &two], &[&[Int(1), Int(2)]])]).expect("runs");
        assert!(
            only(folder.path()) == format!("{header}1,2{end}"),
            "{total} {end:?}"
        );
    }
}
