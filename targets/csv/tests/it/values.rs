//! Values come back the same, by another program's reading.

use melisma_sdk::{Cell, Text};
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::driver::{only, open, run};

/// What a reader shall find in a field.
#[derive(Clone, Debug)]
enum Field {
    Null,
    Bool(bool),
    Int(i64),
    Text(String),
}

fn field() -> impl Strategy<Value = Field> {
    prop_oneof![
        Just(Field::Null),
        any::<bool>().prop_map(Field::Bool),
        any::<i64>().prop_map(Field::Int),
        r#"[ab,;"'\\\t\r\n é😀]{0,6}"#.prop_map(Field::Text),
        any::<String>().prop_map(Field::Text),
    ]
}

/// Reads with the csv crate, which knows nothing of our writer.
fn read(text: &str, settings: &Value) -> Vec<Vec<String>> {
    let byte = |name: &str, default: u8| settings[name].as_str().map_or(default, |text| text.as_bytes()[0]);
    let escape = settings["escape_character"]
        .as_str()
        .map(|text| text.as_bytes()[0]);
    csv::ReaderBuilder::new()
        .delimiter(byte("delimiter", b','))
        .quote(byte("quotechar", b'"'))
        .double_quote(settings["doublequote"].as_bool().unwrap_or(true))
        .escape(escape)
        .has_headers(false)
        .from_reader(text.as_bytes())
        .records()
        .map(|record| {
            record
                .expect("a record of the same length")
                .iter()
                .map(str::to_owned)
                .collect()
        })
        .collect()
}

