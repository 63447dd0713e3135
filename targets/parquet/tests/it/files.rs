//! Which files there are, and when.

use std::path::Path;

use melisma_sdk::arrow::array::RecordBatch;
use melisma_sdk::arrow::array::cast::AsArray as _;
use melisma_sdk::arrow::schema::DataType;
use melisma_sdk::target::Target as _;
use melisma_sdk::{Cell, CommitMode, Destination as _, Encoder as _, Kind, Row, Sink as _, Text};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::driver::{files, open, read, run, schema};

fn integer() -> Value {
    json!({"type": ["integer", "null"]})
}

fn name(path: &Path) -> String {
    path.file_name().expect("a name").to_string_lossy().into_owned()
}

fn integers(batch: &RecordBatch, column: usize) -> Vec<Option<i64>> {
    batch
        .column(column)
        .as_primitive::<melisma_sdk::arrow::array::types::Int64Type>()
        .iter()
        .collect()
}

#[test]
fn each_commit_is_a_part_and_a_new_schema_a_new_part() {
    let folder = TempDir::new().expect("a folder");
    let target = open(folder.path(), &json!({})).expect("opens");
    let (one, two) = (json!({"a": integer()}), json!({"a": integer(), "b": integer()}));
    run(
        &target,
        &[
            (one.clone(), &[&[Cell::Int(1)], &[Cell::Null]]),
            (one, &[]),
            (two, &[&[Cell::Int(3), Cell::Absent]]),
        ],
    )
    .expect("runs");
    let files = files(folder.path());
    assert_eq!(files.len(), 2, "{files:?}");
    assert!(name(&files[0]).ends_with("Z-000001.parquet"), "{files:?}");
    let (first, second) = (read(&files[0]).0, read(&files[1]).0);
    assert_eq!(integers(&first, 0), [Some(1), None]);
    assert_eq!(
        (integers(&second, 0), integers(&second, 1)),
        (vec![Some(3)], vec![None])
    );
}

#[test]
fn an_unfinished_part_does_not_appear() {
    let folder = TempDir::new().expect("a folder");
    let target = open(folder.path(), &json!({})).expect("opens");
    let schema = schema(&json!({"a": integer()}));
    let mut encoder = target.encoder(&schema).expect("an encoder");
    encoder
        .push(&Row {
            cells: vec![Cell::Int(1)],
            ..Row::default()
        })
        .expect("taken");
    let mut sink = target.sink(&mut (), &schema).expect("a sink");
    sink.write(&mut (), encoder.finish().expect("a batch"))
        .expect("written");
    assert!(
        files(folder.path())
            .iter()
            .all(|path| name(path).starts_with('.'))
    );
    drop(sink);
    assert!(files(folder.path()).is_empty());
}

