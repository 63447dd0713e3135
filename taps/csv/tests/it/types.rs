//! Inferred types.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::run::{Folder, run};

#[test]
fn a_cell_that_does_not_fit_is_an_error_with_file_line_and_column() {
    let folder = Folder::with(&[("a.csv", "id,day\n1,2024-01-01\n2,\"2024-\n01-02\"\n")]);
    let log = folder
        .run("a.csv", &json!({}), json!({"infer_types": true, "infer_rows": 1}))
        .bad(65);
    assert!(log.contains("line 3, byte 20, stream t: "), "{log}");
    assert!(
        log.contains(r#"a.csv: column day: expected a date (YYYY-MM-DD), found "2024-\\n01-02""#),
        "{log}"
    );
}

#[test]
fn or_the_column_becomes_text_and_a_schema_says_so() {
    let folder = Folder::with(&[
        ("a.csv", "id,n\n1,10\n2,20\n3,x\n4,\n5,30\n"),
        ("b.csv", "n,id\n40,6\n"),
    ]);
    let settings = json!({"infer_types": true, "infer_rows": 2, "on_type_mismatch": "text"});
    let found = folder.run("", &json!({}), settings).good();
    // The second file too: the stream has one schema.
    let types: Vec<&Value> = found.messages.iter().map(|message| &message["type"]).collect();
    assert_eq!(
        types,
        [
            "SCHEMA", "RECORD", "RECORD", "SCHEMA", "RECORD", "RECORD", "RECORD", "RECORD", "STATE"
        ]
    );
    let schemas = found.of("SCHEMA");
    assert_eq!(
        schemas[0]["schema"]["properties"]["n"],
        json!({"type": ["integer", "null"]})
    );
    assert_eq!(
        schemas[1]["schema"]["properties"]["n"],
        json!({"type": ["string", "null"]})
    );
    assert_eq!(
        schemas[1]["schema"]["properties"]["id"],
        json!({"type": ["integer", "null"]})
    );
    let cells: Vec<&Value> = found.records().iter().map(|record| &record["n"]).collect();
    assert_eq!(
        cells,
        [
            &json!(10),
            &json!(20),
            &json!("x"),
            &json!(""),
            &json!("30"),
            &json!("40")
        ]
    );
}

#[test]
fn all_rows_may_be_the_sample() {
    let folder = Folder::with(&[("a.csv", "n\n1\n2\n"), ("b.csv", "n\n3\nx\n")]);
    let found = folder
        .run("", &json!({}), json!({"infer_types": true, "infer_rows": 0}))
        .good();
    assert_eq!(found.of("SCHEMA").len(), 1);
    assert_eq!(found.records()[0], &json!({"n": "1"}));
}

#[test]
fn empty_and_null_cells_say_nothing_about_the_type() {
    let folder = Folder::with(&[("a.csv", "i,t,e\n,,\nNA,x,\n7,,\n")]);
    let found = folder
        .run(
            "a.csv",
            &json!({"null_values": ["NA"]}),
            json!({"infer_types": true}),
        )
        .good();
    assert_eq!(found.records()[0], &json!({"i": null, "t": "", "e": ""}));
    assert_eq!(found.records()[1], &json!({"i": null, "t": "x", "e": ""}));
    assert_eq!(found.records()[2], &json!({"i": 7, "t": "", "e": ""}));
}

#[test]
fn the_catalogs_types_count() {
    let folder = Folder::with(&[("a.csv", "id,zip\n1,01234\n2,99999\n")]);
    let config = json!({"files": [folder.entry("a.csv", &json!({}))]});
    let catalog = |zip: Value| {
        json!({"streams": [{"tap_stream_id": "t", "stream": "t", "schema": {"type": "object", "properties": {
            "id": {"type": "integer"}, "zip": zip}}, "metadata": [{"breadcrumb": [], "metadata": {"selected": true}}]}]})
    };
    let found = run(&config, &[("--catalog", &catalog(json!({"type": "string"})))]).good();
    assert_eq!(found.records()[0], &json!({"id": 1, "zip": "01234"}));
    let log = run(&config, &[("--catalog", &catalog(json!({"type": "integer"})))]).bad(65);
    assert!(
        log.contains(r#"column zip: expected an integer, found "01234""#),
        "{log}"
    );
    let log = run(&config, &[("--catalog", &catalog(json!({"type": "object"})))]).bad(78);
    assert!(
        log.contains("column zip: expected a type that a cell can have"),
        "{log}"
    );
}

fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        "-?[0-9]{1,25}",
        "-?[0-9]{1,4}\\.[0-9]{1,4}(e[+-]?[0-9]{1,2})?",
        "[+.0-9-]{1,6}",
        "(true|false|TRUE|False|yes)",
        "20[0-9]{2}-[01][0-9]-[0-3][0-9]",
        "20[0-9]{2}-0[1-9]-1[0-9][T ][0-2][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+]0[0-9]:00)?",
        "[a-zé\",\n]{0,5}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever type a column gets, each cell comes out with the characters that it has in the file.
    #[test]
    fn cells_keep_their_characters(cells in prop::collection::vec(cell(), 1..4)) {
        let mut csv = "c,end\n".to_owned();
        for cell in &cells {
            csv.extend(["\"", &cell.replace('"', "\"\""), "\",.\n"]);
        }
        let folder = Folder::with(&[("a.csv", &csv)]);
        let found = folder.run("a.csv", &json!({}), json!({"infer_types": true})).good();
        let lines: Vec<&str> = found.text.lines().filter(|line| line.contains("RECORD")).collect();
        prop_assert_eq!(lines.len(), cells.len());
        let schema = found.of("SCHEMA")[0]["schema"]["properties"]["c"].clone();
        for (line, cell) in lines.iter().zip(&cells) {
            let value = line.split_once(r#""c":"#).unwrap().1.rsplit_once(r#","end""#).unwrap().0;
            let read: Value = serde_json::from_str(value).unwrap();
            match schema["type"][0].as_str().unwrap() {
                "integer" | "number" => prop_assert!(value == cell || (value == "null" && cell.is_empty())),
                "boolean" => prop_assert!(value == cell.to_lowercase() || (value == "null" && cell.is_empty())),
                _ if schema.get("format").is_some() && cell.is_empty() => prop_assert!(read.is_null()),
                _ => prop_assert_eq!(read.as_str(), Some(cell.as_str())),
            }
        }
    }
}
