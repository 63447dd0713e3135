//! Files are named after streams, and a stream may have any name: no file lands outside the output folder, and no two
//! streams share one.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::harness::{Kind, Target, csv_rows, jsonl_rows, parquet_rows, state};

/// Names that lead somewhere, mean something, or differ by little.
fn names() -> Vec<String> {
    let mut names: Vec<String> = [
        "../up",
        "../../up",
        "..",
        ".",
        "...",
        "./x",
        "x/..",
        "/etc/passwd",
        "/",
        "//",
        "a/b",
        "a%2Fb",
        "a\\b",
        "..\\up",
        "C:\\x",
        "C:x",
        "\\\\host\\share",
        "a\0b",
        "\0",
        "a\nb",
        "\n",
        "\u{7f}",
        "a.",
        "a..",
        "a ",
        " a",
        " ",
        "~",
        "~root",
        "-rf",
        "$HOME",
        "`id`",
        "*",
        "?",
        "a|b",
        "<a>",
        "\"",
        "'",
        "%",
        "%%",
        "%00",
        "%2e%2e",
        "con",
        "CON",
        "Con.txt",
        "NUL",
        "nul.tar.gz",
        "aux ",
        "COM1",
        "COM¹",
        "LPT9",
        "CONIN$",
        "orders",
        "Orders",
        "ORDERS",
        "orders.jsonl",
        "orders.csv",
        "orders.parquet",
        "orders-20260101T000000000Z-000001",
        ".orders.jsonl.melisma-journal",
        ".orders.csv.melisma-partial",
        "orders.torn",
        "é",
        "e\u{301}",
        "ﬁ",
        "fi",
        "а",
        "a",
        "\u{202e}gpj",
        "\u{feff}",
        "漢字",
        "{stream_name}",
        "{}",
        "{{",
    ]
    .map(str::to_owned)
    .into();
    // Longer than a file name may be, in bytes; alike for 255 of them.
    for end in ["", "x", "y"] {
        names.push(format!("{}{end}", "x".repeat(300)));
        names.push(format!("{}{end}", "é".repeat(200)));
        names.push(format!("{}{end}", "/".repeat(300)));
    }
    names
}

fn below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        if entry.file_type().expect("known").is_dir() {
            below(&entry.path(), found);
        } else {
            found.push(entry.path());
        }
    }
}

fn rows(kind: Kind, path: &Path) -> Vec<Value> {
    match kind {
        Kind::Jsonl => jsonl_rows(path),
        Kind::Csv => csv_rows(path),
        Kind::Parquet => parquet_rows(path),
    }
}

/// That Windows takes the name for a file, and every system for one below its folder.
fn is_plain(name: &str) -> bool {
    let stem = name
        .split('.')
        .next()
        .unwrap_or_default()
        .trim_end()
        .to_uppercase();
    let devices = [
        "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "COM1", "COM¹", "LPT9",
    ];
    !devices.contains(&stem.as_str())
        && name.len() <= 255
        && !name.ends_with(['.', ' '])
        && !name.contains(['/', '\\', ':', '*', '?', '"', '<', '>', '|'])
        && !name.chars().any(char::is_control)
}

