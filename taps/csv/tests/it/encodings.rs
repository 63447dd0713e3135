//! Encodings, byte order marks and compression: the same rows from all of them.

use std::io::Write;

use serde_json::{Value, json};

use crate::run::{Folder, data, run};

#[track_caller]
fn people(path: &std::path::Path, more: &Value) {
    let mut entry = json!({"entity": "t", "path": path, "keys": [], "delimiter": ";"});
    entry
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let found = run(&json!({"files": [entry]}), &[]).good();
    assert_eq!(found.records(), [&json!({"name": "José", "city": "München"})]);
}

#[test]
fn encodings_are_told_by_name_or_by_mark() {
    people(&data("people-latin1.csv"), &json!({"encoding": "latin-1"}));
    people(&data("people-latin1.csv"), &json!({"encoding": "cp1252"}));
    people(&data("people-bom.csv"), &json!({}));
    people(&data("people-bom.csv"), &json!({"encoding": "utf-8-sig"}));
    people(&data("people-utf16.csv"), &json!({}));
    people(&data("people-utf16.csv"), &json!({"encoding": "utf-16"}));
    people(&data("people-utf16be.csv"), &json!({"encoding": "utf-16"}));
    let folder = Folder::new();
    let bare: Vec<u8> = "name;city\nJosé;München\n"
        .encode_utf16()
        .flat_map(u16::to_be_bytes)
        .collect();
    people(
        &folder.write("bare.csv", &bare),
        &json!({"encoding": "utf-16-be"}),
    );
}

#[test]
fn encodings_that_only_python_and_dos_know() {
    let folder = Folder::new();
    for (encoding, bytes) in [
        ("cp437", &b"name;city\nJos\x82;M\x81nchen\n"[..]),
        ("cp850", b"name;city\nJos\x82;M\x81nchen\n"),
        ("cp852", b"name;city\nJos\x82;M\x81nchen\n"),
        ("cp858", b"name;city\nJos\x82;M\x81nchen\n"),
        ("iso8859_16", b"name;city\nJos\xe9;M\xfcnchen\n"),
        ("iso8859_2", b"name;city\nJos\xe9;M\xfcnchen\n"),
    ] {
        let path = folder.write("people.csv", bytes);
        people(&path, &json!({"encoding": encoding}));
    }
    let utf32: Vec<u8> = "name;city\nJosé;München\n"
        .chars()
        .flat_map(|character| u32::from(character).to_le_bytes())
        .collect();
    people(&folder.write("bare.csv", &utf32), &json!({"encoding": "utf-32"}));
    let marked = [&[0xFF, 0xFE, 0, 0][..], &utf32].concat();
    people(&folder.write("marked.csv", &marked), &json!({}));
    for encoding in ["iso2022_jp", "mac_cyrillic", "big5hkscs", "cp950"] {
        let path = folder.write("ascii.csv", b"a\n1\n");
        let config = json!({"files": [{"entity": "t", "path": path, "keys": [], "encoding": encoding}]});
        assert_eq!(
            run(&config, &[]).good().records(),
            [&json!({"a": "1"})],
            "{encoding}"
        );
    }
    for encoding in ["cp037", "punycode", "hz", ""] {
        let log = folder
            .run("ascii.csv", &json!({"encoding": encoding}), json!({}))
            .bad(78);
        assert!(log.contains(&format!("found {encoding:?}")), "{log}");
    }
}

#[test]
fn what_is_no_csv_is_named_and_never_read_as_one() {
    let folder = Folder::new();
    let text = b"id,v\n1,a\n2,b\n";
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(text).unwrap();
    let gzip = gzip.finish().unwrap();
    let zstd = zstd::encode_all(&text[..], 1).unwrap();
    let mut tar = vec![0; 1024];
    tar[257..262].copy_from_slice(b"ustar");
    let mut tar_gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    tar_gz.write_all(&tar).unwrap();
    let utf16: Vec<u8> = "id,v\n1,a\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (name, bytes, expected) in [
        ("a.csv.zip", &b"PK\x03\x04rest"[..], "is a zip archive"),
        ("a.csv.xz", b"\xFD7zXZ\0rest", "is xz"),
        ("a.csv.bz2", b"BZh91AY&SYrest", "is bzip2"),
        (
            "a.xls",
            b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1",
            "is an Excel workbook",
        ),
        ("a.parquet.csv", b"PAR1rest", "is Parquet"),
        ("a.avro", b"Obj\x01\x04rest\n1\n", "is Avro"),
        ("a.pdf", b"%PDF-1.7\n1,2\n", "is PDF"),
        ("login.csv", b"<!DOCTYPE html>\n<html>\n</html>\n", "is HTML"),
        ("book.xml", b"<?xml version=\"1.0\"?>\n<Workbook/>\n", "is XML"),
        ("g.csv", &gzip, "is gzip (see the setting compression)"),
        ("z.csv", &zstd, "is zstd (see the setting compression)"),
        ("z.csv.gz", &zstd, "expected gzip, found something else"),
        ("plain.csv.gz", text, "expected gzip, found something else"),
        ("a.tar", &tar, "is a tar archive"),
        ("a.tar.gz", &tar_gz.finish().unwrap(), "is a tar archive"),
        (
            "wide.csv",
            &utf16,
            "has NUL bytes between its characters; is it utf-16-le?",
        ),
    ] {
        folder.write(name, bytes);
        for more in [json!({}), json!({"encoding": "latin-1", "ragged": "extra"})] {
            let log = folder.run(name, &more, json!({})).bad(65);
            assert!(log.contains(&format!("{name}: {expected}")), "{log}");
        }
    }
    // zeros that pad the file to a block of a tape, as gzip(1) reads them
    folder.write("pad.csv.gz", &[&gzip[..], &[0; 512]].concat());
    let found = folder.run("pad.csv.gz", &json!({}), json!({})).good();
    assert_eq!(found.records().len(), 2);
}

