//! Columns encoded here beside those that the parquet crate encodes.

use std::sync::Arc;

use bytes::Bytes;
use melisma_sdk::arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    Time64MicrosecondArray, TimestampMicrosecondArray,
};
use melisma_sdk::arrow::schema::SchemaRef;
use melisma_sdk::files::Partial;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::{ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::page_index::offset_index::OffsetIndexMetaData;
use parquet::file::properties::WriterProperties;
use parquet::file::statistics::Statistics;
use proptest::prelude::*;

use crate::group::OpenFile;

const NAMES: [&str; 11] = [
    "integer",
    "double",
    "date",
    "time",
    "timestamp",
    "text",
    "long",
    "short_decimal",
    "decimal",
    "large_decimal",
    "boolean",
];

/// The first of them are encoded here, the others by the parquet crate.
const OURS: usize = 9;

/// A row group of these rows: which value of the pool each cell has, and which batch ends behind it.
fn batches(rows: &[(Option<u8>, bool)]) -> Vec<RecordBatch> {
    let ends = rows.iter().map(|(_, is_last)| *is_last);
    let groups = ends
        .enumerate()
        .filter_map(|(at, is_last)| is_last.then_some(at + 1));
    let ends: Vec<usize> = groups.chain([rows.len()]).collect();
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let parts = starts.zip(&ends).map(|(start, end)| &rows[start..*end]);
    parts.filter(|part| !part.is_empty()).map(batch).collect()
}

fn batch(rows: &[(Option<u8>, bool)]) -> RecordBatch {
    let cells = || rows.iter().map(|(cell, _)| *cell);
    let number = |cell: u8| match cell {
        0 => i64::MIN,
        1 => i64::MAX,
        _ => i64::from(cell) - 60,
    };
    let double = |cell: u8| match cell {
        0 => -0.0,
        1 => 0.0,
        2 => f64::NEG_INFINITY,
        3 => f64::MIN_POSITIVE,
        _ => (f64::from(cell) - 60.0) / 8.0,
    };
    let decimal = |digits: i128, precision| {
        let values: Decimal128Array = cells()
            .map(|cell| cell.map(|cell| i128::from(cell) * digits - 50))
            .collect();
        values.with_precision_and_scale(precision, 2).expect("fits")
    };
    let text = |cell: Option<u8>| cell.map(|cell| "xé".repeat(usize::from(cell % 20)));
    let long = |cell: Option<u8>| cell.map(|cell| format!("{}{cell}", "prefix é".repeat(7)));
    let integers: Int64Array = cells().map(|cell| cell.map(number)).collect();
    let doubles: Float64Array = cells().map(|cell| cell.map(double)).collect();
    let dates: Date32Array = cells()
        .map(|cell| cell.map(|cell| i32::from(cell) - 100))
        .collect();
    let times: Time64MicrosecondArray = cells()
        .map(|cell| cell.map(|cell| i64::from(cell) * 1_000_003))
        .collect();
    let timestamps: TimestampMicrosecondArray = cells()
        .map(|cell| cell.map(|cell| i64::from(cell) << 40))
        .collect();
    let columns: [ArrayRef; NAMES.len()] = [
        Arc::new(integers),
        Arc::new(doubles),
        Arc::new(dates),
        Arc::new(times),
        Arc::new(timestamps.with_timezone("UTC")),
        Arc::new(cells().map(text).collect::<StringArray>()),
        Arc::new(cells().map(long).collect::<StringArray>()),
        Arc::new(decimal(1, 5)),
        Arc::new(decimal(1_000_000_007, 15)),
        Arc::new(decimal(10_i128.pow(25), 38)),
        Arc::new(
            cells()
                .map(|cell| cell.map(|cell| cell % 2 == 0))
                .collect::<BooleanArray>(),
        ),
    ];
    let columns = NAMES
        .into_iter()
        .zip(columns)
        .map(|(name, column)| (name, column, true));
    RecordBatch::try_from_iter_with_nullable(columns).expect("a batch")
}

fn properties(compression: Compression, page_rows: usize) -> WriterProperties {
    let builder = WriterProperties::builder().set_compression(compression);
    builder.set_data_page_row_count_limit(page_rows).build()
}

/// The bytes of a file that this target writes.
fn file(batches: &[RecordBatch], properties: WriterProperties) -> Bytes {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rows.parquet");
    let partial = Partial::create(&path).expect("made");
    let mut file = OpenFile::begin(partial, &batches[0].schema(), properties).expect("begun");
    file.write(batches.to_vec()).expect("written");
    file.finish().expect("whole").publish().expect("published");
    std::fs::read(path).expect("read").into()
}

/// And of one that the parquet crate writes, which ends a page only behind rows that it is given together.
fn reference(rows: &RecordBatch, page_rows: usize, properties: WriterProperties) -> Bytes {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, rows.schema(), Some(properties)).expect("begun");
    for start in (0..rows.num_rows()).step_by(page_rows) {
        let page = rows.slice(start, page_rows.min(rows.num_rows() - start));
        writer.write(&page).expect("written");
    }
    writer.close().expect("whole");
    bytes.into()
}