#[test]
fn every_stream_has_a_file_of_its_own_inside_the_folder() {
    let names = names();
    for (kind, scheme, mode) in [
        (Kind::Jsonl, None, None),
        (Kind::Jsonl, None, Some("parts")),
        (Kind::Jsonl, Some("{stream_name}/{stream_name}"), Some("parts")),
        (
            Kind::Jsonl,
            Some("a/{datestamp}/b-{stream_name}.x"),
            Some("replace"),
        ),
        (Kind::Csv, Some("{stream_name}"), Some("replace")),
        (Kind::Parquet, None, None),
    ] {
        let mut target = Target::new(kind);
        if let Some(scheme) = scheme {
            target = target.with("file_naming_scheme", scheme);
        }
        if let Some(mode) = mode {
            target = target.with("write_mode", mode);
        }
        let case = format!("{kind:?}, {scheme:?}, {mode:?}");
        let lines = names.iter().flat_map(|name| {
                let schema = json!({"type": "SCHEMA", "stream": name, "schema": {"properties": {"name": {"type": "string"}}}, "key_properties": []});
                let record = json!({"type": "RECORD", "stream": name, "record": {"name": name}});
                [schema.to_string(), record.to_string()]
            });
        target.feed(lines.chain([state("1")])).ok();
        let mut all = Vec::new();
        below(target.path("").as_path(), &mut all);
        let config = target.path("config.json");
        let files: Vec<&PathBuf> = all.iter().filter(|path| **path != config).collect();
        assert!(
            files.iter().all(|path| path.starts_with(target.out())),
            "{case}: {files:?}"
        );
        for path in &files {
            for name in path.strip_prefix(target.out()).expect("inside") {
                let name = name.to_str().expect("UTF-8");
                assert!(is_plain(name), "{case}: {name:?}");
            }
        }
        let mut found: Vec<String> = Vec::new();
        for path in &files {
            let rows = rows(kind, path);
            assert_eq!(
                rows.len(),
                1,
                "{case}: {} has one row of one stream",
                path.display()
            );
            found.push(rows[0]["name"].as_str().expect("text").to_owned());
        }
        assert_eq!(found.len(), names.len(), "{case}");
        let (found, expected): (BTreeSet<_>, BTreeSet<_>) =
            (found.into_iter().collect(), names.iter().cloned().collect());
        assert_eq!(found, expected, "{case}");
    }
}

#[test]
fn a_stream_without_a_name_and_a_scheme_that_leads_out_are_refused() {
    let lines = [r#"{"type":"SCHEMA","stream":"","schema":{"properties":{}},"key_properties":[]}"#];
    for kind in Kind::ALL {
        Target::new(kind).feed(lines).fails(65, &["name"]);
        for scheme in [
            "../{stream_name}",
            "/tmp/{stream_name}",
            "a/../../{stream_name}",
            "{stream_name}/..",
            "{stream_name}\0",
        ] {
            let target = Target::new(kind).with("file_naming_scheme", scheme);
            target.feed(lines).fails(78, &["file_naming_scheme"]);
        }
        // Two streams in one file would be mixed up, or replace each other.
        let target = Target::new(kind).with("file_naming_scheme", "all.x");
        let two =
            ["a", "b"].map(|stream| lines[0].replace(r#""stream":"""#, &format!(r#""stream":"{stream}""#)));
        target
            .feed(two)
            .fails(78, &["\"a\" and \"b\"", "file_naming_scheme"]);
    }
}

/// Who may write into the output folder may lead us elsewhere by links; docs/targets.md says so.
#[test]
fn a_link_in_the_folder_is_followed_by_append_and_replaced_otherwise() {
    let lines = [
        r#"{"type":"SCHEMA","stream":"s","schema":{"properties":{"i":{"type":"integer"}}},"key_properties":[]}"#,
        r#"{"type":"RECORD","stream":"s","record":{"i":1}}"#,
        r#"{"type":"STATE","value":1}"#,
    ];
    for (mode, elsewhere) in [("append", "{\"i\":0}\n{\"i\":1}\n"), ("replace", "{\"i\":0}\n")] {
        let target = Target::jsonl().with("write_mode", mode);
        std::fs::create_dir(target.out()).expect("made");
        std::fs::write(target.path("elsewhere"), "{\"i\":0}\n").expect("written");
        symlink(target.path("elsewhere"), target.out().join("s.jsonl")).expect("made");
        target.feed(lines).ok();
        assert_eq!(
            std::fs::read_to_string(target.path("elsewhere")).expect("there"),
            elsewhere,
            "{mode}"
        );
        let link = std::fs::symlink_metadata(target.out().join("s.jsonl")).expect("there");
        assert_eq!(link.is_symlink(), mode == "append");
    }
}