fn cells<'a>(row: &[Field], escaped: &'a [String]) -> Vec<Cell<'a>> {
    row.iter()
        .zip(escaped)
        .map(|(field, escaped)| match field {
            Field::Null => Cell::Null,
            Field::Bool(value) => Cell::Bool(*value),
            Field::Int(value) => Cell::Int(*value),
            Field::Text(_) => Cell::Text(Text::new(escaped, escaped.contains('\\'))),
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_csv_crate_reads_what_was_written(
        rows in prop::collection::vec(prop::collection::vec(field(), 3), 0..20),
        dialect in 0..4_usize,
        width in 1..4_usize,
    ) {
        let settings = [
            json!({}),
            json!({"delimiter": ";", "quotechar": "'", "line_terminator": "\n"}),
            json!({"delimiter": "\t", "doublequote": false, "escape_character": "\\"}),
            json!({"null_value": "NULL"}),
        ][dialect].clone();
        let null = settings["null_value"].as_str().unwrap_or_default().to_owned();
        let folder = TempDir::new().expect("a folder");
        let target = open(folder.path(), &settings).expect("opens");
        let escaped: Vec<Vec<String>> = rows
            .iter()
            .map(|row| row.iter().map(|field| match field {
                Field::Text(text) => {
                    let json = serde_json::to_string(text).expect("JSON");
                    json[1..json.len() - 1].to_owned()
                }
                _ => String::new(),
            }).collect())
            .collect();
        let cells: Vec<Vec<Cell<'_>>> =
            rows.iter().zip(&escaped).map(|(row, escaped)| cells(&row[..width], escaped)).collect();
        let cells: Vec<&[Cell<'_>]> = cells.iter().map(Vec::as_slice).collect();
        let names = ["a", "b", "c"];
        run(&target, "s", &[(&names[..width], &cells)]).expect("runs");
        let mut expected = vec![names[..width].iter().map(|&name| name.to_owned()).collect::<Vec<_>>()];
        expected.extend(rows.iter().map(|row| row[..width].iter().map(|field| match field {
            Field::Null => null.clone(),
            Field::Bool(value) => value.to_string(),
            Field::Int(value) => value.to_string(),
            Field::Text(text) => text.clone(),
        }).collect()));
        prop_assert_eq!(read(&only(folder.path()), &settings), expected);
    }
}

fn plain(raw: &str) -> Cell<'_> {
    Cell::Text(Text::plain(raw))
}

fn written(settings: &Value, columns: &[&str], rows: &[&[Cell<'_>]]) -> String {
    let folder = TempDir::new().expect("a folder");
    let target = open(folder.path(), settings).expect("opens");
    run(&target, "s", &[(columns, rows)]).expect("runs");
    only(folder.path())
}

#[test]
fn golden() {
    let cells: &[&[Cell<'_>]] = &[
        &[
            Cell::Int(-1),
            Cell::Number("12345678901234567890.10"),
            Cell::Bool(true),
            plain("a b"),
            Cell::Json("[1, \"x\"]"),
        ],
        &[
            Cell::Null,
            Cell::Absent,
            Cell::Bool(false),
            plain(""),
            Cell::Json("{}"),
        ],
        &[
            Cell::Int(0),
            Cell::Number("1e3"),
            Cell::Null,
            Cell::Text(Text::new(r#"\u00e9 \"q\" \ud83d\ude00\n\u0000"#, true)),
            Cell::Null,
        ],
    ];
    assert_eq!(
        written(&json!({}), &["i", "n", "b", "t,x", "j"], cells),
        concat!(
            "i,n,b,\"t,x\",j\r\n",
            "-1,12345678901234567890.10,true,a b,\"[1, \"\"x\"\"]\"\r\n",
            ",,false,\"\",{}\r\n",
            "0,1e3,,\"é \"\"q\"\" 😀\n\u{0}\",\r\n"
        )
    );
}

#[test]
fn null_and_text_differ() {
    let rows: &[&[Cell<'_>]] = &[&[Cell::Null, plain("")], &[plain("NULL"), Cell::Absent]];
    assert_eq!(
        written(&json!({}), &["a", "b"], rows),
        "a,b\r\n,\"\"\r\nNULL,\r\n"
    );
    assert_eq!(
        written(&json!({"null_value": "NULL"}), &["a", "b"], rows),
        "a,b\r\nNULL,\r\n\"NULL\",NULL\r\n"
    );
    // An empty line is no row to a reader.
    assert_eq!(written(&json!({}), &["a"], &[&[Cell::Null]]), "a\r\n\"\"\r\n");
}

#[test]
fn encodings() {
    let folder = TempDir::new().expect("a folder");
    let target = open(folder.path(), &json!({"encoding": "cp1252"})).expect("opens");
    run(&target, "s", &[(&["é"], &[&[plain("5 €")]])]).expect("runs");
    assert_eq!(
        std::fs::read(folder.path().join("s.csv")).expect("a file"),
        b"\xe9\r\n5 \x80\r\n"
    );
    // The header is found again, so the column is not new.
    let target = open(folder.path(), &json!({"encoding": "cp1252"})).expect("opens");
    run(&target, "s", &[(&["é"], &[&[Cell::Int(1)]])]).expect("runs");
    assert_eq!(
        std::fs::read(folder.path().join("s.csv")).expect("a file"),
        b"\xe9\r\n5 \x80\r\n1\r\n"
    );
    let error =
        run(&target, "t", &[(&["a", "b"], &[&[Cell::Int(1), plain("漢")]])]).expect_err("no such character");
    assert_eq!(
        error.to_string(),
        "b: expected text that windows-1252 can hold, found \"漢\""
    );
    assert_eq!(error.kind(), melisma_sdk::Kind::Input);

    assert_eq!(
        written(&json!({"encoding": "utf-8-sig"}), &["a"], &[&[plain("é")]]),
        "\u{feff}a\r\né\r\n"
    );
}

#[test]
fn a_refused_row_leaves_nothing() {
    use melisma_sdk::{Destination as _, Encoder as _, Row, Sink as _};

    let folder = TempDir::new().expect("a folder");
    let target = open(folder.path(), &json!({"encoding": "ascii"})).expect("opens");
    let schema = crate::driver::schema("s", &["a", "b"]);
    let plan = target.plan(&schema, None).expect("a plan");
    let mut encoder = target.encoder(&plan).expect("an encoder");
    for (text, fits) in [("x", true), ("é", false), ("y", true)] {
        let row = Row {
            cells: vec![Cell::Int(1), plain(text)],
            ..Row::default()
        };
        assert_eq!(encoder.push(&row).is_ok(), fits);
    }
    assert_eq!(encoder.rows(), 2);
    let mut sink = target.sink(&mut (), &plan).expect("a sink");
    sink.write(&mut (), encoder.finish().expect("a batch"))
        .expect("written");
    sink.finish(&mut ()).expect("finished");
    assert_eq!(only(folder.path()), "a,b\r\n1,x\r\n1,y\r\n");
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let folder = TempDir::new().expect("a folder");
    for settings in [
        json!({"delimiter": ""}),
        json!({"delimiter": ",,"}),
        json!({"delimiter": "1"}),
        json!({"delimiter": "\n"}),
        json!({"delimiter": "é"}),
        json!({"quotechar": ","}),
        json!({"doublequote": false}),
        json!({"escape_character": "\""}),
        json!({"line_terminator": "\r"}),
        json!({"null_value": "a,b"}),
        json!({"null_value": "0"}),
        json!({"encoding": "utf-16"}),
        json!({"file_naming_scheme": "../{stream_name}"}),
        json!({"write_mode": "append", "overwrite_behavior": "replace_file"}),
    ] {
        let error = open(folder.path(), &settings).expect_err(&settings.to_string());
        assert_eq!(error.kind(), melisma_sdk::Kind::Config, "{settings}");
    }
}