fn metadata(file: &Bytes) -> ParquetMetaData {
    let reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Required);
    reader.parse_and_finish(file).expect("metadata")
}

/// All rows of a file.
fn rows(file: &Bytes) -> (SchemaRef, Vec<RecordBatch>) {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file.clone()).expect("a file");
    let schema = Arc::clone(builder.schema());
    let reader = builder.with_batch_size(1 << 20).build().expect("rows");
    (schema, reader.map(|batch| batch.expect("a batch")).collect())
}

/// What readers decide by.
fn known(chunk: &ColumnChunkMetaData) -> impl PartialEq + std::fmt::Debug {
    (
        chunk.statistics().cloned(),
        chunk.num_values(),
        chunk.compression(),
        chunk.unencoded_byte_array_data_bytes(),
        chunk.definition_level_histogram().cloned(),
        chunk.dictionary_page_offset().is_some(),
        chunk.encodings().collect::<Vec<_>>(),
    )
}

/// Where pages start, and the bytes of their texts.
fn starts(index: Option<&OffsetIndexMetaData>) -> (Vec<i64>, Option<Vec<i64>>) {
    let index = index.expect("every column has one");
    let first = index.page_locations().iter().map(|page| page.first_row_index);
    (first.collect(), index.unencoded_byte_array_data_bytes().cloned())
}

fn compression() -> impl Strategy<Value = Compression> {
    prop::sample::select(vec![
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::ZSTD(ZstdLevel::default()),
    ])
}

/// Rows of which some are null, none, or all; few of them end a batch.
fn some_rows() -> impl Strategy<Value = Vec<(Option<u8>, bool)>> {
    // Nulls of ten.
    let nulls = prop::sample::select(vec![0_u8, 5, 10]);
    (nulls, 1_u8..=120).prop_flat_map(|(nulls, values)| {
        let cell =
            (0..values, 0_u8..10).prop_map(move |(value, is_null)| (is_null >= nulls).then_some(value));
        prop::collection::vec((cell, prop::bool::weighted(0.02)), 1..400)
    })
}

proptest! {
    #[test]
    fn a_file_has_the_rows_and_the_metadata_of_one_by_the_parquet_crate(
        cells in some_rows(),
        compression in compression(),
        page_rows in 1_usize..200,
    ) {
        let properties = properties(compression, page_rows);
        let (ours, theirs) = (
            file(&batches(&cells), properties.clone()),
            reference(&batch(&cells), page_rows, properties),
        );
        prop_assert_eq!(rows(&ours), rows(&theirs));
        let (ours, theirs) = (metadata(&ours), metadata(&theirs));
        let (group, expected) = (ours.row_group(0), theirs.row_group(0));
        for ((chunk, expected), name) in group.columns().iter().zip(expected.columns()).zip(NAMES) {
            prop_assert_eq!(known(chunk), known(expected), "{}", name);
        }
        let (pages, expected) = (ours.page_index_for_row_group(0), theirs.page_index_for_row_group(0));
        // Columns that are encoded here have pages of as many rows, whatever batches they came in.
        let has_values = cells.iter().any(|(cell, _)| cell.is_some());
        for (at, name) in NAMES.into_iter().enumerate().take(if has_values { OURS } else { 0 }) {
            prop_assert_eq!(pages.column_index(at), expected.column_index(at), "{}", name);
            prop_assert_eq!(starts(pages.offset_index(at)), starts(expected.offset_index(at)), "{}", name);
        }
    }
}

#[test]
fn a_column_with_nan_has_the_bounds_of_its_numbers() {
    let doubles = [Some(1.5), Some(f64::NAN), None, Some(-2.0)];
    let doubles: ArrayRef = Arc::new(doubles.into_iter().collect::<Float64Array>());
    let rows = RecordBatch::try_from_iter_with_nullable([("double", doubles, true)]).expect("a batch");
    let metadata = metadata(&file(&[rows], properties(Compression::UNCOMPRESSED, 100)));
    let statistics = metadata.row_group(0).column(0).statistics().expect("statistics");
    let Statistics::Double(bounds) = statistics else {
        panic!("of doubles: {statistics:?}")
    };
    let found = (
        bounds.min_opt(),
        bounds.max_opt(),
        bounds.nan_count_opt(),
        bounds.null_count_opt(),
    );
    assert_eq!(found, (Some(&-2.0), Some(&1.5), Some(1), Some(1)));
}