#[test]
fn replacing_is_for_the_end() {
    let folder = TempDir::new().expect("a folder");
    let (one, two) = (json!({"a": integer()}), json!({"b": integer()}));
    let replace = json!({"write_mode": "replace"});
    let names = || {
        files(folder.path())
            .iter()
            .map(|path| name(path))
            .collect::<Vec<_>>()
    };

    let target = open(folder.path(), &replace).expect("opens");
    assert_eq!(target.commit_mode(), CommitMode::AtEnd);
    let rows: &[&[Cell<'_>]] = &[&[Cell::Int(1)]];
    run(
        &target,
        &[(one.clone(), rows), (two.clone(), rows), (one.clone(), rows)],
    )
    .expect("runs");
    assert_eq!(names(), ["s.2.parquet", "s.3.parquet", "s.parquet"]);

    // Fewer changes: the files of the run before are gone with it.
    run(
        &open(folder.path(), &replace).expect("opens"),
        &[(two, rows), (one.clone(), rows)],
    )
    .expect("runs");
    assert_eq!(names(), ["s.2.parquet", "s.parquet"]);

    run(&open(folder.path(), &replace).expect("opens"), &[(one, &[])]).expect("runs");
    assert_eq!(names(), ["s.parquet"]);
    let (batch, _) = read(&folder.path().join("s.parquet"));
    assert_eq!(
        (batch.num_rows(), batch.schema().field(0).data_type()),
        (0, &DataType::Int64)
    );
}

#[test]
fn row_groups_end_by_rows_or_bytes() {
    let rows: Vec<[Cell<'_>; 1]> = (0..10_000_i64)
        .map(|i| [Cell::Int(i.wrapping_mul(0x1E37_79B9_7F4A_7C15))])
        .collect();
    let rows: Vec<&[Cell<'_>]> = rows.iter().map(<[Cell<'_>; 1]>::as_slice).collect();
    // Ten batches into one file.
    let steps: Vec<_> = (0..10)
        .map(|_| (json!({"a": integer()}), rows.as_slice()))
        .collect();
    for (mut settings, groups) in [
        (json!({}), 1),
        (json!({"row_group_rows": 30_000}), 4),
        (json!({"row_group_bytes": 1_000, "compression": "none"}), 10),
    ] {
        let folder = TempDir::new().expect("a folder");
        settings["write_mode"] = json!("replace");
        run(&open(folder.path(), &settings).expect("opens"), &steps).expect("runs");
        let (batch, metadata) = read(&files(folder.path())[0]);
        assert_eq!(batch.num_rows(), 100_000);
        assert_eq!(metadata.num_row_groups(), groups, "{settings}");
    }
}

#[test]
fn a_column_whose_values_hardly_repeat_gets_no_dictionary() {
    let texts: Vec<String> = (0..30_000).map(|i| format!("text {i}")).collect();
    let decimals: Vec<String> = (0..30_000).map(|i| format!("{i}7919")).collect();
    let rows: Vec<[Cell<'_>; 6]> = texts
        .iter()
        .zip(&decimals)
        .zip(0_i64..)
        .map(|((text, decimal), i)| {
            [
                Cell::Int(i * 7919),
                Cell::Int(i % 100),
                Cell::Text(Text::plain(text)),
                Cell::Text(Text::plain(if i % 2 == 0 { "even" } else { "odd" })),
                Cell::Null,
                Cell::Text(Text::plain(decimal)),
            ]
        })
        .collect();
    let rows: Vec<&[Cell<'_>]> = rows.iter().map(<[Cell<'_>; 6]>::as_slice).collect();
    let text = json!({"type": "string"});
    let properties = json!({
        "a": integer(), "b": integer(), "c": text, "d": text, "e": {"type": ["null", "integer"]},
        "f": {"type": "string", "format": "singer.decimal", "precision": 30, "scale": 0},
    });
    let folder = TempDir::new().expect("a folder");
    let target = open(folder.path(), &json!({"row_group_rows": 10_000})).expect("opens");
    run(&target, &[(properties, &rows)]).expect("runs");
    let (batch, metadata) = read(&files(folder.path())[0]);
    assert_eq!(integers(&batch, 0)[29_999], Some(29_999 * 7919));
    assert_eq!(batch.column(2).as_string::<i32>().value(29_999), "text 29999");
    let has_dictionary = |group: usize| -> Vec<bool> {
        let columns = metadata.row_group(group).columns().iter();
        columns
            .map(|column| column.dictionary_page_offset().is_some())
            .collect()
    };
    assert_eq!(metadata.num_row_groups(), 3);
    for group in 0..3 {
        assert_eq!(has_dictionary(group)[..4], [false, true, false, true]);
        assert_eq!(
            has_dictionary(group)[4],
            has_dictionary(0)[4],
            "nothing to conclude from nulls"
        );
        // The parquet crate encodes it, and tells only afterwards what the dictionary has saved.
        assert_eq!(has_dictionary(group)[5], group == 0);
    }
}

#[test]
fn compression_is_a_choice() {
    use parquet::basic::Compression;

    for (setting, codec) in [("zstd", "ZSTD"), ("snappy", "SNAPPY"), ("none", "UNCOMPRESSED")] {
        let folder = TempDir::new().expect("a folder");
        let target = open(folder.path(), &json!({"compression": setting})).expect("opens");
        run(&target, &[(json!({"a": integer()}), &[&[Cell::Int(1)]])]).expect("runs");
        let (_, metadata) = read(&files(folder.path())[0]);
        let found: Compression = metadata.row_group(0).column(0).compression();
        assert!(found.to_string().starts_with(codec), "{found}");
    }
}

#[test]
fn what_parquet_can_not_do_is_refused() {
    let folder = TempDir::new().expect("a folder");
    for settings in [
        json!({"write_mode": "append"}),
        json!({"overwrite_behavior": "append_file"}),
        json!({"compression_level": 23}),
        json!({"row_group_rows": 0}),
    ] {
        assert_eq!(
            open(folder.path(), &settings).expect_err("refused").kind(),
            Kind::Config,
            "{settings}"
        );
    }
}