#[test]
fn compression_is_told_by_the_name_or_the_setting() {
    let plain = std::fs::read(data("people-bom.csv")).unwrap();
    // Two members, as `cat a.gz b.gz` makes them.
    let mut gzip = Vec::new();
    for part in plain.chunks(10) {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(part).unwrap();
        gzip.extend(encoder.finish().unwrap());
    }
    let zstd = zstd::encode_all(&plain[..], 1).unwrap();
    let folder = Folder::new();
    people(&folder.write("people.csv.gz", &gzip), &json!({}));
    people(&folder.write("people.csv.zst", &zstd), &json!({}));
    people(
        &folder.write("people.gzipped", &gzip),
        &json!({"compression": "gzip"}),
    );
    people(
        &folder.write("people.zstandard", &zstd),
        &json!({"compression": "zstd"}),
    );
    people(&folder.write("plain.gz", &plain), &json!({"compression": "none"}));
    let path = folder.write("torn.csv.gz", &gzip[..gzip.len() - 9]);
    let log = run(
        &json!({"files": [{"entity": "t", "path": path, "keys": []}]}),
        &[],
    )
    .bad(74);
    assert!(log.contains("torn.csv.gz: cannot be read"), "{log}");
}

#[test]
fn bytes_of_another_encoding_are_an_error_with_its_place() {
    let folder = Folder::new();
    folder.write("a.csv", b"name\nabc\nJos\xe9\n");
    let log = folder.run("a.csv", &json!({}), json!({})).bad(65);
    assert!(
        log.contains("line 3, byte 12, stream t: ") && log.contains("a.csv: expected UTF-8"),
        "{log}"
    );
    let bad: Vec<u8> = [0xFEFF, 0x61, 0x0A, 0x62, 0x0A, 0xD800, 0x62]
        .iter()
        .flat_map(|u: &u16| u.to_le_bytes())
        .collect();
    folder.write("b.csv", &bad);
    let log = folder.run("b.csv", &json!({}), json!({})).bad(65);
    assert!(
        log.contains("line 3, byte 10") && log.contains("b.csv: expected UTF-16LE"),
        "{log}"
    );
    folder.write(
        "c.csv",
        &[0xFF, 0xFE, 0, 0, 0x61, 0, 0, 0, 0x0A, 0, 0, 0, 0, 0xD8, 0, 0],
    );
    let log = folder.run("c.csv", &json!({}), json!({})).bad(65);
    assert!(
        log.contains("line 2, byte 12") && log.contains("c.csv: expected UTF-32LE"),
        "{log}"
    );
}

#[test]
fn a_cell_of_50_megabytes_comes_through() {
    let folder = Folder::new();
    let big = "x\"\"é\n".repeat(50 << 20 >> 3);
    folder.write("big.csv", format!("a,b\n1,\"{big}\"\n2,y\n").as_bytes());
    let found = folder.run("big.csv", &json!({}), json!({})).good();
    let records = found.records();
    assert_eq!(records.len(), 2);
    assert!(
        records[0]["b"].as_str() == Some(&*big.replace("\"\"", "\"")),
        "the cell differs"
    );
    assert_eq!(records[1], &json!({"a": "2", "b": "y"}));
    let log = folder
        .run("big.csv", &json!({}), json!({"max_row_bytes": 1 << 20}))
        .bad(65);
    assert!(
        log.contains("line 2, byte 4") && log.contains("a row of more than 1048576 bytes"),
        "{log}"
    );
}
