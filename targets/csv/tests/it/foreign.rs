//! Files that another program has written: their rows stay, or nothing is touched.

use std::fs;
use std::path::Path;

use melisma_sdk::Cell::Int;
use melisma_sdk::{Kind, Text};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::driver::{open, run};

/// Appends the row `1,x` of the columns `a` and `b` to a file that holds `before`; returns what it holds then.
fn appended(before: &[u8], settings: &Value) -> Result<Vec<u8>, melisma_sdk::Error> {
    appended_to(before, &["a", "b"], settings)
}

fn appended_to(before: &[u8], columns: &[&str], settings: &Value) -> Result<Vec<u8>, melisma_sdk::Error> {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("s.csv");
    fs::write(&path, before).expect("written");
    let result = add(folder.path(), columns, settings);
    let after = fs::read(&path).expect("there");
    if result.is_err() {
        assert_eq!(after, before, "a refused file is as it was");
    }
    let entries = fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(entries, 1, "nothing is left beside it");
    result.map(|()| after)
}

fn add(folder: &Path, columns: &[&str], settings: &Value) -> Result<(), melisma_sdk::Error> {
    let target = open(folder, settings)?;
    let mut row = vec![Int(1), melisma_sdk::Cell::Text(Text::plain("x"))];
    row.resize(columns.len(), melisma_sdk::Cell::Null);
    run(&target, "s", &[(columns, &[&row])])
}

#[test]
fn a_last_row_without_line_end_is_a_row() {
    for (before, after) in [
        ("a,b\r\n0,y\r\n5,z", "a,b\r\n0,y\r\n5,z\r\n1,x\r\n"),
        ("a,b\n0,y\n5,z", "a,b\n0,y\n5,z\n1,x\n"),
        ("a,b", "a,b\r\n1,x\r\n"),
        ("a,b\r\n", "a,b\r\n1,x\r\n"),
        ("a,b\n0,\"y\nz\"", "a,b\n0,\"y\nz\"\n1,x\n"),
        ("\u{feff}a,b\r\n5,z", "\u{feff}a,b\r\n5,z\r\n1,x\r\n"),
        // Lines end as the header does, where they are mixed.
        ("a,b\n0,y\r\n5,z", "a,b\n0,y\r\n5,z\n1,x\n"),
        // Carriage returns alone, as old programs write them.
        ("a,b\r0,y\r", "a,b\r0,y\r1,x\r"),
        ("a,b\r0,y\r5,z", "a,b\r0,y\r5,z\r1,x\r"),
        ("a,b\r", "a,b\r1,x\r"),
        ("", "a,b\r\n1,x\r\n"),
    ] {
        let found = appended(before.as_bytes(), &json!({})).expect("appended");
        assert_eq!(String::from_utf8_lossy(&found), after, "{before:?}");
    }
}

#[test]
fn a_last_row_without_line_end_is_padded_with_the_others() {
    for (before, after) in [
        ("a\r\n0\r\n5", "a,b\r\n0,\r\n5,\r\n1,x\r\n"),
        ("a\r0\r5", "a,b\r0,\r5,\r1,x\r"),
        ("\u{feff}a\n5", "\u{feff}a,b\n5,\n1,x\n"),
    ] {
        let found = appended(before.as_bytes(), &json!({})).expect("appended");
        assert_eq!(String::from_utf8_lossy(&found), after, "{before:?}");
    }
}

#[test]
fn a_file_in_another_encoding_is_left_alone() {
    let utf_16: Vec<u8> = "a,b\r\n0,y\r\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let marked: Vec<u8> = [0xFF, 0xFE].into_iter().chain(utf_16.iter().copied()).collect();
    let files: [(&[u8], Value); 8] = [
        (b"caf\xe9,b\r\n0,y\r\n", json!({})),
        (b"a,b\r\ncaf\xe9,y\r\n", json!({})),
        ("a,b\nä,y\n".as_bytes(), json!({"encoding": "ascii"})),
        ("\u{feff}a,b\n0,y\n".as_bytes(), json!({"encoding": "latin-1"})),
        (&utf_16, json!({})),
        (&marked, json!({})),
        // gzip, zip
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03a,b", json!({})),
        (b"PK\x03\x04\x14\x00\x00\x00a,b", json!({})),
    ];
    for (before, settings) in files {
        let error = appended(before, &settings).expect_err("refused");
        let message = error.to_string();
        assert_eq!(error.kind(), Kind::Input, "{message}");
        assert!(message.contains("s.csv: expected "), "{message}");
        assert!(message.contains("the setting encoding"), "{message}");
    }
    // The right setting reads it.
    let found = appended(b"a,b\r\ncaf\xe9,y\r\n", &json!({"encoding": "latin-1"})).expect("appended");
    assert_eq!(found, b"a,b\r\ncaf\xe9,y\r\n1,x\r\n");
}

/// The first 64 KiB are looked at when the file is opened, all of it when columns are added.
#[test]
fn rows_in_another_encoding_are_not_copied_below_a_new_header() {
    let mut before = b"a\n".to_vec();
    before.extend(b"plain\n".repeat(20_000));
    before.extend(b"caf\xe9\n");
    let error = appended(&before, &json!({})).expect_err("refused");
    assert!(error.to_string().contains("the setting encoding"), "{error}");
    let found = appended(&before, &json!({"encoding": "latin-1"})).expect("appended");
    assert!(found.ends_with(b"caf\xe9,\n1,x\n"));
}

#[test]
fn a_file_of_another_shape_is_left_alone() {
    for (before, settings, word) in [
        ("a;b\r\n0;y\r\n", json!({}), "delimiter"),
        ("'a','b'\r\n'0','y'\r\n", json!({}), "quotechar"),
        ("a,b\n0,y\n", json!({"delimiter": ";"}), "delimiter"),
        // No header: its first row would become one.
        ("0,y\r\n5,z\r\n", json!({}), "expected a header"),
        ("a,a\r\n0,y\r\n", json!({}), "\"a\""),
        ("a,b\r\n0,\"y", json!({}), "without end"),
    ] {
        let error = appended(before.as_bytes(), &settings).expect_err(before);
        assert!(matches!(error.kind(), Kind::Input | Kind::Config), "{error}");
        assert!(error.to_string().contains(word), "{error}");
    }
    // Other columns that are not the stream's do no harm, nor do columns that are new.
    let found = appended_to(b"z,a\n0,y\n", &["a", "new"], &json!({})).expect("appended");
    assert_eq!(String::from_utf8_lossy(&found), "z,a,new\n0,y,\n,1,x\n");
}

#[cfg(unix)]
#[test]
fn adding_columns_keeps_a_link_and_the_permissions() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = TempDir::new().expect("a folder");
    let real = folder.path().join("real");
    fs::create_dir(&real).expect("made");
    fs::write(real.join("data.csv"), "a\n0\n").expect("written");
    fs::set_permissions(real.join("data.csv"), fs::Permissions::from_mode(0o640)).expect("set");
    std::os::unix::fs::symlink("real/data.csv", folder.path().join("s.csv")).expect("made");
    add(folder.path(), &["a", "b"], &json!({})).expect("appended");
    let link = fs::symlink_metadata(folder.path().join("s.csv")).expect("there");
    assert!(link.is_symlink());
    assert_eq!(
        fs::read_to_string(real.join("data.csv")).expect("there"),
        "a,b\n0,\n1,x\n"
    );
    let mode = fs::metadata(real.join("data.csv"))
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o640);
}
